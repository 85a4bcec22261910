/**
 * `docker diff`: what a container has changed of its image, read from overlayfs's upper folder (Documentation/filesystems/overlayfs.rst
 * of the kernel): a whiteout is a character device 0:0, and a folder with the attribute `trusted.overlay.opaque=y` hides the lower ones.
 */

import { closeSync, constants, lstatSync, openSync, readdirSync, type Stats } from 'node:fs';
import { posix } from 'node:path';
import { internal } from '../../base/errors.ts';
import type { FilesystemChange } from '../../base/wire/index.ts';
import { drop, lstatIn, namesIn, open, openFolderIn } from './handles.ts';

const MODIFIED = 0;
const ADDED = 1;
const DELETED = 2;
const OPAQUE_XATTR = 'trusted.overlay.opaque';

/** On what overlayfs moved or changed without copying it up, with `redirect_dir` or `metacopy`: the layer alone does not say what it is. */
const INCOMPLETE_XATTRS = ['trusted.overlay.redirect', 'trusted.overlay.metacopy'];

/**
 * What the runtime makes for its mounts, as far as the image lacks it. Docker makes these in a layer of its own, so that its diff does not
 * show them.
 */
const MOUNT_POINTS: ReadonlySet<string> = new Set([
  '/.dockerenv',
  '/dev',
  '/dev/console',
  '/dev/mqueue',
  '/dev/pts',
  '/dev/shm',
  '/etc',
  '/etc/hostname',
  '/etc/hosts',
  '/etc/mtab',
  '/etc/resolv.conf',
  '/proc',
  '/sbin',
  '/sbin/docker-init',
  '/sys',
]);

export interface Layers {
  /** The container's own folder, which changes while it runs. */
  upper: string;
  /** Those of the image, the uppermost first. They never change. */
  lower: readonly string[];
  readXattr: (fd: number, name: string) => Buffer | undefined;
  /** True when nothing has ever run there: what looks like the runtime's mount points is not. Default false. */
  neverRun?: boolean;
}

/** Sorted by path. A folder is listed when it, or a name in it, has changed. */
export async function listChanges(layers: Layers): Promise<FilesystemChange[]> {
  const { O_RDONLY, O_DIRECTORY } = constants;
  const fd = await open(layers.upper, O_RDONLY | O_DIRECTORY);
  const walker = new Walker(layers);
  try {
    await walker.walk(fd, '/', layers.lower);
  } finally {
    drop(fd);
  }
  return [...walker.changes.values()].sort((a, b) => (a.Path < b.Path ? -1 : a.Path > b.Path ? 1 : 0));
}

class Walker {
  readonly changes = new Map<string, FilesystemChange>();
  readonly #layers: Layers;

  constructor(layers: Layers) {
    this.#layers = layers;
  }

  /**
   * The upper folder is walked by descriptors, since the container may put a link where a folder was; in `lower`, the layers that show
   * through here, every part of `path` is known to be a folder.
   */
  async walk(fd: number, path: string, lower: readonly string[]): Promise<void> {
    const hidesLower = path !== '/' && isOpaque(fd, this.#layers.readXattr);
    const names = (await namesIn(fd)).map((name) => ({ name, inner: posix.join(path, name.toString()) }));
    for (const { name, inner } of names) {
      const stat = await lstatIn(fd, name);
      if (stat !== undefined) await this.#entry(fd, name, inner, stat, lower);
    }
    if (!hidesLower) return;
    const present = new Set(names.map(({ inner }) => inner));
    for (const name of new Set(lower.flatMap((layer) => readdirSync(layer + path)))) {
      const inner = posix.join(path, name);
      if (!present.has(inner) && find(lower, inner) !== undefined) this.#record(inner, DELETED);
    }
  }

  async #entry(fd: number, name: Buffer, path: string, stat: Stats, lower: readonly string[]): Promise<void> {
    const below = find(lower, path);
    if (isWhiteout(stat)) {
      // One for something that the image never had hides nothing.
      if (below !== undefined) this.#record(path, DELETED);
      return;
    }
    if (!stat.isDirectory()) {
      if (below !== undefined) this.#record(path, MODIFIED);
      else if (!(this.#isMountPoint(path) && stat.size === 0)) this.#record(path, ADDED);
      return;
    }
    const folder = await openFolderIn(fd, name).catch((error: NodeJS.ErrnoException) => {
      if (error.code === 'ENOENT' || error.code === 'ENOTDIR') return undefined;
      throw error;
    });
    // Replaced by something else just now.
    if (folder === undefined) return;
    try {
      const inner = (await namesIn(folder)).map((child) => posix.join(path, child.toString()));
      if (below === undefined) {
        if (this.#isMountPoint(path) && inner.every((child) => this.#isMountPoint(child))) return;
        this.#record(path, ADDED);
      } else if (!below.isDirectory() || !this.#isSameFolder(stat, below, inner))
        this.#record(path, MODIFIED);
      await this.walk(folder, path, this.#through(lower, path));
    } finally {
      drop(folder);
    }
  }

  /** The layers whose folder at `path` shows through. */
  #through(lower: readonly string[], path: string): string[] {
    const layers: string[] = [];
    for (const layer of lower) {
      const stat = lstatSync(layer + path, { throwIfNoEntry: false });
      if (stat === undefined) continue;
      if (!stat.isDirectory()) break;
      layers.push(layer);
      if (this.#isOpaque(layer + path)) break;
    }
    return layers;
  }

  #isOpaque(folder: string): boolean {
    const { O_RDONLY, O_DIRECTORY, O_NOFOLLOW } = constants;
    const fd = openSync(folder, O_RDONLY | O_DIRECTORY | O_NOFOLLOW);
    try {
      return isOpaque(fd, this.#layers.readXattr);
    } finally {
      closeSync(fd);
    }
  }

  #isMountPoint(path: string): boolean {
    return this.#layers.neverRun !== true && MOUNT_POINTS.has(path);
  }

  /** A folder is copied up for the sake of what is in it. When the runtime made its mount points there, its time says nothing. */
  #isSameFolder(stat: Stats, below: Stats, inner: readonly string[]): boolean {
    if (stat.mode !== below.mode || stat.uid !== below.uid || stat.gid !== below.gid) return false;
    return stat.mtimeMs === below.mtimeMs || inner.some((path) => this.#isMountPoint(path));
  }

  /** Whatever changes, the folder that has it counts as changed too. */
  #record(path: string, kind: FilesystemChange['Kind']): void {
    this.changes.set(path, { Path: path, Kind: kind });
    const folder = posix.dirname(path);
    if (folder !== '/' && !this.changes.has(folder)) this.#record(folder, MODIFIED);
  }
}

/** What the image shows at `path`, whose folder is one in each of the layers. */
function find(lower: readonly string[], path: string): Stats | undefined {
  for (const layer of lower) {
    const stat = lstatSync(layer + path, { throwIfNoEntry: false });
    if (stat !== undefined) return isWhiteout(stat) ? undefined : stat;
  }
  return undefined;
}

/** How overlayfs says in an upper folder that a lower file is gone. */
export const isWhiteout = (stat: Stats) => stat.isCharacterDevice() && stat.rdev === 0;

/** Does the folder hide what lower layers have in it? */
export function isOpaque(fd: number, readXattr: Layers['readXattr']): boolean {
  return readXattr(fd, OPAQUE_XATTR)?.toString() === 'y';
}

/** @throws `internal` for what cannot be understood from the upper folder alone */
export function refuseIncomplete(fd: number, path: string, readXattr: Layers['readXattr']): void {
  const name = INCOMPLETE_XATTRS.find((xattr) => readXattr(fd, xattr) !== undefined);
  if (name === undefined) return;
  throw internal(`pack the changes of a layer: "${path}" has the attribute ${name}, which is not supported`);
}
