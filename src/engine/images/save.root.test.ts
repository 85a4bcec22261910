import assert from 'node:assert/strict';
import { execFile, spawn } from 'node:child_process';
import { createReadStream, createWriteStream, existsSync, readFileSync } from 'node:fs';
import { mkdtemp, rm, writeFile } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { Readable } from 'node:stream';
import { pipeline } from 'node:stream/promises';
import { after, before, describe, test } from 'node:test';
import { setTimeout as sleep } from 'node:timers/promises';
import { promisify } from 'node:util';
import { pushImage, startRegistry } from '../../runtime/registry/test-fixtures.ts';
import { busyboxTar, importTar, makeHost, never, recorder, type TestHost, tarOf } from './test-fixtures.ts';

const run = promisify(execFile);

async function bytesOf(stream: Readable): Promise<Buffer> {
  const pieces: Buffer[] = [];
  for await (const piece of stream) pieces.push(piece as Buffer);
  return Buffer.concat(pieces);
}

async function load(host: TestHost, tar: Buffer): Promise<string> {
  const record = recorder();
  await host.images.load(Readable.from([tar]), true, record.progress, never());
  return record.text();
}

/** Leaves the host without images. */
async function removeAll(host: TestHost): Promise<void> {
  for (const { Id } of await host.images.list({ all: true, digests: false, filters: {} })) {
    await host.images.remove(Id, { force: true, prune: true });
  }
}

describe('save()', () => {
  let host: TestHost;
  before(async () => {
    host = await makeHost();
  });
  after(() => host.destroy());

  test('and load() give the same images back, several in one archive', async () => {
    const one = await importTar(host, await busyboxTar({ one: '1' }), 'one', { changes: ['CMD ["sh"]'] });
    const two = await importTar(host, await busyboxTar({ two: '2' }), 'host:5000/two', { tag: 't' });
    await host.images.tag('one', 'other', 'name');
    const manifest = (await host.images.resolve('one')).manifestDigest;
    const tar = await bytesOf(await host.images.save(['one', 'other:name', 'host:5000/two:t']));
    assert.deepEqual(host.events.slice(-2), [`save ${one} ${one}`, `save ${two} ${two}`]);
    await removeAll(host);
    assert.deepEqual(await host.client.content.list(), []);
    assert.deepEqual((await load(host, tar)).split('\n').sort(), [
      '',
      'Loaded image: host:5000/two:t',
      'Loaded image: one:latest',
      'Loaded image: other:name',
    ]);
    assert.equal((await host.images.inspect('other:name')).Id, one);
    assert.equal((await host.images.inspect('host:5000/two:t')).Id, two);
    assert.equal((await host.images.resolve('one')).manifestDigest, manifest);
    const again = await bytesOf(await host.images.save(['one', 'other:name', 'host:5000/two:t']));
    assert.ok(again.equals(tar), 'the archive of the same images is the same');
    await removeAll(host);
  });

  test('a name without a tag saves all its tags, an ID none', async () => {
    const id = await importTar(host, await busyboxTar(), 'many', { tag: 'a' });
    await host.images.tag('many:a', 'many', 'b');
    await host.images.tag('many:a', 'elsewhere', 'c');
    const byName = await bytesOf(await host.images.save(['many']));
    const byId = await bytesOf(await host.images.save([id]));
    await removeAll(host);
    assert.equal(await load(host, byName), 'Loaded image: many:a\nLoaded image: many:b\n');
    await removeAll(host);
    assert.equal(await load(host, byId), `Loaded image ID: ${id}\n`);
    await removeAll(host);
  });

  test('refuses an image that is not there before it writes anything', async () => {
    await importTar(host, await busyboxTar(), 'there');
    await assert.rejects(host.images.save(['there', 'none']), {
      kind: 'not-found',
      message: 'No such image: none:latest',
    });
    assert.deepEqual(await host.client.leases.list(), []);
    await removeAll(host);
  });

  test('goes on when the image is removed meanwhile, and ends when the reader goes', async () => {
    await importTar(host, await busyboxTar(), 'going');
    const stream = await host.images.save(['going']);
    await host.images.remove('going', { force: false, prune: true });
    const tar = await bytesOf(stream);
    assert.equal(await load(host, tar), 'Loaded image: going:latest\n');
    const given = await host.images.save(['going']);
    given.once('data', () => given.destroy());
    await new Promise((resolve) => given.once('close', resolve));
    for (let tries = 0; (await host.client.leases.list()).length > 0 && tries < 100; tries++) await sleep(10);
    assert.deepEqual(await host.client.leases.list(), []);
    await removeAll(host);
  });

  test('keeps the compressed layers of an image that was pulled', async () => {
    const registry = await startRegistry();
    try {
      const { manifest, imageId } = await pushImage(registry, 'app', '1', {
        layers: [await busyboxTar(), await tarOf([{ name: 'x', content: 'x' }])],
      });
      const reference = { name: `${registry.host}/app`, tag: '1', platform: undefined };
      await host.images.pull(reference, undefined, () => undefined, never());
      const tar = await bytesOf(await host.images.save([`${registry.host}/app:1`]));
      await removeAll(host);
      await load(host, tar);
      const image = await host.images.resolve(`${registry.host}/app:1`);
      assert.equal(image.id, imageId);
      assert.equal(image.manifestDigest, manifest.digest);
    } finally {
      await registry.stop();
    }
    await removeAll(host);
  });
});

/** Debian's dockerd in a network namespace and directories of its own; it touches no network and no rules. */
async function startDockerd() {
  const directory = await mkdtemp(join(tmpdir(), 'bpdockerd-'));
  const socket = join(directory, 'd.sock');
  await writeFile(join(directory, 'daemon.json'), '{}');
  const child = spawn(
    'unshare',
    [
      '--net',
      '--kill-child=SIGKILL',
      '--fork',
      'dockerd',
      `--config-file=${join(directory, 'daemon.json')}`,
      `--host=unix://${socket}`,
      `--data-root=${join(directory, 'data')}`,
      `--exec-root=${join(directory, 'exec')}`,
      `--pidfile=${join(directory, 'pid')}`,
      '--bridge=none',
      '--iptables=false',
      '--ip-forward=false',
      '--ip-masq=false',
      '--storage-driver=vfs',
    ],
    { stdio: 'ignore' },
  );
  const docker = async (...words: string[]) =>
    (await run('docker', ['-H', `unix://${socket}`, ...words], { timeout: 30_000 })).stdout;
  const stop = async () => {
    const pidfile = join(directory, 'pid');
    const pid = existsSync(pidfile) ? Number(readFileSync(pidfile, 'utf8')) : 0;
    const ended = new Promise((resolve) => child.once('exit', resolve));
    if (pid > 0) process.kill(pid, 'SIGTERM');
    if (child.exitCode === null) {
      await Promise.race([ended, sleep(10_000, undefined, { ref: false })]);
      child.kill('SIGKILL');
    }
    await rm(directory, { recursive: true, force: true });
  };
  for (let tries = 0; tries < 300; tries++) {
    if (child.exitCode !== null) break;
    if (existsSync(socket) && (await docker('version').catch(() => undefined)) !== undefined) {
      return { directory, docker, stop };
    }
    await sleep(50);
  }
  await stop().catch(() => undefined);
  throw new Error('dockerd does not start');
}

test('dockerd loads what save() wrote, and load() takes what dockerd saved', async (context) => {
  const found = await run('sh', ['-c', 'command -v dockerd && command -v docker']).catch(() => undefined);
  if (found === undefined) return context.skip('dockerd is not installed');
  const dockerd = await startDockerd();
  const { directory, docker } = dockerd;
  let host: TestHost | undefined;
  try {
    host = await makeHost();
    const ours = await importTar(host, await busyboxTar({ 'etc/ours': 'x' }), 'ours', {
      tag: '1',
      changes: ['CMD ["sh"]', 'ENV a=b', 'EXPOSE 80', 'LABEL l=x'],
      message: 'made by us',
    });
    await host.images.tag('ours:1', 'ours', '2');
    const toDocker = join(directory, 'ours.tar');
    await writeFile(toDocker, await bytesOf(await host.images.save(['ours:1', 'ours:2'])));
    assert.equal(await docker('load', '-i', toDocker), 'Loaded image: ours:1\nLoaded image: ours:2\n');
    const [inspected] = JSON.parse(await docker('image', 'inspect', 'ours:2'));
    assert.equal(inspected.Id, ours);
    assert.deepEqual(inspected.Config.Cmd, ['sh']);
    assert.deepEqual(inspected.Config.ExposedPorts, { '80/tcp': {} });
    assert.match(await docker('history', 'ours:1'), /made by us/);

    const root = join(directory, 'root.tar');
    await writeFile(root, await busyboxTar({ 'etc/theirs': 'x' }));
    const theirs = (await docker('import', root, 'theirs:1')).trim();
    await docker('tag', 'theirs:1', 'theirs:2');
    const fromDocker = join(directory, 'theirs.tar');
    await docker('save', '-o', fromDocker, 'theirs', 'ours:1');
    const record = recorder();
    await host.images.load(createReadStream(fromDocker), false, record.progress, never());
    assert.deepEqual(record.text().trim().split('\n').sort(), [
      'Loaded image: ours:1',
      'Loaded image: theirs:1',
      'Loaded image: theirs:2',
    ]);
    assert.ok(record.messages.some(({ status }) => status === 'Loading layer'));
    assert.equal((await host.images.inspect('theirs:2')).Id, theirs);
    assert.equal((await host.images.inspect('ours:1')).Id, ours);
  } finally {
    await dockerd.stop();
    await host?.destroy();
  }
});

test('ctr imports what save() wrote', async () => {
  const host = await makeHost();
  try {
    await importTar(host, await busyboxTar(), 'forctr', { tag: '1' });
    const file = join(host.directory, 'image.tar');
    await pipeline(await host.images.save(['forctr:1']), createWriteStream(file));
    const ctr = (...words: string[]) =>
      run('ctr', ['--address', join(host.directory, 'state/containerd.sock'), '-n', 'other', ...words]);
    await ctr('images', 'import', file);
    assert.match((await ctr('images', 'ls', '-q')).stdout, /docker\.io\/library\/forctr:1/);
  } finally {
    await host.destroy();
  }
});
