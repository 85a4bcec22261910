/** Reads single files of a container's rootfs out of its snapshot's layers, without mounting it. */

import { lstatSync, readFileSync, readlinkSync } from 'node:fs';
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

/**
 * The text of a regular file at the absolute `path`, or undefined when there is none. Symbolic links, also in the folders of the
 * path, are followed inside the rootfs only.
 */
export function readRootfsFile(folders: readonly string[], path: string): string | undefined {
  let rest = posix.normalize(`/${path}`).split('/').filter(Boolean);
  let at = '/';
  for (let links = 0; rest.length > 0; ) {
    const [name, ...others] = rest as [string, ...string[]];
    const next = posix.join(at, name);
    const found = findEntry(folders, next);
    if (found === undefined) return undefined;
    if (found.isLink) {
      if (++links > MAX_LINKS) return undefined;
      const target = posix.resolve(at, readlinkSync(found.path));
      rest = [...target.split('/').filter(Boolean), ...others];
      at = '/';
      continue;
    }
    at = next;
    rest = others;
    if (rest.length === 0) return found.isFile ? readFileSync(found.path, 'utf8') : undefined;
  }
  return undefined;
}

function findEntry(
  folders: readonly string[],
  path: string,
): { path: string; isLink: boolean; isFile: boolean } | undefined {
  for (const folder of folders) {
    const candidate = join(folder, path);
    try {
      const stat = lstatSync(candidate);
      // A character device 0:0 is overlayfs's whiteout: the file was deleted in this layer.
      if (stat.isCharacterDevice() && stat.rdev === 0) return undefined;
      return { path: candidate, isLink: stat.isSymbolicLink(), isFile: stat.isFile() };
    } catch {
      // Not in this layer.
    }
  }
  return undefined;
}
