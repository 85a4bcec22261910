/** Recognises and undoes the compression of a tar by its first bytes. */

import { pipeline, Readable } from 'node:stream';
import { createGunzip } from 'node:zlib';
import { invalid } from '../../base/errors.ts';
import { OCI_LAYER, OCI_LAYER_GZIP, OCI_LAYER_ZSTD } from '../../runtime/registry/media-types.ts';
import { unzstd } from './zstd.ts';

export type Compression = 'none' | 'gzip' | 'zstd' | 'bzip2' | 'xz';

/** Enough first bytes to tell all of them. */
export const MAGIC_BYTES = 6;

const MAGICS: ReadonlyArray<[Compression, Buffer]> = [
  // RFC 1952, 2.3.1: ID1, ID2, and CM 8 (deflate)
  ['gzip', Buffer.from([0x1f, 0x8b, 0x08])],
  // RFC 8878, 3.1.1: magic number, little endian
  ['zstd', Buffer.from([0x28, 0xb5, 0x2f, 0xfd])],
  ['bzip2', Buffer.from('BZh')],
  ['xz', Buffer.from([0xfd, 0x37, 0x7a, 0x58, 0x5a, 0x00])],
];

export function detectCompression(head: Uint8Array): Compression {
  for (const [name, magic] of MAGICS) {
    if (magic.equals(head.subarray(0, magic.length))) return name;
  }
  return 'none';
}

/**
 * The layer media type for a tar of this compression.
 *
 * @throws `invalid` for those that containerd cannot unpack
 */
export function layerMediaType(compression: Compression): string {
  if (compression === 'none') return OCI_LAYER;
  if (compression === 'gzip') return OCI_LAYER_GZIP;
  if (compression === 'zstd') return OCI_LAYER_ZSTD;
  throw unsupported(compression);
}

const unsupported = (compression: Compression) =>
  invalid(`${compression} compressed archives are not supported: use gzip, zstd or an uncompressed tar`);

/**
 * Reads the first bytes of `source` and gives back a stream that still has them.
 *
 * @returns the stream as it is, and how it is compressed
 */
export async function sniff(source: Readable): Promise<{ stream: Readable; compression: Compression }> {
  const iterator = source[Symbol.asyncIterator]() as AsyncIterator<Buffer>;
  const pieces: Buffer[] = [];
  let length = 0;
  while (length < MAGIC_BYTES) {
    const next = await iterator.next();
    if (next.done === true) break;
    pieces.push(next.value);
    length += next.value.length;
  }
  const head = Buffer.concat(pieces);
  async function* rest(): AsyncGenerator<Buffer> {
    try {
      if (head.length > 0) yield head;
      for (;;) {
        const next = await iterator.next();
        if (next.done === true) return;
        yield next.value;
      }
    } finally {
      // Ends the source too when the reader gives up early.
      await iterator.return?.();
    }
  }
  return { stream: Readable.from(rest(), { objectMode: false }), compression: detectCompression(head) };
}

/** The plain bytes of `source`, whatever it is compressed with. An error of the source ends the result with it. */
export async function decompress(source: Readable): Promise<Readable> {
  const { stream, compression } = await sniff(source);
  return decompressAs(stream, compression);
}

/**
 * The plain bytes of `source`, which is compressed like this.
 *
 * @throws `invalid` for bzip2 and xz
 */
export function decompressAs(source: Readable, compression: Compression): Readable {
  if (compression === 'none') return source;
  // The error reaches the reader because pipeline() destroys the last stream with it.
  if (compression === 'gzip') return pipeline(source, createGunzip(), () => undefined);
  if (compression === 'zstd') return Readable.from(unzstd(source), { objectMode: false });
  throw unsupported(compression);
}
