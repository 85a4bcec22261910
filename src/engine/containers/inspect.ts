/** `docker inspect` of a container. */

import { join } from 'node:path';
import type {
  ContainerInspect,
  EndpointSettings,
  MountPoint,
  NetworkSettings,
} from '../../base/wire/index.ts';
import type { SandboxInfo } from '../../network/controller/sandbox.ts';
import type { Container } from './container.ts';
import type { ContainerRecord } from './record.ts';

export interface InspectFacts {
  /** undefined when the container does not run. */
  sandbox: SandboxInfo | undefined;
  /** Networks to show for one that does not run. */
  plannedNetworks: Record<string, EndpointSettings>;
  /** As Docker shows them: `/web:/client/alias`. */
  links: string[];
  graphDriver: ContainerInspect['GraphDriver'];
  size: { rw: number; rootFs: number } | undefined;
}

/** As in Docker, what `--mount type=tmpfs` asked for is among them, what `--tmpfs` did is not. */
export function shownMounts({ mounts, hostConfig }: ContainerRecord): MountPoint[] {
  const tmpfs = (hostConfig.Mounts ?? []).filter(({ Type: type }) => type === 'tmpfs');
  return [
    ...mounts,
    ...tmpfs.map(({ Type, Target = '', ReadOnly = false }) => ({
      Type,
      Source: '',
      Destination: Target,
      Mode: '',
      RW: !ReadOnly,
      Propagation: '',
    })),
  ];
}

export function inspectContainer(container: Container, facts: InspectFacts): ContainerInspect {
  const { record } = container;
  const { config, hostConfig, state } = record;
  const [path = '', ...args] = [...(config.Entrypoint ?? []), ...(config.Cmd ?? [])];
  const running = container.isRunning;
  return {
    Id: record.id,
    Created: record.createdAt,
    Path: path,
    Args: args,
    State: {
      Status: state.status,
      Running: running || state.status === 'restarting',
      Paused: state.status === 'paused',
      Restarting: state.status === 'restarting',
      OOMKilled: state.oomKilled,
      Dead: state.status === 'dead',
      Pid: state.pid,
      ExitCode: state.exitCode,
      Error: state.error,
      StartedAt: state.startedAt,
      FinishedAt: state.finishedAt,
      ...(state.health === undefined ? {} : { Health: state.health }),
    },
    Image: record.imageId,
    ResolvConfPath: join(container.folder, 'resolv.conf'),
    HostnamePath: join(container.folder, 'hostname'),
    HostsPath: join(container.folder, 'hosts'),
    LogPath: container.logPath,
    Name: `/${record.name}`,
    RestartCount: record.restartCount,
    Driver: record.snapshotter,
    Platform: 'linux',
    MountLabel: '',
    ProcessLabel: '',
    AppArmorProfile: '',
    ExecIDs: container.execIds.size === 0 ? null : [...container.execIds],
    HostConfig: { ...hostConfig, Links: facts.links.length === 0 ? null : facts.links },
    GraphDriver: facts.graphDriver,
    ...(facts.size === undefined ? {} : { SizeRw: facts.size.rw, SizeRootFs: facts.size.rootFs }),
    Mounts: shownMounts(record),
    Config: config,
    NetworkSettings: networkSettings(container, facts),
  };
}

function networkSettings(_container: Container, facts: InspectFacts): NetworkSettings {
  const { sandbox } = facts;
  const networks = sandbox?.networks ?? facts.plannedNetworks;
  // The fields beside `Networks` are the default bridge's, from the days when there was no other network.
  const bridge = sandbox?.networks.bridge;
  return {
    Bridge: '',
    SandboxID: sandbox?.id ?? '',
    SandboxKey: sandbox?.path ?? '',
    Ports: sandbox?.ports ?? {},
    HairpinMode: false,
    LinkLocalIPv6Address: '',
    LinkLocalIPv6PrefixLen: 0,
    SecondaryIPAddresses: null,
    SecondaryIPv6Addresses: null,
    EndpointID: bridge?.EndpointID ?? '',
    Gateway: bridge?.Gateway ?? '',
    GlobalIPv6Address: bridge?.GlobalIPv6Address ?? '',
    GlobalIPv6PrefixLen: bridge?.GlobalIPv6PrefixLen ?? 0,
    IPAddress: bridge?.IPAddress ?? '',
    IPPrefixLen: bridge?.IPPrefixLen ?? 0,
    IPv6Gateway: bridge?.IPv6Gateway ?? '',
    MacAddress: bridge?.MacAddress ?? '',
    Networks: networks,
  };
}
