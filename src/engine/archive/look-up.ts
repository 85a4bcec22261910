/** Finds what a path of `docker cp` means in a container. */

import { constants } from 'node:fs';
import { posix } from 'node:path';
import { invalid, isKind, notFound } from '../../base/errors.ts';
import { formatNanos } from '../../base/time.ts';
import type { PathStat } from '../../base/wire/index.ts';
import type { FileTree, HostFiles } from '../host-system.ts';
import { goFileMode } from './go-mode.ts';
import { drop, fstatExact, isKernelFilesystem, lstatIn, readlinkIn } from './handles.ts';

/** Links that are followed to tell where a dangling one points; the kernel's own limit (path_resolution(7)). */
const MAX_LINKS = 40;

/**
 * `fd` is of O_PATH; the caller closes it. A link in the last place is not followed, unless `/` or `/.` comes after it.
 *
 * @throws `not-found` when there is nothing, and for what the kernel shows in /proc and the like
 */
export async function lookUp(
  files: HostFiles,
  tree: FileTree,
  ref: string,
  path: string,
): Promise<{ fd: number; stat: PathStat }> {
  const absolute = absolutePath(path);
  const missing = (cause?: unknown) =>
    notFound(`Could not find the file ${path} in container ${ref}`, { cause });
  let fd: number;
  try {
    fd = await tree.open(absolute, files.O_PATH | constants.O_NOFOLLOW);
  } catch (error) {
    if (!isKind(error)) throw error;
    if (error.errno === 'ENOENT' || error.errno === 'ELOOP') throw missing(error);
    throw error.errno === 'ENOTDIR' ? invalid(`lstat ${absolute}: not a directory`, { cause: error }) : error;
  }
  try {
    const found = await fstatExact(fd);
    const isFolder = found.isDirectory();
    // Of a mounted /proc the folder itself can be had, as an empty one.
    if (!isFolder && (await isKernelFilesystem(fd))) throw missing();
    return {
      fd,
      stat: {
        name: nameOf(absolute),
        size: Number(found.size),
        mode: goFileMode(Number(found.mode)),
        // As Go writes it: without zeros at the end.
        mtime: formatNanos(found.mtimeNs).replace(/\.?0+Z$/, 'Z'),
        linkTarget: found.isSymbolicLink() ? await linkTarget(files, tree, tree.pathOf(fd)) : '',
      },
    };
  } catch (error) {
    drop(fd);
    throw error;
  }
}

/** From the root, with the `/` or `/.` at its end that says that a link there is followed. */
function absolutePath(path: string): string {
  const clean = posix.join('/', path);
  // join() keeps a slash at the end, but takes `/.` away.
  return /\/\.$|^\.$/.test(path) ? `${clean.replace(/\/$/, '')}/.` : clean;
}

/** As Go's `filepath.Base`, but `.` for a folder's content. */
function nameOf(absolute: string): string {
  if (absolute.endsWith('/.')) return '.';
  return posix.basename(absolute) || '/';
}

/** Where a link leads in the end; for a dangling one, what is missing. */
async function linkTarget(files: HostFiles, tree: FileTree, link: string): Promise<string> {
  let path = link;
  for (let links = 0; links < MAX_LINKS; links++) {
    const folder = await openFolder(files, tree, posix.dirname(path));
    if (folder === undefined) return path;
    try {
      const here = posix.join(tree.pathOf(folder), posix.basename(path));
      if ((await lstatIn(folder, posix.basename(path)))?.isSymbolicLink() !== true) return here;
      const target = (await readlinkIn(folder, posix.basename(path))).toString();
      path = posix.resolve(posix.dirname(here), target);
    } finally {
      drop(folder);
    }
  }
  return path;
}

async function openFolder(files: HostFiles, tree: FileTree, path: string): Promise<number | undefined> {
  try {
    return await tree.open(path, files.O_PATH | constants.O_DIRECTORY);
  } catch (error) {
    if (isKind(error) && error.errno !== undefined) return undefined;
    throw error;
  }
}
