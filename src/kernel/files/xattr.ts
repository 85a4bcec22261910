/** Extended attributes (xattr(7)) of open files. A descriptor of O_PATH will not do. */

import { errnoError, errnoName } from '../ffi/errno.ts';
import { check, lastErrno, libc } from '../ffi/libc.ts';

/** `#define XATTR_SIZE_MAX 65536` */
const XATTR_SIZE_MAX = 65_536;
const NONE = new Set(['ENODATA', 'EOPNOTSUPP']);

/** Undefined when the file has none of this name, or its filesystem keeps none at all. */
export function readXattr(fd: number, name: string): Buffer | undefined {
  // Most files have none: the size alone is asked for first.
  const size = libc().fgetxattr(fd, name, null, 0);
  if (size < 0) return missing(fd, name);
  const value = Buffer.alloc(XATTR_SIZE_MAX);
  const length = libc().fgetxattr(fd, name, value, value.length);
  return length < 0 ? missing(fd, name) : value.subarray(0, length);
}

/** @throws errno EOPNOTSUPP when the filesystem keeps none, EPERM when it may not be set */
export function writeXattr(fd: number, name: string, value: Uint8Array): void {
  check(
    libc().fsetxattr(fd, name, value, value.length, 0),
    () => `set attribute ${name} of descriptor ${fd}`,
  );
}

function missing(fd: number, name: string): undefined {
  const errno = lastErrno();
  if (!NONE.has(errnoName(errno))) throw errnoError(`read attribute ${name} of descriptor ${fd}`, errno);
}
