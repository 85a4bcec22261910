/** From two names to a packet: which address is asked, from where, and what is known before a packet is thought of. Pure. */

import { Ip, type IpFamily } from '../../../base/ip.ts';
import type { EndpointSpec, NetworkSpec } from '../../../network/model/index.ts';
import type { PacketProtocol, Side } from '../../packet/packet.ts';
import { interfaceAddress, lookUpRoute } from '../../packet/routing.ts';
import { HOST, type HostSnapshot, type Namespace } from '../../packet/snapshot.ts';
import type { Asker } from '../../packet/walk/exchange.ts';
import type { TopologyContainer, TopologyRecords } from '../../topology/records.ts';
import { nameFault } from './names.ts';
import { closedNetwork, type Obstacle, ownParent, type Published, pausedAt } from './obstacles.ts';
import { endpointsOf, namespaceOf, networkOwner, type Party } from './parties.ts';

/** Addresses that stand for the world: documentation's own, which nobody has (RFC 5737, RFC 3849). */
const WORLD: Readonly<Record<IpFamily, string>> = { 4: '198.51.100.7', 6: '2001:db8::7' };

export interface Plan {
  readonly protocol: PacketProtocol;
  /** Absent where there is nothing to send a packet from or to. */
  readonly asker?: Asker;
  readonly destination?: Side;
  /** The namespace where it should arrive in the end; undefined outside. */
  readonly target?: string;
  /** The network by which both know each other. */
  readonly common?: NetworkSpec;
  /** The port that the destination stands for, if it is a published one. */
  readonly published?: Published;
  /** The packet is thought of all the same, to show where it ends. */
  readonly obstacle?: Obstacle;
  /** No port was named: this one was taken. */
  readonly chosenPort?: number;
}

export interface Service {
  readonly protocol: 'tcp' | 'udp' | 'icmp';
  readonly port?: number;
}

export interface PlanOptions {
  readonly records: TopologyRecords;
  readonly snapshot: HostSnapshot;
  /** Asked for; IPv4 is tried first otherwise. */
  readonly family?: IpFamily | undefined;
}

export function planQuestion(
  asking: Party,
  asked: Party,
  service: Service | undefined,
  options: PlanOptions,
): Plan {
  const { records } = options;
  const { port, protocol, chosen } = chooseService(asked, service, options);
  const base = { protocol, ...(chosen ? { chosenPort: port } : {}) };
  for (const party of [asking, asked]) {
    const { container, network } = party;
    if (network !== undefined && container === undefined)
      return { ...base, obstacle: { kind: 'empty-network', network } };
    if (container !== undefined && namespaceOf(container, records) === undefined) {
      return { ...base, obstacle: { kind: 'not-running', container } };
    }
  }
  const fault = nameFault(asked, asking, records, options.family);
  if (fault !== undefined && asked.name !== undefined)
    return { ...base, obstacle: { kind: 'name', name: asked.name.text, fault } };
  const [from, to] = [inNamespace(asking, records), inNamespace(asked, records)];
  const target = to.container === undefined ? targetOf(to) : namespaceOf(to.container, records);
  const found = isShared(asking, asked, from, to)
    ? LOOPBACK
    : destinationOf(from, to, port, protocol, options);
  if (found.ip === undefined)
    return { ...base, ...(found.obstacle === undefined ? {} : { obstacle: found.obstacle }) };
  const { ip, obstacle, common } = found;
  const destination = { ip, port: protocol === 'icmp' ? 0 : (found.port ?? port) };
  const asker = askerOf(from, ip.family, options);
  const published = publishedAt(records, protocol, destination);
  const hidden =
    published === undefined && to.view.kind !== 'container'
      ? hiddenAt(records, protocol, destination)
      : undefined;
  const arrival = withTarget(target, published, records);
  const paused = pausedObstacle(asking, asked, arrival.target, protocol, records);
  const known: Obstacle | undefined =
    obstacle ??
    (hidden === undefined || isOwn(options.snapshot.namespaces.get(HOST), ip) === false
      ? undefined
      : { kind: 'published-on-loopback', published: hidden }) ??
    ownParent(from, to, ip, records, options.snapshot) ??
    paused;
  return {
    ...base,
    destination,
    ...(asker === undefined ? {} : { asker }),
    ...(published === undefined ? {} : { published }),
    ...arrival,
    ...(common === undefined ? {} : { common }),
    ...(known === undefined ? {} : { obstacle: known }),
  };
}

/** Whoever asks has to run, and then whoever answers. */
function pausedObstacle(
  asking: Party,
  asked: Party,
  target: string | undefined,
  protocol: PacketProtocol,
  records: TopologyRecords,
): Obstacle | undefined {
  if (asking.container?.state === 'paused')
    return { kind: 'paused', container: asking.container, asks: true };
  const container = pausedAt(asked, target, protocol, records);
  return container && { kind: 'paused', container, asks: false };
}

/** With the container that has the addresses, the ports and the sockets, where it is another's (`--network container:NAME`). */
function inNamespace(party: Party, records: TopologyRecords): Party {
  return party.container === undefined
    ? party
    : { ...party, container: networkOwner(party.container, records) };
}

const LOOPBACK: Destination = { ip: Ip.parse('127.0.0.1') };

/** Two containers in one namespace: loopback is the way. */
function isShared(asking: Party, asked: Party, from: Party, to: Party): boolean {
  const isNamed = asked.ip === undefined && asking.container?.id !== asked.container?.id;
  return isNamed && from.container !== undefined && from.container.id === to.container?.id;
}

function withTarget(
  target: string | undefined,
  published: Published | undefined,
  records: TopologyRecords,
): { target?: string } {
  if (published === undefined || (target !== HOST && target !== undefined))
    return target === undefined ? {} : { target };
  const owner = namespaceOf(published.container, records);
  return owner === undefined ? {} : { target: owner };
}

function targetOf(to: Party): string | undefined {
  return to.view.kind === 'host' ? HOST : undefined;
}

/** The port that was named, or the one that most likely is meant; ping where there is none. */
function chooseService(
  to: Party,
  service: Service | undefined,
  { snapshot, records }: PlanOptions,
): { protocol: PacketProtocol; port: number; chosen: boolean } {
  const protocol = service?.protocol ?? 'tcp';
  if (protocol === 'icmp') return { protocol, port: 0, chosen: false };
  const named = service?.port ?? to.port;
  if (named !== undefined) return { protocol, port: named, chosen: false };
  // Of the outside, what most people mean.
  const isOutside = to.view.kind === 'world' || (to.name !== undefined && to.container === undefined);
  if (isOutside) return { protocol: 'tcp', port: 443, chosen: true };
  const { container } = to;
  if (container !== undefined) {
    const ports = [
      ...(networkOwner(container, records).sandbox?.ports ?? []).map(
        (mapping) => `${mapping.containerPort}/${mapping.proto}`,
      ),
      ...container.exposedPorts,
    ];
    for (const text of ports) {
      const [number, proto = 'tcp'] = text.split('/');
      if (proto === protocol && /^\d+$/.test(number ?? ''))
        return { protocol, port: Number(number), chosen: true };
    }
    const namespace = snapshot.namespaces.get(namespaceOf(container, records) ?? '');
    const listening = namespace?.sockets.find(
      (socket) => socket.protocol === protocol && !isResolver(socket.address),
    );
    if (listening !== undefined && namespace?.id !== HOST)
      return { protocol, port: listening.port, chosen: true };
  }
  return service === undefined
    ? { protocol: 'icmp', port: 0, chosen: false }
    : { protocol, port: 80, chosen: true };
}

const isResolver = (address: string) => address === '127.0.0.11';

interface Destination {
  readonly ip?: Ip;
  /** Where it is not the port that was asked for: the host's, of a published one. */
  readonly port?: number;
  readonly common?: NetworkSpec;
  readonly obstacle?: Obstacle;
}

function destinationOf(
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

const isOwn = (host: Namespace | undefined, ip: Ip | undefined) =>
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
function hostAddress(
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

function askerOf(from: Party, family: IpFamily, { records, snapshot }: PlanOptions): Asker | undefined {
  if (from.container !== undefined) {
    const id = namespaceOf(from.container, records);
    return id === undefined ? undefined : { kind: 'namespace', id };
  }
  if (from.view.kind === 'host') return { kind: 'namespace', id: HOST };
  const host = snapshot.namespaces.get(HOST);
  if (host === undefined) return undefined;
  if (isOwn(host, from.ip))
    return { kind: 'namespace', id: HOST, ...(from.ip === undefined ? {} : { source: from.ip }) };
  const source = from.ip ?? Ip.parse(WORLD[family]);
  if (source.family !== family) return undefined;
  const back = lookUpRoute(host, { destination: source });
  return back.kind === 'forward' ? { kind: 'outside', id: HOST, link: back.output, source } : undefined;
}

/** The published port that an address and a port of the host stand for. */
export function publishedAt(
  records: TopologyRecords,
  protocol: PacketProtocol,
  { ip, port }: Side,
): Published | undefined {
  for (const container of records.containers()) {
    // A container's own address is not the host's.
    if (endpointsOf(container).some(({ v4, v6 }) => [v4?.address, v6?.address].includes(ip.toString())))
      return undefined;
  }
  for (const container of records.containers()) {
    const mapping = container.sandbox?.ports.find((candidate) => {
      const hostIp = Ip.parse(candidate.hostIp);
      const fits = hostIp.isUnspecified ? hostIp.family === ip.family : hostIp.equals(ip);
      const end = candidate.hostPortEnd ?? candidate.hostPort;
      return candidate.proto === protocol && fits && port >= candidate.hostPort && port <= end && port !== 0;
    });
    if (mapping !== undefined) return { container, mapping };
  }
  return undefined;
}

/** A port that is published on a loopback address only, and was asked for at another. */
function hiddenAt(
  records: TopologyRecords,
  protocol: PacketProtocol,
  { ip, port }: Side,
): Published | undefined {
  for (const container of records.containers()) {
    const mapping = container.sandbox?.ports.find((candidate) => {
      const hostIp = Ip.parse(candidate.hostIp);
      const end = candidate.hostPortEnd ?? candidate.hostPort;
      const fits = hostIp.isLoopback && hostIp.family === ip.family && !hostIp.equals(ip);
      return candidate.proto === protocol && fits && port >= candidate.hostPort && port <= end;
    });
    if (mapping !== undefined) return { container, mapping };
  }
  return undefined;
}

function addressIn({ v4, v6 }: EndpointSpec, family: IpFamily): string | undefined {
  return (family === 4 ? v4 : v6)?.address;
}
