/** What IP refuses by a packet's addresses and the interface it came by, before any rule is asked for an opinion. Pure. */

import type { Packet } from '../packet.ts';
import { lookUpRoute } from '../routing.ts';
import type { Namespace } from '../snapshot.ts';
import type { Cause } from './hops.ts';

/** ip6_rcv_core(), and after a translation the route, which leads nowhere: ::1 is never on a real interface. */
export function outsideIpv6Loopback(packet: Packet, link: string): Cause | undefined {
  if (packet.family !== 6) return undefined;
  const address = loopbackOf(packet);
  return address && { kind: 'loopback-outside', link, address };
}

/** ip_route_input_slow(): loopback addresses from outside; of IPv6 as above. */
export function outsideLoopback(namespace: Namespace, packet: Packet, link: string): Cause | undefined {
  if (packet.family === 6) return outsideIpv6Loopback(packet, link);
  const address = loopbackOf(packet);
  if (address === undefined || namespace.sysctls.routeLocalnet(link)) return undefined;
  return { kind: 'loopback-outside', link, address };
}

const loopbackOf = ({ source, destination }: Packet) =>
  [source.ip, destination.ip].find(({ isLoopback }) => isLoopback);

/** fib_validate_source(): an own address as the source, and rp_filter. */
export function unlawfulSource(namespace: Namespace, packet: Packet, link: string): Cause | undefined {
  const source = packet.source.ip;
  const back = lookUpRoute(namespace, { destination: source, source: packet.destination.ip });
  const { sysctls } = namespace;
  if (back.kind === 'local' && !sysctls.acceptLocal(link) && !source.isLoopback) {
    return { kind: 'own-source', link, address: source };
  }
  const mode = sysctls.reversePathFilter(link);
  if (mode === 0 || back.kind === 'local' || back.kind === 'unknown') return undefined;
  if (back.kind === 'forward' && (mode === 2 || back.output === link)) return undefined;
  const found = back.kind === 'forward' ? { back: back.output } : {};
  return { kind: 'reverse-path', link, source, ...found };
}
