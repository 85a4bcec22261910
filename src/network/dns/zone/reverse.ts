/** Addresses as names below `in-addr.arpa` (RFC 1035, 3.5) and `ip6.arpa` (RFC 3596, 2.5). */

import { Ip } from '../../../base/ip.ts';

const V4 = /^(\d{1,3})\.(\d{1,3})\.(\d{1,3})\.(\d{1,3})\.in-addr\.arpa$/;
const V6 = /^((?:[0-9a-f]\.){32})ip6\.arpa$/;

/** The address that a name in lower case stands for; `undefined` for every other name, parts of an address included. */
export function addressOfReverseName(name: string): Ip | undefined {
  if (!name.endsWith('.arpa')) return undefined;
  const v4 = V4.exec(name);
  if (v4) return Ip.tryParse(`${v4[4]}.${v4[3]}.${v4[2]}.${v4[1]}`);
  const nibbles = V6.exec(name)?.[1];
  if (nibbles === undefined) return undefined;
  return new Ip(6, BigInt(`0x${nibbles.replaceAll('.', '').split('').reverse().join('')}`));
}
