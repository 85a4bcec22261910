/**
 * Reads a tar that holds an image. Nothing is ever extracted to the file system: large files go straight into containerd's
 * content store, small ones stay in memory, links are names for other members. A path that leaves the archive, or a device, is
 * refused all the same, so that nobody takes such an archive for a good one.
 */

import { randomUUID } from 'node:crypto';
import { posix } from 'node:path';
import { addAbortSignal, pipeline, type Readable, type Writable } from 'node:stream';
import { extract, type Header } from 'tar-stream';
import { invalid, isKind, messageOf } from '../../base/errors.ts';
import type { Containerd } from '../../runtime/containerd/client.ts';
import { type Compression, decompress, detectCompression, MAGIC_BYTES } from './compression.ts';
import { digestOf } from './digest.ts';

/** A regular file of the archive: in memory, or in the content store under its digest. */
export interface ArchiveFile {
  size: number;
  compression: Compression;
  at: { data: Buffer } | { digest: string };
}

/** Files up to this size stay in memory … */
const SMALL_FILE_BYTES = 256 << 10;
/** … as long as all of them together are no larger than this. */
const MEMORY_BYTES = 32 << 20;
/** An image has at most a few hundred members. */
const MAX_MEMBERS = 100_000;
const MAX_LINK_HOPS = 16;

const REFUSED_TYPES: Readonly<Record<string, string>> = {
  'character-device': 'a character device',
  'block-device': 'a block device',
  fifo: 'a FIFO',
};

export class ImageArchive {
  readonly #files = new Map<string, ArchiveFile>();
  readonly #links = new Map<string, string>();
  #members = 0;
  #inMemory = 0;

  /**
   * Reads the whole archive, plain or compressed. Call it under a lease: it is what keeps the blobs until they are used.
   *
   * @throws `invalid` for what is no tar, is cut short or holds what an image may not
   */
  static async read(client: Containerd, tar: Readable, signal: AbortSignal): Promise<ImageArchive> {
    const archive = new ImageArchive();
    const reader = extract();
    const plain = await decompress(addAbortSignal(signal, tar));
    // The reader gets every error of the source, because pipeline() destroys it with it; its types are not node's.
    pipeline(plain, reader as unknown as Writable, () => undefined);
    try {
      for await (const entry of reader) {
        await archive.#add(client, entry.header, entry as unknown as AsyncIterable<Buffer>, signal);
        entry.resume();
      }
    } catch (error) {
      reader.destroy();
      tar.destroy();
      signal.throwIfAborted();
      if (isKind(error)) throw error;
      throw invalid(`read image archive: ${messageOf(error)}`, { cause: error });
    }
    if (archive.#members === 0) throw invalid('read image archive: the archive is empty');
    return archive;
  }

  async #add(
    client: Containerd,
    header: Header,
    content: AsyncIterable<Buffer>,
    signal: AbortSignal,
  ): Promise<void> {
    if (++this.#members > MAX_MEMBERS) throw invalid(`read image archive: more than ${MAX_MEMBERS} members`);
    const name = memberPath(header.name, header.name);
    switch (header.type) {
      case 'directory':
        return;
      case 'file':
      case 'contiguous-file':
        this.#files.set(name, await this.#store(client, header.size, content, signal));
        this.#links.delete(name);
        return;
      case 'symlink':
      case 'link': {
        const target = header.linkname;
        // A symbolic link counts from its own directory, a hard link from the root of the archive.
        const from = header.type === 'symlink' ? posix.dirname(name) : '.';
        if (target === '' || posix.isAbsolute(target)) throw leaves(header.name, target);
        this.#links.set(name, memberPath(posix.join(from, target), `${header.name} -> ${target}`));
        this.#files.delete(name);
        return;
      }
      default:
        throw invalid(
          `read image archive: "${header.name}" is ${REFUSED_TYPES[header.type] ?? `of type ${header.type}`}: refused`,
        );
    }
  }

  async #store(
    client: Containerd,
    size: number,
    content: AsyncIterable<Buffer>,
    signal: AbortSignal,
  ): Promise<ArchiveFile> {
    if (size <= SMALL_FILE_BYTES && this.#inMemory + size <= MEMORY_BYTES) {
      const pieces: Buffer[] = [];
      for await (const piece of content) pieces.push(piece);
      const data = Buffer.concat(pieces);
      this.#inMemory += data.length;
      return { size: data.length, compression: detectCompression(data), at: { data } };
    }
    const head: Buffer[] = [];
    let headLength = 0;
    async function* noticeHead(): AsyncGenerator<Buffer> {
      for await (const piece of content) {
        if (headLength < MAGIC_BYTES) {
          head.push(piece.subarray(0, MAGIC_BYTES));
          headLength += piece.length;
        }
        yield piece;
      }
    }
    const written = await client.content.write({
      ref: `archive-${randomUUID()}`,
      source: noticeHead(),
      signal,
    });
    if (written.size !== size) throw invalid('read image archive: unexpected end of data');
    return {
      size,
      compression: detectCompression(Buffer.concat(head)),
      at: { digest: written.digest },
    };
  }

  /** The file at `path`, through links. */
  get(path: string): ArchiveFile | undefined {
    let name = memberPath(path, path);
    for (let hop = 0; hop < MAX_LINK_HOPS; hop++) {
      const target = this.#links.get(name);
      if (target === undefined) return this.#files.get(name);
      name = target;
    }
    throw invalid(`read image archive: too many links at "${path}"`);
  }

  has(path: string): boolean {
    return this.get(path) !== undefined;
  }

  /** The content of a document; `invalid` when it is missing or larger than `maxBytes`. */
  async readDocument(client: Containerd, path: string, maxBytes: number): Promise<Buffer> {
    const file = this.get(path);
    if (file === undefined) throw invalid(`read image archive: "${path}" is missing`);
    if (file.size > maxBytes) {
      throw invalid(`read image archive: "${path}" has ${file.size} bytes, at most ${maxBytes} are allowed`);
    }
    return 'data' in file.at ? file.at.data : client.content.readAll(file.at.digest);
  }

  /** Like {@link readDocument}, parsed. */
  async readJson(client: Containerd, path: string, maxBytes: number): Promise<unknown> {
    const data = await this.readDocument(client, path, maxBytes);
    try {
      return JSON.parse(data.toString());
    } catch (error) {
      throw invalid(`read image archive: "${path}" is not JSON: ${messageOf(error)}`, { cause: error });
    }
  }

  /** Sees to it that the file is in the content store, and tells under which digest. */
  async toContent(
    client: Containerd,
    path: string,
    signal: AbortSignal,
  ): Promise<{ digest: string; file: ArchiveFile }> {
    const file = this.get(path);
    if (file === undefined) throw invalid(`read image archive: "${path}" is missing`);
    if ('digest' in file.at) return { digest: file.at.digest, file };
    const { data } = file.at;
    const digest = digestOf(data);
    await client.content.write({
      ref: `archive-${randomUUID()}`,
      digest,
      size: data.length,
      source: data,
      signal,
    });
    return { digest, file };
  }
}

/** The member's path without `./`, or a refusal when it is absolute or goes above the root. */
function memberPath(path: string, shown: string): string {
  const normal = posix.normalize(path).replace(/\/$/, '');
  if (
    posix.isAbsolute(path) ||
    normal === '..' ||
    normal.startsWith('../') ||
    path.split('/').includes('..')
  ) {
    // A link may well say `../x` and stay inside; its target comes here joined, so only real escapes have dots left.
    throw leaves(shown);
  }
  return normal;
}

function leaves(shown: string, target?: string): Error {
  const what = target === undefined ? shown : `${shown} -> ${target}`;
  return invalid(`read image archive: "${what}" leaves the archive: refused`);
}
