/** Which address and port stand for whom, as seen from whoever asks. Pure. */

import { Ip, type IpFamily } from '../../../base/ip.ts';
import type { EndpointSpec, NetworkSpec } from '../../../network/model/index.ts';
import type { PacketProtocol } from '../../packet/packet.ts';
import { interfaceAddress, lookUpRoute } from '../../packet/routing.ts';
import { HOST, type HostSnapshot, type Namespace } from '../../packet/snapshot.ts';
import type { TopologyContainer, TopologyRecords } from '../../topology/records.ts';
import { closedNetwork, type Obstacle } from './obstacles.ts';
import { endpointsOf, namespaceOf, type Party } from './parties.ts';

/** Addresses that stand for the world: documentation's own, which nobody has (RFC 5737, RFC 3849). */
export const WORLD: Readonly<Record<IpFamily, string>> = { 4: '198.51.100.7', 6: '2001:db8::7' };

export interface PlanOptions {
  readonly records: TopologyRecords;
  readonly snapshot: HostSnapshot;
  /** Asked for; IPv4 is tried first otherwise. */
  readonly family?: IpFamily | undefined;
}

export interface Destination {
  readonly ip?: Ip;
  /** Where it is not the port that was asked for: the host's, of a published one. */
  readonly port?: number;
  readonly common?: NetworkSpec;
  readonly obstacle?: Obstacle;
}

export function destinationOf(
  from: Party,
  to: Party,
  port: number,
  protocol: PacketProtocol,
  options: PlanOptions,
): Destination {
  const { records, snapshot, family } = options;
  const host = snapshot.namespaces.get(HOST);
  if (to.ip !== undefined) return { ip: to.ip };
  if (to.view.kind === 'world') return { ip: Ip.parse(WORLD[family ?? 4]) };
  if (to.container === undefined || namespaceOf(to.container, records) === HOST) {
    const ip = hostAddress(host, from, records, family ?? 4);
    return ip === undefined ? { obstacle: { kind: 'no-family', who: to, family: family ?? 4 } } : { ip };
  }
  const { container } = to;
  const isOutside = from.container === undefined && from.view.kind !== 'host' && !isOwn(host, from.ip);
  if (isOutside && protocol !== 'icmp') return byPublishedPort(container, port, protocol, from, options);
  if (from.container === undefined) {
    const bridged = from.view.kind === 'host' ? withoutParents(container, records) : container;
    return ownAddress(to, bridged, family);
  }
  return betweenContainers(from, to, from.container, container, options);
}

export const isOwn = (host: Namespace | undefined, ip: Ip | undefined) =>
  host !== undefined && ip !== undefined && host.addresses.some(({ address }) => address === ip.toString());

/** By its bridges, if it has any: on an interface of the host's own, the host does not reach it. */
function withoutParents(container: TopologyContainer, records: TopologyRecords): TopologyContainer {
  const { sandbox } = container;
  const apart = new Set(records.networks().flatMap(({ id, parent }) => (parent === undefined ? [] : [id])));
  const endpoints = endpointsOf(container).filter(({ networkId }) => !apart.has(networkId));
  return sandbox === undefined || endpoints.length === 0
    ? container
    : { ...container, sandbox: { ...sandbox, endpoints } };
}

/** The first address of a container, of its first network. */
function ownAddress(to: Party, container: TopologyContainer, family: IpFamily | undefined): Destination {
  const endpoints =
    to.network === undefined
      ? endpointsOf(container)
      : endpointsOf(container).filter(({ networkId }) => networkId === to.network?.id);
  for (const wanted of family === undefined ? ([4, 6] as const) : [family]) {
    const text = endpoints
      .map((endpoint) => addressIn(endpoint, wanted))
      .find((address) => address !== undefined);
    if (text !== undefined) return { ip: Ip.parse(text) };
  }
  return { obstacle: { kind: 'no-family', who: to, family: family ?? 4 } };
}

function betweenContainers(
  from: Party,
  to: Party,
  asking: TopologyContainer,
  asked: TopologyContainer,
  { records, family }: PlanOptions,
): Destination {
  const mine = endpointsOf(asking);
  const networks = new Map(records.networks().map((spec) => [spec.id, spec]));
  let shared: NetworkSpec | undefined;
  let lacking: { who: Party; family: IpFamily } | undefined;
  for (const endpoint of mine) {
    const other = endpointsOf(asked).find(({ networkId }) => networkId === endpoint.networkId);
    const common = networks.get(endpoint.networkId);
    if (other === undefined || common === undefined) continue;
    shared ??= common;
    for (const wanted of family === undefined ? ([4, 6] as const) : [family]) {
      const [own, theirs] = [addressIn(endpoint, wanted), addressIn(other, wanted)];
      if (own !== undefined && theirs !== undefined) return { ip: Ip.parse(theirs), common };
      if (own !== undefined || theirs !== undefined) {
        lacking ??= { who: own === undefined ? from : to, family: wanted };
      }
    }
  }
  if (shared !== undefined) {
    const { who, family: missing } = lacking ?? { who: to, family: family ?? 4 };
    return { obstacle: { kind: 'no-family', who, family: missing } };
  }
  const found = ownAddress(to, asked, family);
  return found.ip === undefined ? found : { ...found, obstacle: { kind: 'no-common-network' } };
}

/** From outside, a container is reached by what it publishes. */
function byPublishedPort(
  container: TopologyContainer,
  port: number,
  protocol: PacketProtocol,
  from: Party,
  options: PlanOptions,
): Destination {
  const { records, snapshot } = options;
  const host = snapshot.namespaces.get(HOST);
  const family = options.family ?? from.ip?.family;
  const mappings = (container.sandbox?.ports ?? []).filter(
    (mapping) =>
      mapping.proto === protocol &&
      port >= mapping.containerPort &&
      port <= (mapping.containerPortEnd ?? mapping.containerPort) &&
      (family === undefined || Ip.parse(mapping.hostIp).family === family),
  );
  // Routed networks bind nothing on the host: their containers are addressed directly.
  const bound = mappings.filter(({ hostPort }) => hostPort !== 0);
  const best = bound.find(({ hostIp }) => !Ip.parse(hostIp).isLoopback) ?? bound[0];
  if (best === undefined) {
    const direct = ownAddress({ view: from.view, container }, container, family);
    if (direct.ip === undefined || mappings.length > 0) return direct;
    const network = closedNetwork(container, records);
    if (network !== undefined)
      return { ...direct, obstacle: { kind: 'internal-network', container, network } };
    // On an interface of the host it has an address of the LAN, and needs no published port.
    if (isInLan(container, direct.ip, records)) return direct;
    return { ...direct, obstacle: { kind: 'not-published', container, port } };
  }
  const hostIp = Ip.parse(best.hostIp);
  const reached =
    hostIp.isUnspecified || hostIp.isLoopback ? hostAddress(host, from, records, hostIp.family) : hostIp;
  if (reached === undefined) return { obstacle: { kind: 'no-family', who: from, family: hostIp.family } };
  return {
    ip: reached,
    port: best.hostPort + port - best.containerPort,
    ...(hostIp.isLoopback
      ? { obstacle: { kind: 'published-on-loopback', published: { container, mapping: best } } }
      : {}),
  };
}

function isInLan(container: TopologyContainer, ip: Ip, records: TopologyRecords): boolean {
  const endpoint = endpointsOf(container).find(({ v4, v6 }) =>
    [v4?.address, v6?.address].includes(ip.toString()),
  );
  return records.networks().some(({ id, parent }) => id === endpoint?.networkId && parent !== undefined);
}

/** The host's address towards whoever asks: that of the interface that leads to them, or to the world. */
export function hostAddress(
  host: Namespace | undefined,
  from: Party,
  records: TopologyRecords,
  family: IpFamily,
): Ip | undefined {
  if (host === undefined) return undefined;
  const towards = from.ip?.family === family ? from.ip : Ip.parse(WORLD[family]);
  const answer = lookUpRoute(host, { destination: towards });
  if (answer.kind === 'forward') {
    const found = interfaceAddress(host, answer.route.link, family, answer.nextHop);
    if (found !== undefined) return found;
  }
  // A host without a way out still has the addresses of its bridges.
  const networks = new Map(records.networks().map((spec) => [spec.id, spec]));
  for (const { networkId } of from.container === undefined ? [] : endpointsOf(from.container)) {
    const gateway = networks
      .get(networkId)
      ?.ipam.subnets.find(({ gateway }) => gateway && Ip.parse(gateway).family === family);
    if (gateway?.gateway !== undefined) return Ip.parse(gateway.gateway);
  }
  const any = host.addresses.find((address) => address.family === family && address.scope === 'universe');
  return any && Ip.parse(any.address);
}

function addressIn({ v4, v6 }: EndpointSpec, family: IpFamily): string | undefined {
  return (family === 4 ? v4 : v6)?.address;
}
