/** Who is asked about: `web`, `web:80`, `back` (a network), `world`, `host:8080`, `10.0.0.7`. Pure. */

import { invalid, notFound } from '../../../base/errors.ts';
import { Ip } from '../../../base/ip.ts';
import { MAX_PORT } from '../../../base/ports.ts';
import type { WhyParty } from '../../../base/wire/index.ts';
import type { EndpointSpec, NetworkSpec } from '../../../network/model/index.ts';
import { HOST } from '../../packet/snapshot.ts';
import type { TopologyContainer, TopologyRecords } from '../../topology/records.ts';
import type { NameResolution } from '../names.ts';

export interface Party {
  readonly view: WhyParty;
  readonly port?: number;
  /** The container, or the one that stands for a network. */
  readonly container?: TopologyContainer;
  /** Only of a network that was named. */
  readonly network?: NetworkSpec;
  /** Only of an address that was named, or that a name stands for. */
  readonly ip?: Ip;
  /** Only of a name that name servers know, and not the engine. */
  readonly name?: NameParty;
}

export interface NameParty {
  readonly text: string;
  /** Absent as long as nobody was asked. */
  readonly resolution?: NameResolution;
}

/**
 * Reads one end of the question. `other`: the end that was read before. What could be a name of the outside is one, and nobody is asked
 * for its address here.
 *
 * @throws `not-found` for what nobody has and nobody can have, `invalid` for a name that several have
 */
export function readParty(asked: string, records: TopologyRecords, other?: Party): Party {
  const whole = findParty(asked, records, other);
  if (whole !== undefined) return whole;
  const [, bracketed, plain, port] = /^(?:\[([^\]]+)\]|([^:]+)):(\d{1,5})$/.exec(asked) ?? [];
  const name = bracketed ?? plain;
  const party = name === undefined ? undefined : findParty(name, records, other);
  if (Number(port) > MAX_PORT || Number(port) === 0)
    throw invalid(`invalid port in ${JSON.stringify(asked)}`);
  if (party !== undefined) return { ...party, view: { ...party.view, asked }, port: Number(port) };
  const text = plain ?? asked;
  if (!isHostName(text)) throw notFound(unknownParty(asked));
  return {
    view: { kind: 'name', asked },
    name: { text },
    ...(plain === undefined ? {} : { port: Number(port) }),
  };
}

export const unknownParty = (asked: string) => `No such container, network or address: ${asked}`;

/** `example.com`, `intranet`; not `1.2.3`. RFC 1123, 2.1, and the underscore, which is in use. */
function isHostName(text: string): boolean {
  const labels = text.replace(/\.$/, '').split('.');
  return (
    text.length <= 253 &&
    labels.every((label) => /^(?!-)[\w-]{1,63}(?<!-)$/.test(label)) &&
    !/^\d+$/.test(labels.at(-1) ?? '')
  );
}

function findParty(asked: string, records: TopologyRecords, other: Party | undefined): Party | undefined {
  if (asked === 'world' || asked === 'internet') return { view: { kind: 'world', asked } };
  if (asked === 'host') return { view: { kind: 'host', asked } };
  if (asked === 'localhost') return localhostOf(other, records);
  const ip = Ip.tryParse(asked);
  if (ip !== undefined) {
    // Groups, and what stands for "any": nobody in particular has them.
    const isGroup = ip.isMulticast || ip.isUnspecified || asked === '255.255.255.255';
    if (isGroup) throw invalid(`${asked} is not the address of anybody in particular`);
    return addressParty({ kind: 'address', asked }, ip, records);
  }
  const container =
    byLink(asked, records, other) ??
    findOne(asked, records.containers(), 'container') ??
    byAlias(asked, records) ??
    byNetwork(asked, records);
  if (container !== undefined) return containerParty(asked, container);
  const network = findOne(asked, records.networks(), 'network');
  return network === undefined ? undefined : networkParty(asked, network, records, other);
}

/** Of a container that asks, its own; of everybody else, the host's. */
function localhostOf(other: Party | undefined, records: TopologyRecords): Party {
  const asked = 'localhost';
  const ip = Ip.parse('127.0.0.1');
  const isHost = other?.container === undefined || usesHost(networkOwner(other.container, records), records);
  const address = ip.toString();
  return isHost ? { view: { kind: 'host', asked }, ip } : { view: { kind: 'address', asked, address }, ip };
}

/** A name that only the other end has for it (`--link web:shop`). */
function byLink(
  asked: string,
  records: TopologyRecords,
  other: Party | undefined,
): TopologyContainer | undefined {
  const link = other?.container?.links.find(({ alias }) => alias === asked);
  return link && records.containers().find(({ name }) => name === link.to);
}

/** `web.back`: the container of this name on that network. */
function byNetwork(asked: string, records: TopologyRecords): TopologyContainer | undefined {
  const dot = asked.lastIndexOf('.');
  const network = dot < 1 ? undefined : records.networks().find(({ name }) => name === asked.slice(dot + 1));
  const found = network && findOne(asked.slice(0, dot), records.containers(), 'container');
  return found?.networkIds.includes(network?.id ?? '') === true ? found : undefined;
}

/** Whether a container's resolver answers to a name for another: by the names of a network that both are on, or by a link. */
export function knowsName(asking: TopologyContainer, asked: TopologyContainer, name: string): boolean {
  const joined = new Set(asking.sandbox?.endpoints.map(({ networkId }) => networkId));
  const names = Object.entries(asked.names).flatMap(([network, known]) => (joined.has(network) ? known : []));
  const [plain = name] = name.split('.');
  return (
    names.includes(name) ||
    names.includes(plain) ||
    asking.links.some(({ to, alias }) => to === asked.name && (alias === name || to === name))
  );
}

/** By name, by full id, or by the beginning of an id that only one has. */
function findOne<T extends { readonly id: string; readonly name: string }>(
  asked: string,
  all: readonly T[],
  what: string,
): T | undefined {
  const exact = all.find(({ name, id }) => name === asked || id === asked);
  if (exact !== undefined || !/^[0-9a-f]{4,64}$/.test(asked)) return exact;
  const [first, second] = all.filter(({ id }) => id.startsWith(asked));
  if (second !== undefined) throw invalid(`${what} ${asked}: several ids begin so`);
  return first;
}

/** A further name that a container has on one of its networks. */
function byAlias(asked: string, records: TopologyRecords): TopologyContainer | undefined {
  return records
    .containers()
    .find(({ sandbox }) => sandbox?.endpoints.some(({ aliases }) => aliases.includes(asked)));
}

function containerParty(asked: string, container: TopologyContainer): Party {
  const { id, name } = container;
  return { view: { kind: 'container', asked, container: { id, name } }, container };
}

/** A network is as good as one of its containers: not the one that asks, and one that serves something before others. */
function networkParty(
  asked: string,
  network: NetworkSpec,
  records: TopologyRecords,
  other: Party | undefined,
): Party {
  const { id, name } = network;
  const members = records
    .containers()
    .filter(({ sandbox }) => sandbox?.endpoints.some(({ networkId }) => networkId === id))
    .filter((container) => container.id !== other?.container?.id);
  const member = members.find(({ exposedPorts }) => exposedPorts.length > 0) ?? members[0];
  return {
    view: {
      kind: 'network',
      asked,
      network: { id, name },
      ...(member === undefined ? {} : { container: { id: member.id, name: member.name } }),
    },
    network,
    ...(member === undefined ? {} : { container: member }),
  };
}

/** An address, and the container that has it. */
export function addressParty(
  view: Pick<WhyParty, 'kind' | 'asked'>,
  ip: Ip,
  records: TopologyRecords,
): Party {
  const text = ip.toString();
  const owner = records
    .containers()
    .find(({ sandbox }) =>
      sandbox?.endpoints.some(({ v4, v6 }) => v4?.address === text || v6?.address === text),
    );
  return {
    view: {
      ...view,
      address: text,
      ...(owner === undefined ? {} : { container: { id: owner.id, name: owner.name } }),
    },
    ip,
    ...(owner === undefined ? {} : { container: owner }),
  };
}

/** Id of the namespace that a container's programs are in; undefined when it does not run. */
export function namespaceOf(container: TopologyContainer, records: TopologyRecords): string | undefined {
  if (container.pid === 0 && container.sandbox === undefined) return undefined;
  if (container.sharesWith !== undefined) {
    const owner = records.containers().find(({ id }) => id === container.sharesWith);
    return owner === undefined || owner.id === container.id ? undefined : namespaceOf(owner, records);
  }
  return usesHost(container, records) ? HOST : container.id;
}

/** Whose network a container's is: its own, or that of the one that it shares with. */
export function networkOwner(container: TopologyContainer, records: TopologyRecords): TopologyContainer {
  const owner = records.containers().find(({ id }) => id === container.sharesWith);
  return owner === undefined || owner.id === container.id ? container : networkOwner(owner, records);
}

export function endpointsOf({ sandbox }: TopologyContainer): readonly EndpointSpec[] {
  return sandbox?.endpoints ?? [];
}

/** `--network host`. */
export function usesHost({ networkIds }: TopologyContainer, records: TopologyRecords): boolean {
  const isHost = new Set(records.networks().flatMap(({ id, driver }) => (driver === 'host' ? [id] : [])));
  return networkIds.some((id) => isHost.has(id));
}

/** `tcp/80`, `80/tcp`, `80`, `tcp`, `icmp`, `ping`. */
export function readService(
  text: string | undefined,
): { protocol: 'tcp' | 'udp' | 'icmp'; port?: number } | undefined {
  if (text === undefined || text === '') return undefined;
  if (text === 'icmp' || text === 'ping') return { protocol: 'icmp' };
  const [, before, number, after] = /^(?:(tcp|udp)\/?)?(\d{1,5})?(?:\/(tcp|udp))?$/i.exec(text) ?? [];
  const protocol = (before ?? after ?? 'tcp').toLowerCase();
  const port = number === undefined ? undefined : Number(number);
  const isKnown = protocol === 'tcp' || protocol === 'udp';
  if (
    !isKnown ||
    (before === undefined && number === undefined) ||
    (before !== undefined && after !== undefined) ||
    (port !== undefined && (port < 1 || port > MAX_PORT))
  ) {
    throw invalid(`invalid service ${JSON.stringify(text)}: want tcp/80, udp/53 or icmp`);
  }
  return { protocol, ...(port === undefined ? {} : { port }) };
}
