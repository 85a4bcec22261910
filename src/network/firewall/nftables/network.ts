/** What a network has by itself, whatever containers are on it: its chains, and the ways into them. */

import type { IpFamily } from '../../../base/ip.ts';
import {
  type FirewallIntent,
  familyOf,
  isDirectlyAddressed,
  type NetworkFamilyIntent,
  type NetworkIntent,
} from '../intent.ts';
import { oneOf, type TableBuilder } from './builder.ts';
import { bridgeChain, jumps, type PerBridge, quoteInterface } from './layout.ts';

/** A network with its part in the family that is being compiled. */
export interface FamilyNetwork {
  readonly network: NetworkIntent;
  readonly part: NetworkFamilyIntent;
  /** Checked and quoted name of the bridge. */
  readonly bridge: string;
}

/** The networks that have addresses in a family. Of several with one bridge, whose chains would have one name, only the first. */
export function familyNetworks(intent: FirewallIntent, family: IpFamily): FamilyNetwork[] {
  const networks: FamilyNetwork[] = [];
  const bridges = new Set<string>();
  for (const network of intent.networks) {
    const part = familyOf(network, family);
    if (part === undefined || bridges.has(network.bridge)) continue;
    bridges.add(network.bridge);
    networks.push({ network, part, bridge: quoteInterface(network.bridge) });
  }
  return networks;
}

/** True when nothing passes between this network and the rest of the world. */
export function isClosed({ network, part }: FamilyNetwork): boolean {
  return network.internal || part.mode === 'isolated';
}

/** Declares a chain of a network's own, and has packets of its bridge jump there. */
function ownChain(builder: TableBuilder, { network }: FamilyNetwork, part: PerBridge): string {
  const chain = bridgeChain(part, network.bridge);
  builder.chain(chain);
  builder.element(
    jumps(part),
    quoteInterface(network.bridge),
    { key: 'network-jump', networkId: network.id },
    `jump ${chain}`,
  );
  return chain;
}

/** Packets that come from the network's bridge. */
export function addLeaving(builder: TableBuilder, entry: FamilyNetwork): void {
  const { network, bridge } = entry;
  const networkId = network.id;
  builder.element('bridges', bridge, { key: 'known-bridge', networkId });
  const chain = ownChain(builder, entry, 'filter-forward-out');
  if (isClosed(entry)) {
    builder.rule(chain, `oifname != ${bridge} counter drop`, { key: 'internal-out', networkId });
  } else {
    // What goes to a bridge, this one or another, is decided by the chain of that bridge.
    builder.rule(chain, 'oifname != @bridges accept', { key: 'outgoing', networkId });
  }
}

/** Packets that go to the network's bridge. */
export function addEntering(builder: TableBuilder, intent: FirewallIntent, entry: FamilyNetwork): void {
  const { network, part, bridge } = entry;
  const networkId = network.id;
  const chain = ownChain(builder, entry, 'filter-forward-in');
  if (isClosed(entry)) {
    builder.rule(chain, `iifname != ${bridge} counter drop`, { key: 'internal-in', networkId });
    addAmong(builder, entry, chain);
    return;
  }
  builder.rule(chain, 'ct state established,related accept', { key: 'established', networkId });
  if (!network.icc) addLinkLookups(builder, entry, chain);
  if (!network.icc && !intent.userlandProxy && part.mode !== 'routed')
    addPublishedAmong(builder, entry, chain);
  addAmong(builder, entry, chain);
  if (part.mode === 'nat-unprotected') {
    builder.rule(chain, 'accept', { key: 'unprotected-accept', networkId });
    return;
  }
  if (part.mode === 'nat') addDirectDrop(builder, intent, entry, chain);
  else {
    const icmp = builder.family === 4 ? 'ip protocol icmp' : 'meta l4proto ipv6-icmp';
    builder.rule(chain, `${icmp} accept`, { key: 'routed-icmp', networkId });
  }
  const target = `${builder.header} daddr . meta l4proto . th dport`;
  builder.rule(chain, `${target} @filter-ports accept`, { key: 'port-lookup', networkId });
  builder.rule(chain, `${target} @filter-port-ranges accept`, { key: 'port-lookup', networkId });
  if (part.mode === 'routed') builder.rule(chain, 'counter drop', { key: 'routed-drop', networkId });
  if (isDirectlyAddressed(intent, network, part))
    builder.rule(chain, 'counter drop', { key: 'unpublished-drop', networkId });
}

/** The network's containers among each other: packets that come here only where the kernel shows us bridged ones. */
function addAmong(builder: TableBuilder, { network, bridge }: FamilyNetwork, chain: string): void {
  builder.rule(chain, `iifname ${bridge} ${network.icc ? 'accept' : 'counter drop'}`, {
    key: network.icc ? 'icc-accept' : 'icc-drop',
    networkId: network.id,
  });
}

/** With `icc` off and without the proxy: see iptables/network.ts for why neighbour discovery has to pass, too. */
function addPublishedAmong(builder: TableBuilder, { network, bridge }: FamilyNetwork, chain: string): void {
  const networkId = network.id;
  builder.rule(chain, `iifname ${bridge} ct status dnat accept`, { key: 'icc-published', networkId });
  if (builder.family === 4) return;
  const discovery = 'icmpv6 type { nd-neighbor-solicit, nd-neighbor-advert }';
  builder.rule(chain, `iifname ${bridge} ${discovery} accept`, { key: 'icc-neighbours', networkId });
}

function addLinkLookups(builder: TableBuilder, { network, bridge }: FamilyNetwork, chain: string): void {
  // A link is IPv4 only, as in Docker.
  if (builder.family !== 4) return;
  const networkId = network.id;
  const pair = `iifname ${bridge} ip saddr . ip daddr . meta l4proto`;
  builder.rule(chain, `${pair} . th dport @filter-links accept`, { key: 'link-lookup', networkId });
  builder.rule(chain, `${pair} . th sport @filter-link-answers accept`, { key: 'link-lookup', networkId });
}

/**
 * New packets for a container's own address, not translated from a published port of the host: dropped by connection
 * state and not in `raw-PREROUTING`, for the reasons of docs/decisions/0005.
 */
function addDirectDrop(
  builder: TableBuilder,
  intent: FirewallIntent,
  { network, part }: FamilyNetwork,
  chain: string,
): void {
  const networkId = network.id;
  const trusted = (network.trustedHostInterfaces ?? []).map(quoteInterface);
  const untrusted = trusted.length === 0 ? '' : `iifname != ${oneOf(trusted)} `;
  builder.rule(chain, `iifname @bridges ${untrusted}ct status ! dnat counter drop`, {
    key: 'isolation-to',
    networkId,
  });
  if (intent.allowDirectRouting === true) return;
  const inside = `${builder.header} daddr ${builder.prefixes(part.subnets)}`;
  builder.rule(chain, `${untrusted}${inside} ct status ! dnat counter drop`, {
    key: 'direct-drop',
    networkId,
  });
}

/** Sources of packets from and to the network. */
export function addSources(builder: TableBuilder, intent: FirewallIntent, entry: FamilyNetwork): void {
  const { network, part, bridge } = entry;
  if (isClosed(entry) || part.mode === 'routed') return;
  const networkId = network.id;
  const target = part.snatTo === undefined ? 'masquerade' : `snat to ${builder.ownAddress(part.snatTo)}`;
  if (network.masquerade) {
    const inside = `${builder.header} saddr ${builder.prefixes(part.subnets)}`;
    builder.rule(
      ownChain(builder, entry, 'nat-postrouting-out'),
      `oifname != ${bridge} ${inside} ${target}`,
      { key: part.snatTo === undefined ? 'masquerade' : 'snat', networkId },
    );
  }
  if (intent.userlandProxy) return;
  const chain = ownChain(builder, entry, 'nat-postrouting-in');
  builder.rule(chain, `fib saddr type local ${target}`, { key: 'masquerade-local', networkId });
  const { header } = builder;
  // Not asked by the bridge it comes from: br_netfilter, when it shows us a bridged packet, calls this hook without one.
  builder.rule(chain, `ct status dnat ${header} saddr . ${header} daddr @nat-hairpin masquerade`, {
    key: 'hairpin-lookup',
    networkId,
  });
}

/** Packets from localhost carry an address that the container can answer. */
export function addLocalhostSources(builder: TableBuilder, entry: FamilyNetwork): void {
  builder.rule(ownChain(builder, entry, 'nat-postrouting-in'), 'ip saddr 127.0.0.0/8 masquerade', {
    key: 'localhost-masquerade',
    networkId: entry.network.id,
  });
}
