import assert from 'node:assert/strict';
import { randomBytes } from 'node:crypto';
import { Readable } from 'node:stream';
import { describe, test } from 'node:test';
import { gzipSync, zstdCompressSync } from 'node:zlib';
import { decompress, detectCompression, layerMediaType } from './compression.ts';

/** A zstd frame that decoders skip: RFC 8878, 3.1.2. */
const SKIPPABLE = Buffer.from([0x50, 0x2a, 0x4d, 0x18, 3, 0, 0, 0, 1, 2, 3]);

async function plain(data: Buffer, pieceSize: number): Promise<Buffer> {
  const pieces = Array.from({ length: Math.ceil(data.length / pieceSize) }, (_, index) =>
    data.subarray(index * pieceSize, (index + 1) * pieceSize),
  );
  const found: Buffer[] = [];
  for await (const piece of await decompress(Readable.from(pieces))) found.push(piece as Buffer);
  return Buffer.concat(found);
}

describe('decompress()', () => {
  const data = Buffer.concat([randomBytes(300_000), Buffer.alloc(2_000_000, 'x')]);
  const halves = [data.subarray(0, 777_777), data.subarray(777_777)];
  const inputs: Array<[string, Buffer]> = [
    ['plain', data],
    ['gzip', gzipSync(data)],
    ['gzip of two members', Buffer.concat(halves.map((half) => gzipSync(half)))],
    ['zstd', zstdCompressSync(data)],
    ['zstd of several frames', Buffer.concat([...halves.map((half) => zstdCompressSync(half)), SKIPPABLE])],
    [
      'zstd that begins with a frame to skip',
      Buffer.concat([zstdCompressSync(''), SKIPPABLE, zstdCompressSync(data)]),
    ],
  ];
  for (const [what, input] of inputs) {
    for (const pieceSize of [999, 65536, input.length]) {
      test(`undoes ${what} in pieces of ${pieceSize}`, async () => {
        assert.ok((await plain(input, pieceSize)).equals(data));
      });
    }
  }

  test('fails when the input is cut short', async () => {
    for (const input of [gzipSync(data), zstdCompressSync(data)]) {
      await assert.rejects(plain(input.subarray(0, 100_000), 4096), /unexpected end of file/);
    }
  });

  test("ends with the source's own error", async () => {
    for (const input of [data, gzipSync(data), zstdCompressSync(data)]) {
      const source = (async function* () {
        yield input.subarray(0, 50_000);
        throw new Error('client went away');
      })();
      const read = async () => {
        for await (const _ of await decompress(Readable.from(source)));
      };
      await assert.rejects(read, /client went away/);
    }
  });

  test('ends the source when the reader gives up', async () => {
    for (const input of [data, gzipSync(data), zstdCompressSync(data)]) {
      let ended = false;
      const source = (async function* () {
        try {
          for (let at = 0; at < input.length; at += 1000) yield input.subarray(at, at + 1000);
        } finally {
          ended = true;
        }
      })();
      for await (const _ of await decompress(Readable.from(source))) break;
      await new Promise((resolve) => setTimeout(resolve, 10));
      assert.ok(ended);
    }
  });
});

test('layerMediaType() refuses what containerd cannot unpack', () => {
  assert.match(layerMediaType(detectCompression(gzipSync(''))), /tar\+gzip$/);
  assert.match(layerMediaType(detectCompression(zstdCompressSync(''))), /tar\+zstd$/);
  assert.match(layerMediaType(detectCompression(Buffer.from('x'))), /tar$/);
  assert.throws(() => layerMediaType(detectCompression(Buffer.from([0xfd, 0x37, 0x7a, 0x58, 0x5a, 0]))), {
    kind: 'invalid',
    message: /^xz compressed/,
  });
});
