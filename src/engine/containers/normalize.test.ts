import assert from 'node:assert/strict';
import { hostname } from 'node:os';
import { test } from 'node:test';
import type { ContainerCreateBody, HostConfig } from '../../base/wire/index.ts';
import {
  type DaemonDefaults,
  type ImageDefaults,
  mergeEnv,
  normalizeConfig,
  normalizeHostConfig,
} from './normalize.ts';

const ID = `0123456789ab${'c'.repeat(52)}`;

const DEFAULTS: DaemonDefaults = {
  hasDefaultBridge: true,
  logDriver: 'json-file',
  logOptions: { 'max-size': '10m' },
  dns: [],
  dnsOptions: [],
  dnsSearch: [],
  shmSize: 0,
  init: false,
  ipcMode: 'private',
  cgroupnsMode: 'host',
  ulimits: [],
  noNewPrivileges: false,
  seccompProfile: '',
};

const config = (body: Partial<ContainerCreateBody>, image: ImageDefaults = {}) =>
  normalizeConfig({ Image: 'web', Cmd: ['true'], ...body } as ContainerCreateBody, image, ID);

const host = (body: Partial<HostConfig>, defaults: Partial<DaemonDefaults> = {}) =>
  normalizeHostConfig(body, { ...DEFAULTS, ...defaults });

test('the image fills what the user leaves out', () => {
  const image: ImageDefaults = {
    User: 'www',
    WorkingDir: '/srv',
    Labels: { a: 'image', b: 'image' },
    Volumes: { '/data': {} },
    ExposedPorts: { '80/tcp': {} },
    StopSignal: 'SIGQUIT',
    Shell: ['/bin/ash', '-c'],
  };
  const made = config(
    { Labels: { b: 'user' }, Volumes: { '/more': {} }, ExposedPorts: { '53/udp': {} } },
    image,
  );
  assert.equal(made.User, 'www');
  assert.equal(made.WorkingDir, '/srv');
  assert.equal(made.StopSignal, 'SIGQUIT');
  assert.deepEqual(made.Labels, { a: 'image', b: 'user' });
  assert.deepEqual(made.Volumes, { '/data': {}, '/more': {} });
  assert.deepEqual(made.ExposedPorts, { '80/tcp': {}, '53/udp': {} });
  assert.deepEqual(made.Shell, ['/bin/ash', '-c']);
  const own = config({ User: '7', WorkingDir: '/', StopSignal: 'TERM' }, image);
  assert.deepEqual([own.User, own.WorkingDir, own.StopSignal], ['7', '/', 'TERM']);
  assert.equal(config({ WorkingDir: '/a//b/../c/' }, image).WorkingDir, '/a/c');
});

test('entrypoint and command as in Docker: an own entrypoint drops the command of the image', () => {
  const image = { Entrypoint: ['/entry'], Cmd: ['image'] };
  const words = (body: Partial<ContainerCreateBody>) => {
    const { Entrypoint, Cmd } = config({ Cmd: null, ...body } as Partial<ContainerCreateBody>, image);
    return [Entrypoint, Cmd];
  };
  assert.deepEqual(words({}), [['/entry'], ['image']]);
  assert.deepEqual(words({ Cmd: ['own'] }), [['/entry'], ['own']]);
  assert.deepEqual(words({ Cmd: [] }), [['/entry'], ['image']]);
  assert.deepEqual(words({ Entrypoint: ['/own'] }), [['/own'], null]);
  assert.deepEqual(words({ Entrypoint: ['/own'], Cmd: ['x'] }), [['/own'], ['x']]);
  assert.deepEqual(words({ Entrypoint: [''], Cmd: ['x'] }), [null, ['x']]);
  assert.deepEqual(words({ Entrypoint: [] }), [[], ['image']]);
});

test('nothing to run is refused', () => {
  assert.throws(() => config({ Cmd: null } as never), { kind: 'invalid', message: 'no command specified' });
  assert.throws(
    () => config({ Cmd: null, Entrypoint: [''] } as never, { Cmd: ['x'] }),
    /no command specified/,
  );
});

test('the hostname is the short id, in the network of the host the name of the host, in that of a container its', () => {
  assert.equal(config({}).Hostname, '0123456789ab');
  assert.equal(config({ Hostname: 'own' }).Hostname, 'own');
  const mode = (NetworkMode: string) => config({ HostConfig: { NetworkMode } }).Hostname;
  assert.equal(mode('host'), hostname());
  assert.equal(mode('container:web'), '');
  assert.equal(mode('none'), '0123456789ab');
});

test('published ports are exposed, in the spelling of Docker', () => {
  const { ExposedPorts } = config({
    ExposedPorts: { '90': {} },
    HostConfig: { PortBindings: { '80': [{ HostIp: '', HostPort: '8080' }], '53/UDP': null } },
  });
  assert.deepEqual(ExposedPorts, { '90/tcp': {}, '80/tcp': {}, '53/udp': {} });
});

test('`mergeEnv()`: own variables first, then those of the image that are not set; a bare name counts as set', () => {
  assert.deepEqual(mergeEnv(['PATH=/bin', 'A=image', 'B=image'], ['C=own', 'A=own', 'B']), [
    'C=own',
    'A=own',
    'B',
    'PATH=/bin',
  ]);
});

test('a health check is completed from that of the image, and `NONE` stays', () => {
  const image: ImageDefaults = {
    Healthcheck: { Test: ['CMD', 'check'], Interval: 5e9, Timeout: 2e9, Retries: 4 },
  };
  assert.deepEqual(config({}, image).Healthcheck, image.Healthcheck);
  assert.deepEqual(config({ Healthcheck: { Test: [], Interval: 1e9 } }, image).Healthcheck, {
    Test: ['CMD', 'check'],
    Interval: 1e9,
    Timeout: 2e9,
    StartPeriod: 0,
    StartInterval: 0,
    Retries: 4,
  });
  assert.deepEqual(config({ Healthcheck: { Test: ['NONE'] } }, image).Healthcheck?.Test, ['NONE']);
  assert.equal(config({}).Healthcheck, undefined);
});

test('`normalizeHostConfig()` of nothing is the defaults of Docker', () => {
  const made = host({});
  assert.equal(made.NetworkMode, 'bridge');
  assert.deepEqual(made.RestartPolicy, { Name: 'no', MaximumRetryCount: 0 });
  assert.deepEqual(made.LogConfig, { Type: 'json-file', Config: { 'max-size': '10m' } });
  assert.equal(made.ShmSize, 64 * 1024 * 1024);
  assert.equal(made.Runtime, 'runc');
  assert.equal(made.IpcMode, 'private');
  assert.equal(made.MemorySwappiness, null);
  assert.ok(made.MaskedPaths?.includes('/proc/kcore'));
  assert.ok(made.ReadonlyPaths?.includes('/proc/sys'));
  assert.equal(host({ NetworkMode: 'default' }).NetworkMode, 'bridge');
  for (const NetworkMode of ['', 'default', 'bridge']) {
    assert.equal(host({ NetworkMode }, { hasDefaultBridge: false }).NetworkMode, 'none');
  }
});

test('privileged hides nothing', () => {
  const made = host({ Privileged: true });
  assert.equal(made.MaskedPaths, null);
  assert.equal(made.ReadonlyPaths, null);
});

test('the log options of the daemon are those of its own driver', () => {
  assert.deepEqual(host({ LogConfig: { Type: '', Config: { 'max-file': '3' } } }).LogConfig, {
    Type: 'json-file',
    Config: { 'max-size': '10m', 'max-file': '3' },
  });
  assert.deepEqual(host({ LogConfig: { Type: 'none', Config: {} } }).LogConfig, { Type: 'none', Config: {} });
});

test('the ulimits and security options of the daemon stand where the container says nothing', () => {
  const ulimits = [
    { Name: 'nofile', Soft: 10, Hard: 20 },
    { Name: 'nproc', Soft: 5, Hard: 5 },
  ];
  const own = { Name: 'nofile', Soft: 1, Hard: 2 };
  assert.deepEqual(host({ Ulimits: [own] }, { ulimits }).Ulimits, [own, ulimits[1]]);
  const defaults = { noNewPrivileges: true, seccompProfile: 'unconfined' };
  assert.deepEqual(host({}, defaults).SecurityOpt, ['no-new-privileges', 'seccomp=unconfined']);
  assert.deepEqual(host({ SecurityOpt: ['no-new-privileges:false'] }, defaults).SecurityOpt, [
    'no-new-privileges:false',
    'seccomp=unconfined',
  ]);
});

test('swap is as much again as memory when nothing is said of it, and -1 is no swappiness', () => {
  const mega = 1024 * 1024;
  assert.equal(host({ Memory: 64 * mega }).MemorySwap, 128 * mega);
  assert.equal(host({ Memory: 64 * mega, MemorySwap: 64 * mega }).MemorySwap, 64 * mega);
  assert.equal(host({ Memory: 64 * mega, MemorySwap: -1 }).MemorySwap, -1);
  assert.equal(host({}).MemorySwap, 0);
  assert.equal(host({ MemorySwappiness: -1 }).MemorySwappiness, null);
  assert.equal(host({ MemorySwappiness: 0 }).MemorySwappiness, 0);
});

test('a port without host sides has none, never null', () => {
  const bindings = { '80-81/tcp': [{ HostIp: '', HostPort: '8080-8081' }], '53/udp': null };
  assert.deepEqual(host({ PortBindings: bindings }).PortBindings, { ...bindings, '53/udp': [] });
});
