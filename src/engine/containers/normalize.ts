/**
 * From what a client sends to what the store keeps: every field filled with Docker's default, the image's configuration merged in, and
 * everything checked that can be checked without touching anything.
 */

import { isIPv4, isIPv6 } from 'node:net';
import { invalid } from '../../base/errors.ts';
import { parseSignal } from '../../base/signals.ts';
import type {
  ContainerConfig,
  ContainerCreateBody,
  HealthConfig,
  HostConfig,
  PortMap,
  Resources,
  Ulimit,
} from '../../base/wire/index.ts';
import { DEFAULT_PATH, DEFAULT_SHM_SIZE, MASKED_PATHS, READONLY_PATHS } from '../spec/defaults.ts';

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

/** Memory limits below this cannot even start a process; Docker's own minimum. Bytes. */
const MINIMUM_MEMORY = 6 * 1024 * 1024;

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
    WorkingDir: body.WorkingDir || image.WorkingDir || '',
    Entrypoint: clearsEntrypoint ? null : ownEntrypoint ? entrypoint : (image.Entrypoint ?? null),
    OnBuild: null,
    Labels: { ...image.Labels, ...body.Labels },
  };
  const exposed = mergeKeys(image.ExposedPorts, body.ExposedPorts);
  for (const port of Object.keys(body.HostConfig?.PortBindings ?? {})) exposed[normalizePort(port)] = {};
  const ports = Object.fromEntries(Object.keys(exposed).map((port) => [normalizePort(port), {}]));
  if (Object.keys(ports).length > 0) config.ExposedPorts = ports as Record<string, Record<string, never>>;
  const health = mergeHealth(image.Healthcheck ?? undefined, body.Healthcheck ?? undefined);
  if (health !== undefined) config.Healthcheck = health;
  const stopSignal = body.StopSignal || image.StopSignal;
  if (stopSignal) config.StopSignal = stopSignal;
  if (body.StopTimeout !== undefined && body.StopTimeout !== null) config.StopTimeout = body.StopTimeout;
  if (body.MacAddress) config.MacAddress = body.MacAddress;
  if (body.NetworkDisabled) config.NetworkDisabled = true;
  if (image.Shell) config.Shell = image.Shell;
  const mode = body.HostConfig?.NetworkMode ?? '';
  if (config.Hostname === '' && !mode.startsWith('container:') && mode !== 'host') {
    config.Hostname = id.slice(0, 12);
  }
  if ((config.Entrypoint ?? []).length + (config.Cmd ?? []).length === 0)
    throw invalid('no command specified');
  checkConfig(config);
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
    NetworkMode: body.NetworkMode && body.NetworkMode !== 'default' ? body.NetworkMode : 'bridge',
    PortBindings: normalizeBindings(body.PortBindings ?? {}),
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
    MemorySwap: body.MemorySwap ?? 0,
    MemorySwappiness: body.MemorySwappiness ?? null,
    OomKillDisable: body.OomKillDisable ?? null,
    PidsLimit: body.PidsLimit ?? null,
    Ulimits: body.Ulimits ?? null,
  };
}

/** Throws `invalid` for limits that contradict each other, in Docker's words. */
export function checkResources(limits: Resources, cpus: number): void {
  if (limits.Memory !== 0 && limits.Memory < MINIMUM_MEMORY) {
    throw invalid('Minimum memory limit allowed is 6MB');
  }
  if (limits.Memory > 0 && limits.MemorySwap > 0 && limits.MemorySwap < limits.Memory) {
    throw invalid('Minimum memoryswap limit should be larger than memory limit, see usage');
  }
  if (limits.Memory === 0 && limits.MemorySwap > 0) {
    throw invalid('You should always set the Memory limit when using Memoryswap limit, see usage');
  }
  if (limits.MemoryReservation > 0 && limits.MemoryReservation < MINIMUM_MEMORY) {
    throw invalid('Minimum memory reservation allowed is 6MB');
  }
  if (limits.Memory > 0 && limits.MemoryReservation > limits.Memory) {
    throw invalid('Minimum memory limit can not be less than memory reservation limit, see usage');
  }
  const swappiness = limits.MemorySwappiness;
  if (swappiness !== null && swappiness !== -1 && (swappiness < 0 || swappiness > 100)) {
    throw invalid(`Invalid value: ${swappiness}, valid memory swappiness range is 0-100`);
  }
  if (limits.NanoCpus > 0 && limits.CpuPeriod > 0) {
    throw invalid('Conflicting options: Nano CPUs and CPU Period cannot both be set');
  }
  if (limits.NanoCpus > 0 && limits.CpuQuota > 0) {
    throw invalid('Conflicting options: Nano CPUs and CPU Quota cannot both be set');
  }
  if (limits.NanoCpus < 0 || limits.NanoCpus > cpus * 1e9) {
    throw invalid(
      `Range of CPUs is from 0.01 to ${cpus.toFixed(2)}, as there are only ${cpus} CPUs available`,
    );
  }
  if (limits.CpuPeriod > 0 && (limits.CpuPeriod < 1000 || limits.CpuPeriod > 1_000_000)) {
    throw invalid('CPU cfs period can not be less than 1ms (i.e. 1000) or larger than 1s (i.e. 1000000)');
  }
  if (limits.CpuQuota > 0 && limits.CpuQuota < 1000) {
    throw invalid('CPU cfs quota can not be less than 1ms (i.e. 1000)');
  }
  checkCpuList(limits.CpusetCpus, 'CPUs', cpus);
  checkCpuList(limits.CpusetMems, 'memory nodes', undefined);
  if (limits.BlkioWeight !== 0 && (limits.BlkioWeight < 10 || limits.BlkioWeight > 1000)) {
    throw invalid('Range of blkio weight is from 10 to 1000');
  }
}

function checkCpuList(text: string, what: string, count: number | undefined): void {
  if (text === '') return;
  const field = what === 'CPUs' ? 'cpuset-cpus' : 'cpuset-mems';
  for (const part of text.split(',')) {
    const match = /^(\d+)(?:-(\d+))?$/.exec(part);
    if (match === null) throw invalid(`Invalid value ${text} for ${field}`);
    const last = Number(match[2] ?? match[1]);
    if (count !== undefined && last >= count) {
      throw invalid(`Requested ${what} are not available - requested ${text}, available: 0-${count - 1}`);
    }
  }
}

function checkConfig(config: ContainerConfig): void {
  if (
    config.Hostname.length > 63 ||
    (config.Hostname !== '' && !/^[a-zA-Z0-9]([a-zA-Z0-9.-]*[a-zA-Z0-9])?$/.test(config.Hostname))
  ) {
    throw invalid(`invalid hostname format: ${config.Hostname}`);
  }
  for (const variable of config.Env) {
    if (variable.startsWith('=') || variable === '')
      throw invalid(`invalid environment variable: ${variable}`);
    if (variable.includes('\0')) throw invalid(`invalid environment variable: ${JSON.stringify(variable)}`);
  }
  if (config.WorkingDir !== '' && !config.WorkingDir.startsWith('/')) {
    throw invalid(`the working directory '${config.WorkingDir}' is invalid, it needs to be an absolute path`);
  }
  if (config.StopSignal !== undefined) parseSignal(config.StopSignal);
  const health = config.Healthcheck;
  if (health !== undefined) {
    for (const field of ['Interval', 'Timeout', 'StartPeriod', 'StartInterval'] as const) {
      const value = health[field] ?? 0;
      if (value !== 0 && value < 1_000_000) throw invalid(`${field} in Healthcheck cannot be less than 1ms`);
    }
    if ((health.Retries ?? 0) < 0) throw invalid('Retries in Healthcheck cannot be negative');
  }
}

function checkHostConfig(hostConfig: HostConfig): void {
  const { RestartPolicy: policy, AutoRemove: autoRemove } = hostConfig;
  if (!['no', 'always', 'unless-stopped', 'on-failure'].includes(policy.Name)) {
    throw invalid(
      `invalid restart policy: unknown policy '${policy.Name}'; use one of 'no', 'always', 'on-failure', or 'unless-stopped'`,
    );
  }
  if (policy.MaximumRetryCount < 0)
    throw invalid('invalid restart policy: maximum retry count cannot be negative');
  if (policy.MaximumRetryCount > 0 && policy.Name !== 'on-failure') {
    throw invalid("invalid restart policy: maximum retry count can only be used with 'on-failure'");
  }
  if (autoRemove && policy.Name !== 'no')
    throw invalid("can't create 'AutoRemove' container with restart policy");
  for (const address of hostConfig.Dns) {
    if (!isIPv4(address) && !isIPv6(address)) throw invalid(`invalid DNS server address "${address}"`);
  }
  for (const entry of hostConfig.ExtraHosts ?? []) {
    const separator = entry.indexOf(':');
    const address = entry.slice(separator + 1).replace(/^\[(.*)\]$/, '$1');
    if (separator <= 0 || (address !== 'host-gateway' && !isIPv4(address) && !isIPv6(address))) {
      throw invalid(`invalid IP address in add-host: "${entry}"`);
    }
  }
  if (hostConfig.Runtime !== 'runc' && hostConfig.Runtime !== 'io.containerd.runc.v2') {
    throw invalid(`unknown or invalid runtime name: ${hostConfig.Runtime}`);
  }
  if (!['json-file', 'local', 'none'].includes(hostConfig.LogConfig.Type)) {
    throw invalid(`logger: no log driver named '${hostConfig.LogConfig.Type}' is registered`);
  }
  for (const limit of hostConfig.Ulimits ?? []) {
    if (limit.Hard !== -1 && (limit.Soft === -1 || limit.Soft > limit.Hard)) {
      throw invalid(
        `ulimit soft limit must be less than or equal to hard limit: ${limit.Soft} > ${limit.Hard}`,
      );
    }
  }
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

/** `80` is `80/tcp`; the protocol in small letters. Throws `invalid` naming the port. */
export function normalizePort(text: string): string {
  const match = /^(\d{1,5})(?:\/([a-zA-Z]+))?$/.exec(text);
  const number = Number(match?.[1]);
  const proto = (match?.[2] ?? 'tcp').toLowerCase();
  if (match === null || number < 1 || number > 65_535) throw invalid(`invalid port specification: "${text}"`);
  if (!['tcp', 'udp', 'sctp'].includes(proto))
    throw invalid(`invalid port specification: unknown protocol in "${text}"`);
  return `${number}/${proto}`;
}

function normalizeBindings(bindings: PortMap): PortMap {
  const result: PortMap = {};
  for (const [port, hosts] of Object.entries(bindings)) {
    result[normalizePort(port)] = (hosts ?? []).map((host) => ({
      HostIp: host.HostIp ?? '',
      HostPort: host.HostPort ?? '',
    }));
  }
  return result;
}

/** The user's variables replace the image's of the same name; PATH is there when nobody sets it. */
export function mergeEnv(image: string[], own: string[]): string[] {
  const nameOf = (variable: string) => variable.split('=', 1)[0] as string;
  const ownNames = new Set(own.map(nameOf));
  const merged = [...own, ...image.filter((variable) => !ownNames.has(nameOf(variable)))];
  return merged.some((variable) => nameOf(variable) === 'PATH')
    ? merged
    : [...merged, `PATH=${DEFAULT_PATH}`];
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
