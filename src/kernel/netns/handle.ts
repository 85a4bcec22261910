/** A network namespace held open by a descriptor, and what names a namespace: its inode. */
import { fstatSync, statSync } from 'node:fs';
import { internal } from '../../base/errors.ts';
import { errnoError } from '../ffi/errno.ts';
import { check, lastErrno, libc } from '../ffi/libc.ts';
import { CLONE_NEWNET, NS_GET_NSTYPE, O_CLOEXEC, O_RDONLY } from './constants.ts';

/** `/proc/thread-self`, not `/proc/self`: the latter is the thread-group leader, wrong inside a worker thread. */
export const OWN_NETNS = '/proc/thread-self/ns/net';

/** The namespace lives at least as long as the handle is open. */
export interface NetnsHandle extends Disposable {
  readonly fd: number;
  /** Names the namespace, as `readlink /proc/PID/ns/net` shows it: `net:[4026531840]`. Reused once it is gone. */
  readonly inode: number;
  /** Where it was opened, for messages. */
  readonly path: string;
  /** Idempotent. */
  close(): void;
}

/**
 * Opens a namespace by path: a bind mount (`/run/netns/x`), or `/proc/PID/ns/net`.
 *
 * @throws errno ENOENT when the path is missing; `internal` without errno when the file is no network namespace (the
 *   empty file that is left when a bind mount is undone)
 */
export function openNetns(path: string): NetnsHandle {
  const fd = check(libc().open(path, O_RDONLY | O_CLOEXEC, 0), () => `open network namespace ${path}`);
  // ioctl_ns(2): only a namespace file answers NS_GET_NSTYPE. setns(2) with the type would catch it too, but late.
  if (libc().ioctl(fd, NS_GET_NSTYPE, null) !== CLONE_NEWNET) {
    libc().close(fd);
    throw internal(`open network namespace ${path}: the file is not a network namespace`);
  }
  const inode = fstatSync(fd).ino;
  let open = true;
  const close = () => {
    if (!open) return;
    open = false;
    libc().close(fd);
  };
  return { fd, inode, path, close, [Symbol.dispose]: close };
}

/** Opens the namespace this thread is in now. */
export function openCurrentNetns(): NetnsHandle {
  return openNetns(OWN_NETNS);
}

/** The inode of the namespace at `path`; `undefined` when there is none (missing, or no longer a namespace). */
export function netnsInode(path: string): number | undefined {
  const fd = libc().open(path, O_RDONLY | O_CLOEXEC, 0);
  if (fd < 0) {
    const errno = lastErrno();
    const error = errnoError(`open network namespace ${path}`, errno);
    if (error.errno === 'ENOENT' || error.errno === 'ENOTDIR') return undefined;
    throw error;
  }
  try {
    return libc().ioctl(fd, NS_GET_NSTYPE, null) === CLONE_NEWNET ? fstatSync(fd).ino : undefined;
  } finally {
    libc().close(fd);
  }
}

/** The inode of the namespace this thread is in now. */
export function currentNetnsInode(): number {
  return statSync(OWN_NETNS).ino;
}
