/** `docker cp`, `docker export` and `docker diff`. */

import { constants, promises } from 'node:fs';
import { posix } from 'node:path';
import { Readable } from 'node:stream';
import { BridgeportError, invalid, isKind, notFound } from '../../base/errors.ts';
import type { FilesystemChange, PathStat } from '../../base/wire/index.ts';
import type { Container } from '../containers/container.ts';
import type { ContainerRegistry } from '../containers/registry.ts';
import type { EngineContext } from '../context.ts';
import type { FileTree } from '../host-system.ts';
import { decompress } from '../images/compression.ts';
import { layerFolders } from '../rootfs/layers.ts';
import { resolveUser } from '../rootfs/user.ts';
import { listChanges } from './changes.ts';
import { type OpenTree, openContainerTree } from './container-tree.ts';
import { drop, fstat, handlePath, read, reopen } from './handles.ts';
import { lookUp } from './look-up.ts';
import { packTree } from './pack.ts';
import { unpackTar } from './unpack.ts';

export interface PutOptions {
  noOverwriteDirNonDir: boolean;
  /** Everything is given to the user that the container runs as, when it names one. */
  copyUidGid: boolean;
}

export type ArchiveAction = 'archive-path' | 'extract-to-dir' | 'export';

/** bytes of /etc/passwd and /etc/group that are read */
const MAX_USER_FILE = 4 * 1024 * 1024;

export class ArchiveService {
  readonly #context: EngineContext;
  readonly #registry: ContainerRegistry;
  readonly #emit: (container: Container, action: ArchiveAction) => void;

  constructor(
    context: EngineContext,
    registry: ContainerRegistry,
    emit: (container: Container, action: ArchiveAction) => void,
  ) {
    this.#context = context;
    this.#registry = registry;
    this.#emit = emit;
  }

  async statPath(ref: string, path: string): Promise<PathStat> {
    const opened = await this.#open(this.#registry.find(ref));
    try {
      const { fd, stat } = await lookUp(this.#context.host.files, opened.tree, ref, path);
      drop(fd);
      return stat;
    } finally {
      opened.release();
    }
  }

  async getArchive(ref: string, path: string): Promise<{ stat: PathStat; tar: Readable }> {
    const container = this.#registry.find(ref);
    const opened = await this.#open(container);
    try {
      const { fd, stat } = await lookUp(this.#context.host.files, opened.tree, ref, path);
      const tar = this.#pack(opened, fd, stat.name);
      this.#emit(container, 'archive-path');
      return { stat, tar };
    } catch (error) {
      opened.release();
      throw error;
    }
  }

  async putArchive(ref: string, path: string, tar: Readable, options: PutOptions): Promise<void> {
    const container = this.#registry.find(ref);
    const source = await decompress(tar);
    const opened = await this.#open(container);
    try {
      const { tree } = opened;
      await unpackTar(source, {
        files: this.#context.host.files,
        tree,
        folder: await this.#extractionPoint(tree, container, ref, path),
        noOverwriteDirNonDir: options.noOverwriteDirNonDir,
        owner: options.copyUidGid
          ? await userOf(tree, container, this.#context.host.files.O_PATH)
          : undefined,
      });
    } catch (error) {
      // Somewhere below the folder a read-only volume is mounted.
      throw hasErrno(error, 'EROFS') ? readOnly('mounted volume', error) : error;
    } finally {
      source.destroy();
      opened.release();
    }
    this.#emit(container, 'extract-to-dir');
  }

  /** The container's own files; volumes are left out, as in Docker. */
  async export(ref: string): Promise<Readable> {
    const container = this.#registry.find(ref);
    const opened = await openContainerTree(this.#context, container, { rootOnly: true });
    try {
      const { O_PATH } = this.#context.host.files;
      const tar = this.#pack(opened, await opened.tree.open('/', O_PATH | constants.O_DIRECTORY), '');
      this.#emit(container, 'export');
      return tar;
    } catch (error) {
      opened.release();
      throw error;
    }
  }

  async changes(ref: string): Promise<FilesystemChange[]> {
    const { record } = this.#registry.find(ref);
    const { containerd, host } = this.#context;
    const [upper = '', ...lower] = layerFolders(
      await containerd.snapshotter(record.snapshotter).mounts(record.id),
    );
    return listChanges({ upper, lower, readXattr: host.files.readXattr });
  }

  #open(container: Container): Promise<OpenTree> {
    return openContainerTree(this.#context, container, { rootOnly: false });
  }

  /** Takes `opened` and `top`: they are released when the stream has ended, or was given up, be it before it was read. */
  #pack(opened: OpenTree, top: number, name: string): Readable {
    const { tree } = opened;
    const tar = Readable.from(packTree({ files: this.#context.host.files, tree, top, name }), {
      objectMode: false,
      // Pieces are large already.
      highWaterMark: 1,
    });
    tar.once('close', () => {
      drop(top);
      opened.release();
    });
    return tar;
  }

  /** The folder that an archive goes into, with all links followed. */
  async #extractionPoint(tree: FileTree, container: Container, ref: string, path: string): Promise<string> {
    const { O_PATH } = this.#context.host.files;
    let fd: number;
    try {
      fd = await tree.open(posix.join('/', path), O_PATH);
    } catch (error) {
      if (hasErrno(error, 'ENOENT', 'ELOOP')) {
        throw notFound(`Could not find the file ${path} in container ${ref}`, { cause: error });
      }
      throw hasErrno(error, 'ENOTDIR') ? notAFolder(error) : error;
    }
    try {
      if (!(await promises.stat(handlePath(fd))).isDirectory()) throw notAFolder(undefined);
      const folder = tree.pathOf(fd);
      await promises.access(handlePath(fd), promises.constants.W_OK).catch((error) => {
        if (!hasErrno(error, 'EROFS')) throw error;
        const inVolume = container.record.mounts.some(
          ({ Destination: target }) => folder === target || folder.startsWith(`${target}/`),
        );
        throw readOnly(inVolume ? 'mounted volume' : 'container rootfs', error);
      });
      return folder;
    } finally {
      drop(fd);
    }
  }
}

const notAFolder = (cause: unknown) => invalid('extraction point is not a directory', { cause });

const readOnly = (what: string, cause: unknown) => invalid(`${what} is marked read-only`, { cause });

function hasErrno(error: unknown, ...names: string[]): boolean {
  const name = isKind(error) ? error.errno : (error as NodeJS.ErrnoException | undefined)?.code;
  return name !== undefined && names.includes(name);
}

/** Undefined when the container runs as nobody in particular: the archive's owners are kept. */
async function userOf(
  tree: FileTree,
  { record }: Container,
  O_PATH: number,
): Promise<{ uid: number; gid: number } | undefined> {
  if (record.config.User === '') return undefined;
  const files = {
    passwd: await textOf(tree, '/etc/passwd', O_PATH),
    group: await textOf(tree, '/etc/group', O_PATH),
  };
  const { uid, gid } = resolveUser(record.config.User, files, []).user;
  return { uid, gid };
}

/** Empty when it is missing or no regular file. */
async function textOf(tree: FileTree, path: string, O_PATH: number): Promise<string> {
  let handle: number;
  try {
    handle = await tree.open(path, O_PATH);
  } catch (error) {
    if (error instanceof BridgeportError && error.errno !== undefined) return '';
    throw error;
  }
  try {
    if (!(await fstat(handle)).isFile()) return '';
    const fd = await reopen(handle);
    try {
      const data = Buffer.alloc(MAX_USER_FILE);
      const { bytesRead } = await read(fd, data, 0, data.length, 0);
      return data.toString('utf8', 0, bytesRead);
    } finally {
      drop(fd);
    }
  } finally {
    drop(handle);
  }
}
