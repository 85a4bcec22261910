/** `--log-opt`: checked when a container is created. */

import { invalid } from '../../base/errors.ts';
import type { LogConfig } from '../../base/wire/index.ts';
import type { LogFileOptions } from './json-file.ts';

/** Options that only tell which attributes to add to each line; Docker's json-file knows them, Bridgeport writes no attributes. */
const ATTRIBUTE_OPTIONS = new Set(['labels', 'labels-regex', 'env', 'env-regex', 'tag']);
const DELIVERY_OPTIONS = new Set(['mode', 'max-buffer-size']);
const UNITS: Record<string, number> = { '': 1, b: 1, k: 1024, m: 1024 ** 2, g: 1024 ** 3, t: 1024 ** 4 };

/** Throws `invalid` naming the option. */
export function parseLogOptions(config: LogConfig): LogFileOptions {
  const options: LogFileOptions = { maxSize: -1, maxFiles: 1 };
  for (const [name, value] of Object.entries(config.Config)) {
    if (name === 'max-size') options.maxSize = value === '-1' ? -1 : parseSize(value);
    else if (name === 'max-file') options.maxFiles = parseCount(value);
    else if (name === 'compress') parseCompress(value);
    else if (!ATTRIBUTE_OPTIONS.has(name) && !DELIVERY_OPTIONS.has(name)) {
      throw invalid(`unknown log opt '${name}' for ${config.Type} log driver`);
    }
  }
  return options;
}

function parseSize(text: string): number {
  const match = /^(\d+(?:\.\d+)?)\s*([kmgt]?)(?:i?b)?$/.exec(text.toLowerCase());
  const size = match === null ? 0 : Math.floor(Number(match[1]) * (UNITS[match[2] as string] as number));
  if (size <= 0) throw invalid(`invalid value for max-size: "${text}"`);
  return size;
}

function parseCount(text: string): number {
  const count = Number(text);
  if (!Number.isInteger(count) || count < 1)
    throw invalid(`invalid value for max-file: "${text}"; it cannot be less than 1`);
  return count;
}

function parseCompress(text: string): void {
  if (text === 'false') return;
  if (text !== 'true') throw invalid(`invalid value for compress: "${text}"`);
  throw invalid(
    'log opt "compress=true" is not implemented by Bridgeport yet; rotated files stay as they are',
  );
}
