/** Which program holds a socket. Reads /proc; a socket is named there by its inode. */

import { readdirSync, readFileSync, readlinkSync, statSync } from 'node:fs';

/** Name of the process (`/proc/PID/comm`); undefined when none is found. @param netns inode of the socket's namespace */
export function programOfSocket(inode: number, netns: number): string | undefined {
  const wanted = `socket:[${inode}]`;
  for (const pid of readdirSync('/proc')) {
    if (!/^\d+$/.test(pid)) continue;
    try {
      // A holder of the socket may have left its namespace, or never been there: those inside are likelier, and enough.
      if (statSync(`/proc/${pid}/ns/net`).ino !== netns) continue;
      const holds = readdirSync(`/proc/${pid}/fd`).some((fd) => linkOf(`/proc/${pid}/fd/${fd}`) === wanted);
      if (holds) return readFileSync(`/proc/${pid}/comm`, 'utf8').trim();
    } catch {
      // It ended, or is not ours to look at.
    }
  }
  return undefined;
}

function linkOf(path: string): string | undefined {
  try {
    return readlinkSync(path);
  } catch {
    return undefined;
  }
}
