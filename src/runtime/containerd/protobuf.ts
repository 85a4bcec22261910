/**
 * A small protobuf codec: messages are described by values, and their TypeScript types follow from the description.
 * Covers what containerd's API uses of proto3 (https://protobuf.dev/programming-guides/encoding/): varints, doubles,
 * strings, bytes, embedded messages, repeated fields, maps, Timestamp and Any. Unknown fields are skipped.
 *
 * Why not protobufjs: it costs the daemon 30–260 ms at start and 10 MB for ever, to parse `.proto` files that never
 * change (docs/decisions/0003-containerd-client.md).
 */

/** Wire types of a field's tag. */
const VARINT = 0;
const FIXED64 = 1;
const BYTES = 2;
const FIXED32 = 5;

/** How a value of type `T` is written and read. `zero` is proto3's default, which is not sent. */
interface Codec<T> {
  readonly wire: number;
  readonly zero: T;
  isZero(value: T): boolean;
  write(writer: Writer, value: T): void;
  read(reader: Reader): T;
}

type Cardinality = 'one' | 'many' | 'map';

export interface Field<T, C extends Cardinality> {
  readonly number: number;
  readonly codec: Codec<T>;
  readonly cardinality: C;
}

// biome-ignore lint/suspicious/noExplicitAny: a field of any type; `unknown` would refuse Codec's contravariance
type AnyField = Field<any, Cardinality>;
export type Fields = Record<string, AnyField>;

type FieldOut<F> =
  F extends Field<infer T, infer C>
    ? C extends 'one'
      ? T
      : C extends 'many'
        ? T[]
        : Record<string, T>
    : never;

/** What `decode()` returns: absent scalars are their zero, absent messages `undefined`. */
export type Decoded<F extends Fields> = { -readonly [K in keyof F]: FieldOut<F[K]> };
/** What `encode()` takes: anything may be left out. */
export type Encodable<F extends Fields> = { readonly [K in keyof F]?: FieldIn<F[K]> | undefined };
type FieldIn<F> =
  F extends Field<infer T, infer C>
    ? C extends 'one'
      ? In<T>
      : C extends 'many'
        ? readonly In<T>[]
        : Readonly<Record<string, In<T>>>
    : never;
/** Embedded messages may be partial too; Date and bytes are taken whole. */
type In<T> = T extends Date | Uint8Array | string | number | boolean
  ? T
  : T extends (infer E)[]
    ? readonly In<E>[]
    : T extends object
      ? { readonly [K in keyof T]?: In<T[K]> | undefined }
      : T;

export interface Message<F extends Fields> {
  readonly fields: F;
  encode(value: Encodable<F>): Buffer;
  decode(bytes: Uint8Array): Decoded<F>;
}

/** The decoded type of a message description: `type Mount = Of<typeof mount>`. */
export type Of<M> = M extends Message<infer F> ? Decoded<F> : never;

class Writer {
  #buffer = Buffer.allocUnsafe(256);
  #length = 0;

  #room(bytes: number): void {
    if (this.#length + bytes <= this.#buffer.length) return;
    const grown = Buffer.allocUnsafe(Math.max(this.#buffer.length * 2, this.#length + bytes));
    this.#buffer.copy(grown, 0, 0, this.#length);
    this.#buffer = grown;
  }

  tag(number: number, wire: number): void {
    this.varint(number * 8 + wire);
  }

  /** Unsigned, or negative as the 10-byte two's complement proto3 wants for int64. */
  varint(value: number): void {
    this.#room(10);
    if (value < 0) {
      let big = BigInt.asUintN(64, BigInt(value));
      for (; big >= 128n; big >>= 7n) this.#buffer[this.#length++] = Number(big & 127n) | 128;
      this.#buffer[this.#length++] = Number(big);
      return;
    }
    let rest = value;
    // Division, not shifts: shifts would cut at 32 bits.
    for (; rest >= 128; rest = Math.floor(rest / 128)) this.#buffer[this.#length++] = (rest % 128) | 128;
    this.#buffer[this.#length++] = rest;
  }

  double(value: number): void {
    this.#room(8);
    this.#length = this.#buffer.writeDoubleLE(value, this.#length);
  }

  bytes(value: Uint8Array): void {
    this.varint(value.length);
    this.#room(value.length);
    this.#buffer.set(value, this.#length);
    this.#length += value.length;
  }

  string(value: string): void {
    const length = Buffer.byteLength(value);
    this.varint(length);
    this.#room(length);
    this.#length += this.#buffer.write(value, this.#length);
  }

  finish(): Buffer {
    return this.#buffer.subarray(0, this.#length);
  }
}

class Reader {
  readonly #buffer: Buffer;
  #at = 0;

  constructor(bytes: Uint8Array) {
    this.#buffer = Buffer.isBuffer(bytes)
      ? bytes
      : Buffer.from(bytes.buffer, bytes.byteOffset, bytes.byteLength);
  }

  get done(): boolean {
    return this.#at >= this.#buffer.length;
  }

  #take(length: number): number {
    const start = this.#at;
    if (length < 0 || start + length > this.#buffer.length)
      throw new RangeError(`protobuf: ${length} bytes wanted at ${start} of ${this.#buffer.length}`);
    this.#at = start + length;
    return start;
  }

  /** As a number: exact to 2^53, rounded above. Negative int64 come out negative. */
  varint(): number {
    let low = 0;
    let scale = 1;
    for (let index = 0; index < 10; index++) {
      const byte = this.#buffer[this.#take(1)]!;
      if (index === 9 || (index === 8 && byte > 127)) return this.#bigVarint(index);
      low += (byte & 127) * scale;
      if (byte < 128) return low;
      scale *= 128;
    }
    throw new RangeError('protobuf: varint longer than 10 bytes');
  }

  /** The slow path of `varint()`: nine or ten bytes, so the sign bit may be set. `read` bytes were seen already. */
  #bigVarint(last: number): number {
    this.#at -= last + 1;
    let value = 0n;
    for (let shift = 0n; shift < 70n; shift += 7n) {
      const byte = this.#buffer[this.#take(1)]!;
      value |= BigInt(byte & 127) << shift;
      if (byte < 128) break;
    }
    // Only int64's −1 and its like are sent with ten bytes; uint64 counters near 2^64 would be read as negative, so
    // callers that mean unsigned use `uint64`.
    return Number(BigInt.asIntN(64, value));
  }

  double(): number {
    return this.#buffer.readDoubleLE(this.#take(8));
  }

  /** A view, not a copy: the message's buffer lives as long as it does. */
  bytes(): Buffer {
    const length = this.varint();
    const start = this.#take(length);
    return this.#buffer.subarray(start, start + length);
  }

  string(): string {
    const length = this.varint();
    const start = this.#take(length);
    return this.#buffer.toString('utf8', start, start + length);
  }

  skip(wire: number): void {
    if (wire === VARINT) while (this.#buffer[this.#take(1)]! > 127);
    else if (wire === FIXED64) this.#take(8);
    else if (wire === BYTES) this.#take(this.varint());
    else if (wire === FIXED32) this.#take(4);
    else throw new RangeError(`protobuf: unknown wire type ${wire}`);
  }
}

const scalar = <T>(
  wire: number,
  zero: T,
  write: (writer: Writer, value: T) => void,
  read: (reader: Reader) => T,
): Codec<T> => ({ wire, zero, isZero: (value) => value === zero, write, read });

export const string = scalar<string>(
  BYTES,
  '',
  (writer, value) => writer.string(value),
  (reader) => reader.string(),
);
export const bool = scalar<boolean>(
  VARINT,
  false,
  (writer, value) => writer.varint(value ? 1 : 0),
  (reader) => reader.varint() !== 0,
);
/** int32, int64, uint32 and enums: numbers, exact to 2^53. */
export const int = scalar<number>(
  VARINT,
  0,
  (writer, value) => writer.varint(value),
  (reader) => reader.varint(),
);
/** uint64 counters: as `int`, but never negative; values over 2^53 ("unlimited") are rounded. */
export const uint64 = scalar<number>(
  VARINT,
  0,
  (writer, value) => writer.varint(value),
  (reader) => {
    const value = reader.varint();
    return value < 0 ? value + 2 ** 64 : value;
  },
);
export const double = scalar<number>(
  FIXED64,
  0,
  (writer, value) => writer.double(value),
  (reader) => reader.double(),
);
const NO_BYTES: Buffer = Buffer.alloc(0);
export const bytes: Codec<Uint8Array> = {
  wire: BYTES,
  zero: NO_BYTES,
  isZero: (value) => value.length === 0,
  write: (writer, value) => writer.bytes(value),
  read: (reader) => reader.bytes(),
};

/** google.protobuf.Timestamp { int64 seconds = 1; int32 nanos = 2; } as a Date (milliseconds). */
export const timestamp: Codec<Date | undefined> = {
  wire: BYTES,
  zero: undefined,
  isZero: (value) => value === undefined,
  write: (writer, value) => {
    const ms = value!.getTime();
    const seconds = Math.floor(ms / 1000);
    const inner = new Writer();
    inner.tag(1, VARINT);
    inner.varint(seconds);
    inner.tag(2, VARINT);
    inner.varint((ms - seconds * 1000) * 1e6);
    writer.bytes(inner.finish());
  },
  read: (reader) => {
    const inner = new Reader(reader.bytes());
    let seconds = 0;
    let nanos = 0;
    while (!inner.done) {
      const tag = inner.varint();
      if (tag === 8) seconds = inner.varint();
      else if (tag === 16) nanos = inner.varint();
      else inner.skip(tag % 8);
    }
    return new Date(seconds * 1000 + nanos / 1e6);
  },
};

/** Describes a message. Field names are ours (camelCase); only the numbers are on the wire. */
export function message<F extends Fields>(fields: F): Message<F> {
  const entries = Object.entries(fields);
  const byNumber = new Map(entries.map(([name, field]) => [field.number, { name, field }] as const));
  return {
    fields,
    encode(value) {
      const writer = new Writer();
      for (const [name, field] of entries) {
        const item = value[name];
        if (item !== undefined) writeField(writer, field, item);
      }
      return writer.finish();
    },
    decode(input) {
      const result: Record<string, unknown> = {};
      for (const [name, field] of entries)
        result[name] =
          field.cardinality === 'one' ? field.codec.zero : field.cardinality === 'many' ? [] : {};
      const reader = new Reader(input);
      while (!reader.done) {
        const tag = reader.varint();
        const found = byNumber.get(Math.floor(tag / 8));
        if (found === undefined) reader.skip(tag % 8);
        else readField(reader, tag % 8, found.field, found.name, result);
      }
      return result as Decoded<F>;
    },
  };
}

function writeField(writer: Writer, field: AnyField, value: unknown): void {
  const { number, codec, cardinality } = field;
  if (cardinality === 'one') {
    if (codec.isZero(value)) return;
    writer.tag(number, codec.wire);
    codec.write(writer, value);
  } else if (cardinality === 'many') {
    for (const item of value as unknown[]) {
      writer.tag(number, codec.wire);
      codec.write(writer, item);
    }
  } else {
    // map<string, T> is a repeated message { string key = 1; T value = 2; }
    for (const [key, item] of Object.entries(value as Record<string, unknown>)) {
      const entry = new Writer();
      entry.tag(1, BYTES);
      entry.string(key);
      entry.tag(2, codec.wire);
      codec.write(entry, item);
      writer.tag(number, BYTES);
      writer.bytes(entry.finish());
    }
  }
}

function readField(
  reader: Reader,
  wire: number,
  field: AnyField,
  name: string,
  result: Record<string, unknown>,
): void {
  const { codec, cardinality } = field;
  if (cardinality === 'map') {
    const entry = new Reader(reader.bytes());
    let key = '';
    let item: unknown = codec.zero;
    while (!entry.done) {
      const tag = entry.varint();
      if (tag >> 3 === 1) key = entry.string();
      else if (tag >> 3 === 2) item = codec.read(entry);
      else entry.skip(tag % 8);
    }
    // defineProperty, so that a key like `__proto__` is a key and nothing more.
    Object.defineProperty(result[name], key, {
      value: item,
      enumerable: true,
      writable: true,
      configurable: true,
    });
  } else if (cardinality === 'many') {
    const list = result[name] as unknown[];
    // proto3 packs repeated numbers into one length-delimited run.
    if (wire === BYTES && codec.wire !== BYTES) {
      const packed = new Reader(reader.bytes());
      while (!packed.done) list.push(codec.read(packed));
    } else list.push(codec.read(reader));
  } else result[name] = codec.read(reader);
}

const embed = <F extends Fields>(type: Message<F>): Codec<Decoded<F>> => ({
  wire: BYTES,
  zero: undefined as never,
  isZero: (value) => value === undefined,
  write: (writer, value) => writer.bytes(type.encode(value as Encodable<F>)),
  read: (reader) => type.decode(reader.bytes()),
});

type Embedded<M> = M extends Message<infer F> ? Decoded<F> : never;
// biome-ignore lint/suspicious/noExplicitAny: any message; see AnyField
type AnyMessage = Message<any>;

/** One scalar field. */
export const field = <T>(number: number, codec: Codec<T>): Field<T, 'one'> => ({
  number,
  codec,
  cardinality: 'one',
});
/** A repeated scalar field. */
export const repeated = <T>(number: number, codec: Codec<T>): Field<T, 'many'> => ({
  number,
  codec,
  cardinality: 'many',
});
/** `map<string, string>` */
export const stringMap = (number: number): Field<string, 'map'> => ({
  number,
  codec: string,
  cardinality: 'map',
});
/** One embedded message, `undefined` when absent. */
export const sub = <M extends AnyMessage>(
  number: number,
  type: M,
): Field<Embedded<M> | undefined, 'one'> => ({
  number,
  codec: embed(type) as Codec<Embedded<M> | undefined>,
  cardinality: 'one',
});
/** A repeated embedded message. */
export const subs = <M extends AnyMessage>(number: number, type: M): Field<Embedded<M>, 'many'> => ({
  number,
  codec: embed(type) as Codec<Embedded<M>>,
  cardinality: 'many',
});
/** `map<string, SomeMessage>` */
export const subMap = <M extends AnyMessage>(number: number, type: M): Field<Embedded<M>, 'map'> => ({
  number,
  codec: embed(type) as Codec<Embedded<M>>,
  cardinality: 'map',
});

/** google.protobuf.Any { string type_url = 1; bytes value = 2; } */
export const any = message({ typeUrl: field(1, string), value: field(2, bytes) });
/** google.protobuf.Empty */
export const empty = message({});
/** google.protobuf.FieldMask { repeated string paths = 1; } */
export const fieldMask = message({ paths: repeated(1, string) });
