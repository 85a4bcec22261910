/**
 * JSON request bodies, decoded as Go's `encoding/json` decodes them into a struct, because that is what Docker's clients
 * are written against: names match in any case, unknown names are ignored, null means "leave the zero value", a wrong type
 * is an error that names the field.
 *
 * A general JSON Schema validator cannot say these rules, and building one costs memory at start; these decoders cost
 * nothing until a body comes. The compiler checks each against the wire type, so that the two cannot drift apart.
 */

import { invalid } from '../base/errors.ts';

export interface Decoder<T> {
  /** The type's name in error messages, in Go's spelling. */
  readonly type: string;
  /** Null is a value of its own, not "missing". */
  readonly nullable: boolean;
  /** What a missing or null member means when the field must be there. */
  zero(): T;
  /** @throws `invalid`, naming `path` and quoting the value */
  decode(value: unknown, path: string): T;
}

/** A member that is always present after decoding, with its zero value when the client left it out. */
export interface Filled<T> extends Decoder<T> {
  readonly filled: true;
}

const QUOTE_LIMIT = 64;

function quote(value: unknown): string {
  const text = JSON.stringify(value) ?? String(value);
  return text.length > QUOTE_LIMIT ? `${text.slice(0, QUOTE_LIMIT)}…` : text;
}

function jsonType(value: unknown): string {
  if (value === null) return 'null';
  if (Array.isArray(value)) return 'array';
  return typeof value === 'boolean' ? 'bool' : typeof value;
}

function mismatch(value: unknown, path: string, type: string): Error {
  const where = path === '' ? 'value' : `field ${path}`;
  return invalid(
    `invalid JSON: json: cannot unmarshal ${jsonType(value)} ${quote(value)} into ${where} of type ${type}`,
  );
}

function scalar<T>(type: string, zero: T, accepts: (value: unknown) => value is T): Decoder<T> {
  return {
    type,
    nullable: false,
    zero: () => zero,
    decode(value, path) {
      if (!accepts(value)) throw mismatch(value, path, type);
      return value;
    },
  };
}

function integer(type: string, min: number, max: number): Decoder<number> {
  return scalar(
    type,
    0,
    (value): value is number =>
      typeof value === 'number' && Number.isInteger(value) && value >= min && value <= max,
  );
}

export const string = scalar('string', '', (value): value is string => typeof value === 'string');
export const bool = scalar('bool', false, (value): value is boolean => typeof value === 'boolean');
/** Rounded to a double beyond 2^53, so the bound itself must be accepted: 2^63-1 arrives as 2^63. */
export const int64 = integer('int64', -(2 ** 63), 2 ** 63);
export const uint16 = integer('uint16', 0, 0xffff);
export const uint32 = integer('uint32', 0, 0xffff_ffff);
export const uint64 = integer('uint64', 0, 2 ** 64);

/** Anything, passed on as it is. */
export const anything: Decoder<unknown> = {
  type: 'any',
  nullable: true,
  zero: () => null,
  decode: (value) => value,
};

/** A string of a fixed set. `refuse` builds the message for another one. */
export function oneOf<const T extends string>(
  values: readonly T[],
  refuse: (value: string) => string,
): Decoder<T> {
  return {
    type: 'string',
    nullable: false,
    zero: () => values[0]!,
    decode(value, path) {
      const text = string.decode(value, path);
      const found = values.find((known) => known === text);
      if (found === undefined) throw invalid(refuse(text));
      return found;
    },
  };
}

export function array<T>(item: Decoder<T>): Decoder<T[]> {
  const type = `[]${item.type}`;
  return {
    type,
    nullable: false,
    zero: () => [],
    decode(value, path) {
      if (!Array.isArray(value)) throw mismatch(value, path, type);
      return value.map((entry, index) => member(item, entry, () => `${path}[${index}]`));
    },
  };
}

/** Thousands of members are decoded for one whose path is wanted: it is written for a member that is refused, which is tried again. */
function member<T>(item: Decoder<T>, value: unknown, path: () => string): T {
  if (value === null && !item.nullable) return item.zero();
  try {
    return item.decode(value, '');
  } catch {
    return item.decode(value, path());
  }
}

/** The value of one member of an object whose member names are data. */
export function mapMember<T>(item: Decoder<T>, value: unknown, path: string, key: string): T {
  return member(item, value, () => `${path}[${quote(key)}]`);
}

/** Throws, in the words for a wrong type, unless `value` is an object. */
export function checkObject(value: unknown, path: string, type: string): asserts value is object {
  if (typeof value !== 'object' || value === null || Array.isArray(value)) throw mismatch(value, path, type);
}

/** An object whose member names are data: labels, ports, options. */
export function map<T>(item: Decoder<T>): Decoder<Record<string, T>> {
  const type = `map[string]${item.type}`;
  return {
    type,
    nullable: false,
    zero: () => ({}),
    decode(value, path) {
      checkObject(value, path, type);
      const result: Record<string, T> = {};
      for (const [key, entry] of Object.entries(value)) {
        put(result, key, mapMember(item, entry, path, key));
      }
      return result;
    },
  };
}

/** A plain assignment to `__proto__` would change the object's prototype instead of adding a member. */
function put<T>(target: Record<string, T>, key: string, value: T): void {
  if (key === '__proto__') {
    Object.defineProperty(target, key, { value, enumerable: true, configurable: true, writable: true });
  } else {
    target[key] = value;
  }
}

/** The set of Go: an object whose values are empty objects. */
export const emptyObject: Decoder<Record<string, never>> = {
  type: 'struct {}',
  nullable: false,
  zero: () => ({}),
  decode(value, path) {
    checkObject(value, path, 'struct {}');
    return {};
  },
};

/** `Cmd` and `Entrypoint`: a list, or one string that stands for a list of one. */
export const strings: Decoder<string[]> = {
  ...array(string),
  decode: (value, path) => (typeof value === 'string' ? [value] : array(string).decode(value, path)),
};

/** Go's `[2]uint`: missing places are 0, further ones are ignored. */
export const pair: Decoder<[number, number]> = {
  type: '[2]uint',
  nullable: false,
  zero: () => [0, 0],
  decode(value, path) {
    const numbers = array(uint32).decode(value, path);
    return [numbers[0] ?? 0, numbers[1] ?? 0];
  },
};

/** Null stays null (a pointer, slice or map of Go for which nil means something). */
export function nullable<T>(inner: Decoder<T>): Decoder<T | null> {
  return {
    type: inner.type,
    nullable: true,
    zero: () => null,
    decode: (value, path) => (value === null ? null : inner.decode(value, path)),
  };
}

export function filled<T>(inner: Decoder<T>): Filled<T> {
  return { ...inner, filled: true };
}

/** Optional members take any decoder, required ones need `filled()`. */
export type Members<T> = {
  [K in keyof T]-?: undefined extends T[K] ? Decoder<Exclude<T[K], undefined>> : Filled<T[K]>;
};

export function struct<T extends object>(type: string, members: Members<T>): Decoder<T> {
  const exact = new Map<string, Decoder<unknown>>(Object.entries(members));
  const folded = new Map([...exact].map(([name]) => [name.toLowerCase(), name]));
  const required = [...exact].filter(([, decoder]) => 'filled' in decoder);
  return {
    type,
    nullable: false,
    zero: () => Object.fromEntries(required.map(([name, decoder]) => [name, decoder.zero()])) as T,
    decode(value, path) {
      checkObject(value, path, type);
      const result = this.zero() as Record<string, unknown>;
      for (const [key, entry] of Object.entries(value)) {
        const name = exact.has(key) ? key : folded.get(key.toLowerCase());
        if (name === undefined) continue;
        const decoder = exact.get(name)!;
        if (entry === null && !decoder.nullable) continue;
        result[name] = decoder.decode(entry, path === '' ? name : `${path}.${name}`);
      }
      return result as T;
    },
  };
}
