/** Exclusive locks: flock(2). */

import { errnoError, isErrno } from '../ffi/errno.ts';
import { check, lastErrno, libc } from '../ffi/libc.ts';

/** `O_RDONLY | O_CLOEXEC` of `<fcntl.h>`. */
const OPEN_FLAGS = 0o2000000;
/** `LOCK_EX | LOCK_NB` of `<sys/file.h>`. */
const LOCK = 2 | 4;

/**
 * Locks a file or a folder for this process, until it is disposed of or the process ends, however it ends. Undefined when somebody else
 * has it locked: also this process, by an earlier call.
 */
export function tryLock(path: string): Disposable | undefined {
  const fd = check(libc().open(path, OPEN_FLAGS, 0), () => `open ${path}`);
  if (libc().flock(fd, LOCK) < 0) {
    const error = errnoError(`lock ${path}`, lastErrno());
    libc().close(fd);
    if (isErrno(error, 'EAGAIN')) return undefined;
    throw error;
  }
  return { [Symbol.dispose]: () => void libc().close(fd) };
}
