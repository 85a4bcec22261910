/** Reading the options of `network create`: what all drivers share. Pure; the words are Docker's. */

import { invalid } from '../../base/errors.ts';

const DEFAULT_MTU = 1500;
/** The smallest MTU that IPv4 (RFC 791) and IPv6 (RFC 8200) work with. */
const LEAST_MTU = { v4: 68, v6: 1280 };

export type Options = Readonly<Record<string, string>>;

export const MTU_OPTION = 'com.docker.network.driver.mtu';

/** Go's strconv.ParseBool. */
export function flagOption(options: Options, key: string, otherwise: boolean): boolean {
  const text = options[key];
  if (text === undefined) return otherwise;
  if (/^(1|t|T|TRUE|true|True)$/.test(text)) return true;
  if (/^(0|f|F|FALSE|false|False)$/.test(text)) return false;
  throw invalid(`driver-opt "${key}" is not a valid bool`);
}

/** Bytes; `otherwise` (0: 1500) when the option is missing, empty or 0. */
export function mtuOption(options: Options, otherwise: number, enableIPv6: boolean): number {
  const text = options[MTU_OPTION] || '0';
  const mtu = Number(text);
  const least = enableIPv6 ? LEAST_MTU.v6 : LEAST_MTU.v4;
  if (!Number.isInteger(mtu) || mtu < 0 || mtu > 65_535)
    throw invalid(`failed to parse "${text}": invalid MTU number`);
  if (mtu !== 0 && mtu < least) throw invalid(`invalid MTU number: ${mtu} is less than ${least}`);
  return mtu || otherwise || DEFAULT_MTU;
}
