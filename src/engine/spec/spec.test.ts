import assert from 'node:assert/strict';
import { test } from 'node:test';
import type { ContainerCreateBody, HostConfig } from '../../base/wire/index.ts';
import { type DaemonDefaults, normalizeConfig, normalizeHostConfig } from '../containers/normalize.ts';
import { ALL_CAPABILITIES } from './capabilities.ts';
import { buildSpec, type SpecInput } from './spec.ts';

const ID = `0123456789ab${'c'.repeat(52)}`;

const DEFAULTS: DaemonDefaults = {
  hasDefaultBridge: true,
  logDriver: 'json-file',
  logOptions: {},
  dns: [],
  dnsOptions: [],
  dnsSearch: [],
  shmSize: 0,
  init: false,
  ipcMode: 'private',
  cgroupnsMode: '',
  ulimits: [],
  noNewPrivileges: false,
  seccompProfile: '',
};

function build(
  hostConfig: Partial<HostConfig> = {},
  more: Partial<SpecInput> = {},
  body: Partial<ContainerCreateBody> = {},
) {
  const whole = { Image: 'web', Cmd: ['sh'], HostConfig: hostConfig, ...body } as ContainerCreateBody;
  return buildSpec({
    id: ID,
    config: normalizeConfig(whole, {}, ID),
    hostConfig: normalizeHostConfig(hostConfig, DEFAULTS),
    args: ['sh'],
    env: ['PATH=/bin'],
    user: { uid: 0, gid: 0, additionalGids: [0] },
    netns: '/run/netns/x',
    pidNamespace: undefined,
    ipcNamespace: undefined,
    utsNamespace: undefined,
    mounts: [],
    shmSource: undefined,
    cgroupsPath: '/bridgeport/x',
    heldCapabilities: ALL_CAPABILITIES,
    cgroupVersion: 1,
    seccomp: undefined,
    hasSeccomp: true,
    hasX32: false,
    noNewPrivileges: false,
    annotations: {},
    initPath: undefined,
    ...more,
  });
}

const mountAt = (spec: ReturnType<typeof build>, destination: string) =>
  spec.mounts.filter((mount) => mount.destination === destination);

test('a container without options is locked in as one of Docker is', () => {
  const { linux, process: inner, ...rest } = build();
  const { seccomp, ...ours } = linux;
  assert.equal(seccomp?.defaultAction, 'SCMP_ACT_ERRNO');
  const capabilities =
    `CHOWN DAC_OVERRIDE FOWNER FSETID KILL SETGID SETUID SETPCAP NET_BIND_SERVICE NET_RAW SYS_CHROOT MKNOD
    AUDIT_WRITE SETFCAP`
      .split(/\s+/)
      .map((name) => `CAP_${name}`);
  assert.deepEqual(inner, {
    terminal: false,
    user: { uid: 0, gid: 0, additionalGids: [0] },
    args: ['sh'],
    env: ['PATH=/bin'],
    cwd: '/',
    capabilities: {
      bounding: capabilities,
      effective: capabilities,
      permitted: capabilities,
      inheritable: [],
      ambient: [],
    },
    noNewPrivileges: false,
  });
  assert.deepEqual(rest, {
    ociVersion: '1.0.2',
    root: { path: 'rootfs', readonly: false },
    hostname: '0123456789ab',
    annotations: {},
    mounts: [
      { destination: '/proc', type: 'proc', source: 'proc', options: ['nosuid', 'noexec', 'nodev'] },
      {
        destination: '/dev',
        type: 'tmpfs',
        source: 'tmpfs',
        options: ['nosuid', 'strictatime', 'mode=755', 'size=65536k'],
      },
      {
        destination: '/dev/pts',
        type: 'devpts',
        source: 'devpts',
        options: ['nosuid', 'noexec', 'newinstance', 'ptmxmode=0666', 'mode=0620', 'gid=5'],
      },
      { destination: '/sys', type: 'sysfs', source: 'sysfs', options: ['nosuid', 'noexec', 'nodev', 'ro'] },
      {
        destination: '/sys/fs/cgroup',
        type: 'cgroup',
        source: 'cgroup',
        options: ['ro', 'nosuid', 'noexec', 'nodev'],
      },
      {
        destination: '/dev/mqueue',
        type: 'mqueue',
        source: 'mqueue',
        options: ['nosuid', 'noexec', 'nodev'],
      },
      {
        destination: '/dev/shm',
        type: 'tmpfs',
        source: 'shm',
        options: ['nosuid', 'noexec', 'nodev', 'mode=1777', 'size=67108864'],
      },
    ],
  });
  const allowed = [
    [1, 3],
    [1, 5],
    [1, 7],
    [1, 8],
    [1, 9],
    [5, 0],
    [5, 1],
    [5, 2],
  ];
  assert.deepEqual(ours, {
    namespaces: [
      { type: 'mount' },
      { type: 'network', path: '/run/netns/x' },
      { type: 'pid' },
      { type: 'ipc' },
      { type: 'uts' },
    ],
    resources: {
      devices: [
        { allow: false, access: 'rwm' },
        { allow: true, type: 'c', access: 'm' },
        { allow: true, type: 'b', access: 'm' },
        ...allowed.map(([major, minor]) => ({ allow: true, type: 'c', major, minor, access: 'rwm' })),
        { allow: true, type: 'c', major: 136, access: 'rwm' },
      ],
    },
    cgroupsPath: '/bridgeport/x',
    devices: [],
    sysctl: { 'net.ipv4.ip_unprivileged_port_start': '0', 'net.ipv4.ping_group_range': '0 2147483647' },
    maskedPaths: [
      '/proc/acpi',
      '/proc/asound',
      '/proc/interrupts',
      '/proc/kcore',
      '/proc/keys',
      '/proc/latency_stats',
      '/proc/sched_debug',
      '/proc/scsi',
      '/proc/timer_list',
      '/proc/timer_stats',
      '/sys/devices/virtual/powercap',
      '/sys/firmware',
    ],
    readonlyPaths: ['/proc/bus', '/proc/fs', '/proc/irq', '/proc/sys', '/proc/sysrq-trigger'],
  });
});

test('privileged: every capability and device, nothing hidden, no filter, /sys writable', () => {
  const spec = build({ Privileged: true });
  assert.deepEqual(spec.process.capabilities.effective, ALL_CAPABILITIES);
  assert.deepEqual(spec.linux.resources.devices, [{ allow: true, access: 'rwm' }]);
  assert.ok(spec.linux.devices.some(({ path }) => path === '/dev/null'));
  assert.equal(spec.linux.seccomp, undefined);
  assert.deepEqual([spec.linux.maskedPaths, spec.linux.readonlyPaths], [[], []]);
  assert.ok(mountAt(spec, '/sys')[0]?.options.includes('rw'));
  assert.ok(mountAt(spec, '/sys/fs/cgroup')[0]?.options.includes('rw'));
});

test('limits and ulimits', () => {
  const spec = build({
    Memory: 100_000_000,
    NanoCpus: 5e8,
    PidsLimit: 7,
    OomScoreAdj: 100,
    Ulimits: [
      { Name: 'nofile', Soft: 10, Hard: 20 },
      { Name: 'core', Soft: -1, Hard: -1 },
    ],
  });
  assert.deepEqual(spec.linux.resources.memory, { limit: 100_000_000, swap: 200_000_000 });
  assert.deepEqual(spec.linux.resources.cpu, { period: 100_000, quota: 50_000 });
  assert.deepEqual(spec.linux.resources.pids, { limit: 7 });
  assert.equal(spec.process.oomScoreAdj, 100);
  assert.match(
    JSON.stringify(spec.process.rlimits),
    /^\[\{"type":"RLIMIT_NOFILE","soft":10,"hard":20\},\{"type":"RLIMIT_CORE","soft":18446744073709551615,"hard":18446744073709551615\}\]$/,
  );
});

test('a user who is not root starts without effective capabilities', () => {
  const { capabilities } = build({ CapAdd: ['NET_ADMIN'] }, { user: { uid: 7, gid: 7 } }).process;
  assert.ok(capabilities.bounding.includes('CAP_NET_ADMIN'));
  assert.deepEqual([capabilities.effective, capabilities.permitted, capabilities.ambient], [[], [], []]);
});

test('namespaces of the host, of others, and the cgroup namespace', () => {
  const types = (spec: ReturnType<typeof build>) =>
    spec.linux.namespaces.map(({ type, path }) => (path ? `${type} ${path}` : type));
  assert.deepEqual(
    types(build({}, { pidNamespace: 'host', ipcNamespace: '/proc/5/ns/ipc', utsNamespace: 'host' })),
    ['mount', 'network /run/netns/x', 'ipc /proc/5/ns/ipc'],
  );
  assert.ok(types(build({ CgroupnsMode: 'private' })).includes('cgroup'));
  assert.ok(types(build({}, { cgroupVersion: 2 })).includes('cgroup'));
  assert.equal(types(build({ CgroupnsMode: 'host' }, { cgroupVersion: 2 })).includes('cgroup'), false);
  assert.equal(build({}, { utsNamespace: 'host' }).hostname, undefined);
});

test('sysctls: the own ones overrule; none of the network where the network is not the own', () => {
  const sysctl = (hostConfig: Partial<HostConfig>) => build(hostConfig).linux.sysctl;
  const port = 'net.ipv4.ip_unprivileged_port_start';
  assert.equal(sysctl({ Sysctls: { [port]: '1024' } })?.[port], '1024');
  assert.equal(sysctl({ Privileged: true })?.[port], '0');
  for (const NetworkMode of ['host', 'container:x']) {
    assert.equal(sysctl({ NetworkMode }), undefined);
    assert.deepEqual(sysctl({ NetworkMode, Sysctls: { 'kernel.msgmax': '1' } }), { 'kernel.msgmax': '1' });
  }
  const named = build({}, {}, { Domainname: 'example.org' });
  assert.equal(named.linux.sysctl?.['kernel.domainname'], 'example.org');
});

test('own mounts replace the default ones of the same place, and come in the order of their depth', () => {
  const bind = (destination: string) => ({ destination, type: 'bind', source: '/x', options: ['rbind'] });
  const spec = build(
    { Tmpfs: { '/dev/shm': 'size=1m', '/a': '' } },
    { mounts: [bind('/a/b/c'), bind('/a/b'), bind('/etc/hosts')] },
  );
  assert.deepEqual(mountAt(spec, '/dev/shm'), [
    {
      destination: '/dev/shm',
      type: 'tmpfs',
      source: 'tmpfs',
      options: ['noexec', 'nosuid', 'nodev', 'size=1m'],
    },
  ]);
  const order = spec.mounts.map(({ destination }) => destination).filter((path) => path.startsWith('/a'));
  assert.deepEqual(order, ['/a', '/a/b', '/a/b/c']);
});

test('/dev/shm: of its own size, of another container, or not at all', () => {
  assert.ok(mountAt(build({ ShmSize: 1000 }), '/dev/shm')[0]?.options.includes('size=1000'));
  assert.deepEqual(mountAt(build({}, { shmSource: '/x/shm' }), '/dev/shm'), [
    {
      destination: '/dev/shm',
      type: 'bind',
      source: '/x/shm',
      options: ['rbind', 'rprivate', 'nosuid', 'noexec', 'nodev'],
    },
  ]);
  assert.deepEqual(mountAt(build({ IpcMode: 'none' }), '/dev/shm'), []);
});

test('`--init` goes before the command and is mounted read-only', () => {
  const spec = build({}, { initPath: '/usr/bin/tini-static' });
  assert.deepEqual(spec.process.args, ['/sbin/docker-init', '--', 'sh']);
  assert.deepEqual(mountAt(spec, '/sbin/docker-init')[0], {
    destination: '/sbin/docker-init',
    type: 'bind',
    source: '/usr/bin/tini-static',
    options: ['bind', 'ro'],
  });
});

test('seccomp: unconfined, an own profile, a kernel without it', () => {
  assert.equal(build({}, { seccomp: 'unconfined' }).linux.seccomp, undefined);
  assert.equal(build({}, { hasSeccomp: false }).linux.seccomp, undefined);
  const own = { defaultAction: 'SCMP_ACT_LOG', syscalls: [] };
  assert.deepEqual(build({}, { seccomp: own }).linux.seccomp, own);
});

test('working folder, terminal size, read-only root, no new privileges', () => {
  const spec = build(
    { ReadonlyRootfs: true, ConsoleSize: [24, 80] },
    { noNewPrivileges: true },
    { WorkingDir: '/a/../b/', Tty: true },
  );
  assert.equal(spec.process.cwd, '/b');
  assert.deepEqual(spec.process.consoleSize, { height: 24, width: 80 });
  assert.equal(spec.process.terminal, true);
  assert.equal(spec.process.noNewPrivileges, true);
  assert.equal(spec.root.readonly, true);
});
