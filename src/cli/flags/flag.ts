import { duration } from './duration.ts';
import { memorySwap, ramInBytes } from './size.ts';

/**
 * One flag of one command: how its text becomes a value, and what `--help` says about it.
 *
 * Flags are plain data so that a command can be described (help, tests) without being run.
 */
export interface Flag<T> {
  /** Name of the type as `--help` prints it (`list`, `bytes`, `string`); empty for a switch. */
  readonly type: string;
  /** One letter, without its dash. */
  readonly short?: string | undefined;
  /** The sentence `--help` prints; the words of the `docker` command line. */
  readonly usage: string;
  /** Not shown by `--help` (an older spelling that is still understood). */
  readonly hidden?: boolean | undefined;
  /** The flag this one is another spelling of. */
  readonly aliasOf?: string | undefined;
  /** What `--flag` alone means; undefined when the flag needs a value. */
  readonly bare?: string | undefined;
  /** The value when the flag is not given. */
  readonly initial: T;
  /** `(default …)` in the help text; undefined prints none. */
  readonly shownDefault?: string | undefined;
  /** The next value, given one more occurrence of the flag. Throws an `Error` whose message says what is wrong. */
  readonly set: (text: string, previous: T) => T;
}

/** The flags of a command, by long name without dashes. */
// biome-ignore lint/suspicious/noExplicitAny: `Flag` is invariant in T, so a set of differing flags has no common T.
export type FlagSet = Record<string, Flag<any>>;

/** What a command receives: one value per flag. */
export type Values<F extends FlagSet> = { [K in keyof F]: F[K] extends Flag<infer T> ? T : never };

type Extra = { short?: string; hidden?: boolean; aliasOf?: string; default?: string };

function extras(extra: Extra) {
  return { short: extra.short, hidden: extra.hidden, aliasOf: extra.aliasOf };
}

/** Booleans as Go's `strconv.ParseBool` reads them. */
export function parseBool(text: string): boolean {
  if (['1', 't', 'T', 'TRUE', 'true', 'True'].includes(text)) return true;
  if (['0', 'f', 'F', 'FALSE', 'false', 'False'].includes(text)) return false;
  throw new Error(`strconv.ParseBool: parsing ${JSON.stringify(text)}: invalid syntax`);
}

/** A switch: `--rm`, `--rm=false`. */
export function bool(usage: string, extra: Extra & { on?: boolean } = {}): Flag<boolean> {
  return {
    type: '',
    usage,
    ...extras(extra),
    bare: 'true',
    initial: extra.on ?? false,
    shownDefault: extra.on ? 'true' : undefined,
    set: parseBool,
  };
}

/** One text; the last one wins. */
export function text(
  usage: string,
  extra: Extra & { type?: string; validate?: (text: string) => string } = {},
): Flag<string> {
  return {
    type: extra.type ?? 'string',
    usage,
    ...extras(extra),
    initial: extra.default ?? '',
    shownDefault: extra.default ? JSON.stringify(extra.default) : undefined,
    set: extra.validate ?? ((value) => value),
  };
}

/** A whole number in decimal, hexadecimal (`0x`), octal (`0`, `0o`) or binary (`0b`), within `min`..`max`. */
export function int(
  usage: string,
  extra: Extra & { type?: string; initial?: number; min?: number; max?: number } = {},
): Flag<number> {
  const type = extra.type ?? 'int';
  const { min = Number.MIN_SAFE_INTEGER, max = Number.MAX_SAFE_INTEGER, initial = 0 } = extra;
  const parser = type.startsWith('uint') ? 'strconv.ParseUint' : 'strconv.ParseInt';
  return {
    type,
    usage,
    ...extras(extra),
    initial,
    shownDefault: extra.default ?? (initial === 0 ? undefined : String(initial)),
    set: (value) => {
      const sign = value.startsWith('-') ? -1 : 1;
      const digits = value.replace(/^[+-]/, '').replace(/^0(?=[0-7]+$)/, '0o');
      const quoted = JSON.stringify(value);
      if (!/^(\d+|0x[\da-f]+|0o[0-7]+|0b[01]+)$/i.test(digits) || (sign < 0 && type.startsWith('uint'))) {
        throw new Error(`${parser}: parsing ${quoted}: invalid syntax`);
      }
      const number = sign * Number(digits);
      if (number < min || number > max) throw new Error(`${parser}: parsing ${quoted}: value out of range`);
      return number;
    },
  };
}

/** A flag that may be given many times; every value is kept, in order. */
export function list(
  usage: string,
  extra: Extra & { type?: string; validate?: (text: string) => string } = {},
): Flag<readonly string[]> {
  const validate = extra.validate ?? ((value: string) => value);
  return parsedList(usage, validate, extra);
}

/** Like `list`, with every value parsed by `parse`. */
export function parsedList<T>(
  usage: string,
  parse: (text: string) => T,
  extra: Extra & { type?: string } = {},
): Flag<readonly T[]> {
  return {
    type: extra.type ?? 'list',
    usage,
    ...extras(extra),
    initial: [],
    set: (value, previous) => [...previous, parse(value)],
  };
}

/** `key=value`, many times; a later key replaces an earlier one. */
export function map(
  usage: string,
  extra: Extra & { validate?: (text: string) => string } = {},
): Flag<Readonly<Record<string, string>>> {
  return {
    type: 'map',
    usage,
    ...extras(extra),
    initial: {},
    set: (value, previous) => {
      const valid = extra.validate ? extra.validate(value) : value;
      const at = valid.indexOf('=');
      return at < 0
        ? { ...previous, [valid]: '' }
        : { ...previous, [valid.slice(0, at)]: valid.slice(at + 1) };
    },
  };
}

/** A memory size in bytes; `512m`, `1.5g`, `64KiB`. */
export function bytes(usage: string, extra: Extra = {}): Flag<number> {
  return { type: 'bytes', usage, ...extras(extra), initial: 0, set: ramInBytes };
}

/** Like `bytes`, and `-1` means unlimited. */
export function swapBytes(usage: string, extra: Extra = {}): Flag<number> {
  return { type: 'bytes', usage, ...extras(extra), initial: 0, set: memorySwap };
}

/** A length of time in nanoseconds; `1m30s`, `500ms`. */
export function time(usage: string, extra: Extra = {}): Flag<number> {
  return { type: 'duration', usage, ...extras(extra), initial: 0, set: duration };
}
