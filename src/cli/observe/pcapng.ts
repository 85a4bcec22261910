/** Reads pcapng as it arrives: the blocks that `GET /bridgeport/capture` sends, in little-endian order. */

/** A whole block: its type, its bytes as they came, and its body. */
export interface PcapBlock {
  readonly type: number;
  readonly bytes: Buffer;
  readonly body: Buffer;
}

const STATISTICS = 5;
const PACKET = 6;
/** A block's type, its length, and the length again. */
const FRAME = 12;

/** Whole blocks only: what the end of the connection cut short is left out, so that a file made of them is whole. */
export async function* pcapBlocks(source: AsyncIterable<Buffer>): AsyncGenerator<PcapBlock> {
  let rest: Buffer = Buffer.alloc(0);
  for await (const chunk of source) {
    rest = rest.length === 0 ? chunk : Buffer.concat([rest, chunk]);
    let at = 0;
    while (rest.length - at >= FRAME) {
      const length = rest.readUInt32LE(at + 4);
      if (length < FRAME || length % 4 !== 0) throw new Error('the daemon sent something that is not pcapng');
      if (rest.length - at < length) break;
      const bytes = rest.subarray(at, at + length);
      yield { type: bytes.readUInt32LE(0), bytes, body: bytes.subarray(8, length - 4) };
      at += length;
    }
    rest = rest.subarray(at);
  }
}

/** Counts packets as their blocks pass. */
export class PcapCounter {
  #packets = 0;
  readonly #lost = new Map<number, number>();

  get packets(): number {
    return this.#packets;
  }

  /** Frames that were lost on their way, in all. */
  get lost(): number {
    return [...this.#lost.values()].reduce((sum, lost) => sum + lost, 0);
  }

  count({ type, body }: PcapBlock): void {
    if (type === PACKET) this.#packets++;
    if (type !== STATISTICS) return;
    const dropped = options(body.subarray(12)).get(5);
    if (dropped !== undefined) this.#lost.set(body.readUInt32LE(0), Number(dropped.readBigUInt64LE()));
  }
}

/** Options by their codes: code and length (u16), the value, padding to 4 bytes. */
function options(bytes: Buffer): Map<number, Buffer> {
  const found = new Map<number, Buffer>();
  for (let at = 0; at + 4 <= bytes.length; ) {
    const code = bytes.readUInt16LE(at);
    const length = bytes.readUInt16LE(at + 2);
    if (code === 0) break;
    found.set(code, bytes.subarray(at + 4, at + 4 + length));
    at += 4 + ((length + 3) & ~3);
  }
  return found;
}
