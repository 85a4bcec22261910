/** Making spans out of the texts that firewalls print. */

import { Ip, type IpFamily } from '../../base/ip.ts';
import { Prefix } from '../../base/prefix.ts';
import type { Span } from './condition.ts';

export function numberSpan(from: number | bigint, to: number | bigint = from): Span {
  return { from: BigInt(from), to: BigInt(to) };
}

/** `10.0.0.0/8`, `10.0.0.1`; undefined for what is neither (a mask with holes). */
export function prefixSpan(text: string): Span | undefined {
  const prefix = text.includes('/') ? Prefix.tryParse(text) : hostPrefix(text);
  return prefix && numberSpan(prefix.first.value, prefix.last.value);
}

/** `10.0.0.1-10.0.0.9`. */
export function addressRangeSpan(text: string): Span | undefined {
  const [from, to] = text.split('-').map((end) => Ip.tryParse(end));
  return from === undefined || to === undefined ? undefined : numberSpan(from.value, to.value);
}

/** `80`, `8000:8010` or `8000-8010`; undefined for other texts. */
export function portSpan(text: string): Span | undefined {
  const match = /^(\d+)(?:[:-](\d+))?$/.exec(text);
  return match?.[1] === undefined ? undefined : numberSpan(Number(match[1]), Number(match[2] ?? match[1]));
}

/** The name of an interface; `veth+` of iptables is `veth*`. */
export function linkSpan(text: string): Span {
  return { text: text.endsWith('+') ? `${text.slice(0, -1)}*` : text };
}

/** The family that a text of an address or prefix belongs to. */
export function familyOfText(text: string): IpFamily {
  return text.includes(':') ? 6 : 4;
}

function hostPrefix(text: string): Prefix | undefined {
  const ip = Ip.tryParse(text);
  return ip && Prefix.host(ip);
}

/** Numbers of protocols by the names that iptables and nft print, and the other way round where they print numbers. */
export const PROTOCOL_NUMBERS: Readonly<Record<string, number>> = {
  icmp: 1,
  igmp: 2,
  tcp: 6,
  udp: 17,
  dccp: 33,
  ipv6: 41,
  gre: 47,
  esp: 50,
  ah: 51,
  'ipv6-icmp': 58,
  icmpv6: 58,
  ospf: 89,
  vrrp: 112,
  sctp: 132,
  udplite: 136,
};

export function protocolSpan(text: string): Span | undefined {
  const number = /^\d+$/.test(text) ? Number(text) : PROTOCOL_NUMBERS[text];
  return number === undefined ? undefined : numberSpan(number);
}
