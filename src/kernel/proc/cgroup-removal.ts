/** Takes cgroups away together with what runs in them (cgroups(7)). */

import { existsSync, readdirSync, readFileSync, rmdirSync, writeFileSync } from 'node:fs';
import { join } from 'node:path';
import { setTimeout as sleep } from 'node:timers/promises';
import { internal } from '../../base/errors.ts';
import { listMounts, type Mount } from '../mounts/mountinfo.ts';

/** Milliseconds that killed processes may take to go, and between looks. */
const PATIENCE = { all: 5000, interval: 10 };

/**
 * Kills every process of the groups of this path, and of those below, in every hierarchy, and removes the groups.
 *
 * @param path from the top of the hierarchies: `/parent/name`; where there is none, nothing is done
 * @param mounts the mount table; read anew by default
 * @throws `internal` when processes are still there after 5 s
 */
export async function removeCgroups(path: string, mounts: readonly Mount[] = listMounts()): Promise<void> {
  const tops = mounts.flatMap(({ type, target }) => (type.startsWith('cgroup') ? [join(target, path)] : []));
  const groups = new Set(tops);
  for (const until = performance.now() + PATIENCE.all; ; await sleep(PATIENCE.interval)) {
    for (const group of groups) removeTree(group);
    if (![...groups].some(existsSync)) return;
    if (performance.now() > until) throw internal(`remove cgroup "${path}": processes of it do not end`);
  }
}

/** One try, from the bottom: a group goes once the last of its processes has gone. */
function removeTree(group: string): void {
  if (!existsSync(group)) return;
  attempt(() => {
    const below = readdirSync(group, { withFileTypes: true }).filter((entry) => entry.isDirectory());
    for (const { name } of below) removeTree(join(group, name));
  });
  attempt(() => {
    for (const pid of readFileSync(join(group, 'cgroup.procs'), 'utf8').split('\n').filter(Boolean)) {
      attempt(() => process.kill(Number(pid), 'SIGKILL'));
    }
  });
  // A frozen process of version 1 does not even die.
  const freezer = join(group, 'freezer.state');
  if (existsSync(freezer)) attempt(() => writeFileSync(freezer, 'THAWED'));
  attempt(() => rmdirSync(group));
}

/** What goes by itself meanwhile is fine; what stays is tried again. */
function attempt(step: () => void): void {
  try {
    step();
  } catch {
    // As said.
  }
}
