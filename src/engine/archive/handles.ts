/**
 * Files by descriptor. `/proc/self/fd/N/name` is what the `*at()` calls of the kernel are to Node: the folder is fixed by N, whatever its
 * path means now, and calls that do not follow a link in the last place touch nothing but `name` in it. Never give such a path to a call
 * that follows links (chmod, chown, utimes, truncate, open without O_NOFOLLOW): an absolute link would lead to the host's files.
 */

import * as fs from 'node:fs';
import { promisify } from 'node:util';
import { internal } from '../../base/errors.ts';

/** For what was written: the end may bring errors of its own. */
export const close = promisify(fs.close);
/** For descriptors of O_PATH, and what was only read: there is nothing to wait for. */
export const drop = fs.closeSync;
export const fchmod = promisify(fs.fchmod);
export const fchown = promisify(fs.fchown);
export const fstat = promisify(fs.fstat) as (fd: number) => Promise<fs.Stats>;
export const fstatExact = (fd: number) => promisify(fs.fstat)(fd, { bigint: true });
export const futimes = promisify(fs.futimes);
export const lchown = promisify(fs.lchown);
export const link = promisify(fs.link);
const lstat = promisify(fs.lstat) as (path: fs.PathLike) => Promise<fs.Stats>;
export const lutimes = promisify(fs.lutimes);
export const mkdir = promisify(fs.mkdir) as (path: fs.PathLike, mode: number) => Promise<void>;
export const open = promisify(fs.open) as (
  path: fs.PathLike,
  flags: number,
  mode?: number,
) => Promise<number>;
export const read = promisify(fs.read) as (
  fd: number,
  buffer: Buffer,
  offset: number,
  length: number,
  position: number | null,
) => Promise<{ bytesRead: number }>;
export const rmdir = promisify(fs.rmdir) as (path: fs.PathLike) => Promise<void>;
export const symlink = promisify(fs.symlink) as (target: fs.PathLike, path: fs.PathLike) => Promise<void>;
export const unlink = promisify(fs.unlink);
export const writev = promisify(fs.writev) as (
  fd: number,
  buffers: readonly NodeJS.ArrayBufferView[],
) => Promise<{ bytesWritten: number }>;

/** The file itself; following it is safe, it leads to no name. */
export const handlePath = (fd: number) => `/proc/self/fd/${fd}`;

/** `name`, one component as it stands in the folder, is not followed by calls that do not follow links. */
export function pathIn(folder: number, name: Buffer | string): Buffer {
  return Buffer.concat([Buffer.from(`${handlePath(folder)}/`), Buffer.from(name as Buffer)]);
}

export async function lstatIn(folder: number, name: Buffer | string): Promise<fs.Stats | undefined> {
  try {
    return await lstat(pathIn(folder, name));
  } catch (error) {
    if ((error as NodeJS.ErrnoException).code === 'ENOENT') return undefined;
    throw error;
  }
}

export async function readlinkIn(folder: number, name: Buffer | string): Promise<Buffer> {
  return (await fs.promises.readlink(pathIn(folder, name), { encoding: 'buffer' })) as unknown as Buffer;
}

/** Sorted by bytes. */
export async function namesIn(folder: number): Promise<Buffer[]> {
  const names = await fs.promises.readdir(handlePath(folder), { encoding: 'buffer' });
  return names.sort(Buffer.compare);
}

/** Follows nothing and opens no device: the folder, or an error (ENOTDIR for anything else, links included). */
export function openFolderIn(folder: number, name: Buffer | string): Promise<number> {
  const { O_RDONLY, O_DIRECTORY, O_NOFOLLOW } = fs.constants;
  return open(pathIn(folder, name), O_RDONLY | O_DIRECTORY | O_NOFOLLOW);
}

/** The file behind a descriptor of O_PATH, for reading. The caller has made sure that it is a regular file or a folder. */
export function reopen(fd: number): Promise<number> {
  return open(handlePath(fd), fs.constants.O_RDONLY);
}

/** For what is not to be opened, a device say: `fd` is of O_PATH, and not a symbolic link. */
export async function setByHandle(
  fd: number,
  owner: { uid: number; gid: number },
  mode: number,
  time: number,
): Promise<void> {
  const path = handlePath(fd);
  await fs.promises.chown(path, owner.uid, owner.gid);
  await fs.promises.chmod(path, mode);
  await fs.promises.utimes(path, time, time);
}

/**
 * Removes `name` and everything below it, without leaving the tree. What is gone already is fine.
 *
 * @param O_PATH of open(2)
 * @throws errno EBUSY when something is mounted there or below
 */
export async function removeIn(folder: number, name: Buffer | string, O_PATH: number): Promise<void> {
  await refuseMountPoint(folder, name, O_PATH);
  try {
    await unlink(pathIn(folder, name));
  } catch (error) {
    const { code } = error as NodeJS.ErrnoException;
    if (code === 'ENOENT') return;
    // unlink(2): EISDIR for a folder on Linux.
    if (code !== 'EISDIR') throw error;
    const inner = await openFolderIn(folder, name);
    try {
      for (const child of await namesIn(inner)) await removeIn(inner, child, O_PATH);
    } finally {
      drop(inner);
    }
    await rmdir(pathIn(folder, name));
  }
}

/**
 * The kernel keeps a mount point from being removed only in the mount namespace of the caller; in all others it unmounts what is there
 * (Linux 3.18 and newer). A container would lose its volume.
 */
async function refuseMountPoint(folder: number, name: Buffer | string, O_PATH: number): Promise<void> {
  let fd: number;
  try {
    fd = await open(pathIn(folder, name), O_PATH | fs.constants.O_NOFOLLOW);
  } catch (error) {
    if ((error as NodeJS.ErrnoException).code === 'ENOENT') return;
    throw error;
  }
  try {
    if ((await mountId(fd)) === (await mountId(folder))) return;
    throw internal(`remove "${name}": device or resource busy, something is mounted there`, {
      errno: 'EBUSY',
    });
  } finally {
    drop(fd);
  }
}

/** Which mount a file was opened in: proc_pid_fdinfo(5). */
async function mountId(fd: number): Promise<string | undefined> {
  const text = await fs.promises.readFile(`/proc/self/fdinfo/${fd}`, 'utf8');
  return /^mnt_id:\s+(\d+)$/m.exec(text)?.[1];
}

/**
 * Filesystems that show the kernel rather than keep files, by `f_type` (linux/magic.h and statfs(2)): proc, sysfs, cgroup, cgroup2,
 * devpts, mqueue, securityfs, debugfs, tracefs, bpf, pstore, configfs, fusectl, efivarfs, binfmt_misc, nsfs.
 */
const KERNEL_FILESYSTEMS = new Set([
  0x9fa0, 0x62656572, 0x27e0eb, 0x63677270, 0x1cd1, 0x19800202, 0x73636673, 0x64626720, 0x74726163,
  0xcafe4a11, 0x6165676c, 0x62656570, 0x65735543, 0xde5e81e4, 0x42494e4d, 0x6e736673,
]);

/** Does the file lie in /proc, /sys or the like? Reading a tree of those has no end, and writing changes the kernel. */
export async function isKernelFilesystem(fd: number): Promise<boolean> {
  const { type } = await fs.promises.statfs(handlePath(fd));
  return KERNEL_FILESYSTEMS.has(type >>> 0);
}
