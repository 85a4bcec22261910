/** Extended attributes (xattr(7)) of a file itself; a symbolic link is not followed. */

import { errnoError, errnoName } from '../ffi/errno.ts';
import { check, lastErrno, libc } from '../ffi/libc.ts';
import { pathBytes } from './open-in-root.ts';

/** `#define XATTR_SIZE_MAX 65536` */
const XATTR_SIZE_MAX = 65_536;
const NONE = new Set(['ENODATA', 'EOPNOTSUPP']);

/** Undefined when the file has none of this name, or its filesystem keeps none at all. */
export function readXattr(path: string | Uint8Array, name: string): Buffer | undefined {
  const at = pathBytes(path);
  const probe = libc().lgetxattr(at, name, null, 0);
  if (probe <= 0) return probe === 0 ? Buffer.alloc(0) : missing(path, name);
  const value = Buffer.alloc(XATTR_SIZE_MAX);
  const length = libc().lgetxattr(at, name, value, value.length);
  return length < 0 ? missing(path, name) : value.subarray(0, length);
}

/** @throws errno EOPNOTSUPP when the filesystem keeps none, EPERM when it may not be set */
export function writeXattr(path: string | Uint8Array, name: string, value: Uint8Array): void {
  check(
    libc().lsetxattr(pathBytes(path), name, value, value.length, 0),
    () => `set attribute ${name} of ${path.toString()}`,
  );
}

function missing(path: string | Uint8Array, name: string): undefined {
  const errno = lastErrno();
  if (!NONE.has(errnoName(errno))) throw errnoError(`read attribute ${name} of ${path.toString()}`, errno);
}
