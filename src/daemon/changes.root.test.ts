import assert from 'node:assert/strict';
import { execFileSync } from 'node:child_process';
import { mkdirSync, mkdtempSync, rmSync, symlinkSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { buffer } from 'node:stream/consumers';
import { after, before, describe, it } from 'node:test';
import { listChanges } from '../engine/archive/changes.ts';
import { packLayer } from '../engine/archive/layer.ts';
import { unmountTree } from '../kernel/mounts/index.ts';
import { createHostSystem } from './host-system.ts';

const host = createHostSystem({ hold: async () => {}, release: async () => {} });
const { files } = host;

describe('listChanges()', () => {
  let folder: string;
  const path = (...names: string[]) => join(folder, ...names);
  before(() => {
    folder = mkdtempSync(join(tmpdir(), 'bp-diff-'));
    for (const name of ['base', 'top', 'upper', 'work', 'mnt']) mkdirSync(path(name));
    for (const name of ['etc', 'etc/conf', 'www', 'keep', 'lib', 'was']) mkdirSync(path('base', name));
    for (const name of ['etc/passwd', 'etc/conf/a', 'www/index', 'www/style', 'keep/x', 'lib/old', 'was/in'])
      writeFileSync(path('base', name), name);
    // The upper layer of the image has taken a file away and put a link where a folder was.
    execFileSync('mknod', [path('top/lib-gone'), 'c', '0', '0']);
    mkdirSync(path('top/lib'));
    execFileSync('mknod', [path('top/lib/old'), 'c', '0', '0']);
    symlinkSync('/etc', path('top/was'));
    host.mountRootfs(
      [
        {
          type: 'overlay',
          source: 'overlay',
          options: [
            `lowerdir=${path('top')}:${path('base')}`,
            `upperdir=${path('upper')}`,
            `workdir=${path('work')}`,
          ],
        },
      ],
      path('mnt'),
    );
  });
  after(() => {
    unmountTree(folder);
    rmSync(folder, { recursive: true, force: true });
  });

  it('`listChanges()` tells additions, changes and removals, and the folders they are in, as Docker does', async () => {
    const at = (name: string) => path('mnt', name);
    writeFileSync(at('etc/passwd'), 'changed');
    writeFileSync(at('etc/new'), '');
    rmSync(at('etc/conf/a'));
    // Taken away and made again: opaque.
    rmSync(at('www'), { recursive: true });
    mkdirSync(at('www'));
    writeFileSync(at('www/fresh'), '');
    writeFileSync(at('www/style'), 'other');
    // What the image had already taken away is new.
    writeFileSync(at('lib/old'), '');
    mkdirSync(at('opt/deep'), { recursive: true });
    symlinkSync('/nowhere', at('opt/deep/link'));
    // A folder where the image has a link: what is in it is new, whatever the link would lead to.
    rmSync(at('was'));
    mkdirSync(at('was'));
    writeFileSync(at('was/passwd'), '');
    // The runtime's mount points are nobody's change.
    mkdirSync(at('dev/pts'), { recursive: true });
    mkdirSync(at('proc'));
    writeFileSync(at('etc/hosts'), '');
    const layers = {
      upper: path('upper'),
      lower: [path('top'), path('base')],
      readXattr: files.readXattr,
    };
    const changes = await listChanges(layers);
    assert.deepEqual(
      changes.map(({ Kind, Path }) => `${'CAD'[Kind]} ${Path}`),
      [
        'C /etc',
        'C /etc/conf',
        'D /etc/conf/a',
        'A /etc/new',
        'C /etc/passwd',
        'C /lib',
        'A /lib/old',
        'A /opt',
        'A /opt/deep',
        'A /opt/deep/link',
        'C /was',
        'A /was/passwd',
        'C /www',
        'A /www/fresh',
        'D /www/index',
        'C /www/style',
      ],
    );
  });

  it('`packLayer()` packs the same changes as a layer, with whiteouts', async () => {
    const options = [
      `lowerdir=${path('top')}:${path('base')}`,
      `upperdir=${path('upper')}`,
      `workdir=${path('work')}`,
    ];
    const mounts = [{ type: 'overlay', source: 'overlay', options }];
    const names = async (neverRun: boolean) =>
      execFileSync('tar', ['-t'], { input: await buffer(await packLayer(files, mounts, { neverRun })) })
        .toString()
        .trim()
        .split('\n');
    const layer = await names(false);
    assert.deepEqual(layer, [
      ...['etc/', 'etc/conf/', 'etc/conf/.wh.a', 'etc/new', 'etc/passwd', 'lib/', 'lib/old'],
      ...['opt/', 'opt/deep/', 'opt/deep/link', 'was/', 'was/.wh..wh..opq', 'was/passwd'],
      ...['www/', 'www/.wh..wh..opq', 'www/fresh', 'www/style'],
    ]);
    // Where nothing has run, what looks like mount points is content.
    const more = ['dev/', 'dev/pts/', 'proc/', 'etc/hosts'];
    assert.deepEqual((await names(true)).sort(), [...layer, ...more].sort());
  });
});
