import assert from 'node:assert/strict';
import { mkdirSync, mkdtempSync, rmSync, symlinkSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { dirname, join } from 'node:path';
import { type TestContext, test } from 'node:test';
import { layerFolders, readRootfsFile } from './layers.ts';

const read = (folders: string[], path: string) => readRootfsFile(folders, path, () => undefined);

interface Layer {
  [path: string]: string | { link: string };
}

/** Folders with these files, the uppermost first. */
function layers(t: TestContext, ...contents: Layer[]): string[] {
  const root = mkdtempSync(join(tmpdir(), 'bridgeport-layers-'));
  t.after(() => rmSync(root, { recursive: true, force: true }));
  return contents.map((files, index) => {
    const folder = join(root, String(index));
    mkdirSync(folder);
    for (const [path, content] of Object.entries(files)) {
      mkdirSync(dirname(join(folder, path)), { recursive: true });
      if (typeof content === 'string') writeFileSync(join(folder, path), content);
      else symlinkSync(content.link, join(folder, path));
    }
    return folder;
  });
}

test('`layerFolders()` reads the options of an overlay, the uppermost first', () => {
  const overlay = { type: 'overlay', source: 'overlay' };
  assert.deepEqual(
    layerFolders([{ ...overlay, options: ['index=off', 'workdir=/w', 'upperdir=/u', 'lowerdir=/b:/a'] }]),
    ['/u', '/b', '/a'],
  );
  assert.deepEqual(layerFolders([{ ...overlay, options: ['lowerdir=/b:/a'] }]), ['/b', '/a']);
  assert.deepEqual(layerFolders([{ type: 'bind', source: '/only', options: ['rbind'] }]), ['/only']);
  assert.deepEqual(layerFolders([]), []);
});

test('the uppermost layer that has a file gives it', (t) => {
  const folders = layers(t, { 'etc/passwd': 'upper' }, { 'etc/passwd': 'lower', 'etc/group': 'group' });
  assert.equal(read(folders, '/etc/passwd'), 'upper');
  assert.equal(read(folders, '/etc/group'), 'group');
  assert.equal(read(folders, '/etc/shadow'), undefined);
  assert.equal(read([], '/etc/passwd'), undefined);
});

test('a folder is no file', (t) => {
  const folders = layers(t, { 'etc/passwd/x': '' });
  assert.equal(read(folders, '/etc/passwd'), undefined);
  assert.equal(read(folders, '/'), undefined);
});

test('links are followed, of files and of folders, across layers', (t) => {
  const folders = layers(
    t,
    { 'etc/passwd': { link: '../usr/etc/passwd' }, lib: { link: '/usr/lib' } },
    { 'usr/etc/passwd': 'linked', 'usr/lib/os-release': 'debian' },
  );
  assert.equal(read(folders, '/etc/passwd'), 'linked');
  assert.equal(read(folders, '/lib/os-release'), 'debian');
});

test('a link never leads out of the rootfs', (t) => {
  const folders = layers(t, {
    'etc/passwd': { link: '../../../../../../../../etc/passwd' },
    'etc/group': { link: '/proc/self/status' },
    root: { link: '/' },
    inside: 'mine',
  });
  assert.equal(read(folders, '/etc/passwd'), undefined);
  assert.equal(read(folders, '/etc/group'), undefined);
  assert.equal(read(folders, '/root/root/../inside'), 'mine');
  assert.equal(read(folders, '../../inside'), 'mine');
});

test('a circle of links ends', (t) => {
  const folders = layers(t, { a: { link: 'b' }, b: { link: 'a' }, 'etc/passwd': { link: '/a' } });
  assert.equal(read(folders, '/etc/passwd'), undefined);
});

test('a file in an upper layer hides the folder below it', (t) => {
  const folders = layers(t, { etc: 'no folder' }, { 'etc/passwd': 'lower' });
  assert.equal(read(folders, '/etc/passwd'), undefined);
});

test('a folder shows nothing of a link that a lower layer has at its place', (t) => {
  const folders = layers(t, { 'etc/x': '' }, { etc: { link: '/etc' } }, { 'etc/passwd': 'lowest' });
  assert.equal(read(folders, '/etc/passwd'), undefined);
});

test('an opaque folder shows nothing of the layers below', (t) => {
  const folders = layers(t, { 'etc/x': 'x' }, { 'etc/passwd': 'lower' });
  const opaque = () => Buffer.from('y');
  assert.equal(readRootfsFile(folders, '/etc/passwd', opaque), undefined);
  assert.equal(readRootfsFile(folders, '/etc/x', opaque), 'x');
});
