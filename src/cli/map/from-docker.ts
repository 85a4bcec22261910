import type { ContainerInspect, EndpointInspect, NetworkInspect } from '../api/types.ts';
import type { MapEndpoint, MapNetwork, MapPort, NetworkMap } from './model.ts';

/** What the Docker API tells about a host's network. */
export interface DockerAnswers {
  containers: readonly ContainerInspect[];
  networks: readonly NetworkInspect[];
  info: { Name?: string; IPv4Forwarding?: boolean };
  /** Why nobody looks at the host itself. */
  note: string;
}

const PARENT_DRIVERS = ['macvlan', 'ipvlan'];
const BRIDGE_OPTION = 'com.docker.network.bridge';

/**
 * The picture as far as the Docker API knows it: the host's interfaces, the veth names and who serves a port are not
 * in it and are left out.
 */
export function mapFromDocker({ containers, networks, info, note }: DockerAnswers): NetworkMap {
  const order = ['bridge', 'host', 'none'];
  const rank = ({ Name }: NetworkInspect) => (Name === 'bridge' ? -1 : order.indexOf(Name));
  return {
    host: {
      interfaces: [],
      note,
      ...(info.Name === undefined ? {} : { name: info.Name }),
      ...(info.IPv4Forwarding === undefined ? {} : { ipForward: info.IPv4Forwarding }),
    },
    networks: [...networks]
      .sort((a, b) => rank(a) - rank(b) || (a.Name < b.Name ? -1 : 1))
      .map((network) => toNetwork(network, containers)),
    endpoints: containers.flatMap(toEndpoints).sort((a, b) => (a.container.name < b.container.name ? -1 : 1)),
  };
}

function toNetwork(network: NetworkInspect, containers: readonly ContainerInspect[]): MapNetwork {
  const options = network.Options ?? {};
  // Older engines keep the default bridge's gateway to themselves; its containers know it.
  const gateway = containers
    .flatMap(({ NetworkSettings }) => Object.values(NetworkSettings.Networks ?? {}))
    .find((endpoint) => endpoint.NetworkID === network.Id && endpoint.Gateway)?.Gateway;
  const pools = (network.IPAM?.Config ?? []).map((pool) => ({
    ...pool,
    ...(pool.Gateway || !gateway || pool.Subnet?.includes(':') ? {} : { Gateway: gateway }),
  }));
  const isBridge = network.Driver === 'bridge';
  const name = options[`${BRIDGE_OPTION}.name`] || `br-${network.Id.slice(0, 12)}`;
  const mtu = Number(options['com.docker.network.driver.mtu']);
  const setting = (key: string) => options[`${BRIDGE_OPTION}.${key}`] !== 'false';
  return {
    id: network.Id,
    name: network.Name,
    driver: network.Driver,
    ...(network.Internal ? { internal: true } : {}),
    ...(isBridge
      ? {
          bridge: {
            name,
            addresses: pools.flatMap(({ Subnet, Gateway }) =>
              Subnet && Gateway ? [`${Gateway.split('/')[0]}/${Subnet.split('/')[1]}`] : [],
            ),
            ...(mtu > 0 ? { mtu } : {}),
          },
          icc: setting('enable_icc'),
          masquerade: setting('enable_ip_masquerade'),
        }
      : {}),
    ...(PARENT_DRIVERS.includes(network.Driver)
      ? { parent: options.parent || `dm-${network.Id.slice(0, 12)}` }
      : {}),
    subnets: pools.flatMap(({ Subnet, Gateway }) =>
      Subnet ? [{ subnet: Subnet, ...(Gateway ? { gateway: Gateway } : {}) }] : [],
    ),
    options,
  };
}

function toEndpoints(container: ContainerInspect): MapEndpoint[] {
  const endpoints = Object.values(container.NetworkSettings.Networks ?? {});
  const { published, exposed } = portsOf(container);
  return endpoints.map((endpoint, index) => ({
    networkId: endpoint.NetworkID,
    container: {
      id: container.Id,
      name: container.Name.replace(/^\//, ''),
      image: container.Config.Image,
      state: container.State.Status,
      ...(container.State.Pid > 0 ? { pid: container.State.Pid } : {}),
    },
    ...(endpoint.IPAddress ? { inside: { name: `eth${index}` } } : {}),
    ...(endpoint.MacAddress ? { mac: endpoint.MacAddress } : {}),
    addresses: addressesOf(endpoint),
    // The API tells ports per container: they are shown where the container was published first.
    ports: index === 0 ? published : [],
    ...(index === 0 && exposed.length > 0 ? { exposed } : {}),
    links: index === 0 ? linksOf(container) : [],
  }));
}

function addressesOf(endpoint: EndpointInspect): string[] {
  const { IPAddress, IPPrefixLen, GlobalIPv6Address, GlobalIPv6PrefixLen } = endpoint;
  return [
    ...(IPAddress ? [`${IPAddress}/${IPPrefixLen}`] : []),
    ...(GlobalIPv6Address ? [`${GlobalIPv6Address}/${GlobalIPv6PrefixLen}`] : []),
  ];
}

function portsOf({ NetworkSettings }: ContainerInspect): { published: MapPort[]; exposed: string[] } {
  const published: MapPort[] = [];
  const exposed: string[] = [];
  for (const [key, bindings] of Object.entries(NetworkSettings.Ports ?? {})) {
    const [number = '', proto = 'tcp'] = key.split('/');
    if (!bindings?.length) exposed.push(key);
    for (const { HostIp, HostPort } of bindings ?? []) {
      published.push({
        hostIp: HostIp || '0.0.0.0',
        hostPort: Number(HostPort),
        containerPort: Number(number),
        proto,
      });
    }
  }
  return { published: joinRuns(published), exposed: exposed.sort() };
}

/** Makes runs of neighbouring ports that keep their distance one entry, ordered by container port. */
export function joinRuns(ports: readonly MapPort[]): MapPort[] {
  const sorted = [...ports].sort(
    (a, b) =>
      order(a.proto, b.proto) ||
      order(a.hostIp, b.hostIp) ||
      a.containerPort - b.containerPort ||
      a.hostPort - b.hostPort,
  );
  const runs: MapPort[] = [];
  for (const port of sorted) {
    const run = runs.at(-1);
    const length = run ? (run.hostPortEnd ?? run.hostPort) - run.hostPort + 1 : 0;
    const continues =
      run !== undefined &&
      run.proto === port.proto &&
      run.hostIp === port.hostIp &&
      run.servedBy === port.servedBy &&
      run.containerPort + length === port.containerPort &&
      run.hostPort + length === port.hostPort;
    if (continues) run.hostPortEnd = port.hostPort;
    else runs.push({ ...port });
  }
  return runs.sort(
    (a, b) => a.containerPort - b.containerPort || order(a.proto, b.proto) || order(a.hostIp, b.hostIp),
  );
}

/** `/web:/client/alias`, as `HostConfig.Links` holds it. */
function linksOf({ HostConfig }: ContainerInspect) {
  return (HostConfig.Links ?? []).map((link) => {
    const [to = '', alias = ''] = link.split(':');
    return { to: to.replace(/^\//, ''), alias: alias.split('/').at(-1) ?? '' };
  });
}

const order = (a: string, b: string) => (a < b ? -1 : a > b ? 1 : 0);
