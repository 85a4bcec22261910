/** The engine's `HostFiles` on the real kernel. */

import { closeSync, constants, mkdirSync, openSync, readlinkSync, statSync } from 'node:fs';
import { posix } from 'node:path';
import type { FileTree, HostFiles, RootfsMount, TreeBind } from '../engine/host-system.ts';
import { isErrno } from '../kernel/ffi/errno.ts';
import { check, libc } from '../kernel/ffi/libc.ts';
import {
  decodeDevice,
  makeNode,
  O_PATH,
  openInRoot,
  openInRootSync,
  readXattr,
  writeXattr,
} from '../kernel/files/index.ts';
import { MS_BIND, MS_RDONLY, MS_REC, MS_REMOUNT } from '../kernel/mounts/constants.ts';
import { setPropagation, withMountNamespace, withPrivateMounts } from '../kernel/mounts/index.ts';

/** `#define AT_FDCWD -100` (linux/fcntl.h) */
const AT_FDCWD = -100;
/** `#define OPEN_TREE_CLONE 1` (linux/mount.h): a copy of the mount, without those on it, that is attached nowhere */
const OPEN_TREE_CLONE = 1;
/** `#define OPEN_TREE_CLOEXEC O_CLOEXEC` */
const OPEN_TREE_CLOEXEC = 0o2000000;
/** `#define O_CLOEXEC 02000000` (asm-generic/fcntl.h) */
const O_CLOEXEC = 0o2000000;

export function createHostFiles(mountRootfs: (mounts: RootfsMount[], target: string) => void): HostFiles {
  return {
    O_PATH,
    openProcessTree(pid, { rootOnly }) {
      const namespace = check(
        libc().open(`/proc/${pid}/ns/mnt`, O_CLOEXEC, 0),
        () => `open the mount namespace of process ${pid}`,
      );
      return treeOf(namespace, () =>
        withMountNamespace(namespace, () =>
          rootOnly
            ? check(
                libc().open_tree(AT_FDCWD, '/', OPEN_TREE_CLONE | OPEN_TREE_CLOEXEC),
                () => `copy the root mount of process ${pid}`,
              )
            : check(
                libc().open('/', O_PATH | O_CLOEXEC | constants.O_DIRECTORY, 0),
                () => `open the root of process ${pid}`,
              ),
        ),
      );
    },
    openSnapshotTree(mounts, { folder, binds, readOnly, make = [] }) {
      return withPrivateMounts((namespace) =>
        treeOf(namespace, () => {
          mountRootfs(mounts, folder);
          const root = openSync(folder, O_PATH | constants.O_DIRECTORY);
          try {
            for (const path of make) closeSync(openTarget(root, path, true));
            for (const bind of sortedByDepth(binds)) attach(root, bind);
            if (readOnly) remountReadOnly(folder);
            return root;
          } catch (error) {
            closeSync(root);
            throw error;
          }
        }),
      );
    },
    makeNode,
    decodeDevice,
    readXattr,
    writeXattr,
  };
}

/** The mounts of `namespace` hold together as long as it is open; it is closed when the root cannot be opened. */
function treeOf(namespace: number, openRoot: () => number): FileTree {
  let root: number;
  try {
    root = openRoot();
  } catch (error) {
    closeSync(namespace);
    throw error;
  }
  const prefix = readlinkSync(`/proc/self/fd/${root}`).replace(/\/$/, '');
  let isOpen = true;
  return {
    open: (path, flags) => openInRoot(root, path, flags),
    pathOf: (fd) => readlinkSync(`/proc/self/fd/${fd}`).slice(prefix.length) || '/',
    close() {
      if (!isOpen) return;
      isOpen = false;
      closeSync(root);
      closeSync(namespace);
    },
  };
}

function sortedByDepth(binds: readonly TreeBind[]): TreeBind[] {
  const depth = ({ target }: TreeBind) => target.split('/').filter(Boolean).length;
  return [...binds].sort((a, b) => depth(a) - depth(b));
}

function attach(root: number, { source, target, readOnly }: TreeBind): void {
  const action = () => `bind ${source} to ${target}`;
  onPath(openTarget(root, target, statSync(source).isDirectory()), (path) =>
    check(libc().mount(source, path, null, MS_BIND | MS_REC, null), action),
  );
  // Opened anew: the descriptor from before is what lies under the mount.
  onPath(openInRootSync(root, target, O_PATH), (path) => {
    // Otherwise the end of this namespace would unmount what is mounted below the source on the host as well.
    setPropagation(path, 'rprivate');
    if (readOnly) remountReadOnly(path);
  });
}

function remountReadOnly(path: string): void {
  check(
    libc().mount(null, path, null, MS_BIND | MS_REMOUNT | MS_RDONLY, null),
    () => `make ${path} read-only`,
  );
}

function onPath(fd: number, use: (path: string) => void): void {
  try {
    use(`/proc/self/fd/${fd}`);
  } finally {
    closeSync(fd);
  }
}

/** What is missing is made, as the runtime does when the container starts: an empty folder or file. */
function openTarget(root: number, target: string, isFolder: boolean): number {
  try {
    return openInRootSync(root, target, O_PATH);
  } catch (error) {
    if (!isErrno(error, 'ENOENT') || target === '/') throw error;
  }
  const { dir, base } = posix.parse(target);
  onPath(openTarget(root, dir, true), (parent) => {
    const path = `${parent}/${base}`;
    if (isFolder) mkdirSync(path, 0o755);
    else closeSync(openSync(path, constants.O_CREAT | constants.O_EXCL | constants.O_WRONLY, 0o755));
  });
  return openInRootSync(root, target, O_PATH);
}
