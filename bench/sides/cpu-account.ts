/**
 * CPU time by cgroup: the daemon, and every process that it starts, are counted together, those that have ended as well.
 * Unlike the clock it hardly depends on what else the machine does, so that it tells two versions apart even on a busy one.
 */

import { existsSync, mkdirSync, readFileSync, writeFileSync } from 'node:fs';
import { join } from 'node:path';

/** Where hierarchies are mounted: version 1 by controller, or version 2 as a whole. */
const CPUACCT_FOLDERS = ['/sys/fs/cgroup/cpuacct', '/sys/fs/cgroup/cpu,cpuacct'];
const UNIFIED_FOLDER = '/sys/fs/cgroup';

export class CpuAccount {
  readonly #whole: string;
  readonly #daemon: string;

  /** @param cgroup the containers' parent; the daemon gets a group of its own below it */
  constructor(cgroup: string) {
    const top = CPUACCT_FOLDERS.find((folder) => existsSync(join(folder, 'cpuacct.usage'))) ?? UNIFIED_FOLDER;
    this.#whole = join(top, cgroup);
    this.#daemon = join(this.#whole, 'daemon');
    mkdirSync(this.#daemon, { recursive: true });
  }

  /** Takes a process that has just been born; its children will follow. */
  take(pid: number): void {
    writeFileSync(join(this.#daemon, 'cgroup.procs'), `${pid}`);
  }

  processes(): number[] {
    return readFileSync(join(this.#daemon, 'cgroup.procs'), 'utf8').split('\n').filter(Boolean).map(Number);
  }

  milliseconds(): number {
    const first = join(this.#whole, 'cpuacct.usage'); // nanoseconds
    if (existsSync(first)) return Number(readFileSync(first, 'utf8')) / 1e6;
    const second = readFileSync(join(this.#whole, 'cpu.stat'), 'utf8'); // "usage_usec 1234"
    return Number(/^usage_usec (\d+)/m.exec(second)?.[1] ?? Number.NaN) / 1e3;
  }
}
