import assert from 'node:assert/strict';
import { spawn } from 'node:child_process';
import { join } from 'node:path';
import { test } from 'node:test';
import { setTimeout as sleep } from 'node:timers/promises';
import { fileURLToPath } from 'node:url';
import { BadProxy, pushImage, startRegistry } from '../../runtime/registry/test-fixtures.ts';
import { busyboxTar, makeHost, never, type TestHost, tarOf } from './test-fixtures.ts';

/** A daemon's worth of pulling, as a process that can be killed. */
const CHILD = `
const [socket, namespace, name] = process.argv.slice(1);
const at = (path) => import(new URL(path, '${new URL('.', import.meta.url)}'));
const { connectContainerd } = await at('../../runtime/containerd/client.ts');
const { RegistryClient } = await at('../../runtime/registry/client.ts');
const { ImageService } = await at('./service.ts');
const images = new ImageService({
  containerd: connectContainerd({ address: socket, namespace }),
  registry: new RegistryClient({ insecureRegistries: [], mirrors: [] }),
  snapshotter: 'overlayfs', emit() {}, usedBy: () => [], log: { warn() {} },
});
await images.pull({ name, tag: '1', platform: undefined }, undefined, () => {}, new AbortController().signal);
`;

test('after kill -9 in the middle of a pull the next one goes on where it stopped', async () => {
  const registry = await startRegistry();
  const proxy = await BadProxy.start(registry.host);
  let host: TestHost | undefined;
  try {
    host = await makeHost();
    const { client, images, directory } = host;
    const noise = Buffer.alloc(6 << 20);
    for (let at = 0, state = 1; at < noise.length; at++) {
      state = (Math.imul(state, 1103515245) + 12345) >>> 0;
      noise[at] = state >>> 16;
    }
    const { document } = await pushImage(registry, 'killed', '1', {
      layers: [await busyboxTar(), await tarOf([{ name: 'noise', content: noise }])],
    });
    const { digest } = document.layers[1]!;
    proxy.mischief = ({ path }) => (path.includes(digest) ? { stallAfter: 5 << 20 } : undefined);
    const name = `${proxy.host}/killed`;
    const child = spawn(
      process.execPath,
      [
        '--input-type=module',
        '--eval',
        CHILD,
        join(directory, 'state/containerd.sock'),
        client.namespace,
        name,
      ],
      { stdio: 'inherit', cwd: fileURLToPath(new URL('.', import.meta.url)) },
    );
    const ended = new Promise((resolve) => child.once('exit', resolve));
    const ingest = async () =>
      (await client.content.ingests()).find(({ ref }) => ref === `layer-${digest}`)?.offset ?? 0;
    for (let tries = 0; (await ingest()) < 5 << 20 && tries < 400; tries++) await sleep(25);
    assert.equal(await ingest(), 5 << 20);
    // Its last whole step: the first layer is unpacked.
    for (let tries = 0; tries < 100; tries++) {
      if ((await client.snapshots.list()).some(({ kind }) => kind === 'committed')) break;
      await sleep(25);
    }
    child.kill('SIGKILL');
    await ended;

    assert.deepEqual(await images.list({ all: true, digests: false, filters: {} }), [], 'no half image');
    proxy.mischief = () => undefined;
    proxy.requests.length = 0;
    const lines: string[] = [];
    const reference = { name, tag: '1', platform: undefined };
    await images.pull(reference, undefined, ({ status = '' }) => void lines.push(status), never());
    assert.ok(lines.includes('Already exists'), 'the unpacked layer is not fetched again');
    const range = proxy.requests.find(({ path }) => path.includes(digest))?.headers.range;
    assert.equal(range, `bytes=${5 << 20}-`, 'the other goes on');
    await images.resolve(`${name}:1`);

    // The dead process's lease ends by itself; then removing the image frees everything.
    for (const { id } of await client.leases.list()) await client.leases.delete(id);
    await images.remove(`${name}:1`, { force: false, prune: true });
    assert.deepEqual(await client.content.list(), []);
    assert.deepEqual(await client.content.ingests(), []);
    assert.deepEqual(await client.snapshots.list(), []);
  } finally {
    await proxy.stop();
    await registry.stop();
    await host?.destroy();
  }
});
