/** Which program holds a socket. Reads /proc; a socket is named there by its inode. */

import { readdirSync, readFileSync, readlinkSync, statSync } from 'node:fs';
import { basename } from 'node:path';

/** Name of the process; undefined when none is found. @param netns inode of the socket's namespace */
export function programOfSocket(inode: number, netns: number): string | undefined {
  const wanted = `socket:[${inode}]`;
  for (const pid of readdirSync('/proc')) {
    if (!/^\d+$/.test(pid)) continue;
    try {
      // A holder of the socket may have left its namespace, or never been there: those inside are likelier, and enough.
      if (statSync(`/proc/${pid}/ns/net`).ino !== netns) continue;
      const holds = readdirSync(`/proc/${pid}/fd`).some((fd) => linkOf(`/proc/${pid}/fd/${fd}`) === wanted);
      if (holds) return programName(pid);
    } catch {
      // It ended, or is not ours to look at.
    }
  }
  return undefined;
}

/** A thread may call itself otherwise than its program (`MainThread`), and a program of many names (busybox) has one file. */
function programName(pid: string): string {
  const name = readFileSync(`/proc/${pid}/comm`, 'utf8').trim();
  const file = linkOf(`/proc/${pid}/exe`);
  return file !== undefined && name === 'MainThread' ? basename(file) : name;
}

function linkOf(path: string): string | undefined {
  try {
    return readlinkSync(path);
  } catch {
    return undefined;
  }
}
