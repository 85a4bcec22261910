/*
 * The flow log: what `GET /bridgeport/flows` answers, one JSON value a line (an extension of Bridgeport's API: the path has no version),
 * and what `bridgeport flows --json` prints.
 */

export type FlowLine = Flow | FlowDrop | FlowNotice;

/** A connection that the kernel tracks, or for UDP and ICMP what it takes for one. */
export interface Flow {
  /** `open`: it was there when one asked; `new`: it has begun; `end`: the kernel has forgotten it (TCP: up to two minutes after). */
  event: 'open' | 'new' | 'end';
  /** RFC 3339, with milliseconds. */
  time: string;
  /** `tcp`, `udp`, `icmp`, `icmpv6`, `sctp`, or the protocol's number. */
  proto: string;
  /** Who sent the first packet. */
  client: FlowEnd;
  /** Where it sent it, as it knew the address: the host's, for a published port. */
  dialled: FlowEnd;
  /** Who gets the packets and answers; left out where it is what was dialled. */
  server?: FlowEnd;
  /** What the server takes for the client, when its address was translated too (masquerading). */
  seenAs?: FlowEnd;
  /** True until an answer was seen; left out at the end. */
  unanswered?: boolean;
  /** From the client, and back. Only where `net.netfilter.nf_conntrack_acct` is on. */
  sent?: FlowCount;
  answered?: FlowCount;
}

export interface FlowEnd {
  address: string;
  /** Left out for protocols without ports. */
  port?: number;
  /** The container that has the address, or `host`; left out for everybody else. */
  name?: string;
  /** The container's network. */
  network?: string;
}

export interface FlowCount {
  packets: number;
  bytes: number;
}

/** Packets that a rule has dropped since the last look, a second ago: the kernel counts them, and does not say whose they were. */
export interface FlowDrop {
  event: 'drop';
  time: string;
  /** `filter DOCKER-ISOLATION-STAGE-2` */
  chain: string;
  /** As the kernel's tool prints it; `policy` for what no rule accepted. */
  rule: string;
  /** Why the engine wrote the rule (`icc-drop`, `isolation-to` …); left out for rules of others. */
  reason?: string;
  /** The network that it was written for. */
  network?: string;
  packets: number;
  bytes: number;
}

/** Something to know about the log itself. */
export interface FlowNotice {
  event: 'notice';
  time: string;
  /** `lost`: events came faster than they were read; `no-drops`: the daemon writes no rules. */
  what: 'lost' | 'no-drops';
}
