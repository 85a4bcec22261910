/** What is known to stand in the way without asking a packet. Pure. */

import type { Ip, IpFamily } from '../../../base/ip.ts';
import { isClosed, type NetworkSpec } from '../../../network/model/index.ts';
import type { PacketProtocol } from '../../packet/packet.ts';
import { lookUpRoute } from '../../packet/routing.ts';
import { HOST, type HostSnapshot } from '../../packet/snapshot.ts';
import type { TopologyContainer, TopologyRecords } from '../../topology/records.ts';
import type { NameFault } from './names.ts';
import { endpointsOf, namespaceOf, networkOwner, type Party } from './parties.ts';
import type { Published } from './published.ts';

export type Obstacle =
  | { readonly kind: 'not-running'; readonly container: TopologyContainer }
  /** A name that has no address to send to. */
  | { readonly kind: 'name'; readonly name: string; readonly fault: NameFault }
  | { readonly kind: 'empty-network'; readonly network: NetworkSpec }
  | { readonly kind: 'no-family'; readonly who: Party; readonly family: IpFamily }
  | { readonly kind: 'no-common-network' }
  /** Every network of the container is closed: publishing a port opens nothing. */
  | {
      readonly kind: 'internal-network';
      readonly container: TopologyContainer;
      readonly network: NetworkSpec;
    }
  /** Between an interface of the host and the container's, which stands on it. */
  | { readonly kind: 'own-parent'; readonly container: TopologyContainer; readonly network: NetworkSpec }
  | { readonly kind: 'not-published'; readonly container: TopologyContainer; readonly port: number }
  | { readonly kind: 'published-on-loopback'; readonly published: Published };

/** A frozen container (`docker pause`), whose part in the question is to ask or to answer. */
export interface Paused {
  readonly container: TopologyContainer;
  readonly asks: boolean;
}

/** The network to name where all of a container's networks are closed. */
export function closedNetwork(
  container: TopologyContainer,
  records: TopologyRecords,
): NetworkSpec | undefined {
  const joined = new Set(endpointsOf(container).map(({ networkId }) => networkId));
  const networks = records.networks().filter(({ id }) => joined.has(id));
  return networks.every(isClosed) ? networks[0] : undefined;
}

/**
 * The container that would have to answer and is frozen. The kernel goes on answering pings for it, and takes connections that no
 * program will ever accept. `target`: the namespace where the packet should arrive.
 */
export function pausedAt(
  { container, ip }: Party,
  target: string | undefined,
  protocol: PacketProtocol,
  records: TopologyRecords,
): TopologyContainer | undefined {
  if (protocol === 'icmp' || target === undefined) return undefined;
  // Whoever asks for an address or a port of the host may be answered by any of those that share the namespace.
  const isNamed = container !== undefined && ip === undefined;
  if (!isNamed && target === HOST) return undefined;
  const answering = isNamed
    ? [container]
    : records.containers().filter((one) => one.pid !== 0 && namespaceOf(one, records) === target);
  return answering.every(({ state }) => state === 'paused') ? answering[0] : undefined;
}

/**
 * A container whose interface stands on the host's own (macvlan, ipvlan), asked by that or asking it: the kernel hands no frame from
 * one to the other. In the mode `vepa` a switch may send it back, so nothing is said.
 */
export function ownParent(
  from: Party,
  to: Party,
  ip: Ip,
  records: TopologyRecords,
  snapshot: HostSnapshot,
): Extract<Obstacle, { kind: 'own-parent' }> | undefined {
  const host = snapshot.namespaces.get(HOST);
  const [asking, asked] = [from, to].map(({ container }) => container && networkOwner(container, records));
  if (host === undefined) return undefined;
  const parents = new Map(
    records
      .networks()
      .flatMap((network) =>
        network.parent === undefined || network.parent.mode === 'vepa'
          ? []
          : [[network.id, { network, device: network.parent.device }] as const],
      ),
  );
  const ownLink = (address: Ip | undefined) => {
    const found = host.addresses.find((own) => own.address === address?.toString());
    return host.links.find(({ index }) => index === found?.link)?.name;
  };
  const isHost = asking === undefined && (from.view.kind === 'host' || ownLink(from.ip) !== undefined);
  if (isHost && asked !== undefined) {
    const endpoint = endpointsOf(asked).find(({ v4, v6 }) =>
      [v4?.address, v6?.address].includes(ip.toString()),
    );
    const found = parents.get(endpoint?.networkId ?? '');
    const way = lookUpRoute(host, { destination: ip });
    if (found === undefined || way.kind !== 'forward' || way.output !== found.device) return undefined;
    return { kind: 'own-parent', container: asked, network: found.network };
  }
  const inside = asking && snapshot.namespaces.get(namespaceOf(asking, records) ?? '');
  if (asking === undefined || inside === undefined || inside.id === HOST) return undefined;
  const way = lookUpRoute(inside, { destination: ip });
  const endpoint =
    way.kind === 'forward' ? endpointsOf(asking).find(({ ifname }) => ifname === way.output) : undefined;
  const found = parents.get(endpoint?.networkId ?? '');
  if (found === undefined || ownLink(ip) !== found.device) return undefined;
  return { kind: 'own-parent', container: asking, network: found.network };
}
