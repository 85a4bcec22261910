/** What several checks ask of a snapshot. Pure. */

import { Prefix } from '../../base/prefix.ts';
import type { Link } from '../../kernel/netlink/index.ts';
import {
  type BridgeSpec,
  chooseGateways,
  type EndpointAddress,
  type EndpointSpec,
  type NetworkSpec,
} from '../../network/model/index.ts';
import type { TopologyContainer } from '../topology/records.ts';
import type { SandboxFacts, Snapshot } from './snapshot.ts';

export type BridgedNetwork = NetworkSpec & { readonly bridge: BridgeSpec };

/** Networks that have a bridge; others have nothing on the host that could be broken. */
export function bridged({ networks }: Snapshot): BridgedNetwork[] {
  return networks.filter((spec): spec is BridgedNetwork => spec.bridge !== undefined);
}

/** The bridge's link, when it is there and up. */
export function liveBridge(snapshot: Snapshot, { bridge }: BridgedNetwork): Link | undefined {
  const link = snapshot.host().links.find(({ name }) => name === bridge.name);
  return link?.up ? link : undefined;
}

export interface Member {
  readonly sandbox: SandboxFacts;
  readonly container: TopologyContainer;
  readonly endpoint: EndpointSpec & { readonly hostVeth: string };
  readonly network: BridgedNetwork;
}

/** Every attachment of a running container to a network with a bridge. */
export function members(snapshot: Snapshot): Member[] {
  const networks = new Map(bridged(snapshot).map((spec) => [spec.id, spec]));
  return snapshot.sandboxes.flatMap((sandbox) =>
    (sandbox.container.sandbox?.endpoints ?? []).flatMap((endpoint) => {
      const network = networks.get(endpoint.networkId);
      const { hostVeth } = endpoint;
      if (network === undefined || hostVeth === undefined) return [];
      return [{ sandbox, container: sandbox.container, endpoint: { ...endpoint, hostVeth }, network }];
    }),
  );
}

export function subnetsOf({ ipam }: NetworkSpec): Prefix[] {
  return ipam.subnets.map(({ subnet }) => Prefix.parse(subnet));
}

/** Packets of the family are routed between this network and others. */
export function isRouted(network: BridgedNetwork, family: 4 | 6): boolean {
  const { internal, bridge } = network;
  const mode = family === 4 ? bridge.gatewayModeV4 : bridge.gatewayModeV6;
  return !internal && mode !== 'isolated' && subnetsOf(network).some((subnet) => subnet.family === family);
}

/** The gateways that the host itself holds on the network's bridge. */
export function hostGateways({ ipam, bridge }: BridgedNetwork): EndpointAddress[] {
  return ipam.subnets.flatMap(({ subnet, gateway }) => {
    const { family, length } = Prefix.parse(subnet);
    const mode = family === 4 ? bridge.gatewayModeV4 : bridge.gatewayModeV6;
    return gateway === undefined || mode === 'isolated' || (family === 4 && bridge.inhibitV4 === true)
      ? []
      : [{ address: gateway, prefixLength: length }];
  });
}

/** By which of its endpoints a container reaches the world, and with which address: IPv4, then IPv6. */
export function waysOut(
  { networks }: Snapshot,
  { sandbox }: TopologyContainer,
): Array<{ endpoint: EndpointSpec; address: EndpointAddress }> {
  const { v4, v6 } = chooseGateways(sandbox?.endpoints ?? [], (id) =>
    networks.find((network) => network.id === id),
  );
  return [
    ...(v4?.v4 === undefined ? [] : [{ endpoint: v4, address: v4.v4 }]),
    ...(v6?.v6 === undefined ? [] : [{ endpoint: v6, address: v6.v6 }]),
  ];
}

/** The interface that the default route leaves by. */
export function wayOut(snapshot: Snapshot): Link | undefined {
  const { routes, links } = snapshot.host();
  const [route] = routes
    .filter(
      ({ destination, type, link, table }) =>
        destination === 'default' && type === 'unicast' && link !== undefined && table === 254,
    )
    .sort((a, b) => a.family - b.family || a.metric - b.metric);
  return links.find(({ index }) => index === route?.link);
}
