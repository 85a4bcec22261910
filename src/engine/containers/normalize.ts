/**
 * From what a client sends to what the store keeps: every field filled with Docker's default, the image's configuration merged in, and
 * everything checked that can be checked without touching anything.
 */

import { hostname } from 'node:os';
import { posix } from 'node:path';
import { invalid } from '../../base/errors.ts';
import { foldPortSet } from '../../base/port-runs.ts';
import type {
  ContainerConfig,
  ContainerCreateBody,
  HealthConfig,
  HostConfig,
  PortMap,
  Resources,
  Ulimit,
} from '../../base/wire/index.ts';
import { DEFAULT_SHM_SIZE, MASKED_PATHS, READONLY_PATHS } from '../spec/defaults.ts';
import { checkConfig, checkHostConfig } from './check-config.ts';

/** As Go's `filepath.Clean()`, but for the empty path. */
function cleanPath(path: string): string {
  return path === '' ? '' : posix.normalize(path).replace(/(.)\/$/, '$1');
}

/** The parts of an image's configuration that a container takes over. */
export interface ImageDefaults {
  User?: string | undefined;
  Env?: string[] | null | undefined;
  Cmd?: string[] | null | undefined;
  Entrypoint?: string[] | null | undefined;
  WorkingDir?: string | undefined;
  ExposedPorts?: Record<string, unknown> | null | undefined;
  Volumes?: Record<string, unknown> | null | undefined;
  Labels?: Record<string, string> | null | undefined;
  StopSignal?: string | undefined;
  Healthcheck?: HealthConfig | null | undefined;
  Shell?: string[] | null | undefined;
}

export interface DaemonDefaults {
  /** False: `--bridge none`; who names no network has none. */
  hasDefaultBridge: boolean;
  logDriver: string;
  logOptions: Record<string, string>;
  dns: string[];
  dnsOptions: string[];
  dnsSearch: string[];
  shmSize: number;
  init: boolean;
  /** `private`, `shareable`, `host` */
  ipcMode: string;
  /** `host`, `private`; empty: by the cgroup version */
  cgroupnsMode: string;
  ulimits: Ulimit[];
  noNewPrivileges: boolean;
  /** JSON text of `--seccomp-profile`, `unconfined`, or empty for the built-in one. */
  seccompProfile: string;
}

export function normalizeConfig(
  body: ContainerCreateBody,
  image: ImageDefaults,
  id: string,
): ContainerConfig {
  const entrypoint = body.Entrypoint ?? null;
  const ownEntrypoint = entrypoint !== null && entrypoint.length > 0;
  // An entrypoint of one empty string takes the image's away; any own entrypoint drops the image's command.
  const clearsEntrypoint = entrypoint !== null && entrypoint.length === 1 && entrypoint[0] === '';
  const ownCmd = body.Cmd ?? null;
  const cmd = ownCmd !== null && ownCmd.length > 0 ? ownCmd : ownEntrypoint ? null : (image.Cmd ?? null);
  const config: ContainerConfig = {
    Hostname: body.Hostname ?? '',
    Domainname: body.Domainname ?? '',
    User: body.User || image.User || '',
    AttachStdin: body.AttachStdin ?? false,
    AttachStdout: body.AttachStdout ?? false,
    AttachStderr: body.AttachStderr ?? false,
    Tty: body.Tty ?? false,
    OpenStdin: body.OpenStdin ?? false,
    StdinOnce: body.StdinOnce ?? false,
    Env: mergeEnv(image.Env ?? [], body.Env ?? []),
    Cmd: cmd,
    Image: body.Image ?? '',
    Volumes: mergeKeys(image.Volumes, body.Volumes),
    WorkingDir: cleanPath(body.WorkingDir || image.WorkingDir || ''),
    // An empty list is an answer, null is none.
    Entrypoint: clearsEntrypoint ? null : (entrypoint ?? image.Entrypoint ?? null),
    OnBuild: null,
    Labels: { ...image.Labels, ...body.Labels },
  };
  const exposed = [image.ExposedPorts, body.ExposedPorts, body.HostConfig?.PortBindings];
  const ports = foldPortSet(exposed.flatMap((set) => Object.keys(set ?? {})));
  if (Object.keys(ports).length > 0) config.ExposedPorts = ports;
  const health = mergeHealth(image.Healthcheck ?? undefined, body.Healthcheck ?? undefined);
  if (health !== undefined) config.Healthcheck = health;
  const stopSignal = body.StopSignal || image.StopSignal;
  if (stopSignal) config.StopSignal = stopSignal;
  if (body.StopTimeout !== undefined && body.StopTimeout !== null) config.StopTimeout = body.StopTimeout;
  if (body.MacAddress) config.MacAddress = body.MacAddress;
  if (body.NetworkDisabled) config.NetworkDisabled = true;
  if (image.Shell) config.Shell = image.Shell;
  checkConfig(config);
  const mode = body.HostConfig?.NetworkMode ?? '';
  if (config.Hostname === '' && !mode.startsWith('container:')) {
    config.Hostname = mode === 'host' ? hostname() : id.slice(0, 12);
  }
  if ((config.Entrypoint ?? []).length + (config.Cmd ?? []).length === 0)
    throw invalid('no command specified');
  return config;
}

export function normalizeHostConfig(
  given: Partial<HostConfig> | undefined,
  defaults: DaemonDefaults,
): HostConfig {
  const body = given ?? {};
  const logType = body.LogConfig?.Type || defaults.logDriver;
  const hostConfig: HostConfig = {
    ...normalizeResources({ ...body, Ulimits: mergeUlimits(body.Ulimits ?? [], defaults.ulimits) }),
    Binds: body.Binds ?? null,
    ContainerIDFile: body.ContainerIDFile ?? '',
    LogConfig: {
      Type: logType,
      Config:
        logType === defaults.logDriver
          ? { ...defaults.logOptions, ...body.LogConfig?.Config }
          : { ...body.LogConfig?.Config },
    },
    NetworkMode: networkMode(body.NetworkMode ?? '', defaults),
    PortBindings: withoutNulls(body.PortBindings ?? {}),
    RestartPolicy: {
      Name: body.RestartPolicy?.Name || 'no',
      MaximumRetryCount: body.RestartPolicy?.MaximumRetryCount ?? 0,
    },
    AutoRemove: body.AutoRemove ?? false,
    VolumeDriver: body.VolumeDriver ?? '',
    VolumesFrom: body.VolumesFrom ?? null,
    ConsoleSize: body.ConsoleSize ?? [0, 0],
    CapAdd: body.CapAdd ?? null,
    CapDrop: body.CapDrop ?? null,
    CgroupnsMode: body.CgroupnsMode || defaults.cgroupnsMode,
    Dns: body.Dns ?? [],
    DnsOptions: body.DnsOptions ?? [],
    DnsSearch: body.DnsSearch ?? [],
    ExtraHosts: body.ExtraHosts ?? null,
    GroupAdd: body.GroupAdd ?? null,
    IpcMode: body.IpcMode || defaults.ipcMode,
    Cgroup: body.Cgroup ?? '',
    Links: body.Links ?? null,
    OomScoreAdj: body.OomScoreAdj ?? 0,
    PidMode: body.PidMode ?? '',
    Privileged: body.Privileged ?? false,
    PublishAllPorts: body.PublishAllPorts ?? false,
    ReadonlyRootfs: body.ReadonlyRootfs ?? false,
    SecurityOpt: securityOptions(body.SecurityOpt ?? null, defaults),
    UTSMode: body.UTSMode ?? '',
    UsernsMode: body.UsernsMode ?? '',
    ShmSize: body.ShmSize || defaults.shmSize || DEFAULT_SHM_SIZE,
    Runtime: body.Runtime || 'runc',
    Isolation: body.Isolation ?? '',
    MaskedPaths: body.Privileged ? null : (body.MaskedPaths ?? [...MASKED_PATHS]),
    ReadonlyPaths: body.Privileged ? null : (body.ReadonlyPaths ?? [...READONLY_PATHS]),
  };
  if (body.Mounts) hostConfig.Mounts = body.Mounts;
  if (body.Tmpfs) hostConfig.Tmpfs = body.Tmpfs;
  if (body.Sysctls) hostConfig.Sysctls = body.Sysctls;
  if (body.Annotations) hostConfig.Annotations = body.Annotations;
  if (body.StorageOpt) hostConfig.StorageOpt = body.StorageOpt;
  hostConfig.Init = body.Init ?? (defaults.init ? true : null);
  checkHostConfig(hostConfig);
  return hostConfig;
}

export function normalizeResources(body: Partial<Resources>): Resources {
  return {
    CpuShares: body.CpuShares ?? 0,
    Memory: body.Memory ?? 0,
    NanoCpus: body.NanoCpus ?? 0,
    CgroupParent: body.CgroupParent ?? '',
    BlkioWeight: body.BlkioWeight ?? 0,
    BlkioWeightDevice: body.BlkioWeightDevice ?? null,
    BlkioDeviceReadBps: body.BlkioDeviceReadBps ?? null,
    BlkioDeviceWriteBps: body.BlkioDeviceWriteBps ?? null,
    BlkioDeviceReadIOps: body.BlkioDeviceReadIOps ?? null,
    BlkioDeviceWriteIOps: body.BlkioDeviceWriteIOps ?? null,
    CpuPeriod: body.CpuPeriod ?? 0,
    CpuQuota: body.CpuQuota ?? 0,
    CpuRealtimePeriod: body.CpuRealtimePeriod ?? 0,
    CpuRealtimeRuntime: body.CpuRealtimeRuntime ?? 0,
    CpusetCpus: body.CpusetCpus ?? '',
    CpusetMems: body.CpusetMems ?? '',
    Devices: body.Devices ?? null,
    DeviceCgroupRules: body.DeviceCgroupRules ?? null,
    DeviceRequests: body.DeviceRequests ?? null,
    MemoryReservation: body.MemoryReservation ?? 0,
    // Docker's default: as much swap again.
    MemorySwap: body.MemorySwap || Math.max(0, body.Memory ?? 0) * 2,
    // The client says -1 for "as it is".
    MemorySwappiness: body.MemorySwappiness === -1 ? null : (body.MemorySwappiness ?? null),
    OomKillDisable: body.OomKillDisable ?? false,
    PidsLimit: body.PidsLimit ?? null,
    Ulimits: body.Ulimits ?? null,
  };
}

/** The daemon's limits, where the container does not set its own of the same name. */
function mergeUlimits(own: readonly Ulimit[], defaults: readonly Ulimit[]): Ulimit[] | null {
  const names = new Set(own.map((limit) => limit.Name));
  const merged = [...own, ...defaults.filter((limit) => !names.has(limit.Name))];
  return merged.length === 0 ? null : merged;
}

/** The daemon's options stand behind the container's: what the container says of the same thing counts. */
function securityOptions(own: readonly string[] | null, defaults: DaemonDefaults): string[] | null {
  const says = (name: string) => (own ?? []).some((option) => option.split(/[=:]/, 1)[0] === name);
  const options = [...(own ?? [])];
  if (defaults.noNewPrivileges && !says('no-new-privileges')) options.push('no-new-privileges');
  if (defaults.seccompProfile !== '' && !says('seccomp')) options.push(`seccomp=${defaults.seccompProfile}`);
  return options.length === 0 ? own && [] : options;
}

/** A port that is listed without host sides is one of none. */
export function withoutNulls(bindings: PortMap): PortMap {
  return Object.fromEntries(Object.entries(bindings).map(([port, hosts]) => [port, hosts ?? []]));
}

/** The user's variables first, then those of the image that the user did not set, as Docker keeps them. */
export function mergeEnv(image: string[], own: string[]): string[] {
  const nameOf = (variable: string) => variable.split('=', 1)[0] as string;
  const ownNames = new Set(own.map(nameOf));
  return [...own, ...image.filter((variable) => !ownNames.has(nameOf(variable)))];
}

/** Clients say `bridge`, `default` or nothing for the network that containers join when they name none. */
function networkMode(wanted: string, { hasDefaultBridge }: DaemonDefaults): string {
  if (!['', 'default', 'bridge'].includes(wanted)) return wanted;
  return hasDefaultBridge ? 'bridge' : 'none';
}

function mergeKeys(
  image: Record<string, unknown> | null | undefined,
  own: Record<string, unknown> | null | undefined,
): Record<string, Record<string, never>> {
  return Object.fromEntries([...Object.keys(image ?? {}), ...Object.keys(own ?? {})].map((key) => [key, {}]));
}

function mergeHealth(
  image: HealthConfig | undefined,
  own: HealthConfig | undefined,
): HealthConfig | undefined {
  if (own === undefined) return image;
  if (image === undefined) return own;
  return {
    Test: own.Test !== undefined && own.Test.length > 0 ? own.Test : (image.Test ?? []),
    Interval: own.Interval || (image.Interval ?? 0),
    Timeout: own.Timeout || (image.Timeout ?? 0),
    StartPeriod: own.StartPeriod || (image.StartPeriod ?? 0),
    StartInterval: own.StartInterval || (image.StartInterval ?? 0),
    Retries: own.Retries || (image.Retries ?? 0),
  };
}
