import type { Writable } from 'node:stream';

/** Length of the header before every frame: stream id, three zero bytes, big-endian length. */
const HEADER = 8;

/**
 * Splits the stream of a container without a terminal into its parts. Each frame is
 * `[id, 0, 0, 0, length (4 bytes, big endian)] payload`, id 1 for stdout, 2 for stderr, 3 for an error of the daemon
 * (Docker Engine API, "Stream format" of `ContainerAttach`).
 *
 * Resolves at the end of `source`. Throws an `Error` for a frame that is none, with the daemon's words for id 3.
 */
export async function demultiplex(
  source: AsyncIterable<Buffer>,
  stdout: Writable | undefined,
  stderr: Writable | undefined,
): Promise<void> {
  const header = Buffer.alloc(HEADER);
  let filled = 0;
  let left = 0;
  let failure = '';
  for await (const chunk of source) {
    for (let at = 0; at < chunk.length; ) {
      if (left === 0) {
        const copied = chunk.copy(header, filled, at, at + HEADER - filled);
        at += copied;
        filled += copied;
        if (filled < HEADER) continue;
        filled = 0;
        left = header.readUInt32BE(4);
        if (header[0]! > 3) throw new Error(`unrecognized stream: ${header[0]}`);
        continue;
      }
      const payload = chunk.subarray(at, at + left);
      at += payload.length;
      left -= payload.length;
      if (header[0] === 3) failure += payload.toString('utf8');
      else await write(header[0] === 2 ? stderr : stdout, payload);
    }
  }
  if (failure !== '') throw new Error(`error from daemon in stream: ${failure}`);
}

/** Copies a raw stream (a terminal's) to `output`, waiting while it is full. */
export async function copy(source: AsyncIterable<Buffer>, output: Writable | undefined): Promise<void> {
  for await (const chunk of source) await write(output, chunk);
}

async function write(output: Writable | undefined, payload: Buffer): Promise<void> {
  if (output === undefined || output.write(payload)) return;
  await new Promise<void>((resolve) => {
    output.once('drain', resolve);
    output.once('close', resolve);
  });
}
