/** From two names to a packet: which address is asked, from where, and what is known before a packet is thought of. Pure. */

import { Ip, type IpFamily } from '../../../base/ip.ts';
import { parsePortSpec } from '../../../base/ports.ts';
import type { NetworkSpec } from '../../../network/model/index.ts';
import type { PacketProtocol, Side } from '../../packet/packet.ts';
import { lookUpRoute } from '../../packet/routing.ts';
import { HOST } from '../../packet/snapshot.ts';
import type { Asker } from '../../packet/walk/exchange.ts';
import type { TopologyRecords } from '../../topology/records.ts';
import { type Destination, destinationOf, isOwn, type PlanOptions, WORLD } from './destination.ts';
import { nameFault } from './names.ts';
import { type Obstacle, ownParent, type Paused, pausedAt } from './obstacles.ts';
import { namespaceOf, networkOwner, type Party } from './parties.ts';
import { hiddenAt, type Published, publishedAt } from './published.ts';

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
  /** Nobody asks, or nobody answers, whatever becomes of packets. */
  readonly paused?: Paused;
  /** No port was named: this one was taken. */
  readonly chosenPort?: number;
}

export interface Service {
  readonly protocol: 'tcp' | 'udp' | 'icmp';
  readonly port?: number;
}

export function planQuestion(
  asking: Party,
  asked: Party,
  service: Service | undefined,
  options: PlanOptions,
): Plan {
  const { records } = options;
  const { port, protocol, chosen } = chooseService(asked, service, options);
  const { container: asker } = asking;
  const pausedAsker = asker?.state === 'paused' ? { paused: { container: asker, asks: true } } : {};
  const base = { protocol, ...(chosen ? { chosenPort: port } : {}), ...pausedAsker };
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
  const sender = askerOf(from, ip.family, options);
  const published = publishedAt(records, protocol, destination);
  const hidden =
    published === undefined && to.view.kind !== 'container'
      ? hiddenAt(records, protocol, destination)
      : undefined;
  const arrival = withTarget(target, published, records);
  const paused = pausedAt(asked, arrival.target, protocol, records);
  const known: Obstacle | undefined =
    obstacle ??
    (hidden === undefined || isOwn(options.snapshot.namespaces.get(HOST), ip) === false
      ? undefined
      : { kind: 'published-on-loopback', published: hidden }) ??
    ownParent(from, to, ip, records, options.snapshot);
  return {
    ...(paused === undefined ? {} : { paused: { container: paused, asks: false } }),
    ...base,
    destination,
    ...(sender === undefined ? {} : { asker: sender }),
    ...(published === undefined ? {} : { published }),
    ...arrival,
    ...(common === undefined ? {} : { common }),
    ...(known === undefined ? {} : { obstacle: known }),
  };
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
    for (const { proto, start } of ports.map(parsePortSpec)) {
      if (proto === protocol) return { protocol, port: start, chosen: true };
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
