import assert from 'node:assert/strict';
import { createHash } from 'node:crypto';
import { after, before, describe, test } from 'node:test';
import { gunzipSync, gzipSync } from 'node:zlib';
import { isKind } from '../../base/errors.ts';
import { isStatus } from './client.ts';
import { busyboxLayer, type Machine, makeMachine } from './test-fixtures.ts';

const sha256 = (data: Uint8Array) => `sha256:${createHash('sha256').update(data).digest('hex')}`;
/** `size` bytes that do not repeat, the same for the same seed. */
function noise(size: number, seed: string): Buffer {
  const parts: Buffer[] = [];
  for (let at = 0; at < size; at += 32) parts.push(createHash('sha256').update(`${seed}${at}`).digest());
  return Buffer.concat(parts).subarray(0, size);
}

describe('client against containerd', { timeout: 120_000 }, () => {
  let machine: Machine;
  before(async () => {
    machine = await makeMachine();
  });
  after(() => machine.destroy());

  test('`version()` and `ready()` tell the version; an absent containerd is `unavailable`', async () => {
    assert.match((await machine.client.ready(1000)).version, /^\d+\.\d+\.\d+/);
    assert.equal(machine.client.namespace, machine.name);
  });

  describe('content', () => {
    test('`write()` takes bytes or a stream, `read*()` give them back', async () => {
      const { content } = machine.client;
      const data = noise(2_500_000, 'w');
      const digest = sha256(data);
      async function* pieces() {
        for (let at = 0; at < data.length; at += 7_777) yield data.subarray(at, at + 7_777);
      }
      const written = await content.write({
        ref: 'w',
        digest,
        size: data.length,
        labels: { 'containerd.io/gc.root': 'x', colour: 'blue' },
        source: pieces(),
      });
      assert.deepEqual(written, { digest, size: data.length });
      assert.equal(data.equals(await content.readAll(digest)), true);
      assert.equal(
        data.subarray(1_000, 1_900_000).equals(await content.readAt(digest, 1_000, 1_899_000)),
        true,
      );
      assert.equal((await content.readAt(digest, data.length - 3, 100)).length, 3);
      assert.equal((await content.readAt(digest, 0, 0)).length, 0);
      const info = await content.info(digest);
      assert.equal(info.size, data.length);
      assert.equal(info.labels.colour, 'blue');
      assert.deepEqual(
        (await content.list(['labels.colour==blue'])).map((blob) => blob.digest),
        [digest],
      );
      const labelled = await content.updateLabels(digest, { colour: '', taste: 'sweet' });
      assert.deepEqual(labelled.labels, { 'containerd.io/gc.root': 'x', taste: 'sweet' });
    });

    test('a blob that is there is no error, and gets the labels', async () => {
      const { content } = machine.client;
      const data = noise(10_000, 'twice');
      const root = { 'containerd.io/gc.root': 'x' };
      const first = await content.write({ ref: 'one', source: data, labels: root });
      let read = false;
      const source = () => {
        read = true;
        return data;
      };
      assert.deepEqual(await content.write({ ref: 'two', ...first, source, labels: { n: '2' } }), first);
      assert.equal(read, false);
      assert.deepEqual(await content.write({ ref: 'three', source: data, labels: { n: '3' } }), first);
      assert.deepEqual((await content.info(first.digest)).labels, { ...root, n: '3' });
      assert.deepEqual(await content.ingests(), []);
      await content.delete(first.digest);
      await assert.rejects(content.info(first.digest), (error) => isKind(error, 'not-found'));
    });

    test('an interrupted write is resumed where it stopped', async () => {
      const { content } = machine.client;
      const data = noise(3 << 20, 'resume');
      const digest = sha256(data);
      async function* broken() {
        yield data.subarray(0, 1_500_000);
        throw new Error('the line went dead');
      }
      const write = { ref: 'resume', digest, size: data.length, labels: { 'containerd.io/gc.root': 'x' } };
      await assert.rejects(content.write({ ...write, source: broken() }), /line went dead/);
      const { offset, total } = await content.status('resume');
      assert.deepEqual({ offset, total }, { offset: 1 << 20, total: data.length });
      let asked = -1;
      await content.write({
        ...write,
        source: (from) => {
          asked = from;
          return [data.subarray(from)];
        },
      });
      assert.equal(asked, 1 << 20);
      assert.equal(data.equals(await content.readAll(digest)), true);
      await content.delete(digest);
      // Once more with a source that can only start at its beginning.
      await assert.rejects(content.write({ ...write, source: broken() }), /line went dead/);
      await content.write({ ...write, source: data });
      assert.equal((await content.info(digest)).size, data.length);
    });

    test('a wrong digest or size is refused, and the ingest is gone', async () => {
      const { content } = machine.client;
      const data = noise(1000, 'wrong');
      const wrong = sha256(Buffer.from('other'));
      await assert.rejects(
        content.write({ ref: 'wrong', digest: wrong, source: data }),
        (error) => isKind(error, 'invalid') && error.message.includes(wrong),
      );
      await assert.rejects(content.write({ ref: 'wrong', size: 999, source: data }), (error) =>
        isKind(error, 'invalid'),
      );
      await assert.rejects(content.status('wrong'), (error) => isKind(error, 'not-found'));
    });

    test('an aborted write can be resumed at once', async () => {
      const { content } = machine.client;
      const data = noise(1_200_000, 'abort');
      const stop = new AbortController();
      async function* endless() {
        yield data.subarray(0, 1_100_000);
        stop.abort(new Error('stopped'));
        yield data.subarray(1_100_000);
      }
      const write = { ref: 'abort', digest: sha256(data), size: data.length };
      await assert.rejects(content.write({ ...write, source: endless(), signal: stop.signal }), /stopped/);
      assert.equal((await content.write({ ...write, source: data })).size, data.length);
    });

    test('an empty blob and a malformed digest', async () => {
      const { content } = machine.client;
      const { digest, size } = await content.write({ ref: 'empty', source: new Uint8Array() });
      assert.deepEqual({ digest, size }, { digest: sha256(new Uint8Array()), size: 0 });
      assert.equal((await content.readAll(digest)).length, 0);
      await assert.rejects(content.readAll('sha256:12'), (error) => isKind(error, 'invalid'));
    });
  });

  describe('snapshots and diffs', () => {
    test('layers are unpacked, stacked, measured and removed', async () => {
      const { snapshots, diff, content, images } = machine.client;
      assert.equal(snapshots.snapshotter, 'overlayfs');
      const root = { 'containerd.io/gc.root': 'x' };
      const layer = await busyboxLayer({ 'etc/motd': 'good day\n' });
      const blob = await content.write({ ref: 'layer', source: gzipSync(layer), labels: root });
      const mediaType = 'application/vnd.docker.image.rootfs.diff.tar.gzip';
      const mounts = await snapshots.prepare('unpack', machine.image, root);
      assert.equal(mounts[0]!.type, 'overlay');
      await assert.rejects(snapshots.prepare('unpack', machine.image), (error) =>
        isStatus(error, 'ALREADY_EXISTS'),
      );
      const applied = await diff.apply({ mediaType, ...blob }, mounts);
      assert.equal(applied.digest, sha256(layer));
      await snapshots.commit('chain', 'unpack', root);
      const info = await snapshots.stat('chain');
      assert.equal(info.parent, machine.image);
      assert.equal(info.kind, 'committed');
      assert.ok((await snapshots.usage('chain')).size > 500_000);
      assert.deepEqual((await snapshots.updateLabels('chain', { a: 'b' })).labels, { ...root, a: 'b' });
      assert.ok((await snapshots.list()).some(({ name }) => name === 'chain'));

      await assert.rejects(snapshots.remove(machine.image), (error) =>
        isStatus(error, 'FAILED_PRECONDITION'),
      );
      await assert.rejects(snapshots.stat('none'), (error) => isKind(error, 'not-found'));

      // The difference of the two is a layer again, and knows its diff ID.
      const lower = await snapshots.view('lower', machine.image, root);
      const upper = await snapshots.view('upper', 'chain', root);
      const packed = await diff.diff(lower, upper, { labels: root });
      const label = (await content.info(packed.digest)).labels['containerd.io/uncompressed'];
      assert.equal(label, sha256(gunzipSync(await content.readAll(packed.digest))));

      const image = await images.create({ name: 'example/one:1', target: packed, labels: { x: 'y' } });
      assert.equal(image.target.digest, packed.digest);
      await assert.rejects(images.create({ name: 'example/one:1', target: packed }), (error) =>
        isKind(error, 'conflict'),
      );
      const target = { ...packed, annotations: { k: 'v' } };
      assert.deepEqual((await images.update({ name: 'example/one:1', target }, ['target'])).labels, {
        x: 'y',
      });
      assert.deepEqual((await images.get('example/one:1')).target.annotations, { k: 'v' });
      assert.deepEqual(
        (await images.list()).map(({ name }) => name),
        ['example/one:1'],
      );
      await images.delete('example/one:1', { sync: true });
      await assert.rejects(images.get('example/one:1'), (error) => isKind(error, 'not-found'));

      for (const name of ['lower', 'upper', 'chain']) await snapshots.remove(name);
    });
  });

  describe('leases and namespaces', () => {
    test('what is made under a lease stays until the lease goes', async () => {
      const { client } = machine;
      const data = noise(100, 'lease');
      const digest = sha256(data);
      const lease = await client.withLease(async (leased, id) => {
        await leased.content.write({ ref: 'leased', source: data });
        await leased.snapshots.prepare('leased', machine.image);
        const held = (await client.leases.resources(id))
          .map((resource) => `${resource.type} ${resource.id}`)
          .sort();
        assert.deepEqual(held, [`content ${digest}`, 'snapshots/overlayfs leased']);
        assert.ok(
          (await client.leases.list()).some(
            (found) => found.id === id && found.labels['containerd.io/gc.expire'],
          ),
        );
        return id;
      });
      assert.ok((await client.leases.list()).every(({ id }) => id !== lease));
      const other = await client.leases.create({ id: 'by-hand', labels: { a: '1' } });
      await client.leases.addResource(other.id, { type: 'content', id: digest });
      await client.leases.deleteResource(other.id, { type: 'content', id: digest });
      assert.deepEqual(await client.leases.resources(other.id), []);
      // `sync` waits for the collector, which now finds nobody that wants the two.
      await client.leases.delete(other.id, { sync: true });
      await assert.rejects(client.content.info(digest), (error) => isKind(error, 'not-found'));
      await assert.rejects(client.snapshots.stat('leased'), (error) => isKind(error, 'not-found'));
    });

    test('namespaces are made once and listed', async () => {
      const { namespaces } = machine.client;
      const name = `${machine.name}-second`;
      await namespaces.ensure(name);
      await namespaces.ensure(name);
      assert.ok((await namespaces.list()).includes(name));
      await namespaces.delete(name);
      assert.ok(!(await namespaces.list()).includes(name));
    });
  });

  describe('events', () => {
    test('`subscribe()` misses nothing once it is open, decodes what it knows, and ends with its signal', async () => {
      const { client } = machine;
      const stop = new AbortController();
      const topics: string[] = [];
      let listening: Promise<void> | undefined;
      await new Promise<void>((onOpen) => {
        listening = (async () => {
          const options = { filters: ['topic~="^/snapshot/"'], signal: stop.signal, onOpen };
          for await (const event of client.events.subscribe(options)) {
            topics.push(event.topic);
            assert.equal(event.type, 'other');
            if (topics.length === 2) stop.abort();
          }
        })();
      });
      await client.withLease(async (leased) => {
        await leased.snapshots.prepare('seen', machine.image);
        await leased.snapshots.remove('seen');
      });
      await listening;
      assert.deepEqual(topics, ['/snapshot/prepare', '/snapshot/remove']);
    });
  });
});
