import type { containerFlags } from './container-flags.ts';
import { parseDevice } from './devices.ts';
import { type Environment, keyValueFile, keyValueMap } from './env.ts';
import type { Values } from './flag.ts';
import { healthConfig } from './health.ts';
import { capabilities, parseRestartPolicy } from './limits.ts';
import { type EndpointSettings, endpointsConfig, isMacAddress } from './network.ts';
import { publishedPorts } from './ports.ts';
import { securityOptions } from './security.ts';
import { tmpfsMounts, volumes } from './volumes.ts';

/** The values of the flags of `run` and `create`. */
export type ContainerValues = Values<ReturnType<typeof containerFlags>>;

/** The body of `POST /containers/create`. */
export interface CreateBody extends Record<string, unknown> {
  Image: string;
  Tty: boolean;
  OpenStdin: boolean;
  StdinOnce: boolean;
  AttachStdin: boolean;
  AttachStdout: boolean;
  AttachStderr: boolean;
  HostConfig: Record<string, unknown> & { Dns: string[]; AutoRemove: boolean; ContainerIDFile: string };
  NetworkingConfig: { EndpointsConfig: Record<string, EndpointSettings> };
}

/** The body as a daemon of API version `version` understands it: settings that moved or went are left out. */
export function bodyForVersion(body: CreateBody, olderThan: (version: string) => boolean): CreateBody {
  const result: CreateBody = { ...body, HostConfig: { ...body.HostConfig } };
  // From 1.44 on the address belongs to the endpoint; from 1.42 on nothing limits kernel memory by itself.
  if (!olderThan('1.44')) delete result.MacAddress;
  if (!olderThan('1.42')) delete result.HostConfig.KernelMemory;
  return result;
}

/** What flags alone do not say. */
export interface CreateInput {
  image: string;
  command: readonly string[];
  values: ContainerValues;
  /** Flags that were given: some mean something else when absent than at their default. */
  given: ReadonlySet<string>;
  env: Environment;
  cwd: string;
}

/**
 * The create request for a `run` or `create` command line.
 *
 * Throws an `Error` in the words of the `docker` command line when flags are wrong or contradict each other.
 */
export function createBody(input: CreateInput): CreateBody {
  const { image, command, values: v, given, env } = input;
  if (v['mac-address'] && !isMacAddress(v['mac-address'])) {
    throw new Error(`${v['mac-address']} is not a valid mac address`);
  }
  const attachAll = v.attach.length === 0;
  const attachStdin = v.interactive || v.attach.includes('stdin');
  const mounted = volumes(v.volume, input.cwd);
  const ports = publishedPorts(v.publish, v.expose);
  const fileEnv = v['env-file'].flatMap((path) => keyValueFile(path, env));
  const fileLabels = v['label-file'].flatMap((path) => keyValueFile(path));
  const endpoints = endpointsConfig(v.network, {
    aliases: v['network-alias'],
    links: v.link,
    ip: v.ip,
    ip6: v.ip6,
    mac: v['mac-address'],
    linkLocalIps: v['link-local-ip'],
  });
  const networkMode = v.network[0]?.target ?? 'default';
  const entrypoint = v.entrypoint !== '' || given.has('entrypoint') ? [v.entrypoint] : null;

  return {
    Hostname: v.hostname,
    Domainname: v.domainname,
    User: v.user,
    AttachStdin: attachStdin,
    AttachStdout: attachAll || v.attach.includes('stdout'),
    AttachStderr: attachAll || v.attach.includes('stderr'),
    ExposedPorts: ports.exposed,
    Tty: v.tty,
    OpenStdin: v.interactive,
    // Whoever opened stdin is the one whose leaving closes it.
    StdinOnce: v.interactive && attachStdin,
    Env: orNull([...fileEnv, ...v.env]),
    Cmd: command.length > 0 ? command : null,
    Healthcheck: health(v),
    Image: image,
    Volumes: mounted.anonymous,
    WorkingDir: v.workdir,
    Entrypoint: entrypoint,
    MacAddress: endpoints[networkMode]?.MacAddress ?? (v['mac-address'] || undefined),
    Labels: keyValueMap([...fileLabels, ...v.label]),
    StopSignal: v['stop-signal'] || undefined,
    StopTimeout: given.has('stop-timeout') ? v['stop-timeout'] : undefined,
    HostConfig: hostConfig(input, mounted.binds, ports.bindings, networkMode),
    NetworkingConfig: { EndpointsConfig: endpoints },
  };
}

function hostConfig(
  { values: v, given }: CreateInput,
  binds: string[],
  portBindings: unknown,
  networkMode: string,
): CreateBody['HostConfig'] {
  const restart = parseRestartPolicy(v.restart);
  if (v.rm && restart.Name !== '' && restart.Name !== 'no') {
    throw new Error('conflicting options: cannot specify both --restart and --rm');
  }
  if (v['log-driver'] === 'none' && v['log-opt'].length > 0) {
    throw new Error(`invalid logging opts for driver ${v['log-driver']}`);
  }
  checkMode('--pid: invalid PID mode', v.pid, ['host']);
  checkMode('--uts: invalid UTS mode', v.uts, ['host'], false);
  checkMode('--userns: invalid USER mode', v.userns, ['host'], false);
  checkMode('--cgroupns: invalid CGROUP mode', v.cgroupns, ['host', 'private'], false);
  const security = securityOptions(v['security-opt']);
  return {
    ...resources(v),
    Binds: binds.length > 0 ? binds : null,
    ContainerIDFile: v.cidfile,
    LogConfig: { Type: v['log-driver'], Config: keyValueMap(v['log-opt']) },
    NetworkMode: networkMode,
    PortBindings: portBindings,
    RestartPolicy: restart,
    AutoRemove: v.rm,
    VolumeDriver: v['volume-driver'],
    VolumesFrom: orNull(v['volumes-from']),
    Annotations: Object.keys(v.annotation).length > 0 ? v.annotation : undefined,
    CapAdd: orNull(capabilities(v['cap-add'])),
    CapDrop: orNull(capabilities(v['cap-drop'])),
    CgroupnsMode: v.cgroupns,
    Dns: [...v.dns],
    DnsOptions: v['dns-option'],
    DnsSearch: v['dns-search'],
    ExtraHosts: orNull(v['add-host']),
    GroupAdd: orNull(v['group-add']),
    IpcMode: v.ipc,
    Links: orNull(v.link),
    PidMode: v.pid,
    Privileged: v.privileged,
    PublishAllPorts: v['publish-all'],
    ReadonlyRootfs: v['read-only'],
    SecurityOpt: orNull(security.securityOpt),
    StorageOpt: v['storage-opt'].length > 0 ? storageOptions(v['storage-opt']) : undefined,
    Tmpfs: v.tmpfs.length > 0 ? tmpfsMounts(v.tmpfs) : undefined,
    UTSMode: v.uts,
    UsernsMode: v.userns,
    ShmSize: v['shm-size'],
    Sysctls: Object.keys(v.sysctl).length > 0 ? v.sysctl : undefined,
    Runtime: v.runtime || undefined,
    Mounts: v.mount.length > 0 ? v.mount : undefined,
    // An empty list means "none"; leaving them out means the daemon's own.
    MaskedPaths: security.unconfinedPaths ? [] : null,
    ReadonlyPaths: security.unconfinedPaths ? [] : null,
    Init: given.has('init') ? v.init : undefined,
  };
}

function resources(v: ContainerValues): Record<string, unknown> {
  const swappiness = v['memory-swappiness'];
  if (swappiness !== -1 && (swappiness < 0 || swappiness > 100)) {
    throw new Error(`invalid value: ${swappiness}. Valid memory swappiness range is 0-100`);
  }
  return {
    CpuShares: v['cpu-shares'],
    Memory: v.memory,
    NanoCpus: v.cpus,
    CgroupParent: v['cgroup-parent'],
    BlkioWeight: v['blkio-weight'],
    BlkioWeightDevice: v['blkio-weight-device'],
    BlkioDeviceReadBps: v['device-read-bps'],
    BlkioDeviceWriteBps: v['device-write-bps'],
    BlkioDeviceReadIOps: v['device-read-iops'],
    BlkioDeviceWriteIOps: v['device-write-iops'],
    CpuPeriod: v['cpu-period'],
    CpuQuota: v['cpu-quota'],
    CpuRealtimePeriod: v['cpu-rt-period'],
    CpuRealtimeRuntime: v['cpu-rt-runtime'],
    CpusetCpus: v['cpuset-cpus'],
    CpusetMems: v['cpuset-mems'],
    Devices: v.device.map(parseDevice),
    DeviceCgroupRules: orNull(v['device-cgroup-rule']),
    KernelMemory: v['kernel-memory'] || undefined,
    MemoryReservation: v['memory-reservation'],
    MemorySwap: v['memory-swap'],
    MemorySwappiness: swappiness,
    OomKillDisable: v['oom-kill-disable'],
    OomScoreAdj: v['oom-score-adj'],
    PidsLimit: v['pids-limit'],
    Ulimits: [...v.ulimit].sort((a, b) => (a.Name < b.Name ? -1 : 1)),
  };
}

function health(v: ContainerValues) {
  return healthConfig({
    command: v['health-cmd'],
    interval: v['health-interval'],
    timeout: v['health-timeout'],
    retries: v['health-retries'],
    startPeriod: v['health-start-period'],
    startInterval: v['health-start-interval'],
    disabled: v['no-healthcheck'],
  });
}

function storageOptions(values: readonly string[]): Record<string, string> {
  if (values.some((value) => !value.includes('='))) throw new Error('invalid storage option');
  return keyValueMap(values);
}

/** Throws `message` unless `mode` is empty, one of `known`, or (when allowed) `container:NAME`. */
function checkMode(message: string, mode: string, known: string[], container = true): void {
  const shared = container && /^container:.+/.test(mode);
  if (mode !== '' && !known.includes(mode) && !shared) throw new Error(message);
}

const orNull = <T>(values: readonly T[]) => (values.length > 0 ? values : null);
