/** Unpacks a tar into a folder of a container. Nothing is written outside of the container's files, whatever the archive or the container do. */

import { constants } from 'node:fs';
import { posix } from 'node:path';
import { pipeline, type Readable, type Writable } from 'node:stream';
import { type Header as TarStreamHeader, extract as tarExtract } from 'tar-stream';
import { BridgeportError, invalid, messageOf } from '../../base/errors.ts';
import type { FileTree, HostFiles } from '../host-system.ts';
import { FileWriter } from './file-writer.ts';
import * as handles from './handles.ts';
import { close, drop, pathIn } from './handles.ts';

export interface UnpackOptions {
  files: HostFiles;
  tree: FileTree;
  /** Absolute path in the tree, of an existing folder. */
  folder: string;
  /** A folder does not take the place of something else, nor the other way round. */
  noOverwriteDirNonDir: boolean;
  /** Who gets everything; undefined: whom the archive names. */
  owner: { uid: number; gid: number } | undefined;
  /** Permissions that files and folders of the archive get; default: those that it names. */
  mode?: number | undefined;
}

/** Mode of folders that the archive leaves out. */
const IMPLIED_FOLDER_MODE = 0o755;
const XATTR_KEY = 'SCHILY.xattr.security.capability';
const KEPT_XATTR = 'security.capability';
/** `S_IFMT` types of mknod(2). */
const NODE_TYPES: Readonly<Record<string, number>> = {
  'character-device': constants.S_IFCHR,
  'block-device': constants.S_IFBLK,
  fifo: constants.S_IFIFO,
};

/** tar-stream gives null for types that it does not know. */
type Header = Omit<TarStreamHeader, 'pax' | 'type'> & {
  type: TarStreamHeader['type'] | null;
  pax?: Readonly<Record<string, string>> | null;
};

interface Entry extends AsyncIterable<Uint8Array> {
  readonly header: Header;
}

/**
 * Reads `source` to its end. What was unpacked before an error stays, as in Docker.
 *
 * @throws `invalid` for a broken archive, one that leads out of the folder, and files that stand in the way
 */
export async function unpackTar(source: Readable, options: UnpackOptions): Promise<void> {
  const extract = tarExtract();
  let brokenBy: unknown;
  extract.once('error', (error) => {
    brokenBy = error;
  });
  const closed = new Promise<void>((resolve) => extract.once('close', () => resolve()));
  // The reader gets every error of the source, because pipeline() destroys it with it; its types are not Node's.
  pipeline(source, extract as unknown as Writable, () => undefined);
  const unpacker = new Unpacker(options);
  try {
    for await (const entry of extract) {
      await unpacker.entry(entry as unknown as Entry);
      entry.resume();
    }
    await unpacker.finish();
  } catch (error) {
    extract.destroy();
    await closed;
    // An entry only says that it was destroyed; the reader knows why.
    const reason = brokenBy ?? error;
    if (!isTarError(reason)) throw reason;
    throw invalid(`Error processing tar file: ${messageOf(reason)}`, { cause: reason });
  } finally {
    extract.destroy();
    unpacker.close();
  }
}

/** tar-stream's own errors are plain; the kernel's have a code, ours a kind. */
function isTarError(error: unknown): boolean {
  return !(error instanceof BridgeportError) && (error as NodeJS.ErrnoException).code === undefined;
}

class Unpacker {
  readonly #options: UnpackOptions;
  /** The folder of the entry before: most entries have the same. */
  #parent: { path: string; fd: number } | undefined;
  /** Times of folders are set when nothing more is written into them. */
  readonly #times: Array<{ path: string; time: number }> = [];

  constructor(options: UnpackOptions) {
    this.#options = options;
  }

  async entry(entry: Entry): Promise<void> {
    const { header } = entry;
    checkSupported(header);
    const name = this.#inside(header.name);
    if (name === '.') {
      if (header.type !== 'directory') throw invalid(`unpack "${header.name}": it has no name of its own`);
      return;
    }
    const path = posix.join(this.#options.folder, name);
    try {
      await this.#place(entry, path);
    } catch (error) {
      throw described(error, `unpack "${path}"`);
    }
  }

  /** Sets what had to wait. */
  async finish(): Promise<void> {
    const { O_RDONLY, O_DIRECTORY, O_NOFOLLOW } = constants;
    for (const { path, time } of this.#times.reverse()) {
      let fd: number;
      try {
        fd = await this.#options.tree.open(path, O_RDONLY | O_DIRECTORY | O_NOFOLLOW);
      } catch {
        // The container has replaced it meanwhile.
        continue;
      }
      try {
        await handles.futimes(fd, time, time);
      } finally {
        drop(fd);
      }
    }
  }

  close(): void {
    if (this.#parent !== undefined) drop(this.#parent.fd);
    this.#parent = undefined;
  }

  /** The name below the folder, or `.`; absolute names count from the folder. Throws for one that climbs out. */
  #inside(name: string): string {
    const clean = posix.normalize(name.replace(/^\/+/, '') || '.').replace(/(?<=.)\/+$/, '');
    if (clean === '..' || clean.startsWith('../')) {
      throw invalid(`Error processing tar file: "${name}" is outside of "${this.#options.folder}"`);
    }
    return clean === './' ? '.' : clean;
  }

  async #place(entry: Entry, path: string): Promise<void> {
    const { header } = entry;
    const { noOverwriteDirNonDir, files } = this.#options;
    const isFolder = header.type === 'directory';
    const parent = await this.#openParent(posix.dirname(path));
    const name = posix.basename(path);
    const existing = await handles.lstatIn(parent, name);
    if (existing !== undefined) {
      if (noOverwriteDirNonDir && existing.isDirectory() && !isFolder) {
        throw invalid(`cannot overwrite directory "${path}" with non-directory "${header.name}"`);
      }
      if (noOverwriteDirNonDir && !existing.isDirectory() && isFolder) {
        throw invalid(`cannot overwrite non-directory "${path}" with directory "${header.name}"`);
      }
      if (!(existing.isDirectory() && isFolder)) await handles.removeIn(parent, name, files.O_PATH);
    }
    switch (header.type) {
      case 'directory':
        return this.#folder(parent, name, path, header, existing?.isDirectory() === true);
      case 'file':
      case 'contiguous-file':
        return this.#file(parent, name, entry);
      case 'symlink':
        return this.#symlink(parent, name, header);
      case 'link':
        return this.#hardLink(parent, name, header);
      case 'character-device':
      case 'block-device':
      case 'fifo':
        return this.#node(parent, name, header);
      default:
        throw invalid(`entries of type ${JSON.stringify(header.type)} are not supported`);
    }
  }

  /** The folder at `path`, made if it is missing, as an open descriptor that stays ours. */
  async #openParent(path: string): Promise<number> {
    if (this.#parent?.path === path) return this.#parent.fd;
    const fd = await openFolder(this.#options, path);
    this.close();
    this.#parent = { path, fd };
    if (await handles.isKernelFilesystem(fd)) {
      throw invalid(`"${path}" belongs to the kernel: files cannot be copied there`);
    }
    return fd;
  }

  async #folder(parent: number, name: string, path: string, header: Header, exists: boolean): Promise<void> {
    if (!exists) await handles.mkdir(pathIn(parent, name), 0o700);
    const fd = await handles.openFolderIn(parent, name);
    try {
      await this.#setOwner(fd, header);
      this.#times.push({ path, time: timeOf(header) });
    } finally {
      await close(fd);
    }
  }

  async #file(parent: number, name: string, entry: Entry): Promise<void> {
    const { header } = entry;
    const { O_WRONLY, O_CREAT, O_EXCL, O_NOFOLLOW } = constants;
    const fd = await handles.open(pathIn(parent, name), O_WRONLY | O_CREAT | O_EXCL | O_NOFOLLOW, 0o600);
    const writer = new FileWriter(fd);
    try {
      for await (const piece of entry) await writer.add(piece);
      await writer.end();
      await this.#setOwner(fd, header);
      this.#setCapability(fd, header);
      const time = timeOf(header);
      await handles.futimes(fd, time, time);
    } finally {
      await writer.settle();
      await close(fd);
    }
  }

  async #symlink(parent: number, name: string, header: Header): Promise<void> {
    const path = pathIn(parent, name);
    await handles.symlink(header.linkname ?? '', path);
    const { uid, gid } = this.#ownerOf(header);
    await handles.lchown(path, uid, gid);
    const time = timeOf(header);
    await handles.lutimes(path, time, time);
  }

  async #hardLink(parent: number, name: string, header: Header): Promise<void> {
    const target = posix.join(this.#options.folder, this.#inside(header.linkname ?? ''));
    const { tree, files } = this.#options;
    const folder = await tree.open(posix.dirname(target), files.O_PATH | constants.O_DIRECTORY);
    try {
      await handles.link(pathIn(folder, posix.basename(target)), pathIn(parent, name));
    } finally {
      drop(folder);
    }
  }

  async #node(parent: number, name: string, header: Header): Promise<void> {
    const { files } = this.#options;
    const type = NODE_TYPES[header.type as string] as number;
    const device = { major: header.devmajor, minor: header.devminor };
    files.makeNode(pathIn(parent, name), type | 0o600, device);
    const fd = await handles.open(pathIn(parent, name), files.O_PATH | constants.O_NOFOLLOW);
    try {
      const stat = await handles.fstat(fd);
      // Replaced meanwhile: not ours to change.
      if ((stat.mode & constants.S_IFMT) !== type) return;
      await handles.setByHandle(fd, this.#ownerOf(header), modeOf(header), timeOf(header));
    } finally {
      await close(fd);
    }
  }

  /** The owner first: changing it clears the set-id bits. */
  async #setOwner(fd: number, header: Header): Promise<void> {
    const { uid, gid } = this.#ownerOf(header);
    await handles.fchown(fd, uid, gid);
    await handles.fchmod(fd, this.#options.mode ?? modeOf(header));
  }

  #ownerOf(header: Header): { uid: number; gid: number } {
    if (this.#options.owner !== undefined) return this.#options.owner;
    const id = (value: unknown) => {
      const number = Number(value ?? 0);
      if (!Number.isInteger(number) || number < 0 || number > 0xffffffff) {
        throw invalid(`owner ${String(value)} is no user or group id`);
      }
      return number;
    };
    return { uid: id(header.pax?.uid ?? header.uid), gid: id(header.pax?.gid ?? header.gid) };
  }

  #setCapability(fd: number, header: Header): void {
    const text = header.pax?.[XATTR_KEY];
    // tar-stream reads values as UTF-8: those that were none are lost.
    if (text === undefined || text.includes('\uFFFD')) return;
    try {
      this.#options.files.writeXattr(fd, KEPT_XATTR, Buffer.from(text));
    } catch (error) {
      if (!['EOPNOTSUPP', 'EPERM'].includes(codeOf(error))) throw error;
    }
  }
}

/**
 * The folder at the absolute `path`, made with those above it as far as they are missing, as a descriptor of O_PATH that the caller
 * closes. Links are followed inside the tree.
 *
 * @param owner of what is made; default root
 */
export async function openFolder(
  { tree, files }: Pick<UnpackOptions, 'tree' | 'files'>,
  path: string,
  owner?: { uid: number; gid: number },
): Promise<number> {
  try {
    return await tree.open(path, files.O_PATH | constants.O_DIRECTORY);
  } catch (error) {
    if (codeOf(error) !== 'ENOENT' || path === '/') throw error;
  }
  const parent = await openFolder({ tree, files }, posix.dirname(path), owner);
  try {
    const folder = pathIn(parent, posix.basename(path));
    await handles.mkdir(folder, IMPLIED_FOLDER_MODE).catch((error) => {
      if (codeOf(error) !== 'EEXIST') throw error;
    });
    if (owner !== undefined) await handles.lchown(folder, owner.uid, owner.gid);
  } finally {
    drop(parent);
  }
  return await tree.open(path, files.O_PATH | constants.O_DIRECTORY);
}

/** Before anything is touched for it. */
function checkSupported(header: Header): void {
  if (header.type === null) {
    throw invalid(`unpack "${header.name}": entries of its type are not supported`);
  }
  if (Object.keys(header.pax ?? {}).some((key) => key.startsWith('GNU.sparse.'))) {
    throw invalid(`unpack "${header.name}": sparse archives (tar --sparse) are not supported`);
  }
  if (`${header.name}${header.linkname ?? ''}`.includes('\0')) {
    throw invalid(`unpack ${JSON.stringify(header.name)}: a name contains a NUL`);
  }
}

const modeOf = (header: Header) => header.mode & 0o7777;

/** Seconds since the epoch, with fraction where the archive has one. */
function timeOf(header: Header): number {
  const exact = Number(header.pax?.mtime);
  if (header.pax?.mtime !== undefined && Number.isFinite(exact)) return exact;
  const seconds = header.mtime.getTime() / 1000;
  return Number.isFinite(seconds) ? seconds : 0;
}

function codeOf(error: unknown): string {
  if (error instanceof BridgeportError) return error.errno ?? '';
  return (error as NodeJS.ErrnoException).code ?? '';
}

/** Node's errors name descriptors: ours name the path in the container. */
function described(error: unknown, action: string): unknown {
  if (error instanceof BridgeportError && error.errno === undefined) return error;
  const code = codeOf(error);
  if (code === '') return error;
  // `EBUSY: resource busy or locked, unlink '/proc/…'`, or `open /x: no such file or directory`
  const words =
    error instanceof BridgeportError
      ? error.message.replace(/^.*: /, '')
      : (error as Error).message.replace(/^[A-Z0-9]+: /, '').replace(/, [a-z]+( '.*)?$/, '');
  return new BridgeportError('internal', `${action}: ${words}`, { cause: error, errno: code });
}
