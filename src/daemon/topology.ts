/** Hands the topology what the engine and the network controller have on record. */

import { hostname } from 'node:os';
import type { Log } from '../base/log.ts';
import type { Container } from '../engine/containers/container.ts';
import type { Engine } from '../engine/engine.ts';
import type { NetworkController, SandboxRecord } from '../network/controller/controller.ts';
import { readTopology } from '../observe/topology/map.ts';
import type { TopologyContainer, TopologyRecords } from '../observe/topology/records.ts';

export interface TopologySettings {
  /** `iptables`, `nftables` or `none` */
  firewall: string;
  userlandProxy: boolean;
  log: Log;
}

/** The answer of `GET /bridgeport/map`. */
export function topologyReader(records: TopologyRecords, { firewall, userlandProxy, log }: TopologySettings) {
  const settings = { firewall, kernelServes: firewall !== 'none', userlandProxy, log };
  return async () => readTopology(records, { ...settings, hostname: hostname() });
}

/** What is on record, read anew at every call. */
export function topologyRecords(engine: Engine, network: NetworkController): TopologyRecords {
  return {
    networks: () => network.networks.registry.all(),
    pastOwners: () => network.pastOwners(),
    containers: () => {
      const sandboxes = new Map(network.sandboxes().map((record) => [record.request.containerId, record]));
      const nameOf = (id: string) => engine.registry.byId(id)?.record.name;
      const find = (ref: string) => {
        try {
          return engine.registry.find(ref).id;
        } catch {
          // It was removed: the container that wanted its network cannot start either.
          return undefined;
        }
      };
      return engine.registry
        .all()
        .map((container) => topologyContainer(container, sandboxes.get(container.id), network, nameOf, find));
    },
  };
}

function topologyContainer(
  { record }: Container,
  sandbox: SandboxRecord | undefined,
  network: NetworkController,
  nameOf: (id: string) => string | undefined,
  find: (ref: string) => string | undefined,
): TopologyContainer {
  const wanted = [record.hostConfig.NetworkMode, ...Object.keys(record.networks)].map((name) =>
    name === 'default' ? 'bridge' : name,
  );
  const owner = /^container:(.+)$/.exec(record.hostConfig.NetworkMode)?.[1];
  const joined = network.networks.registry
    .all()
    .filter(({ id, name }) => wanted.includes(name) || wanted.includes(id))
    .map(({ id }) => id);
  const exposedPorts = Object.keys(record.config.ExposedPorts ?? {});
  const { PortBindings, PublishAllPorts } = record.hostConfig;
  return {
    id: record.id,
    name: record.name,
    image: record.imageName,
    state: record.state.status,
    pid: record.state.pid,
    networkIds: joined,
    sharesWith: owner === undefined ? undefined : find(owner),
    // The controller tells of those only that are open.
    sandbox: network.sandbox(record.id) === undefined ? undefined : sandbox,
    exposedPorts,
    publishes: [...Object.keys(PortBindings ?? {}), ...(PublishAllPorts ? exposedPorts : [])],
    labels: record.config.Labels,
    links: record.links.flatMap(({ containerId, alias }) => {
      const to = nameOf(containerId);
      return to === undefined ? [] : [{ to, alias }];
    }),
    names: sandbox === undefined ? {} : network.dnsNames(sandbox),
  };
}
