/**
 * UDP flows outlive what they were translated to: a client that keeps sending stays bound to the container, or to the proxy, that its
 * first packet reached. When a published port comes or goes, exactly its flows are forgotten; the next packet meets the new rules.
 */

import type { ConntrackClient, RouteClient } from '../../kernel/netlink/index.ts';
import type { PortMapping } from '../model/index.ts';

/** IPPROTO_UDP (netinet/in.h) */
const UDP = 17;
const ANY_ADDRESS = new Set(['0.0.0.0', '::']);

export class StaleFlows {
  readonly #conntrack: ConntrackClient;
  readonly #route: RouteClient;

  /** Both in the daemon's namespace. */
  constructor(conntrack: ConntrackClient, route: RouteClient) {
    this.#conntrack = conntrack;
    this.#route = route;
  }

  /** Forgets every flow to the host's side of these ports. Costs nothing when none of them is UDP. Returns how many there were. */
  forget(mappings: readonly PortMapping[]): number {
    const udp = mappings.filter(({ proto }) => proto === 'udp');
    if (udp.length === 0) return 0;
    // A flow that only passes through this host may have the same port number: it must stay.
    const local = new Set(this.#route.addresses().map(({ address }) => address));
    const stale = this.#conntrack.list({ protocol: UDP }).filter(({ original }) => {
      const { destination, destinationPort: port } = original;
      return (
        port !== undefined &&
        udp.some(
          ({ hostIp, hostPort, hostPortEnd = hostPort }) =>
            port >= hostPort &&
            port <= hostPortEnd &&
            destination.includes(':') === hostIp.includes(':') &&
            (ANY_ADDRESS.has(hostIp) ? local.has(destination) : destination === hostIp),
        )
      );
    });
    return this.#conntrack.deleteEntries(stale);
  }
}
