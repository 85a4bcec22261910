/**
 * Low numbers for the sockets of libraries that wait with select(2), whose sets end at FD_SETSIZE (1024): with a higher one glibc ends the
 * process («bit out of range 0 - FD_SETSIZE on fd_set»). Every container on a network with names takes some descriptors of ours, so that two
 * hundred of them use these numbers up. Some are kept here, by copies of standard input, and lent when such a library opens its socket.
 *
 * Numbers belong to the process, and so does this.
 */
import { fstatSync } from 'node:fs';
import { libc } from './libc.ts';

/** The size of `fd_set`, <sys/select.h>. */
const FD_SETSIZE = 1024;
/** `F_DUPFD_CLOEXEC` of `<fcntl.h>`: a copy with the lowest free number that is at least so high. */
const F_DUPFD_CLOEXEC = 1030;
const STANDARD_INPUT = 0;

/** More than are lent at the same time. */
const KEPT = 16;

const kept: number[] = [];

/** Takes as many as are missing; to be called before others have taken them, and whenever one is given back. */
export function keepLowDescriptors(): void {
  while (kept.length < KEPT) {
    const fd = libc().fcntl(STANDARD_INPUT, F_DUPFD_CLOEXEC, 3);
    if (fd >= 0 && fd < FD_SETSIZE) {
      kept.push(fd);
      continue;
    }
    if (fd >= 0) libc().close(fd);
    return;
  }
}

/**
 * Calls `open` while a low number is the next that the kernel gives.
 *
 * @param undo takes back what `open` did, when another thread was given that number meanwhile; then `open` is called again
 */
export function openLow<T>(open: () => T, undo: (opened: T) => unknown): T {
  keepLowDescriptors();
  for (;;) {
    const lent = kept.pop();
    if (lent !== undefined) libc().close(lent);
    const opened = open();
    if (lent === undefined || opened === null || isSocket(lent)) return opened;
    undo(opened);
  }
}

function isSocket(fd: number): boolean {
  try {
    return fstatSync(fd).isSocket();
  } catch {
    // Another thread had it, and has closed it.
    return false;
  }
}
