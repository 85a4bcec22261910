/** When a tracked connection was last surely alive: from what the kernel still gives it. Pure, but for the settings. */

import type { ConntrackEntry } from '../../kernel/netlink/index.ts';
import { tryReadSysctl } from '../../kernel/sysctl.ts';

const TCP = 6;
/** `enum tcp_conntrack` (nf_conntrack_tcp.h) from 1, by the names of their settings; 9 is the SYN of both sides at once. */
const TCP_STATES = [
  'syn_sent',
  'syn_recv',
  'established',
  'fin_wait',
  'close_wait',
  'last_ack',
  'time_wait',
  'close',
  'syn_sent',
] as const;
/** These take the state's place when they are shorter: nf_conntrack_tcp_packet() in nf_conntrack_proto_tcp.c. */
const TCP_SHORTER = ['max_retrans', 'unacknowledged'] as const;

/** Seconds that the kernel keeps a connection after a packet, by the setting's name: `tcp_timeout_time_wait`. */
export type ConntrackTimeouts = (setting: string) => number | undefined;

/** Of the namespace that the thread is in; each is read once. */
export function readTimeouts(): ConntrackTimeouts {
  const read = new Map<string, number | undefined>();
  return (setting) => {
    if (!read.has(setting)) {
      const text = tryReadSysctl(`net/netfilter/nf_conntrack_${setting}`);
      read.set(setting, text === undefined ? undefined : Number(text));
    }
    return read.get(setting);
  };
}

/** Between these moments, in milliseconds since 1970. */
export interface Span {
  readonly from: number;
  readonly to: number;
}

/**
 * When its last packet was seen: the kernel gave it a time with that, and some of it is left. `undefined` where that time is not known.
 *
 * @param now milliseconds since 1970
 */
export function lastSeen(
  { protocol, timeout, tcpState }: ConntrackEntry,
  timeouts: ConntrackTimeouts,
  now: number,
): Span | undefined {
  if (timeout === undefined) return undefined;
  const given = settingsOf(protocol, tcpState)
    .flatMap((setting) => timeouts(setting) ?? [])
    .filter((seconds) => seconds >= timeout);
  if (given.length === 0) return undefined;
  const shortest = Math.min(...given);
  // A TCP connection that had so little left of days, and not of the minutes that take their place, would be a rare one.
  const longest = protocol === TCP ? shortest : Math.max(...given);
  // What is left is told in whole seconds: there may be nearly one more.
  return { from: now - (longest - timeout) * 1000, to: now - Math.max(0, shortest - timeout - 1) * 1000 };
}

function settingsOf(protocol: number, tcpState: number | undefined): string[] {
  switch (protocol) {
    case 1:
      return ['icmp_timeout'];
    case 58:
      return ['icmpv6_timeout'];
    case 17:
      return ['udp_timeout', 'udp_timeout_stream'];
    case TCP: {
      const state = TCP_STATES[(tcpState ?? 0) - 1];
      return state === undefined ? [] : [state, ...TCP_SHORTER].map((name) => `tcp_timeout_${name}`);
    }
    default:
      return [];
  }
}
