/** Writes a file from small pieces in few large writes, of which one is under way while the next fills. */

import { writev } from './handles.ts';

/** bytes gathered before a write */
const BATCH = 512 * 1024;

export class FileWriter {
  readonly #fd: number;
  #pieces: Uint8Array[] = [];
  #size = 0;
  #writing: Promise<void> = Promise.resolve();

  /** The descriptor stays the caller's. */
  constructor(fd: number) {
    this.#fd = fd;
  }

  /** Resolves when the next piece may come: at most two batches are in memory. Rejects with the error of an earlier write. */
  async add(piece: Uint8Array): Promise<void> {
    this.#pieces.push(piece);
    this.#size += piece.length;
    if (this.#size >= BATCH) await this.#flush();
  }

  /** Everything is written. */
  async end(): Promise<void> {
    await this.#flush();
    await this.#writing;
  }

  /** Nothing is under way any more, well or ill: the descriptor may be closed. */
  async settle(): Promise<void> {
    await this.#writing.catch(() => {});
  }

  async #flush(): Promise<void> {
    await this.#writing;
    const pieces = this.#pieces;
    if (pieces.length === 0) return;
    this.#pieces = [];
    this.#size = 0;
    this.#writing = writeAll(this.#fd, pieces);
    // Waited for by the next step; until then a failure must not count as unhandled.
    this.#writing.catch(() => {});
  }
}

async function writeAll(fd: number, pieces: Uint8Array[]): Promise<void> {
  for (let rest = pieces; rest.length > 0; ) {
    const { bytesWritten } = await writev(fd, rest);
    rest = after(rest, bytesWritten);
  }
}

/** What is left of `pieces` when their first `count` bytes are gone. */
function after(pieces: Uint8Array[], count: number): Uint8Array[] {
  let left = count;
  for (const [index, piece] of pieces.entries()) {
    if (left < piece.length) return [piece.subarray(left), ...pieces.slice(index + 1)];
    left -= piece.length;
  }
  return [];
}
