/** Finding and watching a process that is not our child, through /proc (proc(5)). */

import { readdir, readFile } from 'node:fs/promises';
import { setTimeout as sleep } from 'node:timers/promises';

/** The arguments of `pid`; empty when it is gone or a kernel thread. */
export async function argumentsOf(pid: number): Promise<string[]> {
  const text = await readFile(`/proc/${pid}/cmdline`, 'utf8').catch(() => '');
  return text.split('\0').slice(0, -1);
}

/** True while `pid` runs; a zombie does not. */
export async function isRunning(pid: number): Promise<boolean> {
  const stat = await readFile(`/proc/${pid}/stat`, 'utf8').catch(() => undefined);
  if (stat === undefined) return false;
  // "pid (comm) state …": comm may hold spaces and parentheses.
  const state = stat.slice(stat.lastIndexOf(')') + 2, stat.lastIndexOf(')') + 3);
  return state !== 'Z' && state !== 'X';
}

/**
 * The process that was started with exactly these trailing arguments. `hint` is looked at first; then all of /proc, for
 * the pid file may be missing or old.
 */
export async function findProcess(trailing: string[], hint?: number): Promise<number | undefined> {
  const matches = async (pid: number) => {
    const found = await argumentsOf(pid);
    // One argument more than `trailing` is the program itself; its children and shims have others.
    return (
      found.length === trailing.length + 1 && trailing.every((value, index) => found[index + 1] === value)
    );
  };
  if (hint !== undefined && (await matches(hint)) && (await isRunning(hint))) return hint;
  for (const name of await readdir('/proc')) {
    const pid = Number(name);
    if (Number.isInteger(pid) && (await matches(pid)) && (await isRunning(pid))) return pid;
  }
  return undefined;
}

/** Resolves when `pid` has ended; looks every `intervalMs`. */
export async function waitUntilGone(pid: number, intervalMs: number, signal?: AbortSignal): Promise<void> {
  while (await isRunning(pid)) await sleep(intervalMs, undefined, { signal });
}
