/** Tracked connections as ctnetlink reports them (`include/uapi/linux/netfilter/nfnetlink_conntrack.h`), and filters on them. */
import { AF_INET, addressText } from '../../address.ts';
import { type Attributes, readAttributes } from '../attributes.ts';
import type { NetlinkMessage } from '../message.ts';
import { NFGENMSG_LENGTH } from '../netfilter.ts';

/** enum ctattr_type */
export const CTA = {
  TUPLE_ORIG: 1,
  TUPLE_REPLY: 2,
  STATUS: 3,
  PROTOINFO: 4,
  TIMEOUT: 7,
  MARK: 8,
  COUNTERS_ORIG: 9,
  COUNTERS_REPLY: 10,
  ID: 12,
  ZONE: 18,
  TIMESTAMP: 20,
} as const;
/** enum ctattr_tuple */
const CTA_TUPLE = { IP: 1, PROTO: 2 } as const;
/** enum ctattr_ip */
const CTA_IP = { V4_SRC: 1, V4_DST: 2, V6_SRC: 3, V6_DST: 4 } as const;
/** enum ctattr_l4proto */
const CTA_PROTO = { NUM: 1, SRC_PORT: 2, DST_PORT: 3 } as const;
/** enum ctattr_protoinfo, ctattr_protoinfo_tcp, ctattr_timestamp */
const CTA_PROTOINFO_TCP = 1;
const CTA_PROTOINFO_TCP_STATE = 1;
const CTA_TIMESTAMP_START = 1;
/** enum ctattr_counters */
const CTA_COUNTERS = { PACKETS: 1, BYTES: 2 } as const;

/** IPPROTO_* by the names rules use. */
const PROTOCOLS = { icmp: 1, tcp: 6, udp: 17, icmpv6: 58, sctp: 132 } as const;
export type ProtocolName = keyof typeof PROTOCOLS;

/** One direction of a connection. Ports are unset for protocols without them. */
export interface ConntrackTuple {
  readonly source: string;
  readonly destination: string;
  readonly sourcePort: number | undefined;
  readonly destinationPort: number | undefined;
}

export interface ConntrackEntry {
  readonly family: 4 | 6;
  /** IPPROTO number: 6 TCP, 17 UDP, 132 SCTP. */
  readonly protocol: number;
  /** As the first packet came in, before any translation. */
  readonly original: ConntrackTuple;
  /** As an answer is expected: its source is where the packets really go. */
  readonly reply: ConntrackTuple;
  readonly id: number;
  readonly zone: number;
  readonly mark: number;
  /** Seconds until it is forgotten. Of one that has been: those that were left; `undefined` before Linux 5.10. */
  readonly timeout: number | undefined;
  /** `enum tcp_conntrack` (nf_conntrack_tcp.h): 3 established, 7 TIME_WAIT. Of TCP only. */
  readonly tcpState: number | undefined;
  /** Milliseconds since 1970. Unless net.netfilter.nf_conntrack_timestamp was on when it began: `undefined`. */
  readonly startedAt: number | undefined;
  /** IPS_* bits: 0x10 source translated, 0x20 destination translated (nf_conntrack_common.h). */
  readonly status: number;
  /** Unless net.netfilter.nf_conntrack_acct is on: `undefined`. */
  readonly counters: { readonly original: ConntrackCounters; readonly reply: ConntrackCounters } | undefined;
  /** The payload of CTA_TUPLE_ORIG, which names the entry to the kernel. */
  readonly tuple: Buffer;
}

export interface ConntrackCounters {
  readonly packets: number;
  readonly bytes: number;
}

/** Every field that is given must be equal. */
export interface ConntrackFilter {
  family?: 4 | 6 | undefined;
  protocol?: ProtocolName | number | undefined;
  /** `{ destination: '203.0.113.5', destinationPort: 8080 }`: a published port, before its translation. */
  original?: Partial<ConntrackTuple> | undefined;
  /** `{ source: '172.17.0.2' }`: whatever was sent to a container, translated or not. */
  reply?: Partial<ConntrackTuple> | undefined;
  mark?: number | undefined;
  zone?: number | undefined;
}

/** Reads an IPCTNL_MSG_CT_NEW message; `undefined` when it lacks a tuple. */
export function readConntrackEntry(message: NetlinkMessage): ConntrackEntry | undefined {
  const attributes = readAttributes(message.body, NFGENMSG_LENGTH);
  const tuple = attributes.bytes(CTA.TUPLE_ORIG);
  const original = attributes.nested(CTA.TUPLE_ORIG);
  const reply = attributes.nested(CTA.TUPLE_REPLY);
  if (!tuple || !original || !reply) return undefined;
  const sent = readCounters(attributes.nested(CTA.COUNTERS_ORIG));
  const answered = readCounters(attributes.nested(CTA.COUNTERS_REPLY));
  const started = attributes.nested(CTA.TIMESTAMP)?.u64be(CTA_TIMESTAMP_START);
  return {
    family: message.body.readUInt8(0) === AF_INET ? 4 : 6,
    protocol: original.nested(CTA_TUPLE.PROTO)?.u8(CTA_PROTO.NUM) ?? 0,
    original: readTuple(original),
    reply: readTuple(reply),
    id: attributes.u32be(CTA.ID) ?? 0,
    zone: attributes.u16be(CTA.ZONE) ?? 0,
    mark: attributes.u32be(CTA.MARK) ?? 0,
    timeout: attributes.u32be(CTA.TIMEOUT),
    tcpState: attributes.nested(CTA.PROTOINFO)?.nested(CTA_PROTOINFO_TCP)?.u8(CTA_PROTOINFO_TCP_STATE),
    startedAt: started === undefined ? undefined : Number(started / 1_000_000n),
    status: attributes.u32be(CTA.STATUS) ?? 0,
    counters: sent && answered && { original: sent, reply: answered },
    tuple,
  };
}

/** Whether `entry` is one that `filter` means. */
export function matchesConntrack(entry: ConntrackEntry, filter: ConntrackFilter): boolean {
  const { family, mark, zone } = filter;
  const protocol = typeof filter.protocol === 'string' ? PROTOCOLS[filter.protocol] : filter.protocol;
  return (
    (family === undefined || entry.family === family) &&
    (protocol === undefined || entry.protocol === protocol) &&
    (mark === undefined || entry.mark === mark) &&
    (zone === undefined || entry.zone === zone) &&
    matchesTuple(entry.original, filter.original) &&
    matchesTuple(entry.reply, filter.reply)
  );
}

function matchesTuple(tuple: ConntrackTuple, wanted: Partial<ConntrackTuple> | undefined): boolean {
  if (!wanted) return true;
  const keys = ['source', 'destination', 'sourcePort', 'destinationPort'] as const;
  return keys.every((key) => wanted[key] === undefined || wanted[key] === tuple[key]);
}

function readTuple(tuple: Attributes): ConntrackTuple {
  const ip = tuple.nested(CTA_TUPLE.IP);
  const protocol = tuple.nested(CTA_TUPLE.PROTO);
  const address = (v4: number, v6: number) => {
    const bytes = ip?.bytes(v4) ?? ip?.bytes(v6);
    return bytes ? addressText(bytes) : '';
  };
  return {
    source: address(CTA_IP.V4_SRC, CTA_IP.V6_SRC),
    destination: address(CTA_IP.V4_DST, CTA_IP.V6_DST),
    sourcePort: protocol?.u16be(CTA_PROTO.SRC_PORT),
    destinationPort: protocol?.u16be(CTA_PROTO.DST_PORT),
  };
}

function readCounters(counters: Attributes | undefined): ConntrackCounters | undefined {
  if (!counters) return undefined;
  return {
    packets: Number(counters.u64be(CTA_COUNTERS.PACKETS) ?? 0n),
    bytes: Number(counters.u64be(CTA_COUNTERS.BYTES) ?? 0n),
  };
}
