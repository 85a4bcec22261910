/**
 * Kinds of values an option can hold: how each is read from a flag's text and from daemon.json, and how dockerd
 * would print it in an error message.
 */

import { invalid } from '../base/errors.ts';
import { show } from './show.ts';

/** A value as `JSON.parse` returns it. */
export type Json = null | boolean | number | string | Json[] | { [key: string]: Json };

export interface Kind<T> {
  /** What stands behind the flag in the help: `--bip string`. Empty for booleans, which take no separate value. */
  readonly placeholder: string;
  /** True when the flag may be given several times and each adds to what stood before. */
  readonly repeatable: boolean;
  /** Reads a flag's text. `before` is what earlier occurrences of a repeatable flag gave. */
  fromFlag(text: string, before: T | undefined): T;
  /** Reads a value of daemon.json; throws what is wrong with it, without naming the key. */
  fromJson(value: Json): T;
}

/** Checks one text and returns its normal form; throws what is wrong with it. */
export type Check = (text: string) => string;

const asIs: Check = (text) => text;

function want(what: string, got: Json): never {
  const type = got === null ? 'null' : Array.isArray(got) ? 'an array' : typeof got;
  throw invalid(`want ${what}, got ${JSON.stringify(got)} (${type})`);
}

/** Words that Go's strconv.ParseBool takes, and so dockerd's boolean flags. */
const BOOLEANS: Readonly<Record<string, boolean>> = {
  ...Object.fromEntries(['1', 't', 'T', 'TRUE', 'true', 'True'].map((word) => [word, true])),
  ...Object.fromEntries(['0', 'f', 'F', 'FALSE', 'false', 'False'].map((word) => [word, false])),
};

export const boolean: Kind<boolean> = {
  placeholder: '',
  repeatable: false,
  fromFlag: (text) => BOOLEANS[text] ?? want('true or false', text),
  fromJson: (value) => (typeof value === 'boolean' ? value : want('true or false', value)),
};

/** A text; the empty one means "not set", as in dockerd. */
export function text(check: Check = asIs, placeholder = 'string'): Kind<string> {
  const read = (value: string) => (value === '' ? '' : check(value));
  return {
    placeholder,
    repeatable: false,
    fromFlag: read,
    fromJson: (value) => (typeof value === 'string' ? read(value) : want('a string', value)),
  };
}

/** One of a few words. */
export function oneOf(...words: string[]): Kind<string> {
  const quoted = words.map((word) => `"${word}"`).join(', ');
  return text((value) => (words.includes(value) ? value : want(`one of ${quoted}`, value)));
}

/** A whole number within bounds, both included. */
export function integer(min: number, max: number = Number.MAX_SAFE_INTEGER): Kind<number> {
  const what =
    max === Number.MAX_SAFE_INTEGER ? `a whole number from ${min}` : `a whole number from ${min} to ${max}`;
  const bounded = (value: number, got: Json) =>
    Number.isSafeInteger(value) && value >= min && value <= max ? value : want(what, got);
  return {
    placeholder: 'int',
    repeatable: false,
    fromFlag: (value) => (/^[+-]?\d+$/.test(value) ? bounded(Number(value), value) : want(what, value)),
    fromJson: (value) => (typeof value === 'number' ? bounded(value, value) : want(what, value)),
  };
}

const UNITS = 'bkmgtp';

/** A size: `64m`, `1GiB`, `1.5g`, 67108864. Units are powers of 1024, as in dockerd's `RAMInBytes`. */
export const bytes: Kind<number> = {
  placeholder: 'bytes',
  repeatable: false,
  fromFlag: (value) => parseBytes(value),
  fromJson: (value) => {
    if (typeof value === 'string') return parseBytes(value);
    return typeof value === 'number' && value >= 0 ? Math.trunc(value) : want('a size like "64m"', value);
  },
};

function parseBytes(value: string): number {
  const match = /^(\d+(?:\.\d+)?)\s*(?:([kmgtp])?i?b?)$/i.exec(value);
  if (match === null) want('a size like "64m"', value);
  const power = match[2] === undefined ? 0 : UNITS.indexOf(match[2].toLowerCase());
  return Math.trunc(Number(match[1]) * 1024 ** power);
}

/** Texts, one per occurrence of the flag. */
export function list(check: Check = asIs, placeholder = 'list'): Kind<string[]> {
  return {
    placeholder,
    repeatable: true,
    fromFlag: (value, before = []) => [...before, check(value)],
    fromJson: (value) => {
      if (!Array.isArray(value)) want('an array of strings', value);
      return value.map((item) =>
        typeof item === 'string' ? check(item) : want('an array of strings', value),
      );
    },
  };
}

/** Named values, one `name=value` per occurrence of the flag. */
export function map<T>(
  placeholder: string,
  fromFlag: (name: string, value: string, before: T | undefined) => T,
  fromJson: (value: Json, name: string) => T,
): Kind<Record<string, T>> {
  return {
    placeholder,
    repeatable: true,
    fromFlag: (entry, before = {}) => {
      const cut = entry.indexOf('=');
      const name = cut < 0 ? entry : entry.slice(0, cut);
      if (cut < 1) want('name=value', entry);
      return { ...before, [name]: fromFlag(name, entry.slice(cut + 1), before[name]) };
    },
    fromJson: (value) => {
      if (!isObject(value)) want('an object', value);
      return Object.fromEntries(
        Object.entries(value).map(([name, item]) => {
          try {
            return [name, fromJson(item, name)];
          } catch (error) {
            throw invalid(`${show(name)}: ${(error as Error).message}`);
          }
        }),
      );
    },
  };
}

/** `--log-opt max-size=10m`, `"log-opts": {"max-size": "10m"}`. */
export const strings: Kind<Record<string, string>> = map(
  'map',
  (_name, value) => value,
  (value) => (typeof value === 'string' ? value : want('a string', value)),
);

/** `--feature containerd-snapshotter=false`, `"features": {"buildkit": true}`. */
export const switches: Kind<Record<string, boolean>> = map(
  'map',
  (_name, value) => boolean.fromFlag(value, undefined),
  (value) => boolean.fromJson(value),
);

/** `--default-network-opt bridge=com.docker.network.driver.mtu=1400`: options of several owners. */
export const nested: Kind<Record<string, Record<string, string>>> = map(
  'mapmap',
  (_name, value, before) => strings.fromFlag(value, before),
  (value) => strings.fromJson(value),
);

/** Any object of daemon.json: recognised, and left to who reads it. */
export const object: Kind<Record<string, Json>> = {
  placeholder: 'json',
  repeatable: false,
  fromFlag: (value) => {
    try {
      return object.fromJson(JSON.parse(value) as Json);
    } catch {
      return want('an object in JSON', value);
    }
  },
  fromJson: (value) => (isObject(value) ? value : want('an object', value)),
};

export function isObject(value: Json): value is { [key: string]: Json } {
  return typeof value === 'object' && value !== null && !Array.isArray(value);
}
