/** Frames for tests of filters, by their names. */

import { addressBytes } from '../../kernel/address.ts';

function ether(type: number, payload: Buffer): Buffer {
  const head = Buffer.alloc(14);
  head.writeUInt16BE(type, 12);
  return Buffer.concat([head, payload]);
}

function ip4(
  protocol: number,
  source: string,
  destination: string,
  payload: Buffer,
  fragment = 0,
  options = 0,
): Buffer {
  const head = Buffer.alloc(20 + options);
  head.writeUInt8(0x40 | (head.length / 4), 0);
  head.writeUInt16BE(head.length + payload.length, 2);
  head.writeUInt16BE(fragment, 6);
  head.writeUInt8(64, 8);
  head.writeUInt8(protocol, 9);
  addressBytes(source).copy(head, 12);
  addressBytes(destination).copy(head, 16);
  return ether(0x0800, Buffer.concat([head, payload]));
}

function ip6(next: number, source: string, destination: string, payload: Buffer): Buffer {
  const head = Buffer.alloc(40);
  head.writeUInt8(0x60, 0);
  head.writeUInt16BE(payload.length, 4);
  head.writeUInt8(next, 6);
  head.writeUInt8(64, 7);
  addressBytes(source).copy(head, 8);
  addressBytes(destination).copy(head, 24);
  return ether(0x86dd, Buffer.concat([head, payload]));
}

function ports(source: number, destination: number): Buffer {
  const head = Buffer.alloc(20);
  head.writeUInt16BE(source, 0);
  head.writeUInt16BE(destination, 2);
  head.writeUInt8(0x50, 12);
  return head;
}

function arp(sender: string, target: string): Buffer {
  const body = Buffer.alloc(28);
  body.writeUInt16BE(1, 0);
  body.writeUInt16BE(0x0800, 2);
  body.writeUInt8(6, 4);
  body.writeUInt8(4, 5);
  body.writeUInt16BE(1, 6);
  addressBytes(sender).copy(body, 14);
  addressBytes(target).copy(body, 24);
  return ether(0x0806, body);
}

const [A, B, C] = ['172.17.0.2', '172.17.0.3', '10.0.0.9'];
const [A6, B6] = ['fd00::2', 'fd00::3'];

export const FRAMES = {
  request: ip4(6, B, A, ports(5000, 80)),
  answer: ip4(6, A, B, ports(80, 5000)),
  /** Behind a header with options, so that ports are not where they mostly are. */
  options: ip4(6, C, A, ports(6000, 443), 0, 8),
  query: ip4(17, A, C, ports(40_000, 53)),
  /** A later fragment, whose first bytes look like ports. */
  fragment: ip4(17, C, A, ports(80, 80), 100),
  sctp: ip4(132, A, B, ports(80, 81)),
  ping: ip4(1, A, C, Buffer.alloc(8)),
  request6: ip6(6, B6, A6, ports(5000, 80)),
  query6: ip6(17, A6, B6, ports(53, 8080)),
  ping6: ip6(58, A6, B6, Buffer.alloc(8)),
  arp: arp(A, B),
} as const;

export type FrameName = keyof typeof FRAMES;

/** Filters, and the frames that they mean. */
export const FILTERS: ReadonlyArray<readonly [filter: string, meant: readonly FrameName[]]> = [
  ['tcp', ['request', 'answer', 'options', 'request6']],
  ['udp', ['query', 'fragment', 'query6']],
  ['sctp', ['sctp']],
  ['icmp', ['ping']],
  ['icmp6', ['ping6']],
  ['icmp or icmp6', ['ping', 'ping6']],
  ['arp', ['arp']],
  ['ip6', ['request6', 'query6', 'ping6']],
  ['port 80', ['request', 'answer', 'sctp', 'request6']],
  ['dst port 80', ['request', 'request6']],
  ['src port 80', ['answer', 'sctp']],
  ['tcp src port 80', ['answer']],
  ['udp port 53', ['query', 'query6']],
  ['tcp port 443', ['options']],
  ['portrange 50-60', ['query', 'query6']],
  ['tcp dst portrange 443-5000', ['answer', 'options']],
  ['host 10.0.0.9', ['options', 'query', 'fragment', 'ping']],
  ['src host 172.17.0.3', ['request']],
  ['dst host 172.17.0.3', ['answer', 'sctp', 'arp']],
  ['net 10.0.0.0/8', ['options', 'query', 'fragment', 'ping']],
  ['src net 172.17.0.2/31', ['request', 'answer', 'query', 'sctp', 'ping', 'arp']],
  ['net fd00::/126', ['request6', 'query6', 'ping6']],
  ['host fd00::3 and not tcp', ['query6', 'ping6']],
  ['tcp and (host 10.0.0.9 or port 5000) and not ip6', ['request', 'answer', 'options']],
  ['! tcp && ! udp', ['sctp', 'ping', 'ping6', 'arp']],
  ['not (port 80 or arp or net 10.0.0.0/8)', ['query6', 'ping6']],
];
