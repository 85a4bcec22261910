/** From what somebody wants to see to the namespaces and interfaces where it passes. */

import { notFound } from '../../base/errors.ts';
import type { Link } from '../../kernel/netlink/index.ts';
import type { NetworkSpec, PortMapping } from '../../network/model/index.ts';
import { findNamed } from '../topology/find.ts';
import type { TopologyContainer, TopologyRecords } from '../topology/records.ts';
import type { FilterNode } from './filter.ts';

/** One socket's worth. */
export interface CaptureSource {
  /** Stands before the names of interfaces: a container's name, or `host`. */
  readonly name: string;
  /** Path of the namespace; the thread's own by default. */
  readonly netns?: string;
  /** Which links of it, and which frames of each; default all. */
  readonly wants?: (link: Link) => 'all' | 'in' | 'out' | undefined;
  /** Beside what the user asked for. */
  readonly filter?: FilterNode;
}

/**
 * @param target a container (name or id), a network (name or id), or a published port: `:8080`, `:53/udp`, `192.0.2.7:8080`
 * @throws `not-found`
 */
export function resolveTarget(records: TopologyRecords, target: string): CaptureSource[] {
  const port = /^(?:\[?([\d.]+|[\da-f:]*:[\da-f:]*)\]?)?:(\d{1,5})(?:\/(tcp|udp|sctp))?$/i.exec(target);
  if (port !== null) return portSources(records, target, port[1], Number(port[2]), port[3] ?? 'tcp');
  const containers = records.containers();
  const container = findNamed(containers, target);
  if (container !== undefined) return [containerSource(container, containers)];
  const network = findNamed(records.networks(), target);
  if (network !== undefined) return [networkSource(network, containers)];
  throw notFound(`no container, network or published port ${JSON.stringify(target)}`);
}

function containerSource(
  container: TopologyContainer,
  containers: readonly TopologyContainer[],
): CaptureSource {
  const owner = containers.find(({ id }) => id === container.sharesWith) ?? container;
  if (owner.sandbox === undefined)
    throw notFound(`container ${container.name} has no network now: it does not run`);
  return { name: container.name, netns: owner.sandbox.path };
}

/**
 * Every frame once: what containers send, as it comes in from their veths, and what the host sends, as it goes out by the bridge. Frames
 * between two ports of a bridge do not show on the bridge itself.
 */
function networkSource(
  { name, bridge, id }: NetworkSpec,
  containers: readonly TopologyContainer[],
): CaptureSource {
  if (bridge === undefined)
    throw notFound(`network ${name} has no bridge to look at: capture a container that is on it`);
  const veths = new Set(
    containers.flatMap(({ sandbox }) =>
      (sandbox?.endpoints ?? []).flatMap(({ networkId, hostVeth }) =>
        networkId === id ? (hostVeth ?? []) : [],
      ),
    ),
  );
  return {
    name: 'host',
    wants: (link) => (link.name === bridge.name ? 'out' : veths.has(link.name) ? 'in' : undefined),
  };
}

/** Before its translation, where it enters and leaves the host, and behind it, in the container. */
function portSources(
  records: TopologyRecords,
  target: string,
  address: string | undefined,
  port: number,
  proto: string,
): CaptureSource[] {
  const found = records.containers().flatMap((container) =>
    (container.sandbox?.ports ?? [])
      .filter((mapping) => mapping.proto === proto && (address === undefined || mapping.hostIp === address))
      .filter(({ hostPort, hostPortEnd }) => port >= hostPort && port <= (hostPortEnd ?? hostPort))
      .map((mapping) => ({ container, mapping })),
  );
  const [first] = found;
  if (first === undefined)
    throw notFound(`no container, network or published port ${JSON.stringify(target)}`);
  const { container, mapping } = first;
  const inside = mapping.containerPort + port - mapping.hostPort;
  return [
    {
      name: 'host',
      // Bridges and their ports show it as the container does.
      wants: ({ kind, portKind }) => (kind === 'bridge' || portKind === 'bridge' ? undefined : 'all'),
      filter: portFilter(mapping.proto, port),
    },
    { ...containerSource(container, records.containers()), filter: portFilter(mapping.proto, inside) },
  ];
}

const portFilter = (protocol: PortMapping['proto'], port: number): FilterNode => ({
  kind: 'port',
  direction: 'either',
  protocol,
  first: port,
  last: port,
});
