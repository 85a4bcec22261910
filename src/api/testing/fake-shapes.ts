/** Answers in the shapes of the wire, as full as the clients under test need them. */

import type { Readable } from 'node:stream';
import type {
  ContainerInspect,
  ContainerStats,
  EventMessage,
  ImageInspect,
  ImageSummary,
  ListedContainer,
  NetworkInspect,
  PathStat,
  VersionInfo,
} from '../../base/wire/index.ts';
import type { FakeContainer } from './fake-engine.ts';

export const NEVER = '0001-01-01T00:00:00Z';
export const STARTED = '2026-11-22T05:16:09.123456789Z';
export const IMAGE_ID = `sha256:${'ab'.repeat(32)}`;

export function inspectOf(container: FakeContainer): ContainerInspect {
  const { HostConfig, NetworkingConfig, ...config } = container.body;
  const command = [...(config.Entrypoint ?? []), ...(config.Cmd ?? [])];
  return {
    Id: container.id,
    Created: STARTED,
    Path: command[0] ?? '',
    Args: command.slice(1),
    State: {
      Status: container.running ? 'running' : 'exited',
      Running: container.running,
      Paused: false,
      Restarting: false,
      OOMKilled: false,
      Dead: false,
      Pid: container.running ? 4242 : 0,
      ExitCode: container.exitCode,
      Error: '',
      StartedAt: STARTED,
      FinishedAt: NEVER,
    },
    Image: IMAGE_ID,
    ResolvConfPath: '',
    HostnamePath: '',
    HostsPath: '',
    LogPath: '',
    Name: `/${container.name}`,
    RestartCount: 0,
    Driver: 'overlayfs',
    Platform: 'linux',
    MountLabel: '',
    ProcessLabel: '',
    AppArmorProfile: '',
    ExecIDs: null,
    HostConfig: { NetworkMode: 'bridge', ...HostConfig } as ContainerInspect['HostConfig'],
    GraphDriver: { Name: 'overlayfs', Data: null },
    Mounts: [],
    Config: {
      Hostname: container.id.slice(0, 12),
      Domainname: '',
      User: '',
      AttachStdin: false,
      AttachStdout: false,
      AttachStderr: false,
      Tty: false,
      OpenStdin: false,
      StdinOnce: false,
      Env: [],
      Cmd: null,
      Image: '',
      Volumes: null,
      WorkingDir: '',
      Entrypoint: null,
      Labels: {},
      ...config,
    },
    NetworkSettings: {
      Networks: NetworkingConfig?.EndpointsConfig ?? {},
      Ports: { '80/tcp': [{ HostIp: '0.0.0.0', HostPort: '8080' }] },
    } as unknown as ContainerInspect['NetworkSettings'],
  };
}

export function summaryOf(container: FakeContainer): ListedContainer {
  return {
    Id: container.id,
    Names: [`/${container.name}`],
    Image: container.body.Image ?? '',
    ImageID: IMAGE_ID,
    Command: (container.body.Cmd ?? []).join(' '),
    Created: 1_795_000_000,
    Ports: { '80/tcp': [{ HostIp: '0.0.0.0', HostPort: '8080' }] },
    Labels: container.body.Labels ?? {},
    State: container.running ? 'running' : 'exited',
    Status: container.running ? 'Up 2 seconds' : 'Exited (0) 2 seconds ago',
    HostConfig: { NetworkMode: 'bridge', Annotations: { a: 'b' } },
    NetworkSettings: { Networks: {} },
    Mounts: [],
  };
}

export const network: NetworkInspect = {
  Name: 'bridge',
  Id: 'cd'.repeat(32),
  Created: STARTED,
  Scope: 'local',
  Driver: 'bridge',
  EnableIPv4: true,
  EnableIPv6: false,
  IPAM: { Driver: 'default', Options: null, Config: [{ Subnet: '172.17.0.0/16', Gateway: '172.17.0.1' }] },
  Internal: false,
  Attachable: false,
  Ingress: false,
  ConfigFrom: { Network: '' },
  ConfigOnly: false,
  Containers: {
    x: { Name: 'web', EndpointID: 'e', MacAddress: 'm', IPv4Address: '172.17.0.2/16', IPv6Address: '' },
  },
  Options: {},
  Labels: {},
};

export function imageInspect(name: string): ImageInspect {
  return {
    Id: IMAGE_ID,
    RepoTags: [name],
    RepoDigests: [],
    Parent: '',
    Comment: '',
    Created: STARTED,
    DockerVersion: '',
    Author: '',
    Architecture: 'amd64',
    Os: 'linux',
    Size: 1234,
    GraphDriver: { Name: 'overlayfs', Data: null },
    RootFS: { Type: 'layers', Layers: [] },
    Metadata: { LastTagTime: NEVER },
    Config: {} as ImageInspect['Config'],
  };
}

export const sample = (read: string): ContainerStats => ({
  read,
  preread: NEVER,
  pids_stats: { current: 3 },
  blkio_stats: {},
  num_procs: 0,
  storage_stats: {},
  cpu_stats: {
    cpu_usage: { total_usage: 2e6, usage_in_kernelmode: 0, usage_in_usermode: 0 },
    system_cpu_usage: 2e9,
    online_cpus: 2,
    throttling_data: { periods: 0, throttled_periods: 0, throttled_time: 0 },
  },
  precpu_stats: {
    cpu_usage: { total_usage: 1e6, usage_in_kernelmode: 0, usage_in_usermode: 0 },
    system_cpu_usage: 1e9,
    throttling_data: { periods: 0, throttled_periods: 0, throttled_time: 0 },
  },
  memory_stats: { usage: 1024 * 1024, limit: 64 * 1024 * 1024, stats: {} },
  name: '/web',
  id: 'id',
});

export async function drain(stream: Readable): Promise<number> {
  let bytes = 0;
  for await (const chunk of stream) bytes += (chunk as Buffer).length;
  return bytes;
}

export const STAT: PathStat = { name: 'hosts', size: 5, mode: 0o644, mtime: STARTED, linkTarget: '' };

export const EVENT: EventMessage = {
  Type: 'container',
  Action: 'start',
  Actor: { ID: '01'.repeat(32), Attributes: { image: 'web', name: 'web' } },
  scope: 'local',
  time: 1_795_000_000,
  timeNano: 1_795_000_000_123_456_789n,
};

const image = (Id: string, RepoTags: string[], Size: number, Containers: number): ImageSummary => ({
  Id,
  ParentId: '',
  RepoTags,
  RepoDigests: [],
  Created: 1_795_000_000,
  Size,
  SharedSize: -1,
  Containers,
  Labels: null,
});

export const images: ImageSummary[] = [
  image(IMAGE_ID, ['web:latest'], 1234, 2),
  image(IMAGE_ID.replaceAll('ab', 'cd'), [], 99, 0),
];

export const version: VersionInfo = {
  Platform: { Name: 'Bridgeport' },
  Components: [{ Name: 'Engine', Version: '0.1.0', Details: { ApiVersion: '1.51' } }],
  Version: '0.1.0',
  ApiVersion: '1.51',
  MinAPIVersion: '1.24',
  GitCommit: '',
  GoVersion: '',
  Os: 'linux',
  Arch: 'amd64',
  KernelVersion: '6',
  BuildTime: '',
};
