/** A packet on its way through the model, and what connection tracking knows of it. */

import type { Ip, IpFamily } from '../../base/ip.ts';

/** `icmp` is ICMPv6 where the packet is IPv6: an echo request, and its answer. */
export type PacketProtocol = 'tcp' | 'udp' | 'sctp' | 'icmp';

/** One end of a packet. The port is 0 where the protocol has none. */
export interface Side {
  readonly ip: Ip;
  readonly port: number;
}

/** Changes as it goes: translation rewrites the ends, each hop sets the interfaces. */
export interface Packet {
  readonly family: IpFamily;
  readonly protocol: PacketProtocol;
  /** The first packet of a connection, or the answer to it. */
  readonly direction: 'original' | 'reply';
  source: Side;
  destination: Side;
  /** Interface it came in by; undefined for what this namespace itself sends. */
  input?: string | undefined;
  output?: string | undefined;
  /** Ports of a bridge, where br_netfilter shows a bridged packet. */
  bridgeInput?: string | undefined;
  bridgeOutput?: string | undefined;
  mark: number;
  /** What tracking knows; undefined before it has seen the packet. */
  connection?: Connection | undefined;
}

/** One tracked connection of one namespace. */
export interface Connection {
  /** As the first packet came, before any translation. */
  readonly original: { readonly source: Side; readonly destination: Side };
  /** As it went on. */
  translated: { source: Side; destination: Side };
  /** Chains of type nat have been asked for this end: they are asked once in a connection's life. */
  asked: { source: boolean; destination: boolean };
  mark: number;
  /** A rule said NOTRACK: no translation, and the state is `untracked`. */
  untracked: boolean;
  /** The answer was seen where the question was not: no connection that conntrack would know. */
  readonly invalid: boolean;
}

export function newConnection({ source, destination, direction }: Packet): Connection {
  return {
    original: { source, destination },
    translated: { source, destination },
    asked: { source: false, destination: false },
    mark: 0,
    untracked: false,
    invalid: direction === 'reply',
  };
}

export function sameSide(a: Side, b: Side): boolean {
  return a.port === b.port && a.ip.equals(b.ip);
}

/** `IPPROTO_*` of linux/in.h and linux/icmpv6.h. */
export function protocolNumber({ protocol, family }: Pick<Packet, 'protocol' | 'family'>): number {
  if (protocol === 'icmp') return family === 4 ? 1 : 58;
  return { tcp: 6, udp: 17, sctp: 132 }[protocol];
}

/** The same packet, to be tried out without consequences. */
export function copyPacket(packet: Packet): Packet {
  const { connection } = packet;
  return {
    ...packet,
    ...(connection === undefined
      ? {}
      : {
          connection: {
            ...connection,
            translated: { ...connection.translated },
            asked: { ...connection.asked },
          },
        }),
  };
}
