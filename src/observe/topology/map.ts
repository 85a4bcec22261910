/**
 * The picture of the host's container network, `GET /bridgeport/map`. What exists is read from the kernel each time, in the daemon's
 * namespace and inside every sandbox; the records only say what it is called and what it is for.
 */

import { messageOf } from '../../base/errors.ts';
import type { Log } from '../../base/log.ts';
import type { MapContainer, MapEndpoint, MapNetwork, NetworkMap } from '../../base/wire/index.ts';
import { RouteClient } from '../../kernel/netlink/index.ts';
import { type NetnsHandle, withNetns } from '../../kernel/netns/index.ts';
import { tryReadSysctl } from '../../kernel/sysctl.ts';
import type { EndpointSpec, NetworkSpec } from '../../network/model/index.ts';
import { hostInterfaces } from './host.ts';
import { InterfaceTable } from './interfaces.ts';
import { mapPorts, type ServingSettings, unpublished } from './ports.ts';
import type { TopologyContainer, TopologyRecords, TopologySandbox } from './records.ts';

export interface TopologySettings extends ServingSettings {
  hostname: string;
  /** Compiler of the firewall rules: `iptables`, `nftables` or `none`. */
  firewall: string;
  /** The host's namespace; the thread's own by default. */
  netns?: NetnsHandle | string | undefined;
  log: Log;
}

/** Throws when the host's own namespace cannot be read; a sandbox that is gone meanwhile is shown without its interfaces. */
export function readTopology(records: TopologyRecords, settings: TopologySettings): NetworkMap {
  using route = RouteClient.open(settings.netns);
  const host = InterfaceTable.read(route);
  const networks = [...records.networks()].sort(byImportance);
  // What belongs to one network alone.
  const owned = new Set(
    networks.flatMap(({ bridge, parent }) => bridge?.name ?? (parent?.isDummy ? parent.device : [])),
  );
  const bridged = new Set(networks.filter(({ bridge }) => bridge !== undefined).map(({ id }) => id));
  const containers = [...records.containers()].sort((a, b) => compare(a.name, b.name));
  return {
    host: {
      name: settings.hostname,
      interfaces: hostInterfaces(host, route, owned),
      ipForward: isForwarding(settings.netns),
      firewall: settings.firewall,
    },
    networks: networks.map((spec) => mapNetwork(spec, host)),
    endpoints: containers.flatMap((container) => {
      const guests = containers.filter(({ sharesWith }) => sharesWith === container.id).map(containerFacts);
      return mapContainer(container, guests, bridged, host, settings);
    }),
  };
}

function isForwarding(netns: NetnsHandle | string | undefined): boolean {
  const read = () => tryReadSysctl('net/ipv4/ip_forward') === '1';
  return netns === undefined ? read() : withNetns(netns, read);
}

/** The default bridge first, then other networks with a bridge, then the rest; by name. */
function byImportance(a: NetworkSpec, b: NetworkSpec): number {
  const rank = ({ bridge }: NetworkSpec) => (bridge === undefined ? 2 : bridge.isDefault ? 0 : 1);
  return rank(a) - rank(b) || compare(a.name, b.name);
}

function mapNetwork(spec: NetworkSpec, host: InterfaceTable): MapNetwork {
  const { bridge, parent } = spec;
  const link = bridge && host.find(bridge.name);
  return {
    id: spec.id,
    name: spec.name,
    driver: spec.driver,
    ...(spec.internal ? { internal: true } : {}),
    ...(bridge === undefined
      ? {}
      : {
          // A bridge that somebody deleted by hand is shown as what it is: down, without addresses.
          bridge: link === undefined ? { name: bridge.name, up: false, addresses: [] } : host.view(link),
          icc: bridge.icc,
          masquerade: bridge.masquerade,
        }),
    ...(parent === undefined ? {} : { parent: parent.device }),
    subnets: spec.ipam.subnets.map(({ subnet, gateway }) => ({
      subnet,
      ...(gateway === undefined ? {} : { gateway }),
    })),
    options: { ...spec.options },
  };
}

/** `guests` use its network; `bridged`: ids of the networks that have a bridge. Without one, exposed ports mean nothing. */
function mapContainer(
  container: TopologyContainer,
  guests: MapContainer[],
  bridged: ReadonlySet<string>,
  host: InterfaceTable,
  settings: TopologySettings,
): MapEndpoint[] {
  const { sandbox, networkIds } = container;
  const { endpoints = [], ports = [] } = sandbox ?? {};
  const facts = containerFacts(container);
  const inside =
    sandbox === undefined || endpoints.length === 0 ? undefined : readInside(sandbox, container, settings);
  const wired = endpoints.map(
    (endpoint): MapEndpoint => ({
      networkId: endpoint.networkId,
      container: facts,
      ...wireEnds(endpoint, host, inside),
      ...namesOn(endpoint.networkId, container),
      ports: mapPorts(
        ports.filter(({ endpointId }) => endpointId === endpoint.id),
        settings,
      ),
      links: [],
    }),
  );
  const bare = networkIds
    .filter((id) => !endpoints.some(({ networkId }) => networkId === id))
    .map((networkId): MapEndpoint => ({ networkId, container: facts, addresses: [], ports: [], links: [] }));
  const [first, ...rest] = [...wired, ...bare];
  if (first === undefined) return [];
  // What belongs to the container as a whole is told once.
  const exposed = bridged.has(first.networkId) ? unpublished(container.exposedPorts, ports) : [];
  const links = container.links.map(({ to, alias }) => ({ to, alias }));
  return [
    {
      ...first,
      ...(exposed.length > 0 ? { exposed } : {}),
      links,
      ...(guests.length > 0 ? { sharedBy: guests } : {}),
    },
    ...rest,
  ];
}

function containerFacts({ id, name, image, state, pid }: TopologyContainer): MapContainer {
  return { id, name, image, state, ...(pid > 0 ? { pid } : {}) };
}

function namesOn(networkId: string, { names }: TopologyContainer): Pick<MapEndpoint, 'names'> {
  const known = names[networkId];
  return known === undefined ? {} : { names: [...known] };
}

/** Both ends of the pair, as the kernel has them now; an end that is not there is left out. */
function wireEnds(
  endpoint: EndpointSpec,
  host: InterfaceTable,
  inside: InterfaceTable | undefined,
): Pick<MapEndpoint, 'hostVeth' | 'inside' | 'mac' | 'addresses'> {
  const { ifname, hostVeth } = endpoint;
  const inner = inside?.find(ifname);
  const outer = host.find(hostVeth ?? '');
  return {
    ...(outer === undefined ? {} : { hostVeth: { name: outer.name, index: outer.index } }),
    ...(inner === undefined ? {} : { inside: { name: inner.name, index: inner.index } }),
    ...(inner?.mac === undefined ? {} : { mac: inner.mac }),
    addresses: inner === undefined || inside === undefined ? [] : inside.addresses(inner),
  };
}

function readInside(
  sandbox: TopologySandbox,
  container: TopologyContainer,
  { log }: TopologySettings,
): InterfaceTable | undefined {
  try {
    return InterfaceTable.of(sandbox.path);
  } catch (error) {
    // It ended between the list and this look.
    log.debug({ container: container.id, error: messageOf(error) }, 'cannot look into a sandbox');
    return undefined;
  }
}

const compare = (a: string, b: string) => (a < b ? -1 : a > b ? 1 : 0);
