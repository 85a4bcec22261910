/*
 * Packets, as `GET /bridgeport/capture?format=json` answers them, one JSON value a line (an extension of Bridgeport's API: the path has no
 * version), and as `bridgeport capture --json` prints them. Without `format` the answer is pcapng. Optional members are left out where the
 * packet does not have them, or where what was kept of it ends before.
 */

import type { FlowEnd } from './flow.ts';

export type CaptureLine = CapturedPacket | CaptureNotice;

export interface CapturedPacket {
  event: 'packet';
  /** RFC 3339, with nanoseconds. */
  time: string;
  /** In whose network it was seen: a container's name, or `host`. */
  where: string;
  /** The interface there on which it was seen. */
  link: string;
  /** As that interface sees it. */
  direction: 'in' | 'out';
  /** Bytes on the wire, with the Ethernet header. */
  length: number;
  /** `tcp`, `udp`, `icmp`, `icmpv6`, `arp` …; the number of another IP protocol; `0x88cc` of another Ethernet type. */
  proto: string;
  source: CaptureEnd;
  destination: CaptureEnd;
  ip?: {
    version: 4 | 6;
    /** Time to live, or IPv6's hop limit. */
    ttl: number;
    /** Of a packet that was cut: bytes before this part, and whether others follow. Only the first has ports. */
    fragment?: { offset: number; more: boolean };
  };
  tcp?: {
    flags: TcpFlag[];
    /** As the segment has them: not relative. */
    sequence: number;
    acknowledgement: number;
    /** As the segment has it: not scaled. */
    window: number;
  };
  icmp?: {
    type: number;
    code: number;
    /** `echo request`, `unreachable` …, for the usual types. */
    kind?: string;
    /** Of echoes. */
    id?: number;
    sequence?: number;
  };
  /** Of ARP: `source` asks or answers, `destination.address` is asked for. */
  arp?: { operation: 'request' | 'reply' | number };
  /** Bytes of data behind the header of TCP or UDP, on the wire. */
  payload?: number;
}

/** Of names, those of `FlowEnd`. */
export interface CaptureEnd extends Omit<FlowEnd, 'address'> {
  /** Lower-case, with colons; on the wire where it was seen. */
  mac?: string;
  /** Left out for what is neither IP nor ARP. */
  address?: string;
}

export type TcpFlag = 'FIN' | 'SYN' | 'RST' | 'PSH' | 'ACK' | 'URG' | 'ECE' | 'CWR';

/** Packets came faster than they were taken: how many were lost since the last such line. */
export interface CaptureNotice {
  event: 'notice';
  time: string;
  what: 'lost';
  packets: number;
}
