/** Puts the OCI runtime specification of one container together. Pure but for device look-ups: everything else is handed in. */

import { release } from 'node:os';
import { posix } from 'node:path';
import type { ContainerConfig, HostConfig } from '../../base/wire/index.ts';
import { resolveCapabilities } from './capabilities.ts';
import {
  DEFAULT_SHM_SIZE,
  defaultDeviceRules,
  defaultMounts,
  MASKED_PATHS,
  READONLY_PATHS,
} from './defaults.ts';
import { hostDevices, parseDeviceRule, resolveDevices } from './devices.ts';
import type { OciMount, OciProcess, OciSpec, OciUser } from './oci.ts';
import { ociResources } from './resources.ts';
import { defaultSeccomp } from './seccomp.ts';
import { resolveSeccomp, type SeccompProfile } from './seccomp-profile.ts';
import { tmpfsOptions } from './tmpfs.ts';

export interface SpecInput {
  id: string;
  config: ContainerConfig;
  hostConfig: HostConfig;
  args: string[];
  env: string[];
  user: OciUser;
  /** Path of the namespace that was made for the container, or of the one it shares. */
  netns: string;
  /** Paths of namespaces of other containers; undefined: an own one; `host`: the daemon's. */
  pidNamespace: string | 'host' | undefined;
  ipcNamespace: string | 'host' | undefined;
  utsNamespace: string | 'host' | undefined;
  /** Volumes, binds and the files that Bridgeport writes (`/etc/hosts`…), on top of the default mounts. */
  mounts: OciMount[];
  /** The folder on the host that `/dev/shm` is, when it is not the container's alone. */
  shmSource: string | undefined;
  cgroupsPath: string;
  heldCapabilities: readonly string[];
  cgroupVersion: 1 | 2;
  /** The profile of `--security-opt seccomp=…`; `unconfined`; undefined: the default one. */
  seccomp: SeccompProfile | 'unconfined' | undefined;
  hasSeccomp: boolean;
  hasX32: boolean;
  noNewPrivileges: boolean;
  annotations: Record<string, string>;
  /** Absolute path of the init program on the host, when `--init` is on. */
  initPath: string | undefined;
}

const INIT_INSIDE = '/sbin/docker-init';

/** RLIM_INFINITY (sys/resource.h), 2^64 - 1, which no JavaScript number can hold but JSON text can. */
const UNLIMITED = (JSON as unknown as { rawJSON(text: string): number }).rawJSON('18446744073709551615');

export function buildSpec(input: SpecInput): OciSpec {
  const { config, hostConfig } = input;
  const { Privileged: privileged } = hostConfig;
  const capabilities = resolveCapabilities(
    { privileged, add: hostConfig.CapAdd, drop: hostConfig.CapDrop },
    input.heldCapabilities,
  );
  const resources = ociResources(hostConfig);
  const devices = resolveDevices(hostConfig.Devices ?? []);
  resources.devices = privileged
    ? [{ allow: true, access: 'rwm' }]
    : [
        ...defaultDeviceRules(),
        ...devices.rules,
        ...(hostConfig.DeviceCgroupRules ?? []).map(parseDeviceRule),
      ];

  const seccomp =
    privileged || input.seccomp === 'unconfined' || !input.hasSeccomp
      ? undefined
      : input.seccomp === undefined
        ? defaultSeccomp(capabilities, process.arch, { hasX32: input.hasX32 })
        : resolveSeccomp(input.seccomp, { capabilities, arch: process.arch, kernel: release() });
  const withInit = input.initPath !== undefined;

  return {
    ociVersion: '1.0.2',
    process: {
      terminal: config.Tty,
      ...consoleSize(hostConfig.ConsoleSize),
      user: input.user,
      args: withInit ? [INIT_INSIDE, '--', ...input.args] : input.args,
      env: input.env,
      cwd: config.WorkingDir === '' ? '/' : posix.resolve('/', config.WorkingDir),
      capabilities: capabilitySets(capabilities, input.user.uid),
      ...rlimits(hostConfig),
      noNewPrivileges: input.noNewPrivileges,
      ...(hostConfig.OomScoreAdj === 0 ? {} : { oomScoreAdj: hostConfig.OomScoreAdj }),
    },
    root: { path: 'rootfs', readonly: hostConfig.ReadonlyRootfs },
    ...(input.utsNamespace === undefined ? { hostname: config.Hostname } : {}),
    mounts: assembleMounts(input),
    annotations: input.annotations,
    linux: {
      namespaces: namespaces(input),
      resources,
      cgroupsPath: input.cgroupsPath,
      devices: privileged ? [...hostDevices(), ...devices.devices] : devices.devices,
      ...(seccomp === undefined ? {} : { seccomp }),
      ...sysctls(input),
      maskedPaths: privileged ? [] : (hostConfig.MaskedPaths ?? [...MASKED_PATHS]),
      readonlyPaths: privileged ? [] : (hostConfig.ReadonlyPaths ?? [...READONLY_PATHS]),
    },
  };
}

/** As Docker's: a process that is not root starts without effective capabilities, and nothing is ambient. */
export function capabilitySets(names: string[], uid: number): OciProcess['capabilities'] {
  const own = uid === 0 ? names : [];
  return { bounding: names, effective: own, permitted: own, inheritable: [], ambient: [] };
}

function consoleSize(size: [number, number]): { consoleSize?: { height: number; width: number } } {
  const [height, width] = size;
  return height > 0 && width > 0 ? { consoleSize: { height, width } } : {};
}

function rlimits(hostConfig: HostConfig): Pick<OciProcess, 'rlimits'> {
  const limits = (hostConfig.Ulimits ?? []).map((limit) => ({
    type: `RLIMIT_${limit.Name.toUpperCase()}`,
    soft: limit.Soft < 0 ? UNLIMITED : limit.Soft,
    hard: limit.Hard < 0 ? UNLIMITED : limit.Hard,
  }));
  return limits.length === 0 ? {} : { rlimits: limits };
}

function namespaces(input: SpecInput): OciSpec['linux']['namespaces'] {
  const list: OciSpec['linux']['namespaces'] = [{ type: 'mount' }, { type: 'network', path: input.netns }];
  const add = (type: string, path: string | 'host' | undefined) => {
    if (path !== 'host') list.push(path === undefined ? { type } : { type, path });
  };
  add('pid', input.pidNamespace);
  add('ipc', input.ipcNamespace);
  add('uts', input.utsNamespace);
  // Docker's default: the host's cgroup namespace on version 1, an own one on version 2.
  const mode = input.hostConfig.CgroupnsMode || (input.cgroupVersion === 2 ? 'private' : 'host');
  if (mode === 'private') list.push({ type: 'cgroup' });
  return list;
}

function assembleMounts(input: SpecInput): OciMount[] {
  const { hostConfig } = input;
  const privileged = hostConfig.Privileged;
  const mounts = defaultMounts({
    privileged,
    shmSize: hostConfig.ShmSize > 0 ? hostConfig.ShmSize : DEFAULT_SHM_SIZE,
    readOnlyCgroup: !privileged,
  });
  const own = [...input.mounts];
  for (const [destination, text] of Object.entries(hostConfig.Tmpfs ?? {})) {
    own.push({
      destination,
      type: 'tmpfs',
      source: 'tmpfs',
      options: tmpfsOptions(text),
    });
  }
  if (input.shmSource !== undefined) {
    own.push({
      destination: '/dev/shm',
      type: 'bind',
      source: input.shmSource,
      options: ['rbind', 'rprivate', 'nosuid', 'noexec', 'nodev'],
    });
  }
  if (input.initPath !== undefined) {
    own.push({ destination: INIT_INSIDE, type: 'bind', source: input.initPath, options: ['bind', 'ro'] });
  }
  if (hostConfig.IpcMode === 'none')
    mounts.splice(
      mounts.findIndex(({ destination }) => destination === '/dev/shm'),
      1,
    );
  const taken = new Set(own.map((mount) => posix.normalize(mount.destination)));
  // A folder is mounted before what lies in it.
  own.sort((a, b) => depth(a.destination) - depth(b.destination));
  return [...mounts.filter((mount) => !taken.has(mount.destination)), ...own];
}

function depth(path: string): number {
  return posix.normalize(path).split('/').filter(Boolean).length;
}

function sysctls(input: SpecInput): { sysctl?: Record<string, string> } {
  const ownNetwork = !/^(host|container:)/.test(input.hostConfig.NetworkMode);
  const sysctl: Record<string, string> = {
    // Docker's since 20.10: a process without privileges may bind port 80 and use ping in its own namespace.
    ...(ownNetwork
      ? { 'net.ipv4.ip_unprivileged_port_start': '0', 'net.ipv4.ping_group_range': '0 2147483647' }
      : {}),
    ...input.hostConfig.Sysctls,
  };
  // runc sets them by writing to /proc/sys of the container; domainname has no field of its own in specification 1.0.
  if (input.config.Domainname !== '' && input.utsNamespace === undefined) {
    sysctl['kernel.domainname'] = input.config.Domainname;
  }
  return Object.keys(sysctl).length === 0 ? {} : { sysctl };
}
