/** What several checks ask of a snapshot. Pure. */

import { Prefix } from '../../base/prefix.ts';
import type { Link } from '../../kernel/netlink/index.ts';
import type { BridgeSpec, EndpointSpec, NetworkSpec } from '../../network/model/index.ts';
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

/** The gateway that the host itself holds on the network's bridge. */
export function hostGateways({ ipam, bridge }: BridgedNetwork): string[] {
  return ipam.subnets.flatMap(({ subnet, gateway }) => {
    const isV4 = Prefix.parse(subnet).family === 4;
    const mode = isV4 ? bridge.gatewayModeV4 : bridge.gatewayModeV6;
    return gateway === undefined || mode === 'isolated' || (isV4 && bridge.inhibitV4 === true)
      ? []
      : [gateway];
  });
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
