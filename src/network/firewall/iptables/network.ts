/** Rules that a network has by itself, whatever containers are on it. */

import {
  type FirewallIntent,
  familyOf,
  isDirectlyAddressed,
  type NetworkFamilyIntent,
  type NetworkIntent,
} from '../intent.ts';
import { interfaceMatch, prefixMatch, type RuleBuilder } from './builder.ts';

const STAGE_1 = 'DOCKER-ISOLATION-STAGE-1';
const STAGE_2 = 'DOCKER-ISOLATION-STAGE-2';

/** A network with its part in the family that is being compiled. */
export interface FamilyNetwork {
  readonly network: NetworkIntent;
  readonly part: NetworkFamilyIntent;
  /** Checked name of the bridge. */
  readonly bridge: string;
}

/** The networks that have addresses in the builder's family. */
export function familyNetworks(builder: RuleBuilder, intent: FirewallIntent): FamilyNetwork[] {
  return intent.networks.flatMap((network) => {
    const part = familyOf(network, builder.family);
    return part === undefined ? [] : [{ network, part, bridge: interfaceMatch(network.bridge) }];
  });
}

/** True when nothing passes between this network and the rest of the world. */
export function isClosed({ network, part }: FamilyNetwork): boolean {
  return network.internal || part.mode === 'isolated';
}

/** Chain FORWARD: one block per network. */
export function addForwarding(
  builder: RuleBuilder,
  intent: FirewallIntent,
  networks: readonly FamilyNetwork[],
): void {
  for (const entry of networks) {
    const { network, part, bridge } = entry;
    const networkId = network.id;
    if (!isClosed(entry)) {
      builder.add(
        'filter',
        'FORWARD',
        [`-o ${bridge} -m conntrack --ctstate RELATED,ESTABLISHED -j ACCEPT`],
        {
          key: 'established',
          networkId,
        },
      );
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
  networks: readonly FamilyNetwork[],
): void {
  const newest = networks.toReversed();
  const open = newest.filter((entry) => !isClosed(entry));
  const known = statesThatCross(intent, open);
  const isDirectClosed = (entry: FamilyNetwork) =>
    intent.allowDirectRouting !== true && !isClosed(entry) && entry.part.mode === 'nat';
  const trusting = newest.filter(
    (entry) => isDirectClosed(entry) && (entry.network.trustedHostInterfaces ?? []).length > 0,
  );
  // What returns must not let past what a closed network refuses.
  const hasReturns = known.length > 0 || trusting.length > 0;
  if (hasReturns) for (const entry of newest.filter(isClosed)) addClosed(builder, entry);
  if (known.length > 0) {
    builder.add('filter', STAGE_1, [`-m conntrack --ctstate ${known.join(',')} -j RETURN`], {
      key: 'isolation-known',
    });
  }
  for (const entry of trusting) addTrusted(builder, entry);
  for (const entry of newest) {
    if (isDirectClosed(entry)) addDirectDrop(builder, entry);
    if (!isClosed(entry)) addIsolated(builder, entry);
    else if (!hasReturns) addClosed(builder, entry);
  }
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
function statesThatCross(intent: FirewallIntent, open: readonly FamilyNetwork[]): string[] {
  if (open.length < 2) return [];
  // Without the proxy a published port is translated for other networks too: the packet crosses from bridge to bridge.
  if (!intent.userlandProxy) return ['RELATED', 'ESTABLISHED', 'DNAT'];
  // What another network may ask of a routed container, the container must be able to answer.
  return open.some(({ part }) => part.mode !== 'nat') ? ['RELATED', 'ESTABLISHED'] : [];
}

/**
 * Table nat: sources of packets that leave, and (with the proxy) the way past translation for a network's own. The newest network
 * comes first, for the reason of `addIsolation()`.
 */
export function addTranslation(
  builder: RuleBuilder,
  intent: FirewallIntent,
  networks: readonly FamilyNetwork[],
): void {
  for (const entry of networks.toReversed()) {
    const { network, part, bridge } = entry;
    if (isClosed(entry)) continue;
    const networkId = network.id;
    if (intent.userlandProxy) {
      builder.add('nat', 'DOCKER', [`-i ${bridge} -j RETURN`], { key: 'proxy-return', networkId });
    }
    if (part.mode === 'routed') continue;
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
}
