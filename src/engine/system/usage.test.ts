import assert from 'node:assert/strict';
import { linkSync, mkdirSync, mkdtempSync, rmSync, symlinkSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { after, before, describe, it } from 'node:test';
import type { ImageSummary, ListedContainer } from '../../base/wire/index.ts';
import { treeSize } from './tree-size.ts';
import { diskUsage, type UsageSources } from './usage.ts';

describe('disk usage', () => {
  let folder: string;
  before(() => {
    folder = mkdtempSync(join(tmpdir(), 'bp-usage-'));
    mkdirSync(join(folder, 'a', 'b'), { recursive: true });
    writeFileSync(join(folder, 'one'), Buffer.alloc(1000));
    writeFileSync(join(folder, 'a', 'b', 'two'), Buffer.alloc(500));
    linkSync(join(folder, 'one'), join(folder, 'a', 'again'));
    symlinkSync('/usr', join(folder, 'a', 'away'));
  });
  after(() => rmSync(folder, { recursive: true }));

  it('`treeSize()` counts a file once, and follows no link', async () => {
    assert.equal(await treeSize(folder), 1500);
    assert.equal(await treeSize(join(folder, 'none')), -1);
  });

  const sources = (): UsageSources => ({
    images: { usage: async () => ({ LayersSize: 7, Images: [{ Id: 'i' } as ImageSummary] }) },
    containers: {
      list: async ({ all, size }) => (all && size ? [{ Id: 'c', SizeRw: 3 } as ListedContainer] : []),
    },
    volumes: {
      list: async () => ({
        Volumes: [
          { Name: 'v', Driver: 'local', Mountpoint: folder, Labels: null, Scope: 'local', Options: null },
        ],
        Warnings: null,
      }),
    },
    volumeUsers: (name) => (name === 'v' ? 2 : 0),
  });

  it('`diskUsage()` adds up what was asked for, and leaves the rest alone', async () => {
    const all = await diskUsage(['image', 'container', 'volume', 'build-cache'], sources());
    assert.equal(all.LayersSize, 7);
    assert.equal(all.Images?.length, 1);
    assert.equal(all.Containers?.[0]?.SizeRw, 3);
    assert.deepEqual(all.Volumes?.[0]?.UsageData, { Size: 1500, RefCount: 2 });
    assert.deepEqual(all.BuildCache, []);
    const one = await diskUsage(['volume'], {
      ...sources(),
      images: { usage: () => assert.fail('images are not asked for') },
    });
    assert.deepEqual(
      [one.Images, one.Containers, one.BuildCache, one.Volumes?.length],
      [null, null, null, 1],
    );
  });
});
