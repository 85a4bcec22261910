import assert from 'node:assert/strict';
import { test } from 'node:test';
import type { ContainerConfig, ContainerCreateBody, HostConfig } from '../../base/wire/index.ts';
import { checkConfig, checkHostConfig, checkNetworkMode } from './check-config.ts';

const config = (more: Partial<ContainerConfig>) =>
  checkConfig({ Hostname: '', Domainname: '', Env: [], WorkingDir: '', ...more } as ContainerConfig);

const BASE = {
  RestartPolicy: { Name: 'no', MaximumRetryCount: 0 },
  AutoRemove: false,
  Dns: [],
  Runtime: 'runc',
  LogConfig: { Type: 'json-file', Config: {} },
  IpcMode: 'private',
  PidMode: '',
  UTSMode: '',
  CgroupnsMode: '',
  UsernsMode: '',
  Isolation: '',
  VolumeDriver: '',
  ShmSize: 1,
  OomScoreAdj: 0,
} as unknown as HostConfig;

const host = (more: Partial<HostConfig>) => checkHostConfig({ ...BASE, ...more });

function refused(check: () => void, message: string | RegExp): void {
  assert.throws(check, (error: Error & { kind?: string }) => {
    assert.equal(error.kind, 'invalid');
    if (typeof message === 'string') assert.equal(error.message, message);
    else assert.match(error.message, message);
    return true;
  });
}

test('a sound configuration passes', () => {
  config({ Hostname: 'web.example', Env: ['A=', 'B=c=d', 'E'], WorkingDir: '/x', StopSignal: 'SIGTERM' });
  host({});
});

test('a hostname fits the kernel and the line of a file', () => {
  config({ Hostname: 'a'.repeat(64) });
  refused(
    () => config({ Hostname: 'a'.repeat(65) }),
    `hostname "${'a'.repeat(65)}" is too long (maximum 64 bytes)`,
  );
  refused(() => config({ Hostname: 'ä'.repeat(33) }), /too long/);
  refused(() => config({ Hostname: 'a\n1.2.3.4 bank' }), /invalid hostname format/);
  refused(() => config({ Domainname: 'a b' }), /invalid hostname format/);
});

test('environment variables have a name', () => {
  for (const variable of ['', '=', '=x'])
    refused(() => config({ Env: [variable] }), /invalid environment variable/);
  refused(() => config({ Env: ['A=\0'] }), /invalid environment variable/);
});

test('the working directory is absolute, the stop signal a signal', () => {
  refused(
    () => config({ WorkingDir: 'relative' }),
    "the working directory 'relative' is invalid, it needs to be an absolute path",
  );
  refused(() => config({ StopSignal: 'FOO' }), 'Invalid signal: FOO');
});

test('times of health checks are at least a millisecond, or 0', () => {
  for (const field of ['Interval', 'Timeout', 'StartPeriod', 'StartInterval']) {
    config({ Healthcheck: { [field]: 0 } });
    config({ Healthcheck: { [field]: 1_000_000 } });
    refused(
      () => config({ Healthcheck: { [field]: 999_999 } }),
      `${field} in Healthcheck cannot be less than 1ms`,
    );
    refused(() => config({ Healthcheck: { [field]: -1 } }), /cannot be less than 1ms/);
  }
  refused(() => config({ Healthcheck: { Retries: -1 } }), 'Retries in Healthcheck cannot be negative');
});

test('restart policies', () => {
  const policy = (Name: string, MaximumRetryCount = 0) =>
    host({ RestartPolicy: { Name, MaximumRetryCount } as HostConfig['RestartPolicy'] });
  for (const name of ['no', 'always', 'unless-stopped', 'on-failure']) policy(name);
  policy('on-failure', 3);
  refused(() => policy('sometimes'), /unknown policy 'sometimes'/);
  refused(() => policy('always', 3), /maximum retry count can only be used with 'on-failure'/);
  refused(() => policy('on-failure', -1), /maximum retry count cannot be negative/);
  refused(
    () => host({ AutoRemove: true, RestartPolicy: { Name: 'always', MaximumRetryCount: 0 } }),
    "can't create 'AutoRemove' container with restart policy",
  );
});

test('namespaces of a kind that is not known are refused rather than left out', () => {
  const fields = {
    IpcMode: ['none', 'private', 'shareable', 'host', 'container:x'],
    PidMode: ['', 'host', 'container:x'],
    UTSMode: ['', 'host'],
    CgroupnsMode: ['', 'host', 'private'],
    UsernsMode: ['', 'host'],
  };
  for (const [field, good] of Object.entries(fields)) {
    for (const mode of good) host({ [field]: mode });
    for (const mode of ['foo', 'Host', 'container:', 'host ']) {
      refused(() => host({ [field]: mode }), new RegExp(`^invalid .* mode: ${mode}$`));
    }
  }
});

test('what is not there is refused, not ignored', () => {
  refused(() => host({ Isolation: 'hyperv' }), "invalid isolation (hyperv): linux only supports 'default'");
  host({ Isolation: 'Default' });
  refused(() => host({ StorageOpt: { size: '1G' } }), /--storage-opt is supported only/);
  host({ StorageOpt: {} });
  refused(() => host({ VolumeDriver: 'nfs' }), /plugin "nfs" not found/);
  refused(
    () => host({ DeviceRequests: [{ Driver: '', Capabilities: [['gpu', 'x'], ['y']] }] }),
    'could not select device driver "" with capabilities: [[gpu x] [y]]',
  );
  host({ DeviceRequests: [] });
  refused(() => host({ Runtime: 'kata' }), 'unknown or invalid runtime name: kata');
  refused(
    () => host({ LogConfig: { Type: 'syslog', Config: {} } }),
    "logger: no log driver named 'syslog' is registered",
  );
});

test('addresses of resolvers and hosts', () => {
  host({
    Dns: ['1.1.1.1', '2606:4700::1111'],
    ExtraHosts: ['a:1.2.3.4', 'b:::1', 'c:[::1]', 'd:host-gateway'],
  });
  refused(() => host({ Dns: ['one'] }), 'invalid DNS server address "one"');
  for (const entry of ['a', 'a:', ':1.2.3.4', 'a:1.2.3', 'a:gateway']) {
    refused(() => host({ ExtraHosts: [entry] }), `invalid IP address in add-host: "${entry}"`);
  }
});

test('numbers in their ranges', () => {
  for (const OomScoreAdj of [-1000, 1000]) host({ OomScoreAdj });
  refused(() => host({ OomScoreAdj: 1001 }), 'Invalid value 1001, range for oom score adj is [-1000, 1000]');
  refused(() => host({ ShmSize: -1 }), 'SHM size can not be less than 0');
  const ulimit = (Soft: number, Hard: number) => host({ Ulimits: [{ Name: 'nofile', Soft, Hard }] });
  for (const [soft, hard] of [
    [5, 5],
    [5, 6],
    [5, -1],
    [-1, -1],
  ] as const)
    ulimit(soft, hard);
  refused(() => ulimit(6, 5), /ulimit soft limit must be less than or equal to hard limit: 6 > 5/);
  refused(() => ulimit(-1, 5), /ulimit soft limit/);
});

test('a tmpfs is checked at creation', () => {
  host({ Tmpfs: { '/run': 'size=1m' } });
  refused(() => host({ Tmpfs: { run: '' } }), "invalid mount path: 'run' mount path must be absolute");
  refused(() => host({ Tmpfs: { '/run': 'color=red' } }), 'invalid tmpfs option "color"');
});

test("`checkNetworkMode()`: in another container's network nothing of the network can be chosen", () => {
  const check = (
    body: Partial<ContainerCreateBody>,
    more: Partial<HostConfig> = {},
    mode = 'container:web',
  ) => checkNetworkMode(body as ContainerCreateBody, { ...BASE, NetworkMode: mode, ...more });
  check({});
  const cases: Array<[Partial<ContainerCreateBody>, Partial<HostConfig>, string]> = [
    [{ Hostname: 'x' }, {}, 'hostname and the network mode'],
    [{}, { Dns: ['1.1.1.1'] }, 'dns and the network mode'],
    [{}, { ExtraHosts: ['a:1.2.3.4'] }, 'custom host-to-IP mapping and the network mode'],
    [{ MacAddress: '02:42:ac:11:00:02' }, {}, 'mac-address and the network mode'],
    [
      { NetworkingConfig: { EndpointsConfig: { 'container:a': { MacAddress: '02:42:ac:11:00:02' } } } },
      {},
      'mac-address and the network mode',
    ],
    [{}, { PortBindings: { '80/tcp': [] } }, 'port publishing and the container type network mode'],
    [{}, { PublishAllPorts: true }, 'port publishing and the container type network mode'],
    [{ ExposedPorts: { '80/tcp': {} } }, {}, 'port exposing and the container type network mode'],
    [
      {},
      { Links: ['a:b'] },
      "container type network can't be used with links. This would result in undefined behavior",
    ],
  ];
  for (const [body, more, what] of cases) {
    refused(() => check(body, more), `conflicting options: ${what}`);
    check(body, more, 'bridge');
  }
});

test('`checkNetworkMode()`: no links in the network of the host, no own hostname in its UTS namespace', () => {
  const check = (body: Partial<ContainerCreateBody>, more: Partial<HostConfig>) =>
    checkNetworkMode(body as ContainerCreateBody, { ...BASE, ...more });
  refused(
    () => check({}, { NetworkMode: 'host', Links: ['a'] }),
    "conflicting options: host type networking can't be used with links. This would result in undefined behavior",
  );
  refused(
    () => check({ Hostname: 'x' }, { NetworkMode: 'bridge', UTSMode: 'host' }),
    'conflicting options: hostname and the UTS mode',
  );
  check({ Hostname: 'x' }, { NetworkMode: 'host' });
});
