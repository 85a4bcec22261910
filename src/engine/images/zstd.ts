/** zstd streams of several frames: node's decompressor stops after the first. */

import { createZstdDecompress, type ZstdDecompress } from 'node:zlib';

/**
 * The plain bytes of all frames of `source`, skippable ones left out. Layers in "zstd:chunked" have many (containers/storage).
 * RFC 8878, 3.1: "Zstandard compressed data is made up of one or more frames."
 */
export async function* unzstd(source: AsyncIterable<Buffer>): AsyncGenerator<Buffer> {
  const input = source[Symbol.asyncIterator]();
  let rest: Buffer = Buffer.alloc(0);
  try {
    for (;;) {
      while (rest.length === 0) {
        const next = await input.next();
        if (next.done === true) return;
        rest = next.value;
      }
      const decoder = createZstdDecompress();
      const fed = feed(decoder, input, rest);
      // Awaited below; when the reader stops before, nobody is left to hear of it.
      fed.catch(() => undefined);
      for await (const piece of decoder) yield piece as Buffer;
      rest = await fed;
    }
  } finally {
    await input.return?.();
  }
}

/**
 * Feeds the decoder until it has enough or the input ends. Resolves with what it did not take of the last piece: the beginning of
 * the next frame.
 */
async function feed(decoder: ZstdDecompress, input: AsyncIterator<Buffer>, first: Buffer): Promise<Buffer> {
  // A decoder that was destroyed acknowledges nothing more.
  const stopped = new Promise<'stopped'>((resolve) => {
    decoder.once('end', () => resolve('stopped'));
    decoder.once('close', () => resolve('stopped'));
  });
  let piece = first;
  for (;;) {
    const before = decoder.bytesWritten;
    const taken = new Promise<'taken'>((resolve) => decoder.write(piece, () => resolve('taken')));
    const outcome = await Promise.race([taken, stopped]);
    const left = piece.subarray(decoder.bytesWritten - before);
    if (left.length > 0 || outcome === 'stopped') return left;
    const next = await input.next().catch((error: unknown) => {
      decoder.destroy(error as Error);
      throw error;
    });
    if (next.done === true) {
      decoder.end();
      await stopped;
      return Buffer.alloc(0);
    }
    piece = next.value;
  }
}
