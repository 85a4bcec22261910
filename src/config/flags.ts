/**
 * Reads the command line as dockerd does, which is POSIX with GNU's long options (and Go's pflag): `--bip=X`,
 * `--bip X`, `-b X`, `-bX`, `-DH X`. Booleans take a value only behind `=`.
 */

import { invalid, messageOf } from '../base/errors.ts';
import type { Option } from './option.ts';
import { type OptionName, rows } from './table.ts';

/** What the flags gave, by field name; only fields that were given are there. */
export type FlagValues = Map<OptionName, unknown>;

type Row = [OptionName, Option<unknown>];

/** @throws `invalid`, in dockerd's words, naming the flag */
export function parseFlags(argv: readonly string[]): FlagValues {
  const values: FlagValues = new Map();
  const long = new Map<string, Row>();
  const short = new Map<string, Row>();
  for (const row of rows()) {
    if (row[1].flag !== null) long.set(row[1].flag, row);
    if (row[1].short !== undefined) short.set(row[1].short, row);
  }

  const set = ([name, option]: Row, shown: string, text: string) => {
    try {
      const before = option.kind.repeatable ? values.get(name) : undefined;
      values.set(name, option.kind.fromFlag(text, before));
    } catch (error) {
      throw invalid(`invalid argument "${text}" for "${shown}" flag: ${messageOf(error)}`);
    }
  };

  const rest = [...argv];
  for (let word = rest.shift(); word !== undefined; word = rest.shift()) {
    if (word === '--') {
      refuseArguments(rest, undefined);
      return values;
    }
    if (word.startsWith('--')) {
      const [, name = '', text] = /^--([^=]*)(?:=(.*))?$/s.exec(word) ?? [];
      const row = long.get(name);
      if (row === undefined) throw invalid(`unknown flag: --${name}`);
      const shown = row[1].short === undefined ? `--${name}` : `-${row[1].short}, --${name}`;
      const value = text ?? (takesNone(row) ? 'true' : rest.shift());
      if (value === undefined) throw invalid(`flag needs an argument: --${name}`);
      set(row, shown, value);
    } else if (word.startsWith('-') && word.length > 1) {
      // A cluster: booleans, and at most one at the end that takes what is left, or else the next word.
      for (let at = 1; at < word.length; at++) {
        const letter = word.charAt(at);
        const row = short.get(letter);
        if (row === undefined) throw invalid(`unknown shorthand flag: '${letter}' in ${word}`);
        const behind = word.slice(at + 1);
        const shown = `-${letter}, --${row[1].flag}`;
        if (behind.startsWith('=')) set(row, shown, behind.slice(1));
        else if (takesNone(row)) {
          set(row, shown, 'true');
          continue;
        } else {
          const value = behind === '' ? rest.shift() : behind;
          if (value === undefined) throw invalid(`flag needs an argument: '${letter}' in ${word}`);
          set(row, shown, value);
        }
        break;
      }
    } else {
      const last = [...values.keys()].at(-1);
      refuseArguments(
        [word],
        rows().find(([name]) => name === last),
      );
    }
  }
  return values;
}

const takesNone = ([, option]: Row) => option.kind.placeholder === '';

function refuseArguments(words: readonly string[], before: Row | undefined): void {
  const [word] = words;
  if (word === undefined) return;
  const flag = before !== undefined && takesNone(before) ? before[1].flag : undefined;
  const hint = flag === undefined ? '' : ` (a boolean takes its value behind "=": --${flag}=${word})`;
  throw invalid(`"bridgeportd" accepts no arguments, got "${word}"${hint}`);
}
