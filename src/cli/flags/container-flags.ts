import {
  deviceCgroupRule,
  parseBytesThrottle,
  parseOperationsThrottle,
  parseWeightDevice,
} from './devices.ts';
import { type Environment, envValue, labelValue } from './env.ts';
import { bool, bytes, type FlagSet, int, list, map, parsedList, swapBytes, text, time } from './flag.ts';
import { dnsSearch, extraHost, ipAddress, linkValue, streamName } from './hosts.ts';
import { parseCpus, parseUlimit, sysctlValue } from './limits.ts';
import { parseMount } from './mounts.ts';
import { parseNetwork } from './network.ts';

/** The flags that describe a container: common to `run` and `create`. `env` is where `-e NAME` looks names up. */
export function containerFlags(env: Environment) {
  return {
    ...processFlags(env),
    ...securityFlags(),
    ...networkFlags(),
    ...storageFlags(),
    ...healthFlags(),
    ...resourceFlags(),
    ...namespaceFlags(),
  } satisfies FlagSet;
}

function processFlags(env: Environment) {
  return {
    attach: list('Attach to STDIN, STDOUT or STDERR', { short: 'a', validate: streamName }),
    env: list('Set environment variables', { short: 'e', validate: envValue(env) }),
    'env-file': list('Read in a file of environment variables'),
    entrypoint: text('Overwrite the default ENTRYPOINT of the image'),
    'group-add': list('Add additional groups to join'),
    hostname: text('Container host name', { short: 'h' }),
    domainname: text('Container NIS domain name'),
    interactive: bool('Keep STDIN open even if not attached', { short: 'i' }),
    label: list('Set meta data on a container', { short: 'l', validate: labelValue }),
    'label-file': list('Read in a line delimited file of labels'),
    annotation: map('Add an annotation to the container (passed through to the OCI runtime)'),
    restart: text('Restart policy to apply when a container exits', { default: 'no' }),
    'stop-signal': text('Signal to stop the container'),
    'stop-timeout': int('Timeout (in seconds) to stop a container'),
    init: bool('Run an init inside the container that forwards signals and reaps processes'),
    tty: bool('Allocate a pseudo-TTY', { short: 't' }),
    user: text('Username or UID (format: <name|uid>[:<group|gid>])', { short: 'u' }),
    workdir: text('Working directory inside the container', { short: 'w' }),
    rm: bool('Automatically remove the container and its associated anonymous volumes when it exits'),
    cidfile: text('Write the container ID to the file'),
  } satisfies FlagSet;
}

function securityFlags() {
  return {
    'cap-add': list('Add Linux capabilities'),
    'cap-drop': list('Drop Linux capabilities'),
    privileged: bool('Give extended privileges to this container'),
    'read-only': bool("Mount the container's root filesystem as read only"),
    'security-opt': list('Security Options'),
    sysctl: map('Sysctl options', { validate: sysctlValue }),
    device: list('Add a host device to the container'),
    'device-cgroup-rule': list('Add a rule to the cgroup allowed devices list', {
      validate: deviceCgroupRule,
    }),
  } satisfies FlagSet;
}

function networkFlags() {
  return {
    'add-host': list('Add a custom host-to-IP mapping (host:ip)', { validate: extraHost }),
    dns: list('Set custom DNS servers', { validate: ipAddress }),
    'dns-option': list('Set DNS options'),
    'dns-opt': list('Set DNS options', { hidden: true, aliasOf: 'dns-option' }),
    'dns-search': list('Set custom DNS search domains', { validate: dnsSearch }),
    expose: list('Expose a port or a range of ports'),
    ip: text('IPv4 address (e.g., 172.30.100.104)'),
    ip6: text('IPv6 address (e.g., 2001:db8::33)'),
    link: list('Add link to another container', { validate: linkValue }),
    'link-local-ip': list('Container IPv4/IPv6 link-local addresses'),
    'mac-address': text('Container MAC address (e.g., 92:d0:c6:0a:29:33)'),
    publish: list("Publish a container's port(s) to the host", { short: 'p' }),
    'publish-all': bool('Publish all exposed ports to random ports', { short: 'P' }),
    network: parsedList('Connect a container to a network', parseNetwork, { type: 'network' }),
    net: parsedList('Connect a container to a network', parseNetwork, {
      type: 'network',
      hidden: true,
      aliasOf: 'network',
    }),
    'network-alias': list('Add network-scoped alias for the container'),
    'net-alias': list('Add network-scoped alias for the container', {
      hidden: true,
      aliasOf: 'network-alias',
    }),
  } satisfies FlagSet;
}

function storageFlags() {
  return {
    'log-driver': text('Logging driver for the container'),
    'log-opt': list('Log driver options'),
    mount: parsedList('Attach a filesystem mount to the container', parseMount, { type: 'mount' }),
    'storage-opt': list('Storage driver options for the container'),
    tmpfs: list('Mount a tmpfs directory'),
    volume: list('Bind mount a volume', { short: 'v' }),
    'volume-driver': text('Optional volume driver for the container'),
    'volumes-from': list('Mount volumes from the specified container(s)'),
  } satisfies FlagSet;
}

function healthFlags() {
  const zero = '(ms|s|m|h) (default 0s)';
  return {
    'health-cmd': text('Command to run to check health'),
    'health-interval': time(`Time between running the check ${zero}`),
    'health-retries': int('Consecutive failures needed to report unhealthy'),
    'health-timeout': time(`Maximum time to allow one check to run ${zero}`),
    'health-start-period': time(
      `Start period for the container to initialize before starting health-retries countdown ${zero}`,
    ),
    'health-start-interval': time(`Time between running the check during the start period ${zero}`),
    'no-healthcheck': bool('Disable any container-specified HEALTHCHECK'),
  } satisfies FlagSet;
}

function resourceFlags() {
  const throttles = { type: 'list' };
  return {
    'blkio-weight': int('Block IO (relative weight), between 10 and 1000, or 0 to disable (default 0)', {
      type: 'uint16',
      min: 0,
      max: 65535,
    }),
    'blkio-weight-device': parsedList(
      'Block IO weight (relative device weight)',
      parseWeightDevice,
      throttles,
    ),
    'cpu-period': int('Limit CPU CFS (Completely Fair Scheduler) period'),
    'cpu-quota': int('Limit CPU CFS (Completely Fair Scheduler) quota'),
    'cpu-rt-period': int('Limit CPU real-time period in microseconds'),
    'cpu-rt-runtime': int('Limit CPU real-time runtime in microseconds'),
    'cpu-shares': int('CPU shares (relative weight)', { short: 'c' }),
    cpus: {
      type: 'decimal',
      usage: 'Number of CPUs',
      initial: 0,
      set: (value: string, _previous: number) => parseCpus(value),
    },
    'cpuset-cpus': text('CPUs in which to allow execution (0-3, 0,1)'),
    'cpuset-mems': text('MEMs in which to allow execution (0-3, 0,1)'),
    'device-read-bps': parsedList(
      'Limit read rate (bytes per second) from a device',
      parseBytesThrottle,
      throttles,
    ),
    'device-read-iops': parsedList(
      'Limit read rate (IO per second) from a device',
      parseOperationsThrottle,
      throttles,
    ),
    'device-write-bps': parsedList(
      'Limit write rate (bytes per second) to a device',
      parseBytesThrottle,
      throttles,
    ),
    'device-write-iops': parsedList(
      'Limit write rate (IO per second) to a device',
      parseOperationsThrottle,
      throttles,
    ),
    'kernel-memory': { ...bytes('Kernel memory limit'), hidden: true },
    memory: bytes('Memory limit', { short: 'm' }),
    'memory-reservation': bytes('Memory soft limit'),
    'memory-swap': swapBytes("Swap limit equal to memory plus swap: '-1' to enable unlimited swap"),
    'memory-swappiness': int('Tune container memory swappiness (0 to 100)', { initial: -1 }),
    'oom-kill-disable': bool('Disable OOM Killer'),
    'oom-score-adj': int("Tune host's OOM preferences (-1000 to 1000)"),
    'pids-limit': int('Tune container pids limit (set -1 for unlimited)'),
    'shm-size': bytes('Size of /dev/shm'),
    ulimit: parsedList('Ulimit options', parseUlimit, { type: 'ulimit' }),
  } satisfies FlagSet;
}

function namespaceFlags() {
  return {
    'cgroup-parent': text('Optional parent cgroup for the container'),
    cgroupns: text(
      "Cgroup namespace to use (host|private)\n'host':    Run the container in the Docker host's cgroup namespace\n'private': Run the container in its own private cgroup namespace",
    ),
    ipc: text('IPC mode to use'),
    pid: text('PID namespace to use'),
    uts: text('UTS namespace to use'),
    userns: text('User namespace to use'),
    runtime: text('Runtime to use for this container'),
  } satisfies FlagSet;
}
