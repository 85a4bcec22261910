/** What a Docker Engine says of its containers and networks, as the records that observers read. Pure. */

import { Ip } from '../../base/ip.ts';
import { parsePortSpec } from '../../base/ports.ts';
import { type FirewallIntent, networkIntent } from '../../network/firewall/index.ts';
import {
  type EndpointSpec,
  IPVLAN_FLAGS,
  IPVLAN_MODES,
  MACVLAN_MODES,
  type NetworkSpec,
  type ParentSpec,
  type PortMapping,
} from '../../network/model/index.ts';
import type { ExplainRecords } from '../../observe/explain/records.ts';
import type { TopologyContainer } from '../../observe/topology/records.ts';

/** As far as it is read of `GET /containers/{id}/json`; engines of other versions leave things out. */
export interface DockerContainer {
  Id: string;
  Name: string;
  State: { Status: string; Pid: number; StartedAt?: string };
  Config: {
    Image: string;
    ExposedPorts?: Record<string, unknown> | null;
    Labels?: Record<string, string> | null;
  };
  HostConfig: {
    NetworkMode: string;
    Links?: string[] | null;
    Dns?: string[] | null;
    PortBindings?: Record<string, unknown> | null;
    PublishAllPorts?: boolean;
  };
  NetworkSettings: {
    Ports?: Record<string, Array<{ HostIp: string; HostPort: string }> | null> | null;
    Networks?: Record<string, DockerEndpoint> | null;
  };
}

export interface DockerEndpoint {
  NetworkID: string;
  EndpointID: string;
  Gateway?: string;
  IPAddress?: string;
  IPPrefixLen?: number;
  IPv6Gateway?: string;
  GlobalIPv6Address?: string;
  GlobalIPv6PrefixLen?: number;
  MacAddress?: string;
  Aliases?: string[] | null;
}

/** As far as it is read of `GET /networks`. */
export interface DockerNetwork {
  Id: string;
  Name: string;
  Created?: string;
  Driver: string;
  Internal?: boolean;
  Attachable?: boolean;
  EnableIPv6?: boolean;
  IPAM?: { Driver?: string; Config?: Array<{ Subnet?: string; Gateway?: string }> | null } | null;
  Options?: Record<string, string> | null;
  Labels?: Record<string, string> | null;
}

/** Everything that a Docker Engine was asked for. */
export interface DockerAnswers {
  containers: readonly DockerContainer[];
  networks: readonly DockerNetwork[];
}

const BRIDGE_OPTION = 'com.docker.network.bridge';

/** Of a Docker Engine something is always wanted. */
export type DockerRecords = ExplainRecords & {
  intent(): FirewallIntent;
  /** What a container was given by `--dns`. */
  nameServersOf(containerId: string): readonly string[];
};

export function dockerRecords({ containers, networks }: DockerAnswers): DockerRecords {
  const specs = networks.map((network) => networkSpec(network, gatewayOf(network, containers)));
  const found = containers.map((container) => topologyContainer(container, specs, containers));
  return {
    networks: () => specs,
    containers: () => found,
    intent: () => dockerIntent(specs, found),
    nameServersOf: (id) => containers.find(({ Id }) => Id === id)?.HostConfig.Dns ?? [],
  };
}

/** Older engines keep the gateway of the default bridge to themselves; its containers know it. */
function gatewayOf({ Id }: DockerNetwork, containers: readonly DockerContainer[]): string | undefined {
  return containers
    .flatMap(({ NetworkSettings }) => Object.values(NetworkSettings.Networks ?? {}))
    .find(({ NetworkID, Gateway }) => NetworkID === Id && Gateway)?.Gateway;
}

/** @param knownGateway IPv4, for a pool that is told without one */
function networkSpec(network: DockerNetwork, knownGateway: string | undefined): NetworkSpec {
  const options = network.Options ?? {};
  const setting = (name: string) => options[`${BRIDGE_OPTION}.${name}`];
  return {
    id: network.Id,
    name: network.Name,
    driver: network.Driver,
    createdAt: network.Created ?? '',
    internal: network.Internal ?? false,
    attachable: network.Attachable ?? false,
    enableIPv4: true,
    enableIPv6: network.EnableIPv6 ?? false,
    ipam: {
      driver: network.IPAM?.Driver ?? 'default',
      options: {},
      subnets: (network.IPAM?.Config ?? []).flatMap(({ Subnet, Gateway }) => {
        if (Subnet === undefined) return [];
        const gateway = Gateway || (Subnet.includes(':') ? undefined : knownGateway);
        return [{ subnet: Subnet, ...(gateway ? { gateway } : {}) }];
      }),
    },
    options,
    labels: network.Labels ?? {},
    ...(network.Driver === 'bridge'
      ? {
          bridge: {
            name: setting('name') ?? `br-${network.Id.slice(0, 12)}`,
            isDefault: setting('default_bridge') === 'true',
            icc: setting('enable_icc') !== 'false',
            masquerade: setting('enable_ip_masquerade') !== 'false',
            hostBindingV4: setting('host_binding_ipv4') ?? '',
            mtu: Number(options['com.docker.network.driver.mtu'] ?? 1500),
            gatewayModeV4: 'nat',
            gatewayModeV6: 'nat',
          },
        }
      : {}),
    ...(network.Driver === 'macvlan' || network.Driver === 'ipvlan'
      ? { parent: parentSpec(network, network.Driver) }
      : {}),
  };
}

/** Without a parent that is named, Docker makes a dummy interface. */
function parentSpec({ Id, Options }: DockerNetwork, driver: 'macvlan' | 'ipvlan'): ParentSpec {
  const { parent, macvlan_mode, ipvlan_mode, ipvlan_flag } = Options ?? {};
  const isOf = <T extends string>(known: readonly T[], value: string | undefined) =>
    known.find((one) => one === value);
  return {
    device: parent || `dm-${Id.slice(0, 12)}`,
    isDummy: !parent,
    ...(driver === 'macvlan'
      ? { mode: isOf(MACVLAN_MODES, macvlan_mode) ?? 'bridge' }
      : {
          mode: isOf(IPVLAN_MODES, ipvlan_mode) ?? 'l2',
          flag: isOf(IPVLAN_FLAGS, ipvlan_flag) ?? 'bridge',
        }),
  };
}

function topologyContainer(
  container: DockerContainer,
  networks: readonly NetworkSpec[],
  all: readonly DockerContainer[],
): TopologyContainer {
  const { Id, State, HostConfig, NetworkSettings } = container;
  const joined = Object.values(NetworkSettings.Networks ?? {});
  const startedAt = Date.parse(State.StartedAt ?? '');
  const endpoints = joined
    .filter(({ EndpointID }) => EndpointID)
    .map((endpoint) => endpointSpec(endpoint, Id, startedAt));
  const owner = /^container:(.+)$/.exec(HostConfig.NetworkMode)?.[1];
  const runs = State.Pid > 0;
  const hostNetwork = networks.find(({ driver }) => driver === 'host');
  const exposedPorts = Object.keys(container.Config.ExposedPorts ?? {});
  return {
    id: Id,
    name: container.Name.replace(/^\//, ''),
    image: container.Config.Image,
    state: State.Status,
    pid: State.Pid,
    networkIds:
      HostConfig.NetworkMode === 'host' && hostNetwork !== undefined
        ? [hostNetwork.id]
        : joined.map(({ NetworkID }) => NetworkID),
    sharesWith: owner && all.find((other) => other.Id === owner || other.Name === `/${owner}`)?.Id,
    sandbox: runs
      ? {
          path: `/proc/${State.Pid}/ns/net`,
          endpoints: endpoints.filter(({ v4, v6 }) => v4 ?? v6),
          ports: portMappings(container, endpoints),
        }
      : undefined,
    exposedPorts,
    publishes: [
      ...Object.keys(HostConfig.PortBindings ?? {}),
      ...(HostConfig.PublishAllPorts ? exposedPorts : []),
    ],
    labels: container.Config.Labels ?? {},
    links: (HostConfig.Links ?? []).map((link) => {
      // `/web:/client/alias`
      const [to = '', alias = ''] = link.split(':');
      return { to: to.replace(/^\//, ''), alias: alias.split('/').at(-1) ?? '' };
    }),
    names: namesOf(container, joined, networks),
  };
}

/** Docker's resolver serves every network but the default bridge. */
function namesOf(
  { Id, Name }: DockerContainer,
  joined: readonly DockerEndpoint[],
  networks: readonly NetworkSpec[],
): TopologyContainer['names'] {
  const served = joined.filter(({ NetworkID }) =>
    networks.some(({ id, bridge }) => id === NetworkID && bridge?.isDefault === false),
  );
  return Object.fromEntries(
    served.map(({ NetworkID, Aliases }) => [
      NetworkID,
      [...new Set([Name.replace(/^\//, ''), ...(Aliases ?? []), Id.slice(0, 12)])],
    ]),
  );
}

/**
 * The name of the host's end of the pair is not told; whoever needs it finds it in the kernel. Addresses are given at the start: since when
 * one that came later is there, is not told.
 */
function endpointSpec(endpoint: DockerEndpoint, containerId: string, startedAt: number): EndpointSpec {
  const part = (address: string | undefined, length: number | undefined, gateway: string | undefined) =>
    address ? { address, prefixLength: length ?? 0, ...(gateway ? { gateway } : {}) } : undefined;
  const v4 = part(endpoint.IPAddress, endpoint.IPPrefixLen, endpoint.Gateway);
  const v6 = part(endpoint.GlobalIPv6Address, endpoint.GlobalIPv6PrefixLen, endpoint.IPv6Gateway);
  return {
    id: endpoint.EndpointID,
    networkId: endpoint.NetworkID,
    ...(Number.isNaN(startedAt) ? {} : { createdAt: startedAt }),
    containerId,
    sandboxId: containerId,
    ifname: '',
    hostVeth: '',
    mac: endpoint.MacAddress ?? '',
    ...(v4 === undefined ? {} : { v4 }),
    ...(v6 === undefined ? {} : { v6 }),
    aliases: endpoint.Aliases ?? [],
    gatewayPriority: 0,
    driverOptions: {},
  };
}

/** Published where the container has its gateway: on its first network that has one. */
function portMappings(
  { NetworkSettings }: DockerContainer,
  endpoints: readonly EndpointSpec[],
): PortMapping[] {
  const endpoint = endpoints.find(({ v4 }) => v4?.gateway !== undefined) ?? endpoints.find(({ v6 }) => v6);
  if (endpoint === undefined) return [];
  return Object.entries(NetworkSettings.Ports ?? {}).flatMap(([key, bindings]) => {
    const { proto, start } = parsePortSpec(key);
    return (bindings ?? []).flatMap(({ HostIp, HostPort }): PortMapping[] => {
      const hostIp = HostIp || '0.0.0.0';
      const isV6 = Ip.parse(hostIp).family === 6;
      const containerIp =
        (isV6 ? endpoint.v6 : endpoint.v4)?.address ?? endpoint.v4?.address ?? endpoint.v6?.address;
      if (containerIp === undefined) return [];
      return [
        {
          endpointId: endpoint.id,
          proto,
          containerIp,
          containerPort: start,
          hostIp,
          hostPort: Number(HostPort),
        },
      ];
    });
  });
}

/** What Docker most likely wants: enough to tell what its rules are for, not to say that one is missing. */
function dockerIntent(
  networks: readonly NetworkSpec[],
  containers: readonly TopologyContainer[],
): FirewallIntent {
  const networkOf = new Map(
    containers.flatMap(({ sandbox }) =>
      (sandbox?.endpoints ?? []).map(({ id, networkId }) => [id, networkId]),
    ),
  );
  const ports = containers.flatMap(({ sandbox }) => sandbox?.ports ?? []);
  return {
    enabled: { v4: true, v6: true },
    userlandProxy: true,
    forwardDrop: { v4: true, v6: true },
    networks: networks
      .filter(({ bridge }) => bridge !== undefined)
      .map((spec) =>
        networkIntent(
          spec,
          ports.filter(({ endpointId }) => networkOf.get(endpointId) === spec.id),
          [],
        ),
      ),
  };
}
