/** Reads daemon.json. */

import { invalid, messageOf } from '../base/errors.ts';
import { describeOffset, findJsonFault } from './json.ts';
import { isObject, type Json } from './kinds.ts';
import type { Option } from './option.ts';
import { type OptionName, rows } from './table.ts';

/** One value of the file. */
export interface FileValue {
  /** The key it stood under. */
  key: string;
  /** As it stood there, for messages. */
  raw: Json;
  value: unknown;
}

/** What the file gave, by field name; only fields that were given are there. */
export type FileValues = Map<OptionName, FileValue>;

/**
 * Reads the text of a daemon.json. An empty text is an empty configuration, and a key whose value is `null` counts
 * as not given, both as in dockerd.
 *
 * @throws `invalid`, in dockerd's words: no JSON (with its line and column), unknown keys (all of them), a value of
 *   the wrong type
 */
export function parseFile(text: string): FileValues {
  const values: FileValues = new Map();
  const bare = text.replace(/^\uFEFF/, '').trimEnd(); // Windows' editors leave a byte order mark
  if (bare.trim() === '') return values;

  const known = new Map<string, [OptionName, Option<unknown>]>();
  for (const row of rows()) {
    for (const key of row[1].key === null ? [] : [row[1].key, ...row[1].formerKeys]) known.set(key, row);
  }

  const content = parseJson(bare);
  const unknown = Object.keys(content).filter((key) => !known.has(key));
  if (unknown.length > 0) {
    throw invalid(`the following directives don't match any configuration option: ${unknown.join(', ')}`);
  }
  for (const [key, raw] of Object.entries(content)) {
    const row = known.get(key);
    if (row === undefined || raw === null) continue;
    const [name, option] = row;
    const other = values.get(name);
    if (other !== undefined) {
      throw invalid(`${other.key} and ${key} must not both be specified in the config file`);
    }
    try {
      values.set(name, { key, raw, value: option.kind.fromJson(formerShape(option, key, raw)) });
    } catch (error) {
      throw invalid(`${key}: ${messageOf(error)}`);
    }
  }
  return values;
}

/** `host-gateway-ip` held one address before `host-gateway-ips` held several. */
function formerShape(option: Option<unknown>, key: string, raw: Json): Json {
  return option.formerKeys.includes(key) && option.kind.repeatable && typeof raw === 'string' ? [raw] : raw;
}

function parseJson(text: string): { [key: string]: Json } {
  let content: Json;
  try {
    content = JSON.parse(text) as Json;
  } catch (error) {
    const fault = findJsonFault(text) ?? text.length;
    const what =
      fault >= text.length ? 'the text ends too early' : `unexpected ${JSON.stringify(text.charAt(fault))}`;
    throw invalid(`invalid JSON: ${what} at ${describeOffset(text, fault)}`, { cause: error });
  }
  if (!isObject(content)) throw invalid(`invalid JSON: want an object, got ${text.slice(0, 40)}`);
  return content;
}
