/**
 * Opening a path inside a directory tree that somebody else may change meanwhile: openat2(2). The kernel resolves every component, so
 * there is no gap between a check and the use.
 */

import { errnoError, errnoName } from '../ffi/errno.ts';
import { callAsync, lastErrno, libc } from '../ffi/libc.ts';

/** `#define __NR_openat2 437`, the same on every architecture. */
const NR_OPENAT2 = 437;
/** `#define O_PATH 010000000` (asm-generic/fcntl.h): a handle for the place in the tree; the file itself is not opened. */
export const O_PATH = 0o10000000;
/** `#define O_CLOEXEC 02000000` */
const O_CLOEXEC = 0o2000000;
/** `#define RESOLVE_NO_MAGICLINKS 0x02`: the links below /proc/PID that lead anywhere are refused (ELOOP). */
const RESOLVE_NO_MAGICLINKS = 0x02;
/** `#define RESOLVE_IN_ROOT 0x10`: `/` and `..` mean what they would after a chroot(2) to the directory. */
const RESOLVE_IN_ROOT = 0x10;
/** `struct open_how { u64 flags; u64 mode; u64 resolve; }` */
const OPEN_HOW_LENGTH = 24;
/** The kernel gives up with EAGAIN when something was renamed while it resolved a `..`. */
const ATTEMPTS = 128;

/**
 * Opens `path` as a process would whose root directory is `root`: absolute links and `..` stay below it, whatever is renamed or
 * relinked while we look. Links of /proc are not followed.
 *
 * @param flags of open(2); O_CLOEXEC is added
 * @returns a descriptor, which the caller closes
 * @throws errno ENOENT, ENOTDIR, ELOOP, EROFS … as open(2)
 */
export function openInRootSync(root: number, path: string | Uint8Array, flags: number): number {
  const how = openHow(flags);
  const name = pathBytes(path);
  for (let attempt = 1; ; attempt++) {
    const fd = libc().openat2(NR_OPENAT2, root, name, how, OPEN_HOW_LENGTH);
    if (fd >= 0) return fd;
    refuse(path, lastErrno(), attempt);
  }
}

/** The same on a thread of libuv's pool: a filesystem that does not answer (NFS, FUSE) holds up nobody else. */
export async function openInRoot(root: number, path: string | Uint8Array, flags: number): Promise<number> {
  const how = openHow(flags);
  const name = pathBytes(path);
  for (let attempt = 1; ; attempt++) {
    const { result, errno } = await callAsync(libc().openat2, NR_OPENAT2, root, name, how, OPEN_HOW_LENGTH);
    if (result >= 0) return result;
    refuse(path, errno, attempt);
  }
}

function openHow(flags: number): Buffer {
  const how = Buffer.alloc(OPEN_HOW_LENGTH);
  how.writeBigUInt64LE(BigInt(flags | O_CLOEXEC), 0);
  how.writeBigUInt64LE(BigInt(RESOLVE_IN_ROOT | RESOLVE_NO_MAGICLINKS), 16);
  return how;
}

/** Throws unless it is worth another attempt. */
function refuse(path: string | Uint8Array, errno: number, attempt: number): void {
  const retry = ['EAGAIN', 'EINTR'].includes(errnoName(errno));
  if (!retry || attempt === ATTEMPTS) throw errnoError(`open ${path.toString()}`, errno);
}

/** A path as C reads it. */
export function pathBytes(path: string | Uint8Array): Buffer {
  return Buffer.concat([typeof path === 'string' ? Buffer.from(path) : path, Buffer.of(0)]);
}
