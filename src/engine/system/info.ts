/** `docker version` and `docker info`. */

import { readFileSync } from 'node:fs';
import { arch, cpus, hostname, release, totalmem } from 'node:os';
import type { ContainerStatus, SystemInfo, VersionInfo } from '../../base/wire/index.ts';
import { hostWarnings } from './warnings.ts';

export const API_VERSION = '1.51';
export const MIN_API_VERSION = '1.24';

/** What the daemon knows of itself. */
export interface SystemFacts {
  version: string;
  gitCommit: string;
  buildTime: string;
  nodeVersion: string;
  containerdVersion: string;
  runcVersion: string;
  id: string;
  dataRoot: string;
  labels: string[];
  debug: boolean;
  liveRestore: boolean;
  iptables: boolean;
  ipForwarding: boolean;
  cgroupVersion: 1 | 2;
  controllers: readonly string[];
  hasSeccomp: boolean;
  snapshotter: string;
  insecureRegistries: string[];
  mirrors: string[];
  hasInit: boolean;
  logDriver: string;
  firewallBackend: string;
  /** Drivers of networks that this kernel can do, as `network create` names them. */
  networkDrivers: readonly string[];
  warnings: string[];
}

/** What changes while the daemon runs. */
export interface Counts {
  statuses: ContainerStatus[];
  images: number;
  /** Absent: as it was at the start. */
  ipForwarding?: boolean | undefined;
  /** Absent: not looked at, and not warned of. */
  bridgeNf?: { v4: boolean; v6: boolean } | undefined;
}

/** As Go names architectures. */
export function goArch(): string {
  return { x64: 'amd64', ia32: '386' }[arch() as string] ?? arch();
}

export function versionInfo(facts: SystemFacts): VersionInfo {
  const details = {
    ApiVersion: API_VERSION,
    Arch: goArch(),
    BuildTime: facts.buildTime,
    Experimental: 'false',
    GitCommit: facts.gitCommit,
    GoVersion: `node ${facts.nodeVersion}`,
    KernelVersion: release(),
    MinAPIVersion: MIN_API_VERSION,
    Os: 'linux',
  };
  return {
    Platform: { Name: 'Bridgeport' },
    Components: [
      { Name: 'Engine', Version: facts.version, Details: details },
      { Name: 'containerd', Version: facts.containerdVersion, Details: {} },
      { Name: 'runc', Version: facts.runcVersion, Details: {} },
    ],
    Version: facts.version,
    ApiVersion: API_VERSION,
    MinAPIVersion: MIN_API_VERSION,
    GitCommit: facts.gitCommit,
    GoVersion: details.GoVersion,
    Os: 'linux',
    Arch: details.Arch,
    KernelVersion: details.KernelVersion,
    BuildTime: facts.buildTime,
  };
}

export function systemInfo(facts: SystemFacts, counts: Counts): SystemInfo {
  const count = (...wanted: ContainerStatus[]) =>
    counts.statuses.filter((status) => wanted.includes(status)).length;
  const running = count('running', 'restarting');
  const paused = count('paused');
  const has = (controller: string) => facts.controllers.includes(controller) || facts.cgroupVersion === 2;
  const { ipForwarding = facts.ipForwarding, bridgeNf } = counts;
  const abilities = {
    memoryLimit: has('memory'),
    swapLimit: has('memory.swap'),
    cpuCfs: has('cpu'),
    cpuShares: has('cpu'),
    cpuset: has('cpuset'),
    pids: has('pids'),
    ipv4Forwarding: ipForwarding,
    bridgeNfIptables: bridgeNf?.v4 ?? true,
    bridgeNfIp6tables: bridgeNf?.v6 ?? true,
  };
  return {
    ID: facts.id,
    Containers: counts.statuses.length,
    ContainersRunning: running,
    ContainersPaused: paused,
    ContainersStopped: counts.statuses.length - running - paused,
    Images: counts.images,
    Driver: facts.snapshotter,
    DriverStatus: [['driver-type', 'io.containerd.snapshotter.v1']],
    Plugins: {
      Volume: ['local'],
      Network: [...facts.networkDrivers],
      Authorization: null,
      Log: ['json-file', 'none'],
    },
    MemoryLimit: abilities.memoryLimit,
    SwapLimit: abilities.swapLimit,
    CpuCfsPeriod: abilities.cpuCfs,
    CpuCfsQuota: abilities.cpuCfs,
    CPUShares: abilities.cpuShares,
    CPUSet: abilities.cpuset,
    PidsLimit: abilities.pids,
    IPv4Forwarding: ipForwarding,
    BridgeNfIptables: abilities.bridgeNfIptables,
    BridgeNfIp6tables: abilities.bridgeNfIp6tables,
    Debug: facts.debug,
    NFd: 0,
    OomKillDisable: facts.cgroupVersion === 1,
    NGoroutines: 0,
    SystemTime: new Date().toISOString(),
    LoggingDriver: facts.logDriver,
    CgroupDriver: 'cgroupfs',
    CgroupVersion: String(facts.cgroupVersion),
    NEventsListener: 0,
    KernelVersion: release(),
    OperatingSystem: operatingSystem().name,
    OSVersion: operatingSystem().version,
    OSType: 'linux',
    Architecture: { x64: 'x86_64', arm64: 'aarch64' }[arch() as string] ?? arch(),
    IndexServerAddress: 'https://index.docker.io/v1/',
    RegistryConfig: {
      AllowNondistributableArtifactsCIDRs: null,
      AllowNondistributableArtifactsHostnames: null,
      InsecureRegistryCIDRs: [
        '127.0.0.0/8',
        '::1/128',
        ...facts.insecureRegistries.filter((r) => r.includes('/')),
      ],
      IndexConfigs: {
        'docker.io': { Name: 'docker.io', Mirrors: facts.mirrors, Secure: true, Official: true },
      },
      Mirrors: facts.mirrors,
    },
    NCPU: cpus().length,
    MemTotal: totalmem(),
    GenericResources: null,
    DockerRootDir: facts.dataRoot,
    HttpProxy: '',
    HttpsProxy: '',
    NoProxy: '',
    Name: hostname(),
    Labels: facts.labels,
    ExperimentalBuild: false,
    ServerVersion: facts.version,
    Runtimes: { runc: { path: 'runc' }, 'io.containerd.runc.v2': { path: 'runc' } },
    DefaultRuntime: 'runc',
    Swarm: {
      NodeID: '',
      NodeAddr: '',
      LocalNodeState: 'inactive',
      ControlAvailable: false,
      Error: '',
      RemoteManagers: null,
    },
    LiveRestoreEnabled: facts.liveRestore,
    Isolation: '',
    InitBinary: facts.hasInit ? 'docker-init' : '',
    ContainerdCommit: { ID: facts.containerdVersion, Expected: facts.containerdVersion },
    RuncCommit: { ID: facts.runcVersion, Expected: facts.runcVersion },
    InitCommit: { ID: '', Expected: '' },
    SecurityOptions: facts.hasSeccomp ? ['name=seccomp,profile=builtin'] : [],
    FirewallBackend: { Driver: facts.firewallBackend },
    CDISpecDirs: [],
    Warnings: [...hostWarnings(abilities), ...facts.warnings],
  };
}

function operatingSystem(): { name: string; version: string } {
  try {
    const text = readFileSync('/etc/os-release', 'utf8');
    const value = (key: string) => new RegExp(`^${key}="?([^"\n]*)"?$`, 'm').exec(text)?.[1] ?? '';
    return { name: value('PRETTY_NAME') || 'Linux', version: value('VERSION_ID') };
  } catch {
    return { name: 'Linux', version: '' };
  }
}
