/** What containers and networks have sent and received: the counters of the interfaces, in one reading of the host's. */

import type { Link, LinkStats } from '../../kernel/netlink/index.ts';
import type { EndpointSpec, NetworkSpec } from '../../network/model/index.ts';
import type { TopologyContainer, TopologyRecords } from '../topology/records.ts';
import { family, type Labels, type MetricFamily } from './exposition.ts';

interface Row {
  labels: Labels;
  /** As the owner of the name sees it. */
  receive: Counted;
  transmit: Counted;
}

interface Counted {
  bytes: number;
  packets: number;
  errors: number;
  dropped: number;
}

/**
 * Containers are counted at the host's end of their veth pair, which sends what they receive: so no namespace has to be entered, and a
 * thousand containers are one dump. A bridge's own counters are of what the host itself sends into and takes out of the network
 * (routed packets among it); frames between two of its containers are in the containers' counters only.
 *
 * @param linksInside the links of a namespace by its path: for endpoints without such a pair (macvlan, ipvlan)
 */
export function interfaceFamilies(
  records: TopologyRecords,
  hostLinks: readonly Link[],
  linksInside: (path: string) => readonly Link[],
): MetricFamily[] {
  const links = new Map(hostLinks.map((link) => [link.name, link]));
  const networks = records.networks();
  const byId = new Map(networks.map((spec) => [spec.id, spec]));
  const containers = records.containers();
  const endpoints = containers.flatMap((container) =>
    (container.sandbox?.endpoints ?? []).map((endpoint) => ({ container, endpoint })),
  );
  return [
    ...trafficFamilies(
      'bridgeport_container_network',
      'by the container',
      endpoints.flatMap(({ container, endpoint }) =>
        containerRow(container, endpoint, byId, links, linksInside),
      ),
    ),
    ...trafficFamilies(
      'bridgeport_network',
      'by the host on the bridge, what it routes included',
      networks.flatMap((spec) => networkRow(spec, links)),
    ),
    family(
      'gauge',
      'bridgeport_network_endpoints',
      'Containers that are connected to the network now.',
      networks,
      ({ id, name }) => ({
        labels: { network: name },
        value: endpoints.filter(({ endpoint }) => endpoint.networkId === id).length,
      }),
    ),
    family(
      'gauge',
      'engine_daemon_container_states_containers',
      'The count of containers in various states.',
      ['running', 'paused', 'stopped'],
      (state) => ({ labels: { state }, value: containers.filter(inState(state)).length }),
    ),
  ];
}

/** Docker's three states: what neither runs nor is paused is stopped. */
function inState(wanted: string): (container: TopologyContainer) => boolean {
  return ({ state }) => (state === 'running' || state === 'paused' ? state : 'stopped') === wanted;
}

function containerRow(
  container: TopologyContainer,
  endpoint: EndpointSpec,
  networks: ReadonlyMap<string, NetworkSpec>,
  links: ReadonlyMap<string, Link>,
  linksInside: (path: string) => readonly Link[],
): Row[] {
  const network = networks.get(endpoint.networkId)?.name ?? endpoint.networkId.slice(0, 12);
  const labels = { container: container.name, network, interface: endpoint.ifname };
  if (endpoint.hostVeth === undefined) {
    const inner = linksInside(container.sandbox?.path ?? '').find(({ name }) => name === endpoint.ifname);
    return inner === undefined
      ? []
      : [{ labels, receive: received(inner.stats), transmit: sent(inner.stats) }];
  }
  const link = links.get(endpoint.hostVeth);
  return link === undefined ? [] : [{ labels, receive: sent(link.stats), transmit: received(link.stats) }];
}

function networkRow({ name, bridge }: NetworkSpec, links: ReadonlyMap<string, Link>): Row[] {
  const link = bridge && links.get(bridge.name);
  if (link === undefined) return [];
  return [
    {
      labels: { network: name, interface: link.name },
      receive: received(link.stats),
      transmit: sent(link.stats),
    },
  ];
}

const UNIT_WORDS = { bytes: 'Bytes', packets: 'Packets', errors: 'Frames with an error' };

function trafficFamilies(prefix: string, whose: string, rows: readonly Row[]): MetricFamily[] {
  const directions = ['receive', 'transmit'] as const;
  const units = ['bytes', 'packets', 'errors'] as const;
  return [
    ...directions.flatMap((direction) =>
      units.map((unit) =>
        family(
          'counter',
          `${prefix}_${direction}_${unit}_total`,
          `${UNIT_WORDS[unit]} ${direction === 'receive' ? 'received' : 'transmitted'} ${whose}.`,
          rows,
          (row) => ({ labels: row.labels, value: row[direction][unit] }),
        ),
      ),
    ),
    family(
      'counter',
      `${prefix}_dropped_packets_total`,
      'Packets that the interface dropped: a full queue, or nobody who takes them. Those of rules are in bridgeport_firewall_dropped_packets_total.',
      rows.flatMap(({ labels, ...counted }) =>
        directions.map((direction) => ({ labels, direction, value: counted[direction].dropped })),
      ),
      ({ labels, direction, value }) => ({ labels: { ...labels, direction }, value }),
    ),
  ];
}

const received = (stats: LinkStats): Counted => ({
  bytes: stats.rxBytes,
  packets: stats.rxPackets,
  errors: stats.rxErrors,
  dropped: stats.rxDropped,
});

const sent = (stats: LinkStats): Counted => ({
  bytes: stats.txBytes,
  packets: stats.txPackets,
  errors: stats.txErrors,
  dropped: stats.txDropped,
});
