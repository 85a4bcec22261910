/**
 * What the firewall shall do, said without any firewall's words: who may talk to whom, and what is translated. The
 * controller makes an intent from desired state; a compiler (`iptables`, later `nftables`, or `none`) turns it into
 * rules. An intent is complete: rules that it does not call for are taken away.
 *
 * The promises, which every compiler keeps and the conformance suite checks with real packets:
 *
 * 1. A container reaches its own network (unless `icc` is off) and, unless the network is internal, the world.
 * 2. Networks do not reach each other, except where a port is published.
 * 3. A published port is open to everyone who can reach the host address that it is bound to. One bound to a loopback
 *    address is open to this host only.
 * 4. Everything else addressed to a container from outside its bridge is dropped, also when the sender has a route to
 *    the container's address (`nat` mode, `trustedHostInterfaces` aside; `nat-unprotected` lets all in, `routed` lets
 *    published ports in).
 * 5. With `icc` off, a link opens exactly the server's exposed ports to the client.
 * 6. The user is asked first (chain DOCKER-USER), and what is not ours is never touched.
 */

import type { IpFamily } from '../../base/ip.ts';
import type { Link } from '../model/link.ts';
import type { GatewayMode } from '../model/network.ts';
import type { PortMapping } from '../model/port.ts';

/** Which families something applies to. */
export interface PerFamily {
  readonly v4: boolean;
  readonly v6: boolean;
}

/** All that the firewall needs to know, about all networks of this daemon. */
export interface FirewallIntent {
  /** Families whose firewall is ours to write: `--iptables`, `--ip6tables`. */
  readonly enabled: PerFamily;
  /**
   * True: the userland proxy serves what the kernel cannot (loopback, hairpin, other networks).
   * False: the kernel does it alone, with `route_localnet` on each bridge and masquerading.
   */
  readonly userlandProxy: boolean;
  /**
   * With the proxy: IPv4 connections of this host to its own loopback addresses are the kernel's all the same (`route_localnet` on
   * the bridges, masquerading), and the proxy is left with `::1`. Default false.
   */
  readonly localhostByKernel?: boolean;
  /** Packets that nobody accepts are not forwarded (policy DROP). For daemons that turned forwarding on themselves. */
  readonly forwardDrop: PerFamily;
  /** True: hosts with a route may address published ports of containers directly. Default false. */
  readonly allowDirectRouting?: boolean;
  /** Bridge networks only; their order is the order of their rules and should be stable (creation order). */
  readonly networks: readonly NetworkIntent[];
}

/** One bridge network. */
export interface NetworkIntent {
  readonly id: string;
  readonly name: string;
  /** Name of the bridge interface. */
  readonly bridge: string;
  readonly internal: boolean;
  readonly icc: boolean;
  readonly masquerade: boolean;
  /** Interfaces from which published ports of containers may be addressed directly. Default none. */
  readonly trustedHostInterfaces?: readonly string[];
  /** Absent when the network has no address of the family. */
  readonly v4?: NetworkFamilyIntent;
  readonly v6?: NetworkFamilyIntent;
  /** In the order they were published. */
  readonly ports: readonly PortMapping[];
  /** Only looked at where `icc` is false: with `icc` on, everything is open already. */
  readonly links: readonly Link[];
}

/** What a network is in one address family. */
export interface NetworkFamilyIntent {
  /** Canonical prefixes, at least one. */
  readonly subnets: readonly string[];
  readonly mode: GatewayMode;
  /** Source address for packets that leave, in place of masquerading. */
  readonly snatTo?: string;
}

/** The family's own part of a network, or `undefined`. */
export function familyOf(network: NetworkIntent, family: IpFamily): NetworkFamilyIntent | undefined {
  return family === 4 ? network.v4 : network.v6;
}

/** Reads the part of a per-family setting. */
export function inFamily(setting: PerFamily, family: IpFamily): boolean {
  return family === 4 ? setting.v4 : setting.v6;
}

/** True where hosts may address containers of a `nat` network by their own addresses: published ports alone, as in Docker. */
export function isDirectlyAddressed(
  intent: FirewallIntent,
  network: NetworkIntent,
  part: NetworkFamilyIntent,
): boolean {
  const trusted = network.trustedHostInterfaces ?? [];
  return part.mode === 'nat' && (intent.allowDirectRouting === true || trusted.length > 0);
}
