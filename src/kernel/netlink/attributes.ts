/**
 * Netlink attributes (`struct nlattr`): length u16 (header included), type u16, payload, padding to 4 bytes.
 *
 * Numbers are in host order, which is little-endian wherever Bridgeport's dependencies are prebuilt (x86-64, arm64);
 * nfnetlink and some addresses are big-endian by their own definition: those have `be` in the name.
 */
import { internal } from '../../base/errors.ts';
import { NLA_F_NESTED, NLA_TYPE_MASK } from './constants.ts';

const HEADER = 4;
const align = (length: number) => (length + 3) & ~3;

/** Writes attributes one after the other into a buffer that grows. Methods return the writer, to be chained. */
export class AttributeWriter {
  #buffer: Buffer;
  #length: number;

  /** @param head bytes that stand before the first attribute: a family's fixed header, padded to 4 */
  constructor(head: Uint8Array = new Uint8Array(0)) {
    this.#buffer = Buffer.alloc(Math.max(128, align(head.length)));
    this.#buffer.set(head);
    this.#length = align(head.length);
  }

  u8(type: number, value: number): this {
    const at = this.#attribute(type, 1);
    this.#buffer.writeUInt8(value, at);
    return this;
  }

  u16(type: number, value: number): this {
    const at = this.#attribute(type, 2);
    this.#buffer.writeUInt16LE(value, at);
    return this;
  }

  u32(type: number, value: number): this {
    const at = this.#attribute(type, 4);
    this.#buffer.writeUInt32LE(value, at);
    return this;
  }

  u64(type: number, value: bigint): this {
    const at = this.#attribute(type, 8);
    this.#buffer.writeBigUInt64LE(value, at);
    return this;
  }

  u16be(type: number, value: number): this {
    const at = this.#attribute(type, 2);
    this.#buffer.writeUInt16BE(value, at);
    return this;
  }

  u32be(type: number, value: number): this {
    const at = this.#attribute(type, 4);
    this.#buffer.writeUInt32BE(value, at);
    return this;
  }

  /** A string with its closing NUL, as `nla_put_string()` writes it. */
  string(type: number, value: string): this {
    if (value.includes('\0'))
      throw internal(`netlink attribute ${type}: ${JSON.stringify(value)} holds a NUL`);
    const at = this.#attribute(type, Buffer.byteLength(value) + 1);
    this.#buffer.write(value, at);
    return this;
  }

  bytes(type: number, value: Uint8Array): this {
    const at = this.#attribute(type, value.length);
    this.#buffer.set(value, at);
    return this;
  }

  /** An attribute whose presence is its meaning. */
  flag(type: number): this {
    this.#attribute(type, 0);
    return this;
  }

  /**
   * Attributes within an attribute. Sets NLA_F_NESTED, which newer kernels require in places and every kernel accepts.
   *
   * @param head fixed bytes that stand before the inner attributes (VETH_INFO_PEER has an ifinfomsg there)
   */
  nested(type: number, fill: (inner: AttributeWriter) => void, head?: Uint8Array): this {
    const inner = new AttributeWriter(head);
    fill(inner);
    return this.bytes(type | NLA_F_NESTED, inner.finish());
  }

  /** The bytes written so far: head and attributes, padded. */
  finish(): Buffer {
    return this.#buffer.subarray(0, this.#length);
  }

  /** Reserves an attribute, zeroes included, and returns where its payload starts. */
  #attribute(type: number, payload: number): number {
    const start = this.#length;
    const length = HEADER + payload;
    if (length > 0xffff)
      throw internal(`netlink attribute ${type}: ${payload} bytes do not fit in one attribute`);
    const end = start + align(length);
    if (end > this.#buffer.length) {
      const grown = Buffer.alloc(Math.max(end, this.#buffer.length * 2));
      this.#buffer.copy(grown, 0, 0, start);
      this.#buffer = grown;
    }
    this.#buffer.writeUInt16LE(length, start);
    this.#buffer.writeUInt16LE(type, start + 2);
    this.#length = end;
    return start + HEADER;
  }
}

/** Attributes as they were read, by type. Where a type is repeated the last one counts, as in the kernel's own parser. */
export class Attributes {
  readonly #byType: ReadonlyMap<number, Buffer>;

  constructor(byType: ReadonlyMap<number, Buffer>) {
    this.#byType = byType;
  }

  has(type: number): boolean {
    return this.#byType.has(type);
  }

  bytes(type: number): Buffer | undefined {
    return this.#byType.get(type);
  }

  u8(type: number): number | undefined {
    return this.#sized(type, 1)?.readUInt8();
  }

  u16(type: number): number | undefined {
    return this.#sized(type, 2)?.readUInt16LE();
  }

  u32(type: number): number | undefined {
    return this.#sized(type, 4)?.readUInt32LE();
  }

  s32(type: number): number | undefined {
    return this.#sized(type, 4)?.readInt32LE();
  }

  u16be(type: number): number | undefined {
    return this.#sized(type, 2)?.readUInt16BE();
  }

  u32be(type: number): number | undefined {
    return this.#sized(type, 4)?.readUInt32BE();
  }

  u64be(type: number): bigint | undefined {
    return this.#sized(type, 8)?.readBigUInt64BE();
  }

  /** Up to the first NUL, if there is one. */
  string(type: number): string | undefined {
    const bytes = this.#byType.get(type);
    return bytes && textOf(bytes);
  }

  /** The attributes inside one; `undefined` when it is missing. */
  nested(type: number): Attributes | undefined {
    const bytes = this.#byType.get(type);
    return bytes && readAttributes(bytes);
  }

  #sized(type: number, size: number): Buffer | undefined {
    const bytes = this.#byType.get(type);
    return bytes && bytes.length >= size ? bytes : undefined;
  }
}

export function readAttributes(buffer: Buffer, offset = 0): Attributes {
  const byType = new Map<number, Buffer>();
  for (const [type, payload] of eachAttribute(buffer, offset)) byType.set(type, payload);
  return new Attributes(byType);
}

/**
 * Every attribute in order, the flag bits of its type taken off: for lists, where a type is repeated. Stops at the first
 * attribute that claims more bytes than there are, as the kernel's `nla_for_each_attr` does.
 */
export function* eachAttribute(buffer: Buffer, offset = 0): Generator<[type: number, payload: Buffer]> {
  let at = offset;
  while (at + HEADER <= buffer.length) {
    const length = buffer.readUInt16LE(at);
    if (length < HEADER || at + length > buffer.length) return;
    yield [buffer.readUInt16LE(at + 2) & NLA_TYPE_MASK, buffer.subarray(at + HEADER, at + length)];
    at += align(length);
  }
}

/** The text of a payload, up to its first NUL. */
export function textOf(bytes: Buffer): string {
  const end = bytes.indexOf(0);
  return bytes.toString('utf8', 0, end < 0 ? bytes.length : end);
}
