/** What the host's routes say about addresses: which are in use, and which of a network's are in the way of a route. Pure. */

import type { IpFamily } from '../../base/ip.ts';
import { Prefix } from '../../base/prefix.ts';

/** A route of any table, as the kernel tells it. */
export interface HostRoute {
  readonly family: IpFamily;
  /** `172.17.0.0/16`, or `default`. */
  readonly destination: string;
  /** `unicast`, `local`, `blackhole` … (rtnetlink.h, RTN_*). */
  readonly type: string;
  readonly table: number;
  readonly metric: number;
  /** Index of the interface that it leads to. */
  readonly link: number | undefined;
}

/**
 * - `used`: somebody is there, on a LAN, behind a VPN, or the host itself.
 * - `discarded`: nobody is there as far as this host is concerned; a more particular route may say otherwise.
 */
export interface RouteUse {
  readonly prefix: Prefix;
  readonly use: 'used' | 'discarded';
}

const USED = new Set(['unicast', 'local']);
const DISCARDED = new Set(['blackhole', 'unreachable', 'prohibit']);
/**
 * A route to more than the largest private block (10.0.0.0/8, RFC 1918; fc00::/7, RFC 4193) says where everything goes and nothing of who
 * is there: the default route, or its halves 0.0.0.0/1 and 128.0.0.0/1 as VPNs set them (OpenVPN's redirect-gateway def1).
 */
const LEAST_LENGTH: Readonly<Record<IpFamily, number>> = { 4: 8, 6: 7 };
/** Every link has a route to these (RFC 4291, 2.5.6 and 2.7). */
const OF_EVERY_LINK = ['fe80::/10', 'ff00::/8'].map((text) => Prefix.parse(text));
const RT_TABLE_MAIN = 254;

/** Undefined for a route that says nothing about who is there. */
export function useOf(route: HostRoute): RouteUse | undefined {
  const use = USED.has(route.type) ? 'used' : DISCARDED.has(route.type) ? 'discarded' : undefined;
  const prefix = use === undefined ? undefined : Prefix.tryParse(route.destination);
  if (use === undefined || prefix === undefined || prefix.length < LEAST_LENGTH[prefix.family])
    return undefined;
  return OF_EVERY_LINK.some((all) => all.contains(prefix)) ? undefined : { prefix, use };
}

/**
 * Who loses when a subnet of a network and a route have addresses in common; undefined when nobody does.
 *
 * - `network`: packets for containers go where the route leads: it is at least as particular, or its table may be asked before the
 *   main one.
 * - `route`: who is behind the route is hidden from this host and its containers by the network's own route.
 */
export function loserOf(subnet: Prefix, route: HostRoute): 'network' | 'route' | undefined {
  const found = useOf(route);
  if (found === undefined || !found.prefix.overlaps(subnet)) return undefined;
  const isMoreParticular =
    found.prefix.length > subnet.length || (found.prefix.equals(subnet) && route.metric === 0);
  if (isMoreParticular) return 'network';
  // Nobody is missed there.
  if (found.use === 'discarded') return undefined;
  return route.table === RT_TABLE_MAIN ? 'route' : 'network';
}
