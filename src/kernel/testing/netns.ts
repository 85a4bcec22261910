/** Namespaces for root tests: made under a directory of their own, gone when the scope ends. Not for the product. */
import { mkdtempSync, readdirSync, rmSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { unmountTree } from '../mounts/index.ts';
import {
  createNetns,
  type NetnsHandle,
  openNetns,
  prepareNetnsDirectory,
  releaseNetnsDirectory,
  removeNetns,
} from '../netns/index.ts';
import { readProcessStat } from '../proc/index.ts';

export interface TestNetworks extends Disposable {
  /** Makes a namespace and opens it; the path is `handle.path`. */
  create(name: string): NetnsHandle;
  readonly directory: string;
}

const PREFIX = 'bp-test-netns-';

/** `using networks = testNetworks(); const host = networks.create('host');` Disposing may be repeated. */
export function testNetworks(): TestNetworks {
  sweep();
  const directory = mkdtempSync(join(tmpdir(), `${PREFIX}${process.pid}-`));
  prepareNetnsDirectory(directory);
  const handles: NetnsHandle[] = [];
  return {
    directory,
    create(name) {
      const path = join(directory, name);
      createNetns(path);
      const handle = openNetns(path);
      handles.push(handle);
      return handle;
    },
    [Symbol.dispose]() {
      for (const handle of handles) {
        handle.close();
        removeNetns(handle.path);
      }
      releaseNetnsDirectory(directory);
      rmSync(directory, { recursive: true, force: true });
    },
  };
}

/** Takes away what test processes that were killed have left: the directory's name tells whose it is. */
function sweep(): void {
  for (const name of readdirSync(tmpdir())) {
    const pid = new RegExp(`^${PREFIX}(\\d+)-`).exec(name)?.[1];
    if (pid === undefined || readProcessStat(Number(pid))) continue;
    const directory = join(tmpdir(), name);
    unmountTree(directory);
    rmSync(directory, { recursive: true, force: true });
  }
}
