import assert from 'node:assert/strict';
import { existsSync } from 'node:fs';
import { Readable } from 'node:stream';
import { after, afterEach, before, describe, test } from 'node:test';
import { gzipSync } from 'node:zlib';
import type { Filters } from '../../base/wire/index.ts';
import { digestOf, shortId } from './digest.ts';
import { ImageService } from './service.ts';
import { busyboxTar, importTar, makeHost, never, type TestHost, tarOf } from './test-fixtures.ts';

let host: TestHost;
before(async () => {
  host = await makeHost();
});
after(() => host.destroy());

const everything = { all: true, digests: false, filters: {} };

afterEach(async () => {
  host.users.clear();
  for (const { Id } of await host.images.list(everything)) {
    await host.images.remove(Id, { force: true, prune: true });
  }
  host.events.length = 0;
  assert.deepEqual(await host.client.content.list(), [], 'removing all images frees all content');
  assert.deepEqual(await host.client.snapshots.list(), [], 'and all snapshots');
  assert.deepEqual(await host.client.leases.list(), []);
});

const file = (name: string) => tarOf([{ name, content: name }]);

describe('import()', () => {
  test('makes an image of one layer with the changes asked for', async () => {
    const tar = await busyboxTar({ 'etc/x': 'y' });
    const id = await importTar(host, tar, 'me/app', {
      tag: 'v1',
      changes: ['CMD ["sh"]', 'ENV A=1', 'WORKDIR /srv', 'EXPOSE 80/tcp', 'LABEL made=here'],
      message: 'from a test',
    });
    const image = await host.images.inspect('me/app:v1');
    assert.equal(image.Id, id);
    assert.deepEqual(image.RepoTags, ['me/app:v1']);
    assert.deepEqual(image.RootFS.Layers, [digestOf(tar)]);
    assert.equal(image.Comment, 'from a test');
    assert.deepEqual(image.Config.Cmd, ['sh']);
    assert.deepEqual(image.Config.Env, ['A=1']);
    assert.equal(image.Config.WorkingDir, '/srv');
    assert.deepEqual(image.Config.ExposedPorts, { '80/tcp': {} });
    assert.ok(image.Size > 1_000_000);
    assert.deepEqual(host.events, [`import ${id} ${id}`]);
    const [step] = await host.images.history(id);
    assert.deepEqual(
      [step!.Id, step!.Tags, step!.Comment, step!.Size],
      [id, ['me/app:v1'], 'from a test', image.Size],
    );
  });

  test('takes gzip and has the diff id of the plain tar', async () => {
    const tar = await busyboxTar();
    await importTar(host, gzipSync(tar), 'gz');
    assert.deepEqual((await host.images.inspect('gz')).RootFS.Layers, [digestOf(tar)]);
    const { chainId } = await host.images.resolve('gz');
    assert.equal(chainId, digestOf(tar));
  });

  test('without a name makes a dangling image; another platform on demand', async () => {
    const id = await importTar(host, await file('a'), '', { platform: 'linux/arm64' });
    const [image] = await host.images.list({ ...everything, filters: { dangling: ['true'] } });
    assert.equal(image!.Id, id);
    assert.equal((await host.images.inspect(id)).Architecture, 'arm64');
  });

  test('refuses what is no tar, an empty one, other compressions and bad changes, and leaves nothing', async () => {
    const refuses = (data: Buffer, message: RegExp, changes: string[] = []) =>
      assert.rejects(importTar(host, data, 'bad', { changes }), { message });
    await assert.rejects(importTar(host, Buffer.from('this is no tar archive'.repeat(100)), 'bad'), {
      kind: 'invalid',
      message: /tar|unexpected EOF/i,
    });
    await refuses(Buffer.alloc(0), /empty/);
    await refuses(gzipSync(await busyboxTar()).subarray(0, 5000), /unexpected end of file/);
    await refuses(Buffer.from('BZh91AY&SY'), /bzip2 compressed archives are not supported/);
    await refuses(await file('a'), /run is not a valid change command/, ['RUN x']);
    await assert.rejects(importTar(host, await file('a'), 'UPPER'), { kind: 'invalid' });
    assert.deepEqual(await host.images.list(everything), []);
    const lease = await host.client.leases.create();
    await host.client.leases.delete(lease.id, { sync: true });
  });

  test('of a tar that leaves its root touches nothing outside', async () => {
    const evil = await tarOf([
      { name: 'etc', type: 'symlink', linkname: '/tmp' },
      { name: 'etc/bridgeport-import-evil', content: 'x' },
    ]);
    await importTar(host, evil, 'evil').catch(() => undefined);
    assert.equal(existsSync('/tmp/bridgeport-import-evil'), false);
  });
});

describe('resolve()', () => {
  test('finds by name, tag, id, id prefix, and says what is not there', async () => {
    const id = await importTar(host, await file('a'), 'app', { tag: '1' });
    await host.images.tag('app:1', 'host:5000/x/y', '');
    for (const ref of [
      'app:1',
      'docker.io/library/app:1',
      'host:5000/x/y',
      id,
      id.slice(7),
      id.slice(0, 20),
      shortId(id),
      id.slice(7, 10),
    ]) {
      assert.equal((await host.images.resolve(ref)).id, id, ref);
    }
    const missing = async (ref: string, message: string) =>
      assert.rejects(host.images.resolve(ref), { kind: 'not-found', message });
    await missing('app', 'No such image: app:latest');
    await missing('app:2', 'No such image: app:2');
    await missing('0'.repeat(64), `No such image: ${'0'.repeat(64)}`);
    await missing(digestOf('nothing'), `No such image: ${digestOf('nothing')}`);
    await assert.rejects(host.images.resolve('a//b'), {
      kind: 'invalid',
      message: 'invalid reference format',
    });
  });

  test('refuses an ambiguous prefix', async () => {
    const ids: string[] = [];
    // 17 images: two begin with the same hexadecimal digit.
    for (let count = 0; count < 17; count++) ids.push(await importTar(host, await file(`f${count}`), ''));
    const firsts = ids.map((id) => id[7]!);
    const twice = firsts.find((digit, index) => firsts.indexOf(digit) !== index)!;
    await assert.rejects(host.images.resolve(`sha256:${twice}`), {
      kind: 'invalid',
      message: /is ambiguous/,
    });
  });

  test('refuses an image of another platform than the one asked for', async () => {
    await importTar(host, await file('a'), 'arm', { platform: 'linux/arm64' });
    assert.equal((await host.images.resolve('arm', 'linux/arm64')).platform.architecture, 'arm64');
    await assert.rejects(host.images.resolve('arm', 'linux/s390x'), {
      kind: 'not-found',
      message:
        'image with reference arm was found but does not match the specified platform: wanted linux/s390x, actual: linux/arm64',
    });
  });

  test('unpacks an image again whose snapshot was lost while there was no daemon', async () => {
    await importTar(host, await file('a'), 'lost');
    const { chainId } = await host.images
      .inspect('lost')
      .then(({ RootFS }) => ({ chainId: RootFS.Layers[0]! }));
    await host.client.snapshots.remove(chainId);
    assert.equal((await nextService().resolve('lost')).chainId, chainId);
    assert.equal((await host.client.snapshots.stat(chainId)).kind, 'committed');
  });
});

describe('list()', () => {
  const list = async (filters: Filters) =>
    (await host.images.list({ ...everything, filters })).map(({ RepoTags }) => RepoTags.join(' '));
  const setUp = async () => {
    await importTar(host, await file('a'), 'first', { tag: '1', changes: ['LABEL color=red size=1'] });
    await importTar(host, await file('b'), 'host:5000/team/second', { changes: ['LABEL color=blue'] });
    await importTar(host, await file('c'), '');
  };

  test('puts the newest first and counts containers', async () => {
    await setUp();
    const { Id } = await host.images.inspect('first:1');
    host.users.set(Id, [{ id: 'c'.repeat(64), running: false }]);
    const images = await host.images.list(everything);
    assert.deepEqual(
      images.map(({ RepoTags, Containers }) => [RepoTags[0], Containers]),
      [
        [undefined, 0],
        ['host:5000/team/second:latest', 0],
        ['first:1', 1],
      ],
    );
  });

  test('filters by reference, dangling, label, before, since and until', async () => {
    await setUp();
    const both = ['host:5000/team/second:latest', 'first:1'];
    assert.deepEqual(await list({ reference: ['first'] }), ['first:1']);
    assert.deepEqual(await list({ reference: ['first:2'] }), []);
    assert.deepEqual(await list({ reference: ['*:5000/team/*'] }), ['host:5000/team/second:latest']);
    assert.deepEqual(await list({ reference: ['f*', 'host:5000/*/second:l?test'] }), both);
    assert.deepEqual(await list({ dangling: ['true'] }), ['']);
    assert.deepEqual(await list({ dangling: ['false'] }), both);
    assert.deepEqual(await list({ label: ['color'] }), both);
    assert.deepEqual(await list({ label: ['color=red', 'size'] }), ['first:1']);
    assert.deepEqual(await list({ 'label!': ['color=red'] }), ['', 'host:5000/team/second:latest']);
    assert.deepEqual(await list({ before: ['host:5000/team/second'] }), ['first:1']);
    assert.deepEqual(await list({ since: ['host:5000/team/second'] }), ['']);
    assert.deepEqual(await list({ until: ['1h'] }), []);
    assert.deepEqual((await list({ until: [String(Date.now() / 1000 + 10)] })).length, 3);
  });

  test('refuses unknown filters and bad values', async () => {
    await assert.rejects(list({ colour: ['x'] }), { kind: 'invalid', message: "invalid filter 'colour'" });
    await assert.rejects(list({ dangling: ['maybe'] }), {
      kind: 'invalid',
      message: /invalid filter 'dangling/,
    });
    await assert.rejects(list({ reference: ['[a'] }), {
      kind: 'invalid',
      message: /syntax error in pattern/,
    });
    await assert.rejects(list({ until: ['soon'] }), { kind: 'invalid', message: /until/ });
    await assert.rejects(list({ before: ['nothing'] }), { kind: 'not-found' });
  });
});

describe('tag()', () => {
  test('names an image again, and moves a name', async () => {
    const a = await importTar(host, await file('a'), 'a');
    const b = await importTar(host, await file('b'), 'b');
    await host.images.tag('a', 'name', '1');
    assert.ok(host.events.includes(`tag ${a} name:1`));
    await host.images.tag(b, 'name', '1');
    assert.equal((await host.images.inspect('name:1')).Id, b);
    assert.deepEqual((await host.images.inspect(a)).RepoTags, ['a:latest']);
  });

  test('refuses bad names and missing images', async () => {
    await importTar(host, await file('a'), 'a');
    await assert.rejects(host.images.tag('a', 'UPPER', '1'), {
      kind: 'invalid',
      message: /must be lowercase/,
    });
    await assert.rejects(host.images.tag('a', 'b', '-'), { kind: 'invalid', message: 'invalid tag format' });
    await assert.rejects(host.images.tag('a', `b@${digestOf('')}`, ''), {
      kind: 'invalid',
      message: /digest reference/,
    });
    await assert.rejects(host.images.tag('none', 'b', '1'), { kind: 'not-found' });
  });
});

describe('remove()', () => {
  const remove = (ref: string, force = false) => host.images.remove(ref, { force, prune: true });
  const use = (id: string, running: boolean) =>
    host.users.set(id, [{ id: 'abcdef0123456789'.repeat(4), running }]);

  test('takes a name away, and the image with its last one', async () => {
    const tar = await file('a');
    const id = await importTar(host, tar, 'a', { tag: '1' });
    await host.images.tag('a:1', 'b', '2');
    assert.deepEqual(await remove('a:1'), [{ Untagged: 'a:1' }]);
    assert.deepEqual(await remove('b:2'), [{ Untagged: 'b:2' }, { Deleted: id }, { Deleted: digestOf(tar) }]);
    assert.deepEqual(host.events.slice(-3), [`untag ${id} ${id}`, `untag ${id} ${id}`, `delete ${id} ${id}`]);
    await assert.rejects(remove('b:2'), { kind: 'not-found', message: 'No such image: b:2' });
  });

  test('by id takes the one name along, but not several', async () => {
    const id = await importTar(host, await file('a'), 'a', { tag: '1' });
    await host.images.tag('a:1', 'b', '2');
    await assert.rejects(remove(shortId(id)), {
      kind: 'conflict',
      message: `conflict: unable to delete ${shortId(id)} (must be forced) - image is referenced in multiple repositories`,
    });
    await remove('b:2');
    assert.deepEqual((await remove(shortId(id))).slice(0, 2), [{ Untagged: 'a:1' }, { Deleted: id }]);
  });

  test('forced by id takes all names along', async () => {
    const id = await importTar(host, await file('a'), 'a', { tag: '1' });
    await host.images.tag('a:1', 'b', '2');
    assert.deepEqual((await remove(id, true)).slice(0, 3), [
      { Untagged: 'a:1' },
      { Untagged: 'b:2' },
      { Deleted: id },
    ]);
  });

  test('keeps layers that another image has', async () => {
    const tar = await busyboxTar();
    await importTar(host, tar, 'a', { changes: ['ENV x=1'] });
    const b = await importTar(host, tar, 'b', { changes: ['ENV x=2'] });
    const items = await remove('a');
    assert.equal(items.length, 2, 'no layer is deleted');
    assert.equal((await host.images.resolve('b')).id, b);
    assert.equal((await host.client.snapshots.stat(digestOf(tar))).kind, 'committed');
  });

  test('refuses the last name of an image in use, and says by whom', async () => {
    const id = await importTar(host, await file('a'), 'a');
    use(id, false);
    await assert.rejects(remove('a'), {
      kind: 'conflict',
      message: `conflict: unable to remove repository reference "a" (must force) - container abcdef012345 is using its referenced image ${shortId(id)}`,
    });
    await assert.rejects(remove(shortId(id)), {
      kind: 'conflict',
      message: `conflict: unable to delete ${shortId(id)} (must be forced) - image is being used by stopped container abcdef012345`,
    });
    assert.equal((await remove(shortId(id), true)).length, 3);
  });

  test('of an image in use forced by name leaves the image while a container runs', async () => {
    const id = await importTar(host, await file('a'), 'a');
    use(id, true);
    assert.deepEqual(await remove('a', true), [{ Untagged: 'a:latest' }]);
    await assert.rejects(remove(id, true), {
      kind: 'conflict',
      message: `conflict: unable to delete ${shortId(id)} (cannot be forced) - image is being used by running container abcdef012345`,
    });
    assert.deepEqual((await host.images.inspect(id)).RepoTags, []);
  });

  test('takes what is a name for a name, even if it is the beginning of the id too', async () => {
    const id = await importTar(host, await file('a'), 'first');
    const name = id.slice(7, 11);
    await host.images.tag('first', name, '');
    assert.deepEqual(await remove(name), [{ Untagged: `${name}:latest` }]);
  });

  test('of a second name is no conflict for an image in use', async () => {
    const id = await importTar(host, await file('a'), 'a');
    await host.images.tag('a', 'b', '');
    use(id, true);
    assert.deepEqual(await remove('b'), [{ Untagged: 'b:latest' }]);
  });

  test('and tag() of one image at once end in one state', async () => {
    for (let round = 0; round < 5; round++) {
      const id = await importTar(host, await file(`r${round}`), 'race');
      const [, tagged] = await Promise.allSettled([
        remove('race'),
        host.images.tag(id, 'kept', String(round)),
      ]);
      const images = await host.images.list({ ...everything, filters: { reference: ['kept'] } });
      assert.equal(
        images.some(({ Id }) => Id === id),
        tagged.status === 'fulfilled',
      );
      if (tagged.status === 'fulfilled') await host.images.resolve(`kept:${round}`);
    }
  });
});

describe('prune()', () => {
  test('takes unnamed images only, unless told otherwise, and never one in use', async () => {
    const named = await importTar(host, await busyboxTar(), 'named');
    const unnamed = await importTar(host, await file('a'), '');
    const used = await importTar(host, await file('b'), '');
    host.users.set(used, [{ id: 'c'.repeat(64), running: false }]);
    const first = await host.images.prune({});
    assert.deepEqual(first.ImagesDeleted?.[0], { Deleted: unnamed });
    assert.equal(first.ImagesDeleted?.length, 2);
    const second = await host.images.prune({ dangling: ['false'] });
    assert.deepEqual(second.ImagesDeleted?.slice(0, 2), [{ Untagged: 'named:latest' }, { Deleted: named }]);
    assert.ok(second.SpaceReclaimed > 1_000_000);
    assert.deepEqual(await host.images.prune({ dangling: ['0'] }), {
      ImagesDeleted: null,
      SpaceReclaimed: 0,
    });
    assert.deepEqual(
      (await host.images.list(everything)).map(({ Id }) => Id),
      [used],
    );
  });

  test('keeps to label and until', async () => {
    await importTar(host, await file('a'), '', { changes: ['LABEL keep=1'] });
    assert.equal((await host.images.prune({ 'label!': ['keep'] })).ImagesDeleted, null);
    assert.equal((await host.images.prune({ until: ['1h'] })).ImagesDeleted, null);
    await assert.rejects(host.images.prune({ color: ['x'] }), { kind: 'invalid' });
    assert.notEqual((await host.images.prune({ label: ['keep=1'] })).ImagesDeleted, null);
  });
});

test('usage() counts shared layers once', async () => {
  const tar = await busyboxTar();
  await importTar(host, tar, 'a', { changes: ['ENV x=1'] });
  await importTar(host, tar, 'b', { changes: ['ENV x=2'] });
  await importTar(host, await file('c'), 'c');
  const { LayersSize, Images } = await host.images.usage();
  const byName = new Map(Images.map((image) => [image.RepoTags[0], image]));
  const { Size, SharedSize } = byName.get('a:latest')!;
  assert.equal(SharedSize, Size);
  assert.equal(byName.get('c:latest')!.SharedSize, 0);
  assert.equal(LayersSize, Size + byName.get('c:latest')!.Size);
  assert.equal(await host.images.count(), 3);
});

test('imports of the same layer at once share it', async () => {
  const tar = await busyboxTar();
  const record = () => undefined;
  const options = { repository: 'same', message: '', changes: [], platform: undefined };
  await Promise.all(
    ['1', '2', '3', '4'].map((tag) =>
      host.images.import(Readable.from([tar]), { ...options, tag }, record, never()),
    ),
  );
  for (const tag of ['1', '2', '3', '4']) {
    assert.equal((await host.images.resolve(`same:${tag}`)).chainId, digestOf(tar));
  }
});

/** As the next daemon would have it. */
const nextService = () =>
  new ImageService({
    containerd: host.client,
    registry: undefined as never,
    snapshotter: 'overlayfs',
    emit: () => undefined,
    usedBy: () => [],
    log: { warn: () => undefined },
  });

test('images outlive a new service on the same containerd', async () => {
  const id = await importTar(host, await file('a'), 'lasting');
  assert.equal((await nextService().resolve('lasting')).id, id);
});
