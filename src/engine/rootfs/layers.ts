/** Reads single files of a container's rootfs out of its snapshot's layers, without mounting it. */

import { closeSync, constants, lstatSync, openSync, readFileSync, readlinkSync, type Stats } from 'node:fs';
import { join, posix } from 'node:path';
import type { RootfsMount } from '../host-system.ts';

/** The folders of the snapshot, the uppermost first: overlayfs's `upperdir` and `lowerdir`, or the one that is bound. */
export function layerFolders(mounts: readonly RootfsMount[]): string[] {
  const root = mounts.find((mount) => (mount.target ?? '') === '');
  if (root === undefined) return [];
  if (root.type !== 'overlay') return [root.source];
  const option = (name: string) =>
    root.options.find((text) => text.startsWith(`${name}=`))?.slice(name.length + 1);
  const upper = option('upperdir');
  const lower = option('lowerdir')?.split(':') ?? [];
  return upper === undefined ? lower : [upper, ...lower];
}

const MAX_LINKS = 16;
/** The attribute of a folder that hides what lower layers have at its place (Documentation/filesystems/overlayfs.rst). */
const OPAQUE = 'trusted.overlay.opaque';

export type ReadXattr = (fd: number, name: string) => Buffer | undefined;

/**
 * The text of a regular file at the absolute `path`, or undefined when there is none. Symbolic links, also in the folders of the
 * path, are followed inside the rootfs only.
 */
export function readRootfsFile(
  folders: readonly string[],
  path: string,
  readXattr: ReadXattr,
): string | undefined {
  const found = findInRootfs(folders, path, readXattr);
  return found?.stat.isFile() ? readFileSync(found.path, 'utf8') : undefined;
}

/** What is at the absolute `path`, and where that is on the host; undefined when there is nothing. Links are followed inside the rootfs. */
export function findInRootfs(
  folders: readonly string[],
  path: string,
  readXattr: ReadXattr,
): { stat: Stats; path: string } | undefined {
  let rest = posix.normalize(`/${path}`).split('/').filter(Boolean);
  let at = '/';
  /** The folders that together are `at`. None of their paths has a link in it. */
  let merged = folders;
  for (let links = 0; rest.length > 0; ) {
    const [name, ...others] = rest as [string, ...string[]];
    const found = findEntry(merged, name, readXattr);
    if (found === undefined) return undefined;
    const [top = ''] = found.paths;
    if (found.stat.isSymbolicLink()) {
      if (++links > MAX_LINKS) return undefined;
      rest = [...posix.resolve(at, readlinkSync(top)).split('/').filter(Boolean), ...others];
      at = '/';
      merged = folders;
      continue;
    }
    if (others.length === 0) return { stat: found.stat, path: top };
    if (!found.stat.isDirectory()) return undefined;
    at = posix.join(at, name);
    merged = found.paths;
    rest = others;
  }
  return undefined;
}

/** The uppermost entry of that name; for a folder, with those of lower layers that show through. */
function findEntry(
  folders: readonly string[],
  name: string,
  readXattr: ReadXattr,
): { stat: Stats; paths: string[] } | undefined {
  let top: Stats | undefined;
  const paths: string[] = [];
  for (const folder of folders) {
    const path = join(folder, name);
    const stat = lstatSync(path, { throwIfNoEntry: false });
    if (stat === undefined) continue;
    // A character device 0:0 is overlayfs's whiteout: the file was deleted in this layer.
    const isWhiteout = stat.isCharacterDevice() && stat.rdev === 0;
    if (isWhiteout || (top !== undefined && !stat.isDirectory())) break;
    top ??= stat;
    paths.push(path);
    if (!stat.isDirectory() || isOpaque(path, readXattr)) break;
  }
  return top === undefined ? undefined : { stat: top, paths };
}

function isOpaque(folder: string, readXattr: ReadXattr): boolean {
  const fd = openSync(folder, constants.O_RDONLY | constants.O_DIRECTORY | constants.O_NOFOLLOW);
  try {
    return readXattr(fd, OPAQUE)?.toString() === 'y';
  } finally {
    closeSync(fd);
  }
}
