/** Puts the sources of COPY and ADD into the files of the image that is being made. */

import { createReadStream } from 'node:fs';
import { posix } from 'node:path';
import { Readable } from 'node:stream';
import { invalid, isKind } from '../../base/errors.ts';
import { drop, fstat, reopen } from '../archive/handles.ts';
import { packTree } from '../archive/pack.ts';
import { TAR_BLOCK } from '../archive/tar-header.ts';
import { openFolder, unpackTar } from '../archive/unpack.ts';
import type { FileTree, HostFiles } from '../host-system.ts';
import { decompress } from '../images/compression.ts';
import type { Source } from './sources.ts';

export interface CopyPlan {
  files: HostFiles;
  from: FileTree;
  sources: readonly Source[];
  to: FileTree;
  /** Absolute; with a slash at its end it is a folder. */
  destination: string;
  /** ADD: an archive is unpacked. */
  unpack: boolean;
  /** Undefined: who owns the sources. */
  owner: { uid: number; gid: number } | undefined;
  mode: number | undefined;
}

export async function copySources(plan: CopyPlan): Promise<void> {
  const { files, to, destination } = plan;
  const isFolder =
    destination.endsWith('/') ||
    plan.sources.some((source) => source.isFolder) ||
    (await folderExists(to, files, destination));
  for (const source of plan.sources) {
    const top = await plan.from.open(source.path, files.O_PATH);
    try {
      const archive = plan.unpack && !source.isFolder ? await openArchive(top, source.path) : undefined;
      const intoFolder = source.isFolder || archive !== undefined;
      const target =
        isFolder && !intoFolder ? posix.join(destination, posix.basename(source.path)) : destination;
      const folder = await folderAt(to, files, intoFolder ? target : posix.dirname(target), plan.owner);
      const name = intoFolder ? '' : posix.basename(target);
      const tar =
        archive ?? Readable.from(packTree({ files, tree: plan.from, top, name }), { objectMode: false });
      await unpackTar(tar, {
        ...{ files, tree: to, folder },
        noOverwriteDirNonDir: true,
        // What an archive says of its files stays.
        owner: archive === undefined ? plan.owner : undefined,
        mode: archive === undefined ? plan.mode : undefined,
      });
    } finally {
      drop(top);
    }
  }
}

/** Makes the folder at `path`, with those above it, for `owner` (default root), and gives its real place, without links. */
export async function folderAt(
  tree: FileTree,
  files: HostFiles,
  path: string,
  owner?: { uid: number; gid: number },
): Promise<string> {
  const fd = await openFolder({ tree, files }, path.replace(/(?<=.)\/+$/, ''), owner);
  try {
    return tree.pathOf(fd);
  } finally {
    drop(fd);
  }
}

async function folderExists(tree: FileTree, files: HostFiles, path: string): Promise<boolean> {
  try {
    const fd = await tree.open(path, files.O_PATH);
    try {
      return (await fstat(fd)).isDirectory();
    } finally {
      drop(fd);
    }
  } catch (error) {
    if (isKind(error) && ['ENOENT', 'ENOTDIR'].includes(error.errno ?? '')) return false;
    throw error;
  }
}

/** The plain bytes of the archive that the file is; undefined when it is none. */
async function openArchive(top: number, path: string): Promise<Readable | undefined> {
  if (!(await fstat(top)).isFile()) return undefined;
  const plain = async () => {
    const file = createReadStream('', { fd: await reopen(top) });
    return decompress(file).catch((error) => {
      file.destroy();
      throw error;
    });
  };
  const probe = await plain().catch((error) => {
    // A compressed file that is no archive is copied as it is.
    if (/\.(tar\.(xz|bz2)|txz|tbz2?)$/.test(path)) throw error;
    return undefined;
  });
  if (probe === undefined) return undefined;
  let head = Buffer.alloc(0);
  try {
    for await (const piece of probe) {
      head = Buffer.concat([head, piece as Buffer]);
      if (head.length >= TAR_BLOCK) break;
    }
  } catch {
    return undefined;
  }
  return isTarHeader(head) ? plain() : undefined;
}

/** The sum in the header is right: tar(5). */
function isTarHeader(head: Buffer): boolean {
  if (head.length < TAR_BLOCK) return false;
  const written = Number.parseInt(head.toString('latin1', 148, 156).replace(/[\0 ]/g, ''), 8);
  const sum = head
    .subarray(0, TAR_BLOCK)
    .reduce((total, byte, at) => total + (at >= 148 && at < 156 ? 0x20 : byte), 0);
  return written === sum;
}

/** `--chmod`: permissions in octal digits. */
export function parseMode(text: string): number {
  if (!/^0?[0-7]{3,4}$/.test(text)) {
    throw invalid(`invalid chmod parameter: '${text}'. it should be octal string and between 0 and 07777`);
  }
  return Number.parseInt(text, 8);
}
