/** One question of the conformance table, and its answer: the words that `cells.ts` is written in. */

import type { Protocol } from '../../../base/ports.ts';
import type { Family, NetworkName, PortKind, Who } from './layout.ts';

/**
 * Who answers, and whom it takes the asker for.
 *
 * - `itself`: the server, which sees the asker's own address
 * - `gateway`: the server, which sees the address of its own bridge
 * - `host`: the server, which sees another address of the host
 * - `proxy`: a program on the host that listens on the published port, as the userland proxy does
 * - `refused`: the host, which has nothing there (UDP: nobody)
 * - `silence`: nobody; the packet was dropped
 */
export type Outcome = 'itself' | 'gateway' | 'host' | 'proxy' | 'refused' | 'silence';

/** How the asker addresses the server. */
export type Way =
  /** By the host's address, and the published port. */
  | 'host'
  /** By the address of the asker's own bridge, and the published port. */
  | 'gateway'
  /** By 127.0.0.1 or ::1, and the published port. */
  | 'loopback'
  /** By the server's own address and port. */
  | 'direct';

/** An expectation; two where it matters whether the userland proxy serves what the kernel cannot. */
export type Expected = Outcome | { readonly proxy: Outcome; readonly kernel: Outcome };

export interface Cell {
  readonly from: Who;
  readonly to: { readonly network: NetworkName } | { readonly station: 'world' | 'lan' | 'host' };
  readonly way: Way;
  /** Of stations other than containers, the one port they serve. */
  readonly port: PortKind | 'service';
  readonly family: Family;
  readonly proto: Protocol;
  readonly expected: Expected;
  readonly why: string;
  /**
   * True: the packet stays on one bridge, and a firewall sees it only where `br_netfilter` shows it
   * (`net.bridge.bridge-nf-call-iptables=1`). Elsewhere the cell says nothing.
   */
  readonly bridged?: boolean;
}

/** `lan → nat.server, port published, by the host: v4 tcp`. */
export function describeCell({ from, to, port, way, family, proto }: Cell): string {
  const target = 'network' in to ? `${to.network}.server` : to.station;
  return `${from} → ${target}, port ${port}, by ${way}: ${family} ${proto}`;
}

/** What a cell expects of a daemon with the userland proxy, or without. */
export function expectedOutcome({ expected, proto }: Cell, userlandProxy: boolean): Outcome {
  const outcome = typeof expected === 'string' ? expected : userlandProxy ? expected.proxy : expected.kernel;
  // Refusal of a datagram is an ICMP message, which an unconnected socket is not told of.
  return outcome === 'refused' && proto === 'udp' ? 'silence' : outcome;
}
