/** What a frame says, in values: for whoever reads packets as JSON. Pure. */

import type { CapturedPacket, CaptureEnd, TcpFlag } from '../../base/wire/index.ts';
import { addressText, macText } from '../../kernel/address.ts';
import type { AddressOwner } from '../flows/names.ts';
import { protocolName } from '../protocols.ts';
import { ETHER, type IpHeaders, ipHeaders, portsOf } from './headers.ts';

export type DecodedFrame = Omit<CapturedPacket, 'event' | 'time' | 'where' | 'link' | 'direction' | 'length'>;

/** By their bits in the header's fourteenth byte (RFC 9293, 3.1), from the lowest. */
const TCP_FLAGS: readonly TcpFlag[] = ['FIN', 'SYN', 'RST', 'PSH', 'ACK', 'URG', 'ECE', 'CWR'];
const TCP_LEAST = 20;
const UDP_HEADER = 8;
const ICMP_KINDS: Readonly<Record<number, string>> = {
  0: 'echo reply',
  3: 'unreachable',
  5: 'redirect',
  8: 'echo request',
  11: 'time exceeded',
};
const ICMPV6_KINDS: Readonly<Record<number, string>> = {
  1: 'unreachable',
  2: 'packet too big',
  3: 'time exceeded',
  128: 'echo request',
  129: 'echo reply',
  133: 'router solicitation',
  134: 'router advertisement',
  135: 'neighbour solicitation',
  136: 'neighbour advertisement',
  143: 'multicast listener report',
};
const ARP = 0x0806;
const ARP_LENGTH = 28;
const ARP_OPERATIONS: Readonly<Record<number, 'request' | 'reply'>> = { 1: 'request', 2: 'reply' };

export function decodeFrame(
  frame: Buffer,
  ownerOf: (address: string) => AddressOwner | undefined,
): DecodedFrame {
  const isWhole = frame.length >= ETHER;
  const end = (macAt: number, address?: Buffer, port?: number): CaptureEnd => {
    const text = address && addressText(address);
    return {
      ...(isWhole ? { mac: macText(frame.subarray(macAt, macAt + 6)) } : {}),
      ...(text === undefined ? {} : { address: text }),
      ...(port === undefined ? {} : { port }),
      ...(text === undefined ? {} : ownerOf(text)),
    };
  };
  const headers = ipHeaders(frame);
  if (headers !== undefined) {
    const ports = portsOf(frame, headers);
    const { version, ttl, fragment } = headers;
    return {
      proto: protocolName(headers.protocol),
      source: end(6, headers.source, ports?.[0]),
      destination: end(0, headers.destination, ports?.[1]),
      ip: { version, ttl, ...(fragment && { fragment }) },
      ...((fragment?.offset ?? 0) > 0 ? {} : transport(frame, headers)),
    };
  }
  const type = isWhole ? frame.readUInt16BE(12) : 0;
  if (type === ARP && frame.length >= ETHER + ARP_LENGTH) {
    const operation = frame.readUInt16BE(ETHER + 6);
    return {
      proto: 'arp',
      source: end(6, frame.subarray(ETHER + 14, ETHER + 18)),
      destination: end(0, frame.subarray(ETHER + 24, ETHER + 28)),
      arp: { operation: ARP_OPERATIONS[operation] ?? operation },
    };
  }
  return { proto: `0x${type.toString(16).padStart(4, '0')}`, source: end(6), destination: end(0) };
}

function transport(
  frame: Buffer,
  { protocol, at, end }: IpHeaders,
): Pick<DecodedFrame, 'tcp' | 'icmp' | 'payload'> {
  const has = (bytes: number) => frame.length >= at + bytes;
  if (protocol === 6 && has(TCP_LEAST)) {
    const bits = frame.readUInt8(at + 13);
    return {
      tcp: {
        flags: TCP_FLAGS.filter((_flag, bit) => (bits & (1 << bit)) !== 0),
        sequence: frame.readUInt32BE(at + 4),
        acknowledgement: frame.readUInt32BE(at + 8),
        window: frame.readUInt16BE(at + 14),
      },
      payload: Math.max(0, end - at - (frame.readUInt8(at + 12) >> 4) * 4),
    };
  }
  if (protocol === 17 && has(UDP_HEADER)) return { payload: Math.max(0, end - at - UDP_HEADER) };
  const kinds = protocol === 1 ? ICMP_KINDS : protocol === 58 ? ICMPV6_KINDS : undefined;
  if (kinds === undefined || !has(8)) return {};
  const [type, code] = [frame.readUInt8(at), frame.readUInt8(at + 1)];
  const kind = kinds[type];
  const echo = kind?.startsWith('echo')
    ? { id: frame.readUInt16BE(at + 4), sequence: frame.readUInt16BE(at + 6) }
    : {};
  return { icmp: { type, code, ...(kind === undefined ? {} : { kind }), ...echo } };
}
