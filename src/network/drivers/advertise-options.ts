/** How often a new interface tells its neighbours its addresses: options that every driver takes. Pure; the words are Docker's. */

import { invalid } from '../../base/errors.ts';
import type { AdvertiseSpec } from '../model/index.ts';
import type { Options } from './options.ts';

const COUNT = 'com.docker.network.advertise_addr_nmsgs';
const INTERVAL = 'com.docker.network.advertise_addr_ms';

/** Undefined: as ever. */
export function advertiseOptions(options: Options): AdvertiseSpec | undefined {
  const count = numberOption(options, COUNT, { least: 0, most: 3, what: 'an integer' });
  const interval = numberOption(options, INTERVAL, { least: 100, most: 2000, what: 'integer milliseconds' });
  if (count === undefined && interval === undefined) return undefined;
  return {
    ...(count === undefined ? {} : { count }),
    ...(interval === undefined ? {} : { interval }),
  };
}

function numberOption(
  options: Options,
  key: string,
  limits: { least: number; most: number; what: string },
): number | undefined {
  const text = options[key];
  if (text === undefined || text === '') return undefined;
  const { least, most, what } = limits;
  if (!/^[+-]?\d+$/.test(text)) throw invalid(`value for option ${key} "${text}" must be ${what}`);
  const value = Number(text);
  if (value < least || value > most) throw invalid(`${key} must be in the range ${least} to ${most}`);
  return value;
}
