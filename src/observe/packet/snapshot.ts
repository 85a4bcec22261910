/** A host's network at one moment, as plain values: what the model walks through. Readers are in `observe/snapshot`. */

import type { InterfaceAddress, Link, LocalSocket, Route, RoutingRule } from '../../kernel/netlink/index.ts';
import type { Rulebook } from './rulebook.ts';

/** Id of the namespace that the daemon (or Docker) calls the host. */
export const HOST = 'host';

export interface HostSnapshot {
  /** By id: `host`, or the id of the container that owns it. */
  readonly namespaces: ReadonlyMap<string, Namespace>;
}

export interface Namespace {
  /** `host`, or the owning container's id. */
  readonly id: string;
  /** `host`, or the container's name. */
  readonly title: string;
  /** Only links and addresses were read: enough to know who is there, not what becomes of packets inside. */
  readonly partial: boolean;
  readonly links: readonly Link[];
  readonly addresses: readonly InterfaceAddress[];
  /** Of every table. */
  readonly routes: readonly Route[];
  /** Of both families, in the order in which they are asked. */
  readonly rules: readonly RoutingRule[];
  /** Addresses that are bound to a MAC by hand: by link and address. */
  readonly fixedNeighbours: ReadonlyArray<{
    readonly link: number;
    readonly address: string;
    readonly mac: string;
  }>;
  readonly sysctls: Sysctls;
  readonly sockets: readonly LocalSocket[];
  readonly firewall: Rulebook;
  /** The other ends of veth pairs, by the index of this end. Those in namespaces that nobody knows are missing. */
  readonly peers: ReadonlyMap<number, { readonly namespace: string; readonly link: number }>;
}

/** Settings that decide about packets. Those of an interface stand under its name. */
export interface Sysctls {
  /** `net.ipv4.conf.IF.forwarding`, `net.ipv6.conf.IF.forwarding`. */
  forwarding(family: 4 | 6, link: string): boolean;
  /** The stricter of `all` and the interface's own: 0 off, 1 strict, 2 loose. */
  reversePathFilter(link: string): number;
  /** Of `all` or the interface's own. */
  routeLocalnet(link: string): boolean;
  acceptLocal(link: string): boolean;
  /** `net.bridge.bridge-nf-call-iptables`, `…-ip6tables`; off where br_netfilter is not loaded. */
  bridgeCallsFirewall(family: 4 | 6): boolean;
}

export function linkByName({ links }: Namespace, name: string): Link | undefined {
  return links.find((link) => link.name === name || link.altNames.includes(name));
}

export function linkByIndex({ links }: Namespace, index: number): Link | undefined {
  return links.find((link) => link.index === index);
}
