import assert from 'node:assert/strict';
import { existsSync, mkdtempSync, rmSync, statSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { type TestContext, test } from 'node:test';
import { Store } from '../../store/store.ts';
import { EventBus } from '../events/bus.ts';
import { VolumeService } from './service.ts';

interface Stage {
  volumes: VolumeService;
  store: Store;
  dataRoot: string;
  /** Ids of containers by the volume they use. */
  users: Map<string, string[]>;
  actions: string[];
  again(): VolumeService;
}

function stage(t: TestContext): Stage {
  const dataRoot = mkdtempSync(join(tmpdir(), 'bridgeport-volumes-'));
  const store = Store.open(':memory:');
  t.after(() => {
    store.close();
    rmSync(dataRoot, { recursive: true, force: true });
  });
  const events = new EventBus();
  const actions: string[] = [];
  t.mock.method(events, 'publish', (_type: string, action: string, id: string) => {
    actions.push(id === '' ? action : `${action} ${id}`);
  });
  const users = new Map<string, string[]>();
  const again = () => new VolumeService({ store, dataRoot, events, usedBy: (name) => users.get(name) ?? [] });
  return { volumes: again(), store, dataRoot, users, actions, again };
}

const names = async (volumes: VolumeService, filters: Record<string, string[]> = {}) =>
  (await volumes.list(filters)).Volumes?.map((volume) => volume.Name);

test('a named volume is made once, outlives the service, and is gone when it is removed', async (t) => {
  const at = stage(t);
  const first = await at.volumes.create({ Name: 'data', Labels: { a: '1' } });
  assert.deepEqual(
    { ...first, CreatedAt: '' },
    {
      Name: 'data',
      Driver: 'local',
      Mountpoint: join(at.dataRoot, 'volumes', 'data', '_data'),
      CreatedAt: '',
      Labels: { a: '1' },
      Scope: 'local',
      Options: null,
    },
  );
  assert.match(String(first.CreatedAt), /^\d{4}-\d\d-\d\dT\d\d:\d\d:\d\dZ$/);
  writeFileSync(join(first.Mountpoint, 'file'), 'kept');
  assert.deepEqual(await at.volumes.create({ Name: 'data', Labels: { other: '2' } }), first);
  const later = at.again();
  assert.deepEqual(await later.inspect('data'), first);
  await later.remove('data', false);
  assert.equal(existsSync(join(at.dataRoot, 'volumes', 'data')), false);
  await assert.rejects(later.inspect('data'), { kind: 'not-found', message: 'get data: no such volume' });
  assert.deepEqual(await names(at.again()), []);
  assert.deepEqual(at.actions, ['create data', 'destroy data']);
});

test('others than root cannot look into the folder of volumes', async (t) => {
  const at = stage(t);
  await at.volumes.create({ Name: 'data' });
  assert.equal(statSync(join(at.dataRoot, 'volumes')).mode & 0o777, 0o711);
});

test('a volume without a name is anonymous, named by 64 hex digits and labelled', async (t) => {
  const at = stage(t);
  const made = await at.volumes.create({});
  assert.match(made.Name, /^[0-9a-f]{64}$/);
  assert.deepEqual(made.Labels, { 'com.docker.volume.anonymous': '' });
});

test('names, drivers and options that are not possible are refused', async (t) => {
  const at = stage(t);
  for (const Name of ['a', '-x', 'a/b', '../x', 'a b', 'ä1']) {
    await assert.rejects(at.volumes.create({ Name }), {
      kind: 'invalid',
      message: /includes invalid characters/,
    });
  }
  await assert.rejects(at.volumes.create({ Name: 'data', Driver: 'nfs' }), /plugin "nfs" not found/);
  await assert.rejects(at.volumes.create({ Name: 'data', DriverOpts: { o: 'ro' } }), /invalid option: "o"/);
  assert.deepEqual(await names(at.volumes), []);
  assert.deepEqual(at.actions, []);
});

test('a volume in use is not removed, and a missing one only with force', async (t) => {
  const at = stage(t);
  await at.volumes.create({ Name: 'data' });
  at.users.set('data', ['c1', 'c2']);
  for (const force of [false, true]) {
    await assert.rejects(at.volumes.remove('data', force), {
      kind: 'conflict',
      message: 'remove data: volume is in use - [c1, c2]',
    });
  }
  assert.equal(existsSync(at.volumes.path('data')), true);
  await assert.rejects(at.volumes.remove('gone', false), { kind: 'not-found' });
  await at.volumes.remove('gone', true);
});

test('what a container that is being made needs is held, as often as it is needed', async (t) => {
  const at = stage(t);
  const anonymous = at.volumes.ensure(undefined).record.name;
  at.volumes.ensure('data');
  const [first, second] = [at.volumes.hold(['data', anonymous]), at.volumes.hold(['data'])];
  await assert.rejects(at.volumes.remove('data', false), { kind: 'conflict' });
  at.volumes.removeAnonymous([anonymous]);
  assert.equal((await at.volumes.prune({ all: ['1'] })).VolumesDeleted, null);
  first();
  await assert.rejects(at.volumes.remove('data', true), { kind: 'conflict' });
  second();
  await at.volumes.remove('data', false);
  at.volumes.removeAnonymous([anonymous]);
  assert.deepEqual(await names(at.volumes), []);
});

test('`takeBack()` removes a volume unless it is used by now', async (t) => {
  const at = stage(t);
  for (const name of ['free', 'taken', 'held']) at.volumes.ensure(name);
  at.users.set('taken', ['c1']);
  at.volumes.hold(['held', 'held', 'free']);
  for (const name of ['free', 'taken', 'held', 'gone']) at.volumes.takeBack(name);
  assert.deepEqual((await names(at.volumes))?.toSorted(), ['held', 'taken']);
});

test('`removeAnonymous()` takes anonymous volumes that nobody else uses', async (t) => {
  const at = stage(t);
  const [own, shared] = [at.volumes.ensure(undefined).record.name, at.volumes.ensure(undefined).record.name];
  at.volumes.ensure('named');
  at.users.set(shared, ['other']);
  at.volumes.removeAnonymous([own, shared, 'named', 'gone']);
  assert.deepEqual((await names(at.volumes))?.toSorted(), [shared, 'named'].toSorted());
});

test('`list()` filters by name, label, driver and use', async (t) => {
  const at = stage(t);
  await at.volumes.create({ Name: 'web-data', Labels: { tier: 'front' } });
  await at.volumes.create({ Name: 'db-data', Labels: { tier: 'back' } });
  at.users.set('db-data', ['c1']);
  assert.deepEqual(await names(at.volumes, { name: ['web'] }), ['web-data']);
  assert.deepEqual(await names(at.volumes, { label: ['tier=back'] }), ['db-data']);
  assert.deepEqual(await names(at.volumes, { dangling: ['true'] }), ['web-data']);
  assert.deepEqual(await names(at.volumes, { dangling: ['0'] }), ['db-data']);
  assert.deepEqual(await names(at.volumes, { driver: ['nfs'] }), []);
  await assert.rejects(at.volumes.list({ color: ['red'] }), { message: "invalid filter 'color'" });
});

test('`prune()` takes anonymous volumes, and all unused ones when asked, and says how much room that gave', async (t) => {
  const at = stage(t);
  const anonymous = at.volumes.ensure(undefined).record.name;
  for (const name of ['used', 'unused', 'kept']) at.volumes.ensure(name, { labels: { [name]: '' } });
  at.users.set('used', ['c1']);
  writeFileSync(join(at.volumes.path(anonymous), 'file'), 'x'.repeat(1000));
  assert.deepEqual(await at.volumes.prune({}), { VolumesDeleted: [anonymous], SpaceReclaimed: 1000 });
  assert.deepEqual(await at.volumes.prune({}), { VolumesDeleted: null, SpaceReclaimed: 0 });
  assert.deepEqual(await at.volumes.prune({ all: ['true'], 'label!': ['kept'] }), {
    VolumesDeleted: ['unused'],
    SpaceReclaimed: 0,
  });
  assert.deepEqual((await names(at.volumes))?.toSorted(), ['kept', 'used']);
});
