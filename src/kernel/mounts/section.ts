/**
 * Being in another mount namespace for the length of a synchronous section, as `withNetns()` does for networks.
 *
 * setns(2) with CLONE_NEWNS moves the thread's root and working directory too, and is refused to a thread that shares them: the first
 * section makes this thread's its own (CLONE_FS), for good. On the way back they are put where they were. Threads of libuv's pool stay
 * where they are all the time, so a section must use only synchronous calls of the C library. File descriptors opened inside keep
 * what they opened: a path below `/proc/self/fd/N` is looked up in the mount namespace that N came from.
 */

import { writeSync } from 'node:fs';
import { errnoError } from '../ffi/errno.ts';
import { check, lastErrno, libc } from '../ffi/libc.ts';
import { setPropagation } from './mount.ts';

/** `#define CLONE_FS 0x00000200` (linux/sched.h): root, working directory and umask */
const CLONE_FS = 0x200;
/** `#define CLONE_NEWNS 0x00020000` (linux/sched.h) */
const CLONE_NEWNS = 0x20000;
/** `#define O_PATH 010000000`, `#define O_CLOEXEC 02000000` (asm-generic/fcntl.h) */
const O_PATH = 0o10000000;
const O_CLOEXEC = 0o2000000;
/** `/proc/thread-self`, not `/proc/self`: the latter is the thread-group leader, wrong inside a worker thread. */
const OWN_MOUNTS = '/proc/thread-self/ns/mnt';

/** Runs `fn` in the mount namespace behind `namespace`, an open `/proc/PID/ns/mnt`. Its root is that namespace's own root. */
export function withMountNamespace<T>(namespace: number, fn: () => T): T {
  return awayFromHome(() => {
    check(libc().setns(namespace, CLONE_NEWNS), 'enter a mount namespace');
    return fn();
  });
}

/**
 * Runs `fn` in a new mount namespace, a copy of this one: what it mounts nobody else sees. The namespace goes, with its mounts, when
 * the descriptor that `fn` gets is closed; descriptors for files in it do not keep its mounts together.
 */
export function withPrivateMounts<T>(fn: (namespace: number) => T): T {
  return awayFromHome(() => {
    check(libc().unshare(CLONE_NEWNS), 'make a mount namespace');
    // Slave: what is unmounted outside goes here too, so that we keep nothing busy; the other way nothing passes.
    setPropagation('/', 'rslave');
    const namespace = check(libc().open(OWN_MOUNTS, O_CLOEXEC, 0), 'open the new mount namespace');
    try {
      return fn(namespace);
    } catch (error) {
      libc().close(namespace);
      throw error;
    }
  });
}

function awayFromHome<T>(fn: () => T): T {
  const open = (path: string, flags: number) =>
    check(libc().open(path, flags | O_CLOEXEC, 0), () => `open ${path}`);
  const opened: number[] = [];
  try {
    const home = open(OWN_MOUNTS, 0);
    opened.push(home);
    const root = open('/', O_PATH);
    opened.push(root);
    const folder = open('.', O_PATH);
    opened.push(folder);
    // Before anything else, because the way back needs it as well.
    check(libc().unshare(CLONE_FS), "make the working directory this thread's own");
    try {
      return fn();
    } finally {
      const back = [
        () => libc().setns(home, CLONE_NEWNS),
        // A daemon that was started in a chroot goes back into it.
        () => libc().fchdir(root),
        () => libc().chroot('.'),
        () => libc().fchdir(folder),
      ];
      for (const step of back) if (step() < 0) abortAway(lastErrno());
    }
  } finally {
    for (const fd of opened) libc().close(fd);
  }
}

function abortAway(errno: number): void {
  const { message } = errnoError('return to the own mount namespace', errno);
  // Synchronous: a stream's buffer would be lost with the process.
  writeSync(2, `bridgeport: fatal: ${message}; aborting, since every later path would mean another file\n`);
  libc().abort();
}
