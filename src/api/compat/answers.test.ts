import assert from 'node:assert/strict';
import { test } from 'node:test';
import { startDaemon, type TestDaemon } from '../testing/daemon.ts';

async function at<T>(daemon: TestDaemon, version: string, path: string): Promise<T> {
  return (await daemon.ask('GET', `/v${version}${path}`)).json() as T;
}

type Images = Array<{ VirtualSize?: number; RepoTags: string[]; Containers: number }>;

test('lists of images have `VirtualSize` before 1.44 and `<none>` before 1.43', async () => {
  await using daemon = await startDaemon();
  const oldest = await at<Images>(daemon, '1.42', '/images/json');
  assert.equal(oldest[0]?.VirtualSize, 1234);
  assert.deepEqual(oldest[1]?.RepoTags, ['<none>:<none>']);
  assert.equal(oldest[0]?.Containers, -1);
  const newest = await at<Images>(daemon, '1.51', '/images/json');
  assert.equal(newest[0]?.VirtualSize, undefined);
  assert.deepEqual(newest[1]?.RepoTags, []);
  assert.equal(newest[0]?.Containers, 2);
});

test('an image has `VirtualSize` before 1.44, `Container` before 1.45, and always `ContainerConfig`', async () => {
  await using daemon = await startDaemon();
  const keys = async (version: string) => Object.keys(await at<object>(daemon, version, '/images/web/json'));
  assert.ok((await keys('1.43')).includes('VirtualSize'));
  assert.ok(!(await keys('1.44')).includes('VirtualSize'));
  assert.ok((await keys('1.44')).includes('Container'));
  assert.ok(!(await keys('1.45')).includes('Container'));
  assert.ok((await keys('1.44')).includes('ContainerConfig'));
  assert.ok((await keys('1.51')).includes('ContainerConfig'));
});

test('containers hide what older clients do not know', async () => {
  await using daemon = await startDaemon();
  daemon.engine.add(
    'web',
    { Image: 'web', NetworkingConfig: { EndpointsConfig: { mine: { Aliases: ['a'] } } } },
    true,
  );
  type List = Array<{ HostConfig: object }>;
  assert.deepEqual((await at<List>(daemon, '1.45', '/containers/json'))[0]?.HostConfig, {
    NetworkMode: 'bridge',
  });
  assert.ok('Annotations' in (await at<List>(daemon, '1.46', '/containers/json'))[0]!.HostConfig);
  type Inspect = { NetworkSettings: { Networks: { mine: { Aliases: string[] } } } };
  const aliases = async (version: string) =>
    (await at<Inspect>(daemon, version, '/containers/web/json')).NetworkSettings.Networks.mine.Aliases;
  assert.deepEqual(await aliases('1.44'), ['a', '010101010101']);
  assert.deepEqual(await aliases('1.45'), ['a']);
});

test('`info` and `networks` follow the version', async () => {
  await using daemon = await startDaemon();
  type Info = { FirewallBackend?: object; RuncCommit: object; BridgeNfIptables?: boolean };
  const old = await at<Info>(daemon, '1.48', '/info');
  assert.equal(old.FirewallBackend, undefined);
  assert.deepEqual(old.RuncCommit, { Expected: 'abc', ID: 'abc' });
  assert.equal(old.BridgeNfIptables, false);
  const current = await at<Info>(daemon, '1.51', '/info');
  assert.deepEqual(current.RuncCommit, { ID: 'abc' });
  assert.equal(current.BridgeNfIptables, undefined);
  type Networks = Array<{ Containers: object }>;
  assert.deepEqual((await at<Networks>(daemon, '1.51', '/networks'))[0]?.Containers, {});
  assert.equal(Object.keys((await at<Networks>(daemon, '1.27', '/networks'))[0]!.Containers).length, 1);
});

test('old clients stop without a signal and prune every volume', async () => {
  await using daemon = await startDaemon();
  daemon.engine.add('web', { Image: 'web' }, true);
  await daemon.ask('POST', '/v1.41/containers/web/stop?signal=SIGINT&t=3');
  assert.deepEqual(daemon.engine.calls.at(-1)?.args[1], { signal: undefined, timeout: 3 });
  await daemon.ask('POST', '/v1.42/containers/web/stop?signal=SIGINT&t=-1');
  assert.deepEqual(daemon.engine.calls.at(-1)?.args[1], { signal: 'SIGINT', timeout: -1 });
  await daemon.ask('POST', '/v1.41/volumes/prune');
  assert.deepEqual(daemon.engine.calls.at(-1)?.args[0], { all: ['true'] });
  await daemon.ask('POST', '/v1.42/volumes/prune');
  assert.deepEqual(daemon.engine.calls.at(-1)?.args[0], {});
});
