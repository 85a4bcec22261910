import assert from 'node:assert/strict';
import { existsSync } from 'node:fs';
import { after, before, beforeEach, describe, test } from 'node:test';
import type { ProgressMessage } from '../../base/wire/index.ts';
import type { Descriptor } from '../../runtime/registry/descriptor.ts';
import { parsePlatform } from '../../runtime/registry/platform.ts';
import {
  BadProxy,
  PASSWORD,
  pushImage,
  pushIndex,
  pushManifest,
  startRegistry,
  type TestRegistry,
  USER,
} from '../../runtime/registry/test-fixtures.ts';
import { shortId } from './digest.ts';
import { busyboxTar, makeHost, never, recorder, type TestHost, tarOf } from './test-fixtures.ts';

const layer = (name: string, size = 10): Promise<Buffer> =>
  tarOf([{ name, content: Buffer.alloc(size, name) }]);

/** Bytes that do not compress, the same at every run. */
function noise(length: number, seed: number): Buffer {
  const data = Buffer.alloc(length);
  let state = seed;
  for (let at = 0; at < length; at++) {
    state = (Math.imul(state, 1103515245) + 12345) >>> 0;
    data[at] = state >>> 16;
  }
  return data;
}

describe('pull()', () => {
  let host: TestHost;
  let registry: TestRegistry;
  let proxy: BadProxy;
  before(async () => {
    host = await makeHost();
    registry = await startRegistry();
    proxy = await BadProxy.start(registry.host);
  });
  beforeEach(() => {
    proxy.mischief = () => undefined;
    proxy.requests.length = 0;
    host.events.length = 0;
  });
  after(async () => {
    await proxy.stop();
    await registry.stop();
    await host.destroy();
  });

  const pull = async (
    name: string,
    tag = '1',
    platform?: string,
    signal = never(),
  ): Promise<ProgressMessage[]> => {
    const record = recorder();
    await host.images.pull(
      { name: `${proxy.host}/${name}`, tag, platform },
      undefined,
      record.progress,
      signal,
    );
    return record.messages;
  };
  const statusesOf = (messages: ProgressMessage[], { digest }: Descriptor) => {
    const all = messages.filter(({ id }) => id === shortId(digest)).map(({ status }) => status);
    // Downloading may be told once or often.
    return all.filter((status, index) => status !== all[index - 1]);
  };
  const blobsAsked = () => proxy.requests.filter(({ path }) => path.includes('/blobs/')).length;
  /** A collection, after which only what is referred to is left. */
  const collect = async () => {
    const lease = await host.client.leases.create();
    await host.client.leases.delete(lease.id, { sync: true });
  };

  test('fetches all layers and tells each step as Docker does', async () => {
    const { manifest, document, imageId } = await pushImage(registry, 'app', '1', {
      layers: [await busyboxTar(), await layer('a'), await layer('b')],
      config: { Cmd: ['sh'], Labels: { l: 'x' } },
    });
    const messages = await pull('app');
    assert.deepEqual(messages[0], { status: 'Pulling from app', id: '1' });
    for (const descriptor of document.layers) {
      assert.deepEqual(
        statusesOf(messages, descriptor).filter((status) => status !== 'Waiting'),
        [
          'Pulling fs layer',
          'Downloading',
          'Verifying Checksum',
          'Download complete',
          'Extracting',
          'Pull complete',
        ],
      );
    }
    assert.deepEqual(messages.slice(-2), [
      { status: `Digest: ${manifest.digest}` },
      { status: `Status: Downloaded newer image for ${proxy.host}/app:1` },
    ]);
    assert.deepEqual(host.events, [`pull ${proxy.host}/app:1 ${proxy.host}/app`]);
    const image = await host.images.inspect(`${proxy.host}/app:1`);
    assert.equal(image.Id, imageId);
    assert.deepEqual(image.RepoTags, [`${proxy.host}/app:1`]);
    assert.deepEqual(image.RepoDigests, [`${proxy.host}/app@${manifest.digest}`]);
    assert.deepEqual(await host.client.leases.list(), []);
    await collect();
    const { chainId } = await host.images.resolve(`${proxy.host}/app@${manifest.digest}`);
    assert.equal((await host.client.snapshots.stat(chainId)).kind, 'committed');
    const mounts = await host.client.snapshots.view('look', chainId);
    assert.equal(mounts[0]!.type, 'overlay');
    await host.client.snapshots.remove('look');
  });

  test('a second time downloads nothing and says that it is up to date', async () => {
    await pushImage(registry, 'again', '1', { layers: [await layer('again')] });
    await pull('again');
    const asked = blobsAsked();
    const messages = await pull('again');
    assert.equal(messages.at(-1)!.status, `Status: Image is up to date for ${proxy.host}/again:1`);
    assert.equal(blobsAsked(), asked);
  });

  test('layers that another image brought already exist', async () => {
    const shared = await layer('shared');
    await pushImage(registry, 'first', '1', { layers: [shared] });
    const { document } = await pushImage(registry, 'second', '1', { layers: [shared, await layer('own')] });
    await pull('first');
    const messages = await pull('second');
    assert.deepEqual(statusesOf(messages, document.layers[0]!), ['Already exists']);
  });

  test('a moved tag brings the new image and leaves the old one without a name', async () => {
    const old = await pushImage(registry, 'moving', '1', { layers: [await layer('old')] });
    await pull('moving');
    const fresh = await pushImage(registry, 'moving', '1', { layers: [await layer('new')] });
    assert.match((await pull('moving')).at(-1)!.status!, /Downloaded newer image/);
    assert.equal((await host.images.inspect(`${proxy.host}/moving:1`)).Id, fresh.imageId);
    assert.deepEqual((await host.images.inspect(old.imageId)).RepoTags, []);
    const dangling = await host.images.list({ all: true, digests: false, filters: { dangling: ['true'] } });
    assert.deepEqual(
      dangling.map(({ Id }) => Id),
      [old.imageId],
    );
    const { ImagesDeleted } = await host.images.prune({});
    assert.ok(ImagesDeleted?.some((item) => 'Deleted' in item && item.Deleted === old.imageId));
  });

  test('by digest gives the image no tag', async () => {
    const { manifest } = await pushImage(registry, 'bydigest', '1', { layers: [await layer('d')] });
    const messages = await pull('bydigest', manifest.digest);
    assert.deepEqual(messages[0], { status: 'Pulling from bydigest', id: manifest.digest });
    const image = await host.images.inspect(`${proxy.host}/bydigest@${manifest.digest}`);
    assert.deepEqual(image.RepoTags, []);
  });

  test('without a tag brings all tags', async () => {
    for (const tag of ['x', 'y']) await pushImage(registry, 'all', tag, { layers: [await layer(tag)] });
    await pull('all', '');
    await host.images.inspect(`${proxy.host}/all:x`);
    await host.images.inspect(`${proxy.host}/all:y`);
  });

  test('takes the image of the platform asked for out of an index', async () => {
    const entries = [];
    for (const text of ['linux/amd64', 'linux/arm64']) {
      const platform = parsePlatform(text);
      const { manifest } = await pushImage(registry, 'multi', undefined, {
        platform,
        layers: [await layer(text)],
      });
      entries.push({ manifest, platform });
    }
    const index = await pushIndex(registry, 'multi', '1', entries);
    const messages = await pull('multi', '1', 'linux/arm64');
    assert.equal(messages.at(-2)!.status, `Digest: ${index.digest}`);
    const image = await host.images.inspect(`${proxy.host}/multi:1`);
    assert.equal(image.Architecture, 'arm64');
    assert.deepEqual(image.RepoDigests, [`${proxy.host}/multi@${index.digest}`]);
    await assert.rejects(pull('multi', '1', 'linux/s390x'), {
      message: 'no matching manifest for linux/s390x in the manifest list entries',
    });
  });

  test('warns when a registry has only another platform than the one asked for', async () => {
    await pushImage(registry, 'single', '1', {
      platform: parsePlatform('linux/s390x'),
      layers: [await layer('s')],
    });
    const messages = await pull('single', '1', 'linux/arm64');
    assert.ok(
      messages.some(({ status }) =>
        /^WARNING: .*wanted linux\/arm64, actual: linux\/s390x/.test(status ?? ''),
      ),
    );
  });

  test('refuses an image of another operating system', async () => {
    await pushImage(registry, 'win', '1', {
      platform: { os: 'windows', architecture: 'amd64' },
      layers: [await layer('w')],
    });
    await assert.rejects(pull('win'), {
      kind: 'invalid',
      message: /operating system "windows" cannot be used/,
    });
  });

  test('goes on after a broken connection', async () => {
    const { document } = await pushImage(registry, 'broken', '1', {
      layers: [await tarOf([{ name: 'noise', content: noise(2 << 20, 7) }])],
    });
    const { digest } = document.layers[0]!;
    proxy.mischief = ({ path }, earlier) =>
      path.includes(digest) && earlier < 2 ? { cutAfter: 500_000 } : undefined;
    const messages = await pull('broken');
    assert.ok(statusesOf(messages, document.layers[0]!).includes('Retrying in 1 second'));
    assert.ok(messages.at(-1)!.status!.startsWith('Status: Downloaded newer'));
  });

  test('an interrupted download is taken up where it stopped by the next pull', async () => {
    const { document } = await pushImage(registry, 'resumed', '1', {
      layers: [await tarOf([{ name: 'noise', content: noise(4 << 20, 8) }])],
    });
    const { digest } = document.layers[0]!;
    // What a daemon that was killed leaves: a lease that is still good, and a part of the layer under it.
    const blob = Buffer.from(
      await (await fetch(`http://${registry.host}/v2/resumed/blobs/${digest}`)).arrayBuffer(),
    );
    await assert.rejects(
      host.client.withLease(async (client, leaseId) => {
        const killed = (async function* () {
          yield blob.subarray(0, 3 << 20);
          await new Promise((resolve) => setTimeout(resolve, 100));
          throw new Error('killed');
        })();
        const write = client.content.write({
          ref: `layer-${digest}`,
          digest,
          size: blob.length,
          source: killed,
        });
        await assert.rejects(write, /killed/);
        const { labels } = (await client.leases.list()).find(({ id }) => id === leaseId)!;
        await host.client.leases.create({ id: 'of-the-dead', labels });
        await host.client.leases.addResource('of-the-dead', { id: `layer-${digest}`, type: 'ingests' });
        throw new Error('killed');
      }),
      /killed/,
    );
    await pull('resumed');
    const range = proxy.requests.find(({ path }) => path.includes(digest))!.headers.range;
    assert.equal(range, `bytes=${3 << 20}-`);
    await host.client.leases.delete('of-the-dead');
  });

  test('a bad part from before is thrown away, and the layer fetched afresh', async () => {
    const { document } = await pushImage(registry, 'badpart', '1', {
      layers: [await tarOf([{ name: 'noise', content: noise(3 << 20, 9) }])],
    });
    const { digest, size } = document.layers[0]!;
    await host.client.leases.create({ id: 'of-the-dead' });
    await host.client.leases.addResource('of-the-dead', { id: `layer-${digest}`, type: 'ingests' });
    const bad = (async function* () {
      yield Buffer.alloc(1 << 20);
      throw new Error('killed');
    })();
    const write = host.client.content.write({ ref: `layer-${digest}`, digest, size, source: bad });
    await assert.rejects(write, /killed/);
    await pull('badpart');
    const ranges = proxy.requests
      .filter(({ path }) => path.includes(digest))
      .map(({ headers }) => headers.range);
    assert.deepEqual(ranges, [`bytes=${1 << 20}-`, undefined]);
    await host.client.leases.delete('of-the-dead');
  });

  test('refuses a layer that is not what its digest says, and leaves nothing', async () => {
    const { document } = await pushImage(registry, 'corrupt', '1', {
      layers: [await layer('c0'), await layer('c1'), await layer('c2')],
    });
    const { digest } = document.layers[1]!;
    await collect();
    const before = (await host.client.content.list()).length;
    proxy.mischief = ({ path }) => (path.includes(digest) ? 'corrupt' : undefined);
    await assert.rejects(pull('corrupt'), {
      kind: 'invalid',
      message: `filesystem layer verification failed for digest ${digest}`,
    });
    await collect();
    assert.equal((await host.client.content.list()).length, before);
    assert.deepEqual(await host.client.content.ingests(), []);
    assert.deepEqual(await host.client.leases.list(), []);
    await assert.rejects(host.images.inspect(`${proxy.host}/corrupt:1`), { kind: 'not-found' });
    const extracts = (await host.client.snapshots.list()).filter(({ name }) => name.startsWith('extract-'));
    assert.deepEqual(extracts, []);
    proxy.mischief = () => undefined;
    await pull('corrupt');
  });

  test('refuses a config that is not what its digest says', async () => {
    const { imageId } = await pushImage(registry, 'badconfig', '1', { layers: [await layer('bc')] });
    proxy.mischief = ({ path }) => (path.includes(imageId) ? 'corrupt' : undefined);
    await assert.rejects(pull('badconfig'), { kind: 'invalid', message: /image config verification failed/ });
  });

  test('two pulls of one image at once download each layer once', async () => {
    const layers = await Promise.all(['p0', 'p1', 'p2', 'p3'].map((name) => layer(name, 300_000)));
    const { document } = await pushImage(registry, 'twice', '1', { layers });
    proxy.mischief = ({ path }) => (path.includes('/blobs/') ? { delay: 30 } : undefined);
    const results = await Promise.all([pull('twice'), pull('twice'), pull('twice')]);
    for (const { digest } of document.layers) {
      assert.equal(proxy.requests.filter(({ path }) => path.includes(digest)).length, 1, digest);
    }
    for (const messages of results) assert.match(messages.at(-1)!.status!, /Status: /);
    await host.images.resolve(`${proxy.host}/twice:1`);
  });

  test('one of two pulls goes on when the other is given up', async () => {
    const layers = await Promise.all(
      [5, 6].map((seed) => tarOf([{ name: 'n', content: noise(1 << 20, seed) }])),
    );
    await pushImage(registry, 'giveup', '1', { layers });
    proxy.mischief = ({ path }) => (path.includes('/blobs/') ? { delay: 100 } : undefined);
    const gone = new AbortController();
    const first = assert.rejects(pull('giveup', '1', undefined, gone.signal), /client gone/);
    const second = pull('giveup');
    setTimeout(() => gone.abort(new Error('client gone')), 150);
    await Promise.all([first, second]);
    await host.images.resolve(`${proxy.host}/giveup:1`);
    await collect();
    await host.images.resolve(`${proxy.host}/giveup:1`);
  });

  test('never downloads more than three layers at once, and says which wait', async () => {
    let running = 0;
    let most = 0;
    const layers = await Promise.all(Array.from({ length: 7 }, (_, index) => layer(`q${index}`)));
    const { document } = await pushImage(registry, 'many', '1', { layers });
    const isLayer = (path: string) => document.layers.some(({ digest }) => path.includes(digest));
    proxy.mischief = ({ path }) => {
      if (!isLayer(path)) return undefined;
      most = Math.max(most, ++running);
      setTimeout(() => running--, 40);
      return { delay: 50 };
    };
    const messages = await pull('many');
    assert.equal(most, 3);
    const waited = document.layers.filter((item) => statusesOf(messages, item).includes('Waiting'));
    assert.equal(waited.length, 4);
  });

  test('an image with the same layer twice, and one with none', async () => {
    const twin = await layer('twin');
    await pushImage(registry, 'twin', '1', { layers: [twin, twin] });
    await pull('twin');
    await pushImage(registry, 'empty', '1', { layers: [], config: { Cmd: ['x'] } });
    await pull('empty');
    assert.equal((await host.images.resolve(`${proxy.host}/empty:1`)).chainId, '');
  });

  test('refuses a layer that leaves its root, without touching the host', async () => {
    const evil = await tarOf([{ name: '../../../../../../../../tmp/bridgeport-evil', content: 'x' }]);
    await pushImage(registry, 'evil', '1', { layers: [evil] });
    // containerd keeps such a path inside the snapshot; what must not be is a file outside.
    await pull('evil').catch(() => undefined);
    assert.equal(existsSync('/tmp/bridgeport-evil'), false);
  });

  test('refuses a manifest whose config belongs to other layers', async () => {
    const { document } = await pushImage(registry, 'liar', '0', { layers: [await layer('truth')] });
    const other = await pushImage(registry, 'liar', '2', { layers: [await layer('lie')] });
    await pushManifest(
      registry,
      'liar',
      '1',
      { ...document, config: other.document.config },
      document.mediaType!,
    );
    await assert.rejects(pull('liar'), { kind: 'invalid', message: /wrong diff id/ });
  });

  test('words errors before the first progress message', async () => {
    await assert.rejects(pull('nothing'), {
      kind: 'not-found',
      message: `manifest for ${proxy.host}/nothing:1 not found: manifest unknown: manifest unknown`,
    });
    await assert.rejects(pull('Upper'), { kind: 'invalid', message: /must be lowercase/ });
    await assert.rejects(pull('x', 'a b'), { kind: 'invalid', message: 'invalid tag format' });
    await assert.rejects(pull('x', '1', 'a/b/c/d'), { kind: 'invalid', message: /invalid platform/ });
  });
});

test('pull() takes credentials for basic authentication', async () => {
  const registry = await startRegistry('basic');
  const host = await makeHost().catch(async (error: unknown) => {
    await registry.stop();
    throw error;
  });
  try {
    await pushImage(registry, 'secret', '1', { layers: [await layer('secret')] });
    const reference = { name: `${registry.host}/secret`, tag: '1', platform: undefined };
    await assert.rejects(
      host.images.pull(reference, undefined, () => undefined, never()),
      {
        kind: 'unauthorized',
        message: /no basic auth credentials/,
      },
    );
    await host.images.pull(reference, { username: USER, password: PASSWORD }, () => undefined, never());
    await host.images.resolve(`${registry.host}/secret:1`);
  } finally {
    await registry.stop();
    await host.destroy();
  }
});
