/** Values of sets, maps and comparisons: nft's spelling in, the kernel's bytes out. */

import { Ip } from '../../../base/ip.ts';
import { IFNAMSIZ } from './constants.ts';

/** Thrown for what this encoder does not know: libnftables does. */
export class NotEncodable extends Error {}

/** Protocols as nft(8) names them, by their numbers (IANA). */
export const PROTOCOLS: Readonly<Record<string, number>> = {
  icmp: 1,
  tcp: 6,
  udp: 17,
  'ipv6-icmp': 58,
  sctp: 132,
};

const align = (length: number) => (length + 3) & ~3;

/**
 * A value of one type or of several (`ipv4_addr . inet_proto`), each in whole words of 4 bytes, as in the kernel's registers.
 *
 * @param text as nft(8) has it: `172.17.0.2 . tcp`
 */
export function encodeValue(text: string, type: string): Buffer {
  const types = type.split(' . ');
  const texts = text.split(' . ');
  if (texts.length !== types.length) throw new NotEncodable(text);
  const parts = texts.map((part, index) => encodeOne(part, types[index] ?? ''));
  if (parts.length === 1) return parts[0] as Buffer;
  return Buffer.concat(
    parts.map((part) => Buffer.concat([part, Buffer.alloc(align(part.length) - part.length)])),
  );
}

function encodeOne(text: string, type: string): Buffer {
  switch (type) {
    case 'ifname':
      return encodeInterface(text);
    case 'ipv4_addr':
    case 'ipv6_addr': {
      const ip = Ip.tryParse(text);
      if (ip === undefined || ip.family !== (type === 'ipv4_addr' ? 4 : 6)) throw new NotEncodable(text);
      return Buffer.from(ip.toBytes());
    }
    case 'inet_proto': {
      const number = PROTOCOLS[text];
      if (number === undefined) throw new NotEncodable(text);
      return Buffer.from([number]);
    }
    case 'inet_service': {
      const port = Number(text);
      if (!/^\d{1,5}$/.test(text) || port > 0xffff) throw new NotEncodable(text);
      return Buffer.from([port >> 8, port & 0xff]);
    }
    default:
      throw new NotEncodable(type);
  }
}

/** `"docker0"`: the name of an interface, filled up with NULs. */
export function encodeInterface(text: string): Buffer {
  const [, name = ''] = /^"([^"*]+)"$/.exec(text) ?? [];
  const bytes = Buffer.from(name);
  if (bytes.length === 0 || bytes.length >= IFNAMSIZ) throw new NotEncodable(text);
  return Buffer.concat([bytes, Buffer.alloc(IFNAMSIZ - bytes.length)]);
}

/** The two ends of a value in which one part may be a range: `10.9.0.1 . tcp . 8000-8010`. */
export function rangeEnds(text: string): [first: string, last: string] {
  const parts = text.split(' . ').map((part) => part.split('-'));
  const at = (end: number) => parts.map((part) => part[end] ?? part[0] ?? '').join(' . ');
  return [at(0), at(1)];
}
