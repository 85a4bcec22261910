import assert from 'node:assert/strict';
import { Readable } from 'node:stream';
import { after, before, describe, test } from 'node:test';
import { gzipSync, zstdCompressSync } from 'node:zlib';
import { digestOf } from './digest.ts';
import { busyboxTar, type Member, makeHost, never, recorder, type TestHost, tarOf } from './test-fixtures.ts';

/** A two-layer image as blobs, for archives of either layout. */
async function twoLayers(compress: (tar: Buffer) => Buffer = (tar) => tar) {
  const tars = [
    await busyboxTar(),
    await tarOf([
      { name: 'etc/', type: 'directory', mode: 0o755 },
      { name: 'etc/name', content: 'x' },
    ]),
  ];
  const layers = tars.map(compress);
  const config = Buffer.from(
    JSON.stringify({
      architecture: process.arch === 'arm64' ? 'arm64' : 'amd64',
      os: 'linux',
      created: '2020-01-02T03:04:05Z',
      config: { Cmd: ['sh'], Labels: { made: 'here' } },
      rootfs: { type: 'layers', diff_ids: tars.map(digestOf) },
      history: [
        { created_by: 'ADD busybox' },
        { created_by: 'CMD sh', empty_layer: true },
        { created_by: 'RUN x' },
      ],
    }),
  );
  return { config, layers };
}

/** As `docker save` wrote it until version 24. */
async function oldArchive(tags: string[] | null): Promise<Member[]> {
  const { config, layers } = await twoLayers();
  const name = `${digestOf(config).slice(7)}.json`;
  return [
    { name: 'one/', type: 'directory' },
    { name: 'one/layer.tar', content: layers[0]! },
    { name: 'two/layer.tar', content: layers[1]! },
    // dockerd writes a layer that several images share once, and links to it
    { name: 'three/layer.tar', type: 'symlink', linkname: '../two/layer.tar' },
    { name, content: config },
    {
      name: 'manifest.json',
      content: JSON.stringify([
        { Config: name, RepoTags: tags, Layers: ['one/layer.tar', 'three/layer.tar'] },
      ]),
    },
  ];
}

/** An OCI layout, as `skopeo` and `docker save` since version 25 write it. */
async function ociArchive(compress: (tar: Buffer) => Buffer, layerType: string): Promise<Member[]> {
  const { config, layers } = await twoLayers(compress);
  const blob = (data: Buffer, mediaType: string) => ({
    mediaType,
    digest: digestOf(data),
    size: data.length,
  });
  const manifest = Buffer.from(
    JSON.stringify({
      schemaVersion: 2,
      mediaType: 'application/vnd.oci.image.manifest.v1+json',
      config: blob(config, 'application/vnd.oci.image.config.v1+json'),
      layers: layers.map((layer) => blob(layer, layerType)),
    }),
  );
  const index = {
    schemaVersion: 2,
    manifests: [
      {
        ...blob(manifest, 'application/vnd.oci.image.manifest.v1+json'),
        annotations: { 'io.containerd.image.name': 'docker.io/library/oci:1' },
      },
    ],
  };
  return [
    { name: 'oci-layout', content: '{"imageLayoutVersion":"1.0.0"}' },
    { name: 'index.json', content: JSON.stringify(index) },
    ...[config, manifest, ...layers].map((data) => ({
      name: `blobs/sha256/${digestOf(data).slice(7)}`,
      content: data,
    })),
  ];
}

describe('load()', () => {
  let host: TestHost;
  before(async () => {
    host = await makeHost();
  });
  after(() => host.destroy());

  const load = async (tar: Buffer, pieceSize = tar.length) => {
    const record = recorder();
    const pieces = Array.from({ length: Math.ceil(tar.length / pieceSize) }, (_, index) =>
      tar.subarray(index * pieceSize, (index + 1) * pieceSize),
    );
    await host.images.load(Readable.from(pieces), true, record.progress, never());
    return record.text();
  };
  const refuses = async (tar: Buffer, message: RegExp) => {
    const before = (await host.client.content.list()).length;
    await assert.rejects(load(tar), { kind: 'invalid', message });
    assert.deepEqual(await host.client.leases.list(), [], 'no lease is left');
    // The lease is gone; a collection takes what it held.
    const lease = await host.client.leases.create();
    await host.client.leases.delete(lease.id, { sync: true });
    assert.equal((await host.client.content.list()).length, before, 'no blob is left');
  };

  test('takes a docker-archive of the old layout, with links between layers', async () => {
    assert.equal(
      await load(await tarOf(await oldArchive(['old:1', 'host:5000/old:2']))),
      'Loaded image: old:1\nLoaded image: host:5000/old:2\n',
    );
    const image = await host.images.inspect('old:1');
    assert.deepEqual(image.RepoTags, ['host:5000/old:2', 'old:1']);
    assert.equal(image.Id, digestOf((await twoLayers()).config));
    assert.deepEqual(image.Config.Cmd, ['sh']);
    const history = await host.images.history('old:1');
    assert.deepEqual(
      history.map((step) => [step.CreatedBy, step.Size > 0]),
      [
        ['RUN x', true],
        ['CMD sh', false],
        ['ADD busybox', true],
      ],
    );
    assert.deepEqual(history[0]!.Tags, ['host:5000/old:2', 'old:1']);
  });

  test('takes it gzip and zstd compressed, in pieces of any size', async () => {
    const tar = await tarOf(await oldArchive(['old:gz']));
    assert.equal(await load(gzipSync(tar), 10_007), 'Loaded image: old:gz\n');
    assert.equal(await load(zstdCompressSync(tar), 100_000), 'Loaded image: old:gz\n');
  });

  test('names the ID of an image without a tag', async () => {
    const { config } = await twoLayers();
    assert.equal(await load(await tarOf(await oldArchive(null))), `Loaded image ID: ${digestOf(config)}\n`);
  });

  test('takes an OCI layout with gzip layers and keeps its manifest', async () => {
    await host.images.remove(digestOf((await twoLayers()).config), { force: true, prune: true });
    const members = await ociArchive(gzipSync, 'application/vnd.oci.image.layer.v1.tar+gzip');
    assert.equal(await load(await tarOf(members)), 'Loaded image: oci:1\n');
    const image = await host.images.resolve('oci:1');
    assert.equal(`blobs/sha256/${image.manifestDigest.slice(7)}`, members[3]!.name);
  });

  test('tells that a tag moved from another image', async () => {
    const other = await host.images.inspect('oci:1');
    await host.images.tag('oci:1', 'moving', '1');
    const members = await oldArchive(['moving:1']);
    const name = 'other.json';
    const { config } = await twoLayers();
    const changed = Buffer.from(config.toString().replace('2020-01-02', '2021-01-02'));
    members[4] = { name, content: changed };
    members[5]!.content = (members[5]!.content as string).replace(/[0-9a-f]{64}\.json/, name);
    assert.equal(
      await load(await tarOf(members)),
      `The image moving:1 already exists, renaming the old one with ID ${other.Id} to empty string\nLoaded image: moving:1\n`,
    );
    assert.equal((await host.images.inspect('moving:1')).Id, digestOf(changed));
  });

  for (const [what, member, message] of [
    ['a path with ../', { name: '../evil', content: 'x' }, /"\.\.\/evil" leaves the archive/],
    ['an absolute path', { name: '/etc/evil', content: 'x' }, /leaves the archive/],
    ['../ in the middle', { name: 'a/../../evil', content: 'x' }, /leaves the archive/],
    [
      'a link out of the archive',
      { name: 'one/x', type: 'symlink', linkname: '../../etc/shadow' },
      /leaves the archive/,
    ],
    ['an absolute link', { name: 'x', type: 'symlink', linkname: '/etc/shadow' }, /leaves the archive/],
    ['a hard link out', { name: 'x', type: 'link', linkname: '../x' }, /leaves the archive/],
    [
      'a character device',
      { name: 'null', type: 'character-device', devmajor: 1, devminor: 3 },
      /is a character device/,
    ],
    ['a block device', { name: 'sda', type: 'block-device', devmajor: 8, devminor: 0 }, /is a block device/],
    ['a FIFO', { name: 'pipe', type: 'fifo' }, /is a FIFO/],
  ] as Array<[string, Member, RegExp]>) {
    test(`refuses ${what}, wherever it stands`, async () => {
      await refuses(await tarOf([member, ...(await oldArchive(['bad:1']))]), message);
      await refuses(await tarOf([...(await oldArchive(['bad:1'])), member]), message);
    });
  }

  test('refuses what is no archive, an empty one and one cut short', async () => {
    await refuses(Buffer.from('hello'), /read image archive/);
    await refuses(Buffer.alloc(2048, 'x'), /read image archive/);
    await refuses(Buffer.alloc(0), /empty/);
    await refuses(Buffer.alloc(1024), /empty/);
    const tar = await tarOf(await oldArchive(['bad:1']));
    await refuses(tar.subarray(0, 700_000), /unexpected end of data/i);
    await refuses(gzipSync(tar).subarray(0, 300_000), /unexpected end of (data|file)/i);
    await refuses(Buffer.from('BZh91AY'), /bzip2 compressed archives are not supported/);
  });

  test('refuses a root file system and says what to do', async () => {
    await refuses(await busyboxTar(), /neither manifest.json nor index.json.*import/);
  });

  const without = async (name: string) =>
    tarOf((await oldArchive(['bad:1'])).filter((member) => member.name !== name));
  const with_ = async (edit: (manifest: Record<string, unknown>) => unknown) => {
    const members = await oldArchive(['bad:1']);
    const entry = (JSON.parse(members[5]!.content as string) as Record<string, unknown>[])[0]!;
    members[5]!.content = JSON.stringify(edit(entry));
    return tarOf(members);
  };

  test('refuses missing layers, wrong shapes, wrong names and links in a circle', async () => {
    await refuses(await without('two/layer.tar'), /"three\/layer.tar" is missing/);
    await refuses(await with_(() => ({})), /manifest.json is no list/);
    await refuses(await with_((entry) => [{ ...entry, Layers: [1] }]), /manifest.json is no list/);
    await refuses(
      await with_((entry) => [{ ...entry, Layers: ['one/layer.tar'] }]),
      /layers length mismatch: expected 1, got 2/,
    );
    await refuses(await with_((entry) => [{ ...entry, RepoTags: ['UPPER:1'] }]), /must be lowercase/);
    await refuses(await with_((entry) => [{ ...entry, Config: '../../etc/passwd' }]), /leaves the archive/);
    await refuses(await with_((entry) => [{ ...entry, Config: 'one/layer.tar' }]), /not JSON|at most/);
    const circle: Member[] = [
      { name: 'a', type: 'symlink', linkname: 'b' },
      { name: 'b', type: 'symlink', linkname: 'a' },
    ];
    const members = await oldArchive(['bad:1']);
    members[5]!.content = (members[5]!.content as string).replace('one/layer.tar', 'a');
    await refuses(await tarOf([...circle, ...members]), /too many links/);
  });

  test('refuses a layer that is not the one in the config', async () => {
    const members = await oldArchive(['bad:1']);
    members[2]!.content = await tarOf([{ name: 'other', content: 'x' }]);
    await refuses(await tarOf(members), /wrong diff id/);
  });

  test('refuses a blob that is not what its name says', async () => {
    const members = await ociArchive(gzipSync, 'application/vnd.oci.image.layer.v1.tar+gzip');
    members.at(-1)!.content = gzipSync(await tarOf([{ name: 'other', content: 'x' }]));
    await refuses(await tarOf(members), /has digest/);
  });

  test('gives up when the client goes, and leaves nothing', async () => {
    const gone = new AbortController();
    const tar = await tarOf(await oldArchive(['bad:1']));
    async function* slow() {
      yield tar.subarray(0, 600_000);
      gone.abort(new Error('client went away'));
      await new Promise((resolve) => setTimeout(resolve, 50));
      yield tar.subarray(600_000);
    }
    await assert.rejects(
      host.images.load(Readable.from(slow()), true, () => undefined, gone.signal),
      /client went away/,
    );
    assert.deepEqual(await host.client.leases.list(), []);
  });
});
