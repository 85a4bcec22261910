/**
 * What this kernel can do, asked of the kernel itself rather than guessed from its version. Each probe names what would
 * have to be there, so that a message (or a skipped test) can say more than "not supported".
 */
import { existsSync, readFileSync } from 'node:fs';
import { release } from 'node:os';
import { gunzipSync } from 'node:zlib';
import { BridgeportError } from '../base/errors.ts';
import { AF_INET, AF_INET6 } from './address.ts';
import { libc } from './ffi/libc.ts';

export type FeatureName =
  | 'ipv6'
  | 'sctp'
  | 'br_netfilter'
  | 'conntrack'
  | 'overlayfs'
  | 'seccomp'
  | 'apparmor'
  | 'selinux'
  | 'cgroup2'
  | 'pidfd'
  | 'x32'
  | 'veth'
  | 'bridge'
  | 'nat'
  | 'vxlan'
  | 'vlan'
  | 'macvlan'
  | 'ipvlan';

export interface Feature {
  readonly name: FeatureName;
  /** `undefined`: nothing but trying would tell. */
  readonly available: boolean | undefined;
  /** What a kernel must have: `CONFIG_IP_SCTP`, `Linux 5.3`. */
  readonly needs: string;
}

/** SOCK_STREAM, IPPROTO_SCTP; the errno of socket(2) tells whether a protocol exists. */
const SOCK_STREAM_CLOEXEC = 1 | 0o2000000;
const IPPROTO_SCTP = 132;
/** `#define __NR_pidfd_open 434`; ENOSYS before Linux 5.3 */
const NR_PIDFD_OPEN = 434;
/** `#define __X32_SYSCALL_BIT 0x40000000` (asm/unistd.h), `#define __NR_getpid 39` */
const NR_X32_GETPID = 0x40000000 + 39;

type Config = ReadonlyMap<string, string> | undefined;
/** `config` is read only when a probe asks for it: it takes milliseconds to unpack. */
type Probe = { needs: string; probe(config: () => Config): boolean | undefined };

/** A probe that only the kernel's configuration answers: loading a module just to see would change the machine. */
const byConfig = (option: string): Probe => ({
  needs: `CONFIG_${option}`,
  probe: (config) => configured(config(), option),
});

const PROBES: Record<FeatureName, Probe> = {
  ipv6: { needs: 'CONFIG_IPV6, not switched off by ipv6.disable=1', probe: () => canOpen(AF_INET6, 0) },
  sctp: { needs: 'CONFIG_IP_SCTP', probe: () => canOpen(AF_INET, IPPROTO_SCTP) },
  br_netfilter: {
    needs: 'CONFIG_BRIDGE_NETFILTER (module br_netfilter)',
    probe: () => existsSync('/proc/sys/net/bridge/bridge-nf-call-iptables'),
  },
  conntrack: {
    needs: 'CONFIG_NF_CONNTRACK',
    probe: () => existsSync('/proc/sys/net/netfilter/nf_conntrack_max'),
  },
  overlayfs: {
    needs: 'CONFIG_OVERLAY_FS',
    // A module that nobody has needed yet is not in the list; mount(2) loads it.
    probe: (config) => /\toverlay$/m.test(read('/proc/filesystems')) || configured(config(), 'OVERLAY_FS'),
  },
  seccomp: {
    needs: 'CONFIG_SECCOMP_FILTER',
    probe: () => existsSync('/proc/sys/kernel/seccomp/actions_avail'),
  },
  apparmor: {
    needs: 'CONFIG_SECURITY_APPARMOR, apparmor=1',
    probe: () => read('/sys/module/apparmor/parameters/enabled').startsWith('Y'),
  },
  selinux: {
    needs: 'CONFIG_SECURITY_SELINUX, selinux=1',
    probe: () => existsSync('/sys/fs/selinux/enforce'),
  },
  cgroup2: { needs: 'Linux 4.5', probe: () => /\tcgroup2$/m.test(read('/proc/filesystems')) },
  pidfd: {
    needs: 'Linux 5.3',
    probe() {
      const fd = libc().syscall(NR_PIDFD_OPEN, process.pid, 0, 0, 0);
      if (fd >= 0) libc().close(fd);
      return fd >= 0;
    },
  },
  x32: {
    needs: 'CONFIG_X86_X32_ABI on x86_64, not switched off by syscall.x32=0',
    probe(config) {
      if (process.arch !== 'x64') return false;
      // Who lives behind a filter may be killed for a call of an ABI that the filter does not know.
      if (!/^Seccomp:\t0$/m.test(read('/proc/self/status'))) return configured(config(), 'X86_X32_ABI');
      return libc().syscall(NR_X32_GETPID, 0, 0, 0, 0) === process.pid;
    },
  },
  veth: byConfig('VETH'),
  bridge: byConfig('BRIDGE'),
  nat: byConfig('NF_NAT'),
  vxlan: byConfig('VXLAN'),
  vlan: byConfig('VLAN_8021Q'),
  macvlan: byConfig('MACVLAN'),
  ipvlan: byConfig('IPVLAN'),
};

/** Asks the kernel about one feature. */
export function probeFeature(name: FeatureName): Feature {
  return probeWith(name, readKernelConfig);
}

export function probeFeatures(): Feature[] {
  let config: { value: Config } | undefined;
  const once = () => {
    config ??= { value: readKernelConfig() };
    return config.value;
  };
  return (Object.keys(PROBES) as FeatureName[]).map((name) => probeWith(name, once));
}

function probeWith(name: FeatureName, config: () => Config): Feature {
  const { needs, probe } = PROBES[name];
  return { name, available: probe(config), needs };
}

function configured(config: Config, option: string): boolean | undefined {
  const value = config?.get(`CONFIG_${option}`);
  return value === undefined ? undefined : value === 'y' || value === 'm';
}

/** Throws unless the feature is there (or cannot be told): kind `unavailable`, `… needs CONFIG_IP_SCTP`. */
export function requireFeature(name: FeatureName, purpose: string): void {
  const { available, needs } = probeFeature(name);
  if (available !== false) return;
  throw new BridgeportError(
    'unavailable',
    `${purpose}: this kernel (${release()}) has no ${name}; it needs ${needs}`,
  );
}

/** The kernel's build configuration (`CONFIG_VETH` → `y`), where the system keeps a copy; otherwise `undefined`. */
export function readKernelConfig(): ReadonlyMap<string, string> | undefined {
  const text = existsSync('/proc/config.gz')
    ? gunzipSync(readFileSync('/proc/config.gz')).toString('latin1')
    : read(`/boot/config-${release()}`);
  if (text === '') return undefined;
  const entries = [...text.matchAll(/^(?:(CONFIG_\w+)=(.*)|# (CONFIG_\w+) is not set)$/gm)];
  return new Map(entries.map(([, name, value, unset]) => (unset ? [unset, 'n'] : [name ?? '', value ?? ''])));
}

function canOpen(family: number, protocol: number): boolean {
  const fd = libc().socket(family, SOCK_STREAM_CLOEXEC, protocol);
  if (fd >= 0) libc().close(fd);
  return fd >= 0;
}

function read(path: string): string {
  try {
    return readFileSync(path, 'latin1');
  } catch {
    return '';
  }
}
