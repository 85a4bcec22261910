/** Ethernet (EUI-48) addresses as text in canonical form: six lower-case hex bytes, `02:42:ac:11:00:02`. */

import { randomBytes } from 'node:crypto';
import { invalid } from './errors.ts';
import { Ip } from './ip.ts';

/**
 * First two bytes of every address Docker 20.10 makes. Bit 1 of the first byte says "locally administered", bit 0 (the
 * group bit) is clear: IEEE 802-2014, 8.2.
 */
const DOCKER_PREFIX = [0x02, 0x42] as const;

/** The MAC that goes with an IPv4 address: 172.17.0.2 has 02:42:ac:11:00:02, so it is the same after every restart. */
export function macFromIpv4(address: Ip | string): string {
  const ip = typeof address === 'string' ? Ip.parse(address) : address;
  if (ip.family !== 4) throw invalid(`make MAC address: ${ip} is not an IPv4 address`);
  return formatMac([...DOCKER_PREFIX, ...ip.toBytes()]);
}

/** A random MAC that begins with 02:42, as bridges and endpoints without an IPv4 address have. */
export function randomMac(random: (size: number) => Uint8Array = randomBytes): string {
  return formatMac([...DOCKER_PREFIX, ...random(4)]);
}

/**
 * Reads `02:42:ac:11:00:02`, `02-42-AC-11-00-02` or `0242.ac11.0002` into canonical text.
 * Throws `invalid`: `address …: invalid MAC address`.
 */
export function parseMac(text: string): string {
  return formatMac(macBytes(text));
}

/** The six bytes of a MAC address, for netlink's `IFLA_ADDRESS`. */
export function macBytes(text: string): Uint8Array {
  const colons = /^[0-9a-f]{2}([:-])[0-9a-f]{2}(?:\1[0-9a-f]{2}){4}$/i;
  const dots = /^[0-9a-f]{4}\.[0-9a-f]{4}\.[0-9a-f]{4}$/i;
  if (!colons.test(text) && !dots.test(text)) throw invalid(`address ${text}: invalid MAC address`);
  return Uint8Array.from(Buffer.from(text.replaceAll(/[:.-]/g, ''), 'hex'));
}

/** True when the group bit is set: such an address can be nobody's own. */
export function isMulticastMac(text: string): boolean {
  return ((macBytes(text)[0] ?? 0) & 1) === 1;
}

export function formatMac(bytes: ArrayLike<number>): string {
  if (bytes.length !== 6) throw invalid(`write MAC address: ${bytes.length} bytes, want 6`);
  return Array.from(bytes, (byte) => byte.toString(16).padStart(2, '0')).join(':');
}

/** The link-local IPv6 address a MAC gives by EUI-64 (RFC 4291, appendix A). */
export function linkLocalFromMac(text: string): Ip {
  const [a = 0, b = 0, c = 0, d = 0, e = 0, f = 0] = macBytes(text);
  return Ip.fromBytes(Uint8Array.of(0xfe, 0x80, 0, 0, 0, 0, 0, 0, a ^ 2, b, c, 0xff, 0xfe, d, e, f));
}
