/**
 * Takes away whatever a test host was, whatever state it is in. Synchronous, so that it also works when the process is
 * about to end.
 */

import { spawnSync } from 'node:child_process';
import { createHash } from 'node:crypto';
import { existsSync, globSync, readdirSync, readFileSync, rmdirSync, rmSync, statSync } from 'node:fs';
import { basename, join } from 'node:path';

/** What belongs to a test host and is to go. */
export interface Belongings {
  /** Folder of everything on disk; processes that name it in their command line belong to it too. */
  root: string;
  /** Top cgroup of its containers, in every hierarchy. */
  cgroup: string;
  /** Names of its network namespaces. */
  namespaces: readonly string[];
}

/** How long ended processes may take to go, in milliseconds. */
const PATIENCE = 5000;

/** Takes everything away. @returns what is still there, in sentences; nothing when all went well */
export function tearDown(what: Belongings): string[] {
  cutPower(what);
  tryTo(() => rmSync(what.root, { recursive: true, force: true }));
  return remains(what);
}

/** What a machine loses with its power: processes, mounts, cgroups and namespaces. What is on disk stays. */
export function cutPower(what: Belongings): void {
  for (const until = performance.now() + PATIENCE; ; pause(20)) {
    const pids = processes(what);
    for (const pid of pids) {
      removeShimSocket(pid);
      kill(pid);
    }
    if (pids.length === 0 || performance.now() > until) break;
  }
  const points = mounts(what.root);
  if (points.length > 0) spawnSync('umount', ['-l', ...points], { stdio: 'ignore' });
  for (let attempt = 0; attempt < 20 && cgroups(what.cgroup).length > 0; attempt++) {
    if (attempt > 0) pause(20);
    for (const path of cgroups(what.cgroup)) tryTo(() => rmdirSync(path));
  }
  for (const name of what.namespaces) spawnSync('ip', ['netns', 'delete', name], { stdio: 'ignore' });
}

/** What of it is still there. */
export function remains(what: Belongings): string[] {
  return [
    ...processes(what).map((pid) => `process ${pid}: ${commandLine(pid)}`),
    ...mounts(what.root).map((point) => `mount ${point}`),
    ...cgroups(what.cgroup).map((path) => `cgroup ${path}`),
    ...what.namespaces
      .filter((name) => existsSync(`/run/netns/${name}`))
      .map((name) => `network namespace ${name}`),
    ...(existsSync(what.root) ? [`folder ${what.root}`] : []),
  ];
}

/** Processes that name the root, run in one of the namespaces or belong to one of the cgroups; never ourselves. */
function processes(what: Belongings): number[] {
  const inodes = what.namespaces.flatMap((name) => inode(`/run/netns/${name}`));
  const contained = new Set(
    cgroups(what.cgroup).flatMap((path) => read(join(path, 'cgroup.procs')).split('\n').map(Number)),
  );
  return readdirSync('/proc')
    .map(Number)
    .filter((pid) => pid > 1 && pid !== process.pid)
    .filter(
      (pid) =>
        contained.has(pid) ||
        commandLine(pid).includes(`${what.root}/`) ||
        inode(`/proc/${pid}/ns/net`).some((one) => inodes.includes(one)),
    )
    .filter((pid) => !/^\d+ \(.*\) [ZX] /s.test(read(`/proc/${pid}/stat`)));
}

function commandLine(pid: number): string {
  return read(`/proc/${pid}/cmdline`).replaceAll('\0', ' ').trim();
}

function kill(pid: number): void {
  tryTo(() => process.kill(pid, 'SIGKILL'));
}

/**
 * A killed containerd shim leaves its socket behind, in a folder that all of a machine's containerds share. Its name is
 * the hash of containerd's socket, namespace and the container's id (containerd 1.6, runtime/v2/shim/util_unix.go).
 */
function removeShimSocket(pid: number): void {
  const words = read(`/proc/${pid}/cmdline`).split('\0');
  if (basename(words[0] ?? '') !== 'containerd-shim-runc-v2') return;
  const after = (flag: string) => words[words.indexOf(flag) + 1] ?? '';
  const hash = createHash('sha256').update(join(after('-address'), after('-namespace'), after('-id')));
  rmSync(`/run/containerd/s/${hash.digest('hex')}`, { force: true });
}

/** Mount points at or below a folder, the deepest first. */
export function mounts(root: string): string[] {
  return read('/proc/self/mountinfo')
    .split('\n')
    .map((line) => line.split(' ')[4] ?? '')
    .filter((point) => point === root || point.startsWith(`${root}/`))
    .reverse();
}

/** Folders of a cgroup in all hierarchies, the deepest first. */
export function cgroups(name: string): string[] {
  return globSync([`/sys/fs/cgroup/*/${name}`, `/sys/fs/cgroup/*/${name}/**/`, `/sys/fs/cgroup/${name}/**/`])
    .map((path) => path.replace(/\/$/, ''))
    .filter((path, index, all) => all.indexOf(path) === index)
    .sort((a, b) => b.length - a.length);
}

function inode(path: string): number[] {
  try {
    return [statSync(path).ino];
  } catch {
    return [];
  }
}

function read(path: string): string {
  try {
    return readFileSync(path, 'utf8');
  } catch {
    return '';
  }
}

function pause(milliseconds: number): void {
  Atomics.wait(new Int32Array(new SharedArrayBuffer(4)), 0, 0, milliseconds);
}

function tryTo(step: () => void): void {
  try {
    step();
  } catch {
    // It has gone already, or will be named among what remains.
  }
}
