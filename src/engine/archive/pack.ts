/** Packs a file or a folder of a container into a tar, piece by piece as it is read. */

import { constants, type Stats } from 'node:fs';
import { posix } from 'node:path';
import { invalid } from '../../base/errors.ts';
import type { FileTree, HostFiles } from '../host-system.ts';
import { isOpaque, isWhiteout, refuseIncomplete } from './changes.ts';
import {
  drop,
  fstat,
  isKernelFilesystem,
  namesIn,
  open,
  pathIn,
  read,
  readlinkIn,
  reopen,
} from './handles.ts';
import { type EntryType, encodeHeader, padding, TAR_END, type TarHeader } from './tar-header.ts';

export interface PackOptions {
  files: HostFiles;
  /** Undefined for a folder of the host in which nothing is mounted. */
  tree: FileTree | undefined;
  /** A descriptor of O_PATH for what is packed; it stays the caller's. */
  top: number;
  /** Its name in the archive: `etc`, `.`, or `/` for the root. Empty: the folder itself is no entry. */
  name: string;
  /**
   * Given, `top` is overlayfs's upper folder, and the archive a layer of an image: of it, these absolute paths alone. What hides a lower
   * file becomes a whiteout (OCI image specification, layer.md).
   */
  changed?: ReadonlySet<string>;
  /** Everything counts as last modified then, in seconds since the epoch, for an archive that is to be compared; default: when it was. */
  mtime?: number;
}

/** bytes per read, and least size of the pieces given out */
const PIECE = 256 * 1024;
/** Folders within folders: each holds a descriptor while it is read. */
const MAX_DEPTH = 512;
/** What Docker and every other engine keep of extended attributes. */
const KEPT_XATTR = 'security.capability';
/** Its content is the runtime's, made anew for each run. */
const DEVICES = '/dev';
/** `.wh.NAME` in a layer: the file NAME of lower layers is gone; `.wh..wh..opq`: so is all that they have in this folder. */
const WHITEOUT_PREFIX = Buffer.from('.wh.');
const OPAQUE_MARK = Buffer.from('.wh..opq');

interface Frame {
  fd: number;
  names: Buffer[];
  next: number;
  /** Of the entries in it, with a slash at the end unless it is empty. */
  prefix: Buffer;
  device: number;
}

/** Ends early, and closes everything, when the reader does. What vanishes while it is read is left out. */
export async function* packTree(options: PackOptions): AsyncGenerator<Buffer> {
  const packer = new Packer(options);
  try {
    yield* packer.run();
  } finally {
    packer.close();
  }
}

class Packer {
  readonly #options: PackOptions;
  readonly #frames: Frame[] = [];
  /** First names of files that have several, by device and inode. */
  readonly #linked = new Map<string, Buffer>();
  #pending: Buffer[] = [];
  #pendingSize = 0;

  constructor(options: PackOptions) {
    this.#options = options;
  }

  async *run(): AsyncGenerator<Buffer> {
    const { top, name } = this.#options;
    const stat = await fstat(top);
    if (stat.isDirectory()) {
      if (name !== '')
        this.#push(encodeHeader(this.#entryOf(stat, 'directory', folderName(Buffer.from(name)))));
      // Of a mounted /proc there is the folder alone.
      if (!(await isKernelFilesystem(top))) {
        await this.#enter(top, name === '' ? Buffer.alloc(0) : folderName(Buffer.from(name)), stat.dev);
      }
    } else {
      yield* this.#entry(top, undefined, Buffer.from(name), stat);
    }
    for (let frame = this.#frames.at(-1); frame !== undefined; frame = this.#frames.at(-1)) {
      const child = frame.names[frame.next++];
      if (child === undefined) {
        this.#frames.pop();
        drop(frame.fd);
        continue;
      }
      yield* this.#child(frame, child);
    }
    this.#push(TAR_END);
    yield* this.#flush(0);
  }

  close(): void {
    for (const { fd } of this.#frames.splice(0)) drop(fd);
  }

  async *#child(frame: Frame, child: Buffer): AsyncGenerator<Buffer> {
    const { O_NOFOLLOW } = constants;
    let fd: number;
    try {
      fd = await open(pathIn(frame.fd, child), this.#options.files.O_PATH | O_NOFOLLOW);
    } catch (error) {
      if ((error as NodeJS.ErrnoException).code === 'ENOENT') return;
      throw error;
    }
    try {
      const stat = await fstat(fd);
      const name = Buffer.concat([frame.prefix, child]);
      const { changed } = this.#options;
      if (changed !== undefined) {
        if (!changed.has(`/${name}`)) return;
        if (isWhiteout(stat)) {
          this.#push(this.#whiteout(frame.prefix, child));
          return;
        }
      }
      if (!stat.isDirectory()) {
        yield* this.#entry(fd, { folder: frame.fd, name: child }, name, stat);
        return;
      }
      this.#push(encodeHeader(this.#entryOf(stat, 'directory', folderName(name))));
      yield* this.#flush();
      const isOther = stat.dev !== frame.device;
      if (isOther && ((await isKernelFilesystem(fd)) || this.#options.tree?.pathOf(fd) === DEVICES)) return;
      await this.#enter(fd, folderName(name), stat.dev);
      if (changed !== undefined) this.#inLayer(name);
    } finally {
      drop(fd);
    }
  }

  async #enter(handle: number, prefix: Buffer, device: number): Promise<void> {
    if (this.#frames.length === MAX_DEPTH) {
      throw invalid(`archive "${prefix}": more than ${MAX_DEPTH} folders within each other`);
    }
    const fd = await reopen(handle);
    // At once, so that it is closed whatever happens next.
    const frame: Frame = { fd, names: [], next: 0, prefix, device };
    this.#frames.push(frame);
    frame.names = await namesIn(fd);
  }

  /** The folder that was entered last is one of a layer: what it hides is said before what it has. */
  #inLayer(name: Buffer): void {
    const frame = this.#frames.at(-1) as Frame;
    const { readXattr } = this.#options.files;
    refuseIncomplete(frame.fd, `/${name}`, readXattr);
    if (isOpaque(frame.fd, readXattr)) this.#push(this.#whiteout(frame.prefix, OPAQUE_MARK));
  }

  #whiteout(prefix: Buffer, name: Buffer): Buffer {
    const { mtime = 0 } = this.#options;
    const full = Buffer.concat([prefix, WHITEOUT_PREFIX, name]);
    return encodeHeader({ name: full, type: 'file', mode: 0, uid: 0, gid: 0, size: 0, mtime });
  }

  #entryOf(stat: Stats, type: EntryType, name: Buffer): TarHeader {
    return {
      ...entryOf(stat, type, name),
      ...(this.#options.mtime === undefined ? {} : { mtime: this.#options.mtime }),
    };
  }

  /** Everything but a folder. `place` is where a symbolic link is read; the top itself has none. */
  async *#entry(
    fd: number,
    place: { folder: number; name: Buffer } | undefined,
    name: Buffer,
    stat: Stats,
  ): AsyncGenerator<Buffer> {
    const type = typeOf(stat);
    // A socket means nothing without its process, and tar has no type for it.
    if (type === undefined) return;
    const header = this.#entryOf(stat, type, name);
    if (type === 'symlink') {
      const linkName = await this.#linkTarget(fd, place);
      if (linkName === undefined) return;
      header.linkName = linkName;
    }
    if (type === 'character' || type === 'block') header.device = this.#options.files.decodeDevice(stat.rdev);
    if (type === 'file' && stat.nlink > 1) {
      const key = `${stat.dev}:${stat.ino}`;
      const first = this.#linked.get(key);
      if (first !== undefined) {
        this.#push(encodeHeader({ ...header, type: 'link', size: 0, linkName: first }));
        yield* this.#flush();
        return;
      }
      this.#linked.set(key, name);
    }
    if (type === 'file') yield* this.#file(fd, header);
    else {
      this.#push(encodeHeader(header));
      yield* this.#flush();
    }
  }

  async #linkTarget(
    fd: number,
    place: { folder: number; name: Buffer } | undefined,
  ): Promise<Buffer | undefined> {
    if (place !== undefined) {
      try {
        return await readlinkIn(place.folder, place.name);
      } catch (error) {
        // Replaced meanwhile (EINVAL: it is no link any more).
        if (['ENOENT', 'EINVAL'].includes((error as NodeJS.ErrnoException).code ?? '')) return undefined;
        throw error;
      }
    }
    const { tree, files } = this.#options;
    if (tree === undefined) return undefined;
    const path = tree.pathOf(fd);
    const folder = await tree.open(posix.dirname(path), files.O_PATH | constants.O_DIRECTORY);
    try {
      return await readlinkIn(folder, posix.basename(path));
    } finally {
      drop(folder);
    }
  }

  async *#file(handle: number, header: TarHeader): AsyncGenerator<Buffer> {
    const fd = await reopen(handle);
    try {
      const { readXattr } = this.#options.files;
      if (this.#options.changed !== undefined) refuseIncomplete(fd, `/${header.name}`, readXattr);
      const capability = readXattr(fd, KEPT_XATTR);
      if (capability !== undefined) header.xattrs = new Map([[KEPT_XATTR, capability]]);
      this.#push(encodeHeader(header));
      let left = header.size;
      while (left > 0) {
        const piece = Buffer.allocUnsafe(Math.min(PIECE, left));
        const { bytesRead } = await read(fd, piece, 0, piece.length, null);
        // Cut short while we read: the header has promised the size, so zeros follow. What was added is left out.
        if (bytesRead === 0) piece.fill(0);
        const got = bytesRead === 0 ? piece : piece.subarray(0, bytesRead);
        this.#push(got);
        left -= got.length;
        yield* this.#flush();
      }
      this.#push(Buffer.alloc(padding(header.size)));
    } finally {
      drop(fd);
    }
  }

  #push(piece: Buffer): void {
    if (piece.length === 0) return;
    this.#pending.push(piece);
    this.#pendingSize += piece.length;
  }

  *#flush(least = PIECE): Generator<Buffer> {
    if (this.#pendingSize < least || this.#pending.length === 0) return;
    const pieces = this.#pending;
    this.#pending = [];
    this.#pendingSize = 0;
    yield pieces.length === 1 ? (pieces[0] as Buffer) : Buffer.concat(pieces);
  }
}

function folderName(name: Buffer): Buffer {
  return name.at(-1) === 0x2f ? name : Buffer.concat([name, Buffer.from('/')]);
}

function typeOf(stat: Stats): EntryType | undefined {
  if (stat.isFile()) return 'file';
  if (stat.isSymbolicLink()) return 'symlink';
  if (stat.isFIFO()) return 'fifo';
  if (stat.isCharacterDevice()) return 'character';
  if (stat.isBlockDevice()) return 'block';
  return undefined;
}

function entryOf(stat: Stats, type: EntryType, name: Buffer): TarHeader {
  return {
    name,
    type,
    mode: stat.mode & 0o7777,
    uid: stat.uid,
    gid: stat.gid,
    size: type === 'file' ? stat.size : 0,
    mtime: Math.floor(stat.mtimeMs / 1000),
  };
}
