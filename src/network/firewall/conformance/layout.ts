/**
 * The world that the conformance suite sends packets through, as data: who is there, under which addresses, and what is
 * published. Pure; `world.testing.ts` builds it from namespaces.
 *
 * ```
 * world 10.8.0.2 ── 10.8.0.1 ─┐
 * lan   10.9.0.2 ── 10.9.0.1 ─┤ host ├─ nat       172.17.0.1/16   nat.server .2, nat.sibling .3
 *                  10.9.0.11 ─┘      ├─ other     172.18.0.1/16   other.server .2, other.sibling .3
 *                                    └─ …         one bridge for each network below
 * ```
 * The same with `fd00:8::/64` and so on. `lan` has routes to all containers, by the host; `world` has none. Every container has
 * a default route by its bridge, also where Docker gives it none: somebody with NET_ADMIN could.
 */

import type { Protocol } from '../../../base/ports.ts';
import type { FirewallIntent, NetworkIntent } from '../intent.ts';

/** One network for each way of keeping one. */
export const NETWORKS = {
  nat: { number: 17, mode: 'nat', icc: true, internal: false },
  other: { number: 18, mode: 'nat', icc: true, internal: false },
  noicc: { number: 19, mode: 'nat', icc: false, internal: false },
  routed: { number: 20, mode: 'routed', icc: true, internal: false },
  open: { number: 21, mode: 'nat-unprotected', icc: true, internal: false },
  internal: { number: 22, mode: 'nat', icc: true, internal: true },
  isolated: { number: 23, mode: 'isolated', icc: true, internal: true },
  trusting: { number: 24, mode: 'nat', icc: true, internal: false },
} as const;

export type NetworkName = keyof typeof NETWORKS;
/** `linked` is on `noicc` alone: the one that was given `--link server`. */
export type Member = 'server' | 'sibling' | 'linked';
export type Container = `${NetworkName}.${Member}`;
export type Who = 'world' | 'lan' | 'host' | Container;
export type Family = 'v4' | 'v6';

export const NETWORK_NAMES = Object.keys(NETWORKS) as readonly NetworkName[];

export function membersOf(network: NetworkName): readonly Member[] {
  return network === 'noicc' ? ['server', 'sibling', 'linked'] : ['server', 'sibling'];
}

/** What a server listens on, by what became of it. Everything is served with TCP and with UDP. */
export const CONTAINER_PORTS = { published: 80, exposed: 81, unpublished: 82, loopback: 83 } as const;
export type PortKind = keyof typeof CONTAINER_PORTS;

/** The port of the host that stands for a container's; where none does, the container's own number. */
export function hostPortOf(network: NetworkName, port: PortKind): number {
  const { number } = NETWORKS[network];
  if (port === 'published') return 8000 + number;
  return port === 'loopback' ? 9000 + number : CONTAINER_PORTS[port];
}

/** What `lan` and `world` serve, and the host for everybody. */
export const OUTSIDE_PORT = 80;
export const HOST_SERVICE_PORT = 7000;

/** The interface that `trusting` trusts: the one that `lan` is behind. */
export const TRUSTED_INTERFACE = 'eth0';

/** Name of the bridge. */
export function bridgeOf(network: NetworkName): string {
  return network === 'nat' ? 'docker0' : `br-${network}`;
}

/** The address a station has, on the network it is on; of the host, the one towards `lan`. */
export function addressOf(who: Who, family: Family): string {
  if (who === 'world') return family === 'v4' ? '10.8.0.2' : 'fd00:8::2';
  if (who === 'lan') return family === 'v4' ? '10.9.0.2' : 'fd00:9::2';
  if (who === 'host') return hostAddress('lan', family);
  const [network, member] = splitContainer(who);
  const last = { server: 2, sibling: 3, linked: 4 }[member];
  const { number } = NETWORKS[network];
  return family === 'v4' ? `172.${number}.0.${last}` : `fd00:${number}::${last}`;
}

/** The host's address towards a station outside. */
export function hostAddress(towards: 'world' | 'lan', family: Family): string {
  const number = towards === 'world' ? 8 : 9;
  return family === 'v4' ? `10.${number}.0.1` : `fd00:${number}::1`;
}

/** The bridge's own address. */
export function gatewayOf(network: NetworkName, family: Family): string {
  const { number } = NETWORKS[network];
  return family === 'v4' ? `172.${number}.0.1` : `fd00:${number}::1`;
}

export function subnetOf(network: NetworkName, family: Family): string {
  const { number } = NETWORKS[network];
  return family === 'v4' ? `172.${number}.0.0/16` : `fd00:${number}::/64`;
}

export function loopbackOf(family: Family): string {
  return family === 'v4' ? '127.0.0.1' : '::1';
}

export function splitContainer(who: Container): [network: NetworkName, member: Member] {
  const [network, member] = who.split('.');
  return [network as NetworkName, member as Member];
}

/** Less than all that the world has: for pages that explain one thing at a time. */
export interface IntentSelection {
  readonly networks: readonly NetworkName[];
  readonly families: readonly Family[];
  readonly protos: readonly Protocol[];
  /** Kinds of port that are published, where the network publishes. */
  readonly published: ReadonlyArray<'published' | 'loopback'>;
}

const EVERYTHING: IntentSelection = {
  networks: NETWORK_NAMES,
  families: ['v4', 'v6'],
  protos: ['tcp', 'udp'],
  published: ['published', 'loopback'],
};

/**
 * What the firewall is asked for: every network at once, each server publishing one port everywhere and one on loopback.
 *
 * @param forwardDrop what becomes of packets that nobody accepts. No cell may depend on it: a host that was a router before keeps
 *   accepting, any other drops.
 */
export function conformanceIntent(
  userlandProxy: boolean,
  forwardDrop = false,
  selection = EVERYTHING,
): FirewallIntent {
  const { networks, families } = selection;
  return {
    enabled: { v4: families.includes('v4'), v6: families.includes('v6') },
    userlandProxy,
    forwardDrop: { v4: forwardDrop, v6: forwardDrop },
    networks: networks.map((name) => networkOf(name, selection)),
  };
}

function networkOf(name: NetworkName, { families, protos, published }: IntentSelection): NetworkIntent {
  const { mode, icc, internal } = NETWORKS[name];
  const server: Container = `${name}.server`;
  const part = (family: Family) =>
    families.includes(family) ? { [family]: { subnets: [subnetOf(name, family)], mode } } : {};
  return {
    id: `conformance-${name}`,
    name,
    bridge: bridgeOf(name),
    internal,
    icc,
    masquerade: true,
    ...(name === 'trusting' ? { trustedHostInterfaces: [TRUSTED_INTERFACE] } : {}),
    ...part('v4'),
    ...part('v6'),
    ports: protos.flatMap((proto) =>
      families.flatMap((family) => published.map((port) => mapping(name, proto, family, port))),
    ),
    links:
      name === 'noicc'
        ? [
            {
              networkId: `conformance-${name}`,
              clientEndpointId: 'noicc.linked',
              clientIp: addressOf('noicc.linked', 'v4'),
              serverEndpointId: server,
              serverIp: addressOf(server, 'v4'),
              alias: 'server',
              exposed: protos.map((proto) => ({
                proto,
                start: CONTAINER_PORTS.published,
                end: CONTAINER_PORTS.exposed,
              })),
            },
          ]
        : [],
  };
}

function mapping(
  network: NetworkName,
  proto: Protocol,
  family: Family,
  port: 'published' | 'loopback',
): NetworkIntent['ports'][number] {
  const everywhere = family === 'v4' ? '0.0.0.0' : '::';
  return {
    endpointId: `${network}.server`,
    proto,
    containerIp: addressOf(`${network}.server`, family),
    containerPort: CONTAINER_PORTS[port],
    hostIp: port === 'published' ? everywhere : loopbackOf(family),
    hostPort: NETWORKS[network].mode === 'routed' ? 0 : hostPortOf(network, port),
  };
}
