/** Reads pcapng as it arrives: the blocks that `GET /bridgeport/capture` sends, in little-endian order. */

/** A whole block: its type, its bytes as they came, and its body. */
export interface PcapBlock {
  readonly type: number;
  readonly bytes: Buffer;
  readonly body: Buffer;
}

export interface PcapPacket {
  /** `web:eth0` */
  readonly interface: string;
  /** Nanoseconds since 1970. */
  readonly time: bigint;
  readonly data: Buffer;
  /** Bytes on the wire. */
  readonly length: number;
  readonly direction: 'in' | 'out' | undefined;
  readonly comment: string | undefined;
}

const INTERFACE = 1;
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

/** Keeps the names of interfaces, by which packets are told. */
export class PcapReader {
  readonly #interfaces: string[] = [];
  readonly #lost = new Map<number, number>();

  /** Frames that were lost on their way, in all. */
  get lost(): number {
    return [...this.#lost.values()].reduce((sum, lost) => sum + lost, 0);
  }

  /** The packet, when the block is one. */
  read({ type, body }: PcapBlock): PcapPacket | undefined {
    if (type === INTERFACE) this.#interfaces.push(options(body.subarray(8)).get(2)?.toString() ?? '');
    if (type === STATISTICS) {
      const dropped = options(body.subarray(12)).get(5);
      if (dropped !== undefined) this.#lost.set(body.readUInt32LE(0), Number(dropped.readBigUInt64LE()));
    }
    if (type !== PACKET) return undefined;
    const kept = body.readUInt32LE(12);
    const found = options(body.subarray(20 + ((kept + 3) & ~3)));
    const flags = (found.get(2)?.readUInt32LE() ?? 0) & 3;
    return {
      interface: this.#interfaces[body.readUInt32LE(0)] ?? '',
      time: (BigInt(body.readUInt32LE(4)) << 32n) | BigInt(body.readUInt32LE(8)),
      data: body.subarray(20, 20 + kept),
      length: body.readUInt32LE(16),
      direction: flags === 1 ? 'in' : flags === 2 ? 'out' : undefined,
      comment: found.get(1)?.toString(),
    };
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
