import assert from 'node:assert/strict';
import { test } from 'node:test';
import { bodyForVersion, createBody } from './container-config.ts';
import { containerFlags } from './container-flags.ts';
import { isMacAddress } from './network.ts';
import { parseFlags } from './parse.ts';

function body(...argv: string[]) {
  const env = { FROM_ENV: 'yes' };
  const { values, given, args } = parseFlags(containerFlags(env), argv, { interspersed: false });
  const [image = '', ...command] = args;
  return createBody({ image, command, values, given, env, cwd: '/here' });
}

test('`createBody()` of a bare image attaches both outputs and asks for nothing', () => {
  const { HostConfig, ...config } = body('img');
  assert.deepEqual([config.AttachStdin, config.AttachStdout, config.AttachStderr], [false, true, true]);
  assert.deepEqual([config.Image, config.Cmd, config.Entrypoint, config.Env], ['img', null, null, null]);
  assert.deepEqual(HostConfig.RestartPolicy, { Name: 'no', MaximumRetryCount: 0 });
  assert.equal(HostConfig.NetworkMode, 'default');
  assert.equal(HostConfig.MemorySwappiness, -1);
  assert.equal(HostConfig.Init, undefined);
});

test('`createBody()` closes stdin with the one who opened it', () => {
  const { OpenStdin, StdinOnce, AttachStdin, Tty } = body('-it', 'img');
  assert.deepEqual([OpenStdin, StdinOnce, AttachStdin, Tty], [true, true, true, true]);
});

test('`createBody()` tells an empty entrypoint from none', () => {
  assert.deepEqual(body('--entrypoint=', 'img').Entrypoint, ['']);
  assert.deepEqual(body('--entrypoint', '/bin/x', 'img', 'a').Entrypoint, ['/bin/x']);
});

test('`createBody()` keeps what is after the image for the container', () => {
  assert.deepEqual(body('-e', 'FROM_ENV', 'img', 'sh', '-c', '--rm').Cmd, ['sh', '-c', '--rm']);
  assert.deepEqual(body('-e', 'FROM_ENV', '-e', 'NOPE', 'img').Env, ['FROM_ENV=yes', 'NOPE']);
});

test('`createBody()` puts a legacy link into the host configuration', () => {
  const { HostConfig, NetworkingConfig } = body('--link', 'web:alias', 'img');
  assert.deepEqual(HostConfig.Links, ['web:alias']);
  assert.deepEqual(NetworkingConfig.EndpointsConfig, { default: {} });
});

test('`createBody()` puts a link on a network of the user’s into the endpoint', () => {
  const { NetworkingConfig } = body(
    '--network',
    'mynet',
    '--link',
    'web:alias',
    '--ip',
    '10.0.0.9',
    '--network-alias',
    'a',
    'img',
  );
  assert.deepEqual(NetworkingConfig.EndpointsConfig, {
    mynet: { Aliases: ['a'], Links: ['web:alias'], IPAMConfig: { IPv4Address: '10.0.0.9' } },
  });
});

test('`createBody()` reads the long form of --network', () => {
  const { NetworkingConfig, HostConfig } = body(
    '--network',
    'name=n1,alias=b,driver-opt=a=b,gw-priority=3',
    '--network',
    'n2',
    'img',
  );
  assert.equal(HostConfig.NetworkMode, 'n1');
  assert.deepEqual(NetworkingConfig.EndpointsConfig, {
    n1: { Aliases: ['b'], DriverOpts: { a: 'b' }, GwPriority: 3 },
    n2: {},
  });
});

test('`createBody()` makes the limits of the kernel’s units', () => {
  const { HostConfig } = body(
    '--cpus',
    '1.5',
    '-m',
    '512m',
    '--memory-swap',
    '-1',
    '--pids-limit',
    '100',
    '--device-read-bps',
    '/dev/sda:1mb',
    'img',
  );
  assert.equal(HostConfig.NanoCpus, 1_500_000_000);
  assert.equal(HostConfig.Memory, 536_870_912);
  assert.equal(HostConfig.MemorySwap, -1);
  assert.equal(HostConfig.PidsLimit, 100);
  assert.deepEqual(HostConfig.BlkioDeviceReadBps, [{ Path: '/dev/sda', Rate: 1048576 }]);
});

test('`createBody()` makes a health check, or takes it away', () => {
  assert.deepEqual(body('--health-cmd', 'true', '--health-interval', '5s', 'img').Healthcheck, {
    Test: ['CMD-SHELL', 'true'],
    Interval: 5e9,
    Timeout: 0,
    StartPeriod: 0,
    StartInterval: 0,
    Retries: 0,
  });
  assert.deepEqual(body('--no-healthcheck', 'img').Healthcheck, { Test: ['NONE'] });
});

test('`bodyForVersion()` leaves out what a later daemon has moved', () => {
  const made = body('--mac-address', '02:42:ac:11:00:09', '--kernel-memory', '50m', 'img');
  assert.equal(bodyForVersion(made, () => true).MacAddress, '02:42:ac:11:00:09');
  const later = bodyForVersion(made, () => false);
  assert.ok(!('MacAddress' in later) && !('KernelMemory' in later.HostConfig));
  assert.equal(later.NetworkingConfig.EndpointsConfig.default?.MacAddress, '02:42:ac:11:00:09');
});

for (const [argv, message] of [
  [['--restart', 'always', '--rm'], 'conflicting options: cannot specify both --restart and --rm'],
  [['--health-cmd', 'x', '--no-healthcheck'], '--no-healthcheck conflicts with --health-* options'],
  [['--health-interval=-5s'], '--health-interval cannot be negative'],
  [['--mac-address', 'foo'], 'foo is not a valid mac address'],
  [['--pid', 'foo'], '--pid: invalid PID mode'],
  [['--uts', 'container:x'], '--uts: invalid UTS mode'],
  [['--log-driver', 'none', '--log-opt', 'a=b'], 'invalid logging opts for driver none'],
  [['--storage-opt', 'x'], 'invalid storage option'],
  [['--memory-swappiness', '101'], 'invalid value: 101. Valid memory swappiness range is 0-100'],
  [
    ['--network', 'a', '--network', 'bridge'],
    'conflicting options: cannot attach both user-defined and non-user-defined network-modes',
  ],
  [['--network', 'a', '--network', 'a'], 'network "a" is specified multiple times'],
  [['--network-alias', 'x'], 'network-scoped aliases are only supported for user-defined networks'],
  [
    ['--network', 'name=n,ip=1.2.3.4', '--ip', '1.2.3.5'],
    'conflicting options: cannot specify both --ip and per-network IPv4 address',
  ],
] as Array<[string[], string]>) {
  test(`\`createBody()\` refuses ${argv.join(' ')}`, () => {
    assert.throws(() => body(...argv, 'img'), { message });
  });
}

test('`isMacAddress()` knows the spellings Go knows', () => {
  for (const good of [
    '02:42:ac:11:00:09',
    '02-42-AC-11-00-09',
    '0242.ac11.0009',
    '00:00:00:00:fe:80:00:00',
  ]) {
    assert.ok(isMacAddress(good), good);
  }
  for (const bad of ['02:42:ac:11:00', '02:42-ac:11:00:09', 'gg:42:ac:11:00:09', ''])
    assert.ok(!isMacAddress(bad), bad);
});
