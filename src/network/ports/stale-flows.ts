/**
 * UDP flows outlive what they were translated to: a client that keeps sending stays bound to the container, or to the proxy, that its
 * first packet reached. When a published port comes or goes, exactly its flows are forgotten; the next packet meets the new rules.
 */

import type { ConntrackClient, RouteClient } from '../../kernel/netlink/index.ts';
import type { PortMapping } from '../model/index.ts';

/** IPPROTO_TCP and IPPROTO_UDP (netinet/in.h) */
const PROTOCOLS = { tcp: 6, udp: 17 } as const;
const ANY_ADDRESS = new Set(['0.0.0.0', '::']);

export class StaleFlows {
  readonly #conntrack: ConntrackClient;
  readonly #route: RouteClient;

  /** Both in the daemon's namespace. */
  constructor(conntrack: ConntrackClient, route: RouteClient) {
    this.#conntrack = conntrack;
    this.#route = route;
  }

  /**
   * Forgets every UDP flow to the host's side of these ports. Costs nothing when none of them is UDP.
   *
   * @param options with `connections`, TCP is forgotten too: what comes next of a connection that had been translated is answered
   *   by the host itself, with a reset. Default false
   * @returns how many there were
   */
  forget(mappings: readonly PortMapping[], options: { connections?: boolean } = {}): number {
    const protocols = options.connections === true ? (['udp', 'tcp'] as const) : (['udp'] as const);
    return protocols.reduce((count, proto) => count + this.#forget(proto, mappings), 0);
  }

  #forget(proto: keyof typeof PROTOCOLS, all: readonly PortMapping[]): number {
    const mappings = all.filter((mapping) => mapping.proto === proto);
    if (mappings.length === 0) return 0;
    // A flow that only passes through this host may have the same port number: it must stay.
    const local = new Set(this.#route.addresses().map(({ address }) => address));
    const isOurs = (address: string) => local.has(address) || address.startsWith('127.');
    const stale = this.#conntrack.list({ protocol: PROTOCOLS[proto] }).filter(({ original }) => {
      const { destination, destinationPort: port } = original;
      return (
        port !== undefined &&
        mappings.some(
          ({ hostIp, hostPort, hostPortEnd = hostPort }) =>
            port >= hostPort &&
            port <= hostPortEnd &&
            destination.includes(':') === hostIp.includes(':') &&
            (ANY_ADDRESS.has(hostIp) ? isOurs(destination) : destination === hostIp),
        )
      );
    });
    return this.#conntrack.deleteEntries(stale);
  }
}
