import assert from 'node:assert/strict';
import { test } from 'node:test';
import type { ContainerCreateBody } from '../../base/wire/index.ts';
import { adaptCreate } from './create.ts';

const adapt = (version: number, body: ContainerCreateBody) =>
  adaptCreate(version, structuredClone(body)).body;

test('the default network gets its name, and its settings move along', () => {
  const body = adapt(51, {
    Image: 'x',
    NetworkingConfig: { EndpointsConfig: { default: { Aliases: ['a'] } } },
  });
  assert.equal(body.HostConfig?.NetworkMode, 'bridge');
  assert.deepEqual(body.NetworkingConfig?.EndpointsConfig, { bridge: { Aliases: ['a'] } });
  assert.equal(adapt(51, { HostConfig: { NetworkMode: 'default' } }).HostConfig?.NetworkMode, 'bridge');
  assert.equal(
    adapt(51, { HostConfig: { NetworkMode: 'container:x' } }).HostConfig?.NetworkMode,
    'container:x',
  );
});

test('an old client’s MAC address becomes the endpoint’s', () => {
  const body = adapt(43, { MacAddress: '02:42:ac:11:00:09' });
  assert.deepEqual(body.NetworkingConfig?.EndpointsConfig, { bridge: { MacAddress: '02:42:ac:11:00:09' } });
  assert.throws(
    () => adapt(43, { MacAddress: '02:42:ac:11:00:09', HostConfig: { NetworkMode: 'host' } }),
    /conflicting options: mac-address and the network mode/,
  );
  const ignored = adapt(43, {
    NetworkingConfig: { EndpointsConfig: { x: { MacAddress: '02:42:ac:11:00:09' } } },
  });
  assert.deepEqual(ignored.NetworkingConfig?.EndpointsConfig, { x: {} });
});

test('a new client that gives a container-wide MAC address is warned, and must not contradict itself', () => {
  const { body, warnings } = adaptCreate(51, { MacAddress: '02:42:AC:11:00:09' });
  assert.equal(warnings.length, 1);
  assert.equal(body.NetworkingConfig?.EndpointsConfig?.bridge?.MacAddress, '02:42:AC:11:00:09');
  const NetworkingConfig = { EndpointsConfig: { bridge: { MacAddress: '02:42:ac:11:00:08' } } };
  assert.throws(() => adapt(51, { MacAddress: '02:42:ac:11:00:09', NetworkingConfig }), /must match/);
});

test('fields that came later are not believed from older clients', () => {
  const request: ContainerCreateBody = {
    Healthcheck: { StartInterval: 5, Interval: 7 },
    HostConfig: { Annotations: { a: 'b' }, ConsoleSize: [1, 2] },
    NetworkingConfig: { EndpointsConfig: { x: { GwPriority: 3 } } },
  };
  const old = adapt(39, request);
  assert.deepEqual(old.Healthcheck, { Interval: 7 });
  assert.equal(old.HostConfig?.Annotations, undefined);
  assert.equal(old.HostConfig?.ConsoleSize, undefined);
  assert.equal(old.HostConfig?.IpcMode, 'shareable');
  assert.equal(old.HostConfig?.CgroupnsMode, 'host');
  assert.deepEqual(old.NetworkingConfig?.EndpointsConfig, { x: {} });
  const current = adapt(51, request);
  assert.deepEqual(current.HostConfig?.Annotations, { a: 'b' });
  assert.equal(current.HostConfig?.IpcMode, undefined);
  assert.deepEqual(current.NetworkingConfig?.EndpointsConfig, { x: { GwPriority: 3 } });
});

test('several networks at once need 1.44', () => {
  const NetworkingConfig = { EndpointsConfig: { a: {}, b: {} } };
  assert.throws(() => adapt(43, { NetworkingConfig }), /multiple network endpoints: a, b/);
  assert.deepEqual(Object.keys(adapt(44, { NetworkingConfig }).NetworkingConfig?.EndpointsConfig ?? {}), [
    'a',
    'b',
  ]);
});

test('options of another type of mount are refused, by old clients forgotten', () => {
  const HostConfig = { Mounts: [{ Type: 'bind' as const, Target: '/x', VolumeOptions: { NoCopy: true } }] };
  assert.throws(() => adapt(51, { HostConfig }), /VolumeOptions must not be specified on mount type "bind"/);
  assert.deepEqual(adapt(41, { HostConfig }).HostConfig?.Mounts, [{ Type: 'bind', Target: '/x' }]);
  const image = { Mounts: [{ Type: 'image' as const, Target: '/x' }] };
  assert.throws(() => adapt(47, { HostConfig: image }), /needs API v1\.48/);
});

test('a port without bindings is published somewhere; no limit of processes is null', () => {
  const { HostConfig } = adapt(51, {
    HostConfig: { PortBindings: { '80/tcp': null, '81/tcp': [] }, PidsLimit: -1 },
  });
  const anywhere = [{ HostIp: '', HostPort: '' }];
  assert.deepEqual(HostConfig?.PortBindings, { '80/tcp': anywhere, '81/tcp': anywhere });
  assert.equal(HostConfig?.PidsLimit, null);
});
