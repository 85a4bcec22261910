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
  readonly #buffer: Buffer;
  /** Payloads by type, as places in the buffer: a link has sixty attributes, of which a reader wants a dozen. */
  readonly #places: ReadonlyMap<number, Place>;

  constructor(buffer: Buffer, places: ReadonlyMap<number, Place>) {
    this.#buffer = buffer;
    this.#places = places;
  }

  has(type: number): boolean {
    return this.#places.has(type);
  }

  bytes(type: number): Buffer | undefined {
    const place = this.#places.get(type);
    return place && this.#buffer.subarray(place.start, place.end);
  }

  u8(type: number): number | undefined {
    const at = this.#start(type, 1);
    return at < 0 ? undefined : this.#buffer.readUInt8(at);
  }

  u16(type: number): number | undefined {
    const at = this.#start(type, 2);
    return at < 0 ? undefined : this.#buffer.readUInt16LE(at);
  }

  u32(type: number): number | undefined {
    const at = this.#start(type, 4);
    return at < 0 ? undefined : this.#buffer.readUInt32LE(at);
  }

  s32(type: number): number | undefined {
    const at = this.#start(type, 4);
    return at < 0 ? undefined : this.#buffer.readInt32LE(at);
  }

  u16be(type: number): number | undefined {
    const at = this.#start(type, 2);
    return at < 0 ? undefined : this.#buffer.readUInt16BE(at);
  }

  u32be(type: number): number | undefined {
    const at = this.#start(type, 4);
    return at < 0 ? undefined : this.#buffer.readUInt32BE(at);
  }

  u64be(type: number): bigint | undefined {
    const at = this.#start(type, 8);
    return at < 0 ? undefined : this.#buffer.readBigUInt64BE(at);
  }

  /** Up to the first NUL, if there is one. */
  string(type: number): string | undefined {
    const bytes = this.bytes(type);
    return bytes && textOf(bytes);
  }

  /** The attributes inside one; `undefined` when it is missing. */
  nested(type: number): Attributes | undefined {
    const place = this.#places.get(type);
    return place && readAttributes(this.#buffer, place.start, place.end);
  }

  /** Where a payload of at least `size` bytes starts; -1 when it is missing or shorter. */
  #start(type: number, size: number): number {
    const place = this.#places.get(type);
    return place && place.end - place.start >= size ? place.start : -1;
  }
}

/** Reads the attributes between `start` and `end`. */
export function readAttributes(buffer: Buffer, start = 0, end = buffer.length): Attributes {
  const places = new Map<number, Place>();
  walk(buffer, start, end, (type, from, to) => places.set(type, { start: from, end: to }));
  return new Attributes(buffer, places);
}

/** Every attribute in order, the flag bits of its type taken off: for lists, where a type is repeated. */
export function listAttributes(buffer: Buffer, offset = 0): Array<[type: number, payload: Buffer]> {
  const list: Array<[type: number, payload: Buffer]> = [];
  walk(buffer, offset, buffer.length, (type, start, end) => list.push([type, buffer.subarray(start, end)]));
  return list;
}

interface Place {
  readonly start: number;
  readonly end: number;
}

/** Stops at the first attribute that claims more bytes than there are, as the kernel's `nla_for_each_attr` does. */
function walk(
  buffer: Buffer,
  start: number,
  end: number,
  visit: (type: number, start: number, end: number) => void,
): void {
  let at = start;
  while (at + HEADER <= end) {
    const length = buffer.readUInt16LE(at);
    if (length < HEADER || at + length > end) return;
    visit(buffer.readUInt16LE(at + 2) & NLA_TYPE_MASK, at + HEADER, at + length);
    at += align(length);
  }
}

/** The text of a payload, up to its first NUL. */
export function textOf(bytes: Buffer): string {
  const end = bytes.indexOf(0);
  return bytes.toString('utf8', 0, end < 0 ? bytes.length : end);
}
