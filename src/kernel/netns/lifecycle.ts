/**
 * Making and removing network namespaces that outlive the process: the kernel keeps a namespace while a bind mount of its
 * `/proc/.../ns/net` exists (namespaces(7)), which is also what `ip netns` does.
 */
import { mkdirSync, rmSync } from 'node:fs';
import { errnoError } from '../ffi/errno.ts';
import { check, lastErrno, libc } from '../ffi/libc.ts';
import { MNT_DETACH, MS_BIND, MS_PRIVATE, MS_SHARED, UMOUNT_NOFOLLOW } from '../mounts/constants.ts';
import { CLONE_NEWNET, O_CLOEXEC, O_CREAT, O_EXCL, O_RDONLY } from './constants.ts';
import { OWN_NETNS } from './handle.ts';
import { awayFromHome } from './section.ts';

/**
 * Makes a network namespace, kept alive by a bind mount on `path`, with its loopback interface up.
 *
 * @param path a file that does not exist yet, in a directory made by `prepareNetnsDirectory()`
 * @throws errno EEXIST when `path` exists. Nothing is left behind after any error.
 */
export function createNetns(path: string): void {
  const fd = check(
    libc().open(path, O_RDONLY | O_CREAT | O_EXCL | O_CLOEXEC, 0),
    () => `create network namespace ${path}`,
  );
  libc().close(fd);
  try {
    awayFromHome(() => {
      check(libc().unshare(CLONE_NEWNET), () => `create network namespace ${path}: unshare`);
      bringLoopbackUp(path);
      check(
        libc().mount(OWN_NETNS, path, null, MS_BIND, null),
        () => `create network namespace ${path}: bind mount`,
      );
    });
  } catch (error) {
    rmSync(path, { force: true });
    throw error;
  }
}

/**
 * Gives the calling process's own network namespace a path. What is at `path` already is replaced: it may be the
 * namespace of an earlier process.
 *
 * @param path a file in a directory made by `prepareNetnsDirectory()`
 */
export function bindOwnNetns(path: string): void {
  removeNetns(path);
  const action = `bind own network namespace to ${path}`;
  const fd = check(libc().open(path, O_RDONLY | O_CREAT | O_EXCL | O_CLOEXEC, 0), action);
  libc().close(fd);
  check(libc().mount(OWN_NETNS, path, null, MS_BIND, null), action);
}

/**
 * Takes the bind mount and its file away; the namespace goes when its last process and descriptor do. Idempotent: a path
 * that is missing, or whose mount is gone already, is fine.
 */
export function removeNetns(path: string): void {
  // Two starts may have mounted over each other: every layer has to go before the file can.
  for (;;) {
    if (libc().umount2(path, MNT_DETACH | UMOUNT_NOFOLLOW) === 0) continue;
    const error = errnoError(`remove network namespace ${path}`, lastErrno());
    if (error.errno === 'ENOENT') return;
    // umount(2): EINVAL, target is not a mount point.
    if (error.errno !== 'EINVAL') throw error;
    break;
  }
  rmSync(path, { force: true });
}

/**
 * Makes `directory` a mount of its own with shared propagation, as `ip netns` does with /run/netns. Idempotent.
 *
 * Why: a service that was started with its own mount namespace holds copies of our bind mounts. With shared propagation
 * our unmounting reaches the copies; otherwise they would keep every namespace alive that existed when it started. Unlike
 * `ip netns` the mount first leaves the peer group of its parent (`MS_PRIVATE`), so that each namespace is mounted once
 * and not a second time below.
 */
export function prepareNetnsDirectory(directory: string): void {
  mkdirSync(directory, { recursive: true, mode: 0o711 });
  const action = `prepare network namespace directory ${directory}`;
  if (libc().mount(null, directory, null, MS_SHARED, null) === 0) return;
  const error = errnoError(action, lastErrno());
  // mount(2): EINVAL, the target is not a mount point yet.
  if (error.errno !== 'EINVAL') throw error;
  check(libc().mount(directory, directory, null, MS_BIND, null), action);
  check(libc().mount(null, directory, null, MS_PRIVATE, null), action);
  check(libc().mount(null, directory, null, MS_SHARED, null), action);
}

/** Undoes `prepareNetnsDirectory()` (the directory itself stays). Idempotent; the namespaces inside must be gone. */
export function releaseNetnsDirectory(directory: string): void {
  if (libc().umount2(directory, MNT_DETACH | UMOUNT_NOFOLLOW) === 0) return;
  const error = errnoError(`release network namespace directory ${directory}`, lastErrno());
  if (error.errno !== 'EINVAL' && error.errno !== 'ENOENT') throw error;
}

/** `#define SIOCGIFFLAGS 0x8913`, `#define SIOCSIFFLAGS 0x8914` (linux/sockios.h) */
const SIOCGIFFLAGS = 0x8913;
const SIOCSIFFLAGS = 0x8914;
/** `#define AF_INET 2`, `SOCK_DGRAM = 2`, `#define SOCK_CLOEXEC O_CLOEXEC` */
const AF_INET = 2;
const SOCK_DGRAM_CLOEXEC = 2 | O_CLOEXEC;
/** `IFF_UP = 1<<0` (linux/if.h) */
const IFF_UP = 1;
/** `struct ifreq { char ifr_name[16]; union { short ifr_flags; ... } }`: 40 bytes (linux/if.h) */
const IFREQ_LENGTH = 40;
const IFREQ_FLAGS = 16;

/** By ioctl rather than netlink: two calls on a socket, and this folder stays free of the netlink code. */
function bringLoopbackUp(path: string): void {
  const what = () => `create network namespace ${path}: bring lo up`;
  const fd = check(libc().socket(AF_INET, SOCK_DGRAM_CLOEXEC, 0), what);
  try {
    const ifreq = Buffer.alloc(IFREQ_LENGTH);
    ifreq.write('lo', 'latin1');
    check(libc().ioctl(fd, SIOCGIFFLAGS, ifreq), what);
    ifreq.writeUInt16LE(ifreq.readUInt16LE(IFREQ_FLAGS) | IFF_UP, IFREQ_FLAGS);
    check(libc().ioctl(fd, SIOCSIFFLAGS, ifreq), what);
  } finally {
    libc().close(fd);
  }
}
