/** Memory of processes by what they do, from /proc/PID/smaps_rollup (proc(5)). */

import { readFileSync } from 'node:fs';
import { basename } from 'node:path';

export interface MemoryUse {
  role: 'daemon' | 'containerd' | 'ports';
  /** How many processes, and which. */
  count: number;
  pids: number[];
  /** MB (10^6 bytes): what is in memory, and the same with shared pages divided among those who share them. */
  rss: number;
  pss: number;
  /** MB that are no pages of a file: what would be free without them. */
  anonymous: number;
}

/** What a process is there for; undefined for what belongs to a single container. */
function roleOf(words: readonly string[]): MemoryUse['role'] | undefined {
  const program = basename(words[0] ?? '');
  if (program === 'dockerd' || words.some((word) => /\/src\/daemon\.[jt]s$/.test(word))) return 'daemon';
  if (program === 'containerd') return 'containerd';
  if (program === 'docker-proxy' || words.some((word) => /\/src\/proxy\/main\.[jt]s$/.test(word)))
    return 'ports';
  return undefined;
}

export function memoryOf(pids: readonly number[]): MemoryUse[] {
  const uses = new Map<MemoryUse['role'], MemoryUse>();
  for (const pid of pids) {
    try {
      const role = roleOf(readFileSync(`/proc/${pid}/cmdline`, 'utf8').split('\0'));
      if (role === undefined) continue;
      const text = readFileSync(`/proc/${pid}/smaps_rollup`, 'utf8');
      const megabytes = (name: string) =>
        (Number(new RegExp(`^${name}: +(\\d+) kB`, 'm').exec(text)?.[1] ?? 0) * 1024) / 1e6;
      const use = uses.get(role) ?? { role, count: 0, pids: [], rss: 0, pss: 0, anonymous: 0 };
      uses.set(role, {
        role,
        count: use.count + 1,
        pids: [...use.pids, pid],
        rss: use.rss + megabytes('Rss'),
        pss: use.pss + megabytes('Pss'),
        anonymous: use.anonymous + megabytes('Anonymous'),
      });
    } catch {
      // It ended between the list and the look.
    }
  }
  return [...uses.values()];
}
