/** Rules that a network has by itself, whatever containers are on it. */

import { invalid } from '../../../base/errors.ts';
import type { IpFamily } from '../../../base/ip.ts';
import {
  type FirewallIntent,
  familyOf,
  isDirectlyAddressed,
  type NetworkFamilyIntent,
  type NetworkIntent,
} from '../intent.ts';
import { type Blocks, interfaceMatch, prefixMatch, type RuleBuilder } from './builder.ts';

const STAGE_1 = 'DOCKER-ISOLATION-STAGE-1';
const STAGE_2 = 'DOCKER-ISOLATION-STAGE-2';

/** A network with its part in the family that is being compiled. */
export interface FamilyNetwork {
  readonly network: NetworkIntent;
  readonly part: NetworkFamilyIntent;
  /** Checked name of the bridge. */
  readonly bridge: string;
}

/** What a network has in one family, kept from one compilation to the next. */
export interface NetworkRules {
  readonly entry: FamilyNetwork;
  readonly forwarding: Blocks;
  /** Of a closed network. */
  readonly closed: Blocks;
  /** Neighbours that may address its containers directly. */
  readonly trusted: Blocks;
  /** What keeps everybody else, and other networks, away. */
  readonly isolation: Blocks;
  readonly translation: Blocks;
  readonly published: Blocks;
}

/** The networks that have addresses in a family. Of several with one bridge, whose rules could not be told apart, only the first. */
export function familyNetworks(intent: FirewallIntent, family: IpFamily): NetworkIntent[] {
  const bridges = new Set<string>();
  return intent.networks.filter((network) => {
    if (familyOf(network, family) === undefined || bridges.has(network.bridge)) return false;
    bridges.add(network.bridge);
    return true;
  });
}

export function familyNetwork(network: NetworkIntent, family: IpFamily): FamilyNetwork {
  const part = familyOf(network, family);
  if (part === undefined) throw invalid(`compile firewall: network ${network.name} has no IPv${family}`);
  return { network, part, bridge: interfaceMatch(network.bridge) };
}

/** True when nothing passes between this network and the rest of the world. */
export function isClosed({ network, part }: FamilyNetwork): boolean {
  return network.internal || part.mode === 'isolated';
}

/** A network's block in the chain FORWARD. */
export function addForwarding(builder: RuleBuilder, intent: FirewallIntent, entry: FamilyNetwork): void {
  const { network, part, bridge } = entry;
  const networkId = network.id;
  if (!isClosed(entry)) {
    builder.add('filter', 'FORWARD', [`-o ${bridge} -m conntrack --ctstate RELATED,ESTABLISHED -j ACCEPT`], {
      key: 'established',
      networkId,
    });
    builder.add('filter', 'FORWARD', [`-o ${bridge} -j DOCKER`], { key: 'published-jump', networkId });
    if (part.mode === 'nat-unprotected') {
      builder.add('filter', 'FORWARD', [`! -i ${bridge} -o ${bridge} -j ACCEPT`], {
        key: 'unprotected-accept',
        networkId,
      });
    }
    if (part.mode === 'routed' || isDirectlyAddressed(intent, network, part)) {
      builder.add('filter', 'FORWARD', [`! -i ${bridge} -o ${bridge} -j DROP`], {
        key: part.mode === 'routed' ? 'routed-drop' : 'unpublished-drop',
        networkId,
      });
    }
    builder.add('filter', 'FORWARD', [`-i ${bridge} ! -o ${bridge} -j ACCEPT`], {
      key: 'outgoing',
      networkId,
    });
    if (!network.icc && !intent.userlandProxy && part.mode !== 'routed') addPublishedAmong(builder, entry);
  }
  builder.add('filter', 'FORWARD', [`-i ${bridge} -o ${bridge} -j ${network.icc ? 'ACCEPT' : 'DROP'}`], {
    key: network.icc ? 'icc-accept' : 'icc-drop',
    networkId,
  });
}

/**
 * With `icc` off and without the proxy: a packet for a published port goes back to the bridge that it came from. The server then
 * answers its neighbour straight over the bridge, and has to find its hardware address first; ARP passes by iptables,
 * IPv6's neighbour discovery does not (RFC 4861, types 135 and 136).
 */
function addPublishedAmong(builder: RuleBuilder, { network, bridge }: FamilyNetwork): void {
  const within = `-i ${bridge} -o ${bridge}`;
  const networkId = network.id;
  builder.add('filter', 'FORWARD', [`${within} -m conntrack --ctstate DNAT -j ACCEPT`], {
    key: 'icc-published',
    networkId,
  });
  for (const type of builder.family === 6 ? [135, 136] : []) {
    builder.add('filter', 'FORWARD', [`${within} -p ipv6-icmp -m icmp6 --icmpv6-type ${type} -j ACCEPT`], {
      key: 'icc-neighbours',
      networkId,
    });
  }
}

/**
 * The isolation chains: internal networks, direct access, and networks from each other. What a network adds stands before what the
 * older ones have, as in Docker: `iptables-restore` puts a rule at the beginning of a chain without reading the chain, and
 * no two networks' rules are about the same packets.
 *
 * Direct access (a neighbour with a route to 172.17.0.0/16) is dropped here, by connection state, and not in table raw as
 * Docker 28 does. A drop in raw is blind: it also hits the answers to connections that left without masquerading
 * (`ip-masq: false`, or an exception of the user's for a VPN), packets from other networks to the bridge's own
 * address (`host-gateway`), and it leaves the user no say. Here it comes after DOCKER-USER, where
 * an ACCEPT can open direct access for whom the user trusts.
 */
export function addIsolation(
  builder: RuleBuilder,
  intent: FirewallIntent,
  newest: readonly NetworkRules[],
): void {
  const known = statesThatCross(intent, newest);
  // What returns must not let past what a closed network refuses.
  const hasReturns = known.length > 0 || newest.some(({ trusted }) => trusted.length > 0);
  if (hasReturns) for (const { closed } of newest) builder.take(closed);
  if (known.length > 0) {
    builder.add('filter', STAGE_1, [`-m conntrack --ctstate ${known.join(',')} -j RETURN`], {
      key: 'isolation-known',
    });
  }
  for (const { trusted } of newest) builder.take(trusted);
  for (const { closed, isolation } of newest) {
    if (!hasReturns) builder.take(closed);
    builder.take(isolation);
  }
}

/** A network's part in the isolation chains. */
export function isolationRules(
  builder: RuleBuilder,
  intent: FirewallIntent,
  entry: FamilyNetwork,
): Pick<NetworkRules, 'closed' | 'trusted' | 'isolation'> {
  if (isClosed(entry)) {
    return { closed: builder.collect(() => addClosed(builder, entry)), trusted: [], isolation: [] };
  }
  const dropsDirect = intent.allowDirectRouting !== true && entry.part.mode === 'nat';
  return {
    closed: [],
    trusted: dropsDirect ? builder.collect(() => addTrusted(builder, entry)) : [],
    isolation: builder.collect(() => {
      if (dropsDirect) addDirectDrop(builder, entry);
      addIsolated(builder, entry);
    }),
  };
}

function addClosed(builder: RuleBuilder, { network, bridge }: FamilyNetwork): void {
  const networkId = network.id;
  builder.add('filter', STAGE_1, [`! -i ${bridge} -o ${bridge} -j DROP`], { key: 'internal-in', networkId });
  builder.add('filter', STAGE_1, [`-i ${bridge} ! -o ${bridge} -j DROP`], { key: 'internal-out', networkId });
}

function addTrusted(builder: RuleBuilder, { network, bridge }: FamilyNetwork): void {
  for (const trusted of network.trustedHostInterfaces ?? []) {
    builder.add('filter', STAGE_1, [`-i ${interfaceMatch(trusted)} -o ${bridge} -j RETURN`], {
      key: 'direct-trusted',
      networkId: network.id,
    });
  }
}

function addDirectDrop(builder: RuleBuilder, { network, part, bridge }: FamilyNetwork): void {
  for (const subnet of part.subnets) {
    builder.add(
      'filter',
      STAGE_1,
      [
        `-d ${prefixMatch(subnet, builder.family)} ! -i ${bridge} -o ${bridge}`,
        '-m conntrack ! --ctstate RELATED,ESTABLISHED,DNAT -j DROP',
      ],
      { key: 'direct-drop', networkId: network.id },
    );
  }
}

function addIsolated(builder: RuleBuilder, { network, part, bridge }: FamilyNetwork): void {
  const networkId = network.id;
  builder.add('filter', STAGE_1, [`-i ${bridge} ! -o ${bridge} -j ${STAGE_2}`], {
    key: 'isolation-from',
    networkId,
  });
  if (part.mode === 'nat-unprotected') return;
  if (part.mode === 'routed') {
    builder.add('filter', STAGE_2, [`-o ${bridge} -j DOCKER`], { key: 'isolation-published', networkId });
  }
  builder.add('filter', STAGE_2, [`-o ${bridge} -j DROP`], { key: 'isolation-to', networkId });
}

/**
 * Which connection states may pass from network to network. None with one network, and none in Docker 20.10's own
 * world (all networks `nat`, the proxy serving other networks), so that its rules come out unchanged there.
 */
function statesThatCross(intent: FirewallIntent, networks: readonly NetworkRules[]): string[] {
  const open = networks.filter(({ entry }) => !isClosed(entry));
  if (open.length < 2) return [];
  // Without the proxy a published port is translated for other networks too: the packet crosses from bridge to bridge.
  if (!intent.userlandProxy) return ['RELATED', 'ESTABLISHED', 'DNAT'];
  // What another network may ask of a routed container, the container must be able to answer.
  return open.some(({ entry }) => entry.part.mode !== 'nat') ? ['RELATED', 'ESTABLISHED'] : [];
}

/**
 * Table nat: sources of packets that leave, and (with the proxy) the way past translation for a network's own. The newest network
 * comes first, for the reason of `addIsolation()`.
 */
export function addTranslation(builder: RuleBuilder, intent: FirewallIntent, entry: FamilyNetwork): void {
  const { network, part, bridge } = entry;
  if (isClosed(entry)) return;
  const networkId = network.id;
  if (intent.userlandProxy) {
    builder.add('nat', 'DOCKER', [`-i ${bridge} -j RETURN`], { key: 'proxy-return', networkId });
  }
  if (part.mode === 'routed') return;
  const target =
    part.snatTo === undefined ? 'MASQUERADE' : `SNAT --to-source ${builder.ownAddress(part.snatTo)}`;
  if (!intent.userlandProxy) {
    builder.add('nat', 'POSTROUTING', [`-o ${bridge} -m addrtype --src-type LOCAL -j ${target}`], {
      key: 'masquerade-local',
      networkId,
    });
  }
  if (network.masquerade) {
    for (const subnet of part.subnets) {
      builder.add(
        'nat',
        'POSTROUTING',
        [`-s ${prefixMatch(subnet, builder.family)} ! -o ${bridge} -j ${target}`],
        {
          key: part.snatTo === undefined ? 'masquerade' : 'snat',
          networkId,
        },
      );
    }
  }
}
