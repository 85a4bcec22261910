import assert from 'node:assert/strict';
import {
  lstatSync,
  mkdirSync,
  mkdtempSync,
  readFileSync,
  readlinkSync,
  rmSync,
  symlinkSync,
  utimesSync,
  writeFileSync,
} from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { Readable } from 'node:stream';
import { type TestContext, test } from 'node:test';
import { type Header, pack } from 'tar-stream';
import { extractTo } from './extract.ts';
import { packPath } from './pack.ts';
import { baseName, copyPath, planCopy, renamed } from './paths.ts';

test('`copyPath()` tells container paths from local ones', () => {
  assert.deepEqual(copyPath('web:/etc'), { container: 'web', path: '/etc' });
  assert.deepEqual(copyPath('web:rel'), { container: 'web', path: 'rel' });
  assert.deepEqual(copyPath('/a:b'), { container: '', path: '/a:b' });
  assert.deepEqual(copyPath('./a:b'), { container: '', path: './a:b' });
  assert.deepEqual(copyPath('-'), { container: '', path: '-' });
});

const file = (path: string) => ({ path, exists: true, isDirectory: false });
const directory = (path: string) => ({ path, exists: true, isDirectory: true });
const missing = (path: string) => ({ path, exists: false, isDirectory: false });

test('`planCopy()` does what `cp -a` does', () => {
  assert.deepEqual(planCopy(file('/a/f'), directory('/d')), { directory: '/d' });
  assert.deepEqual(planCopy(directory('/a/s'), directory('/d/')), { directory: '/d' });
  assert.deepEqual(planCopy(file('/a/f'), file('/d/g')), { directory: '/d', rename: { from: 'f', to: 'g' } });
  assert.deepEqual(planCopy(directory('/a/s'), missing('/d/new')), {
    directory: '/d',
    rename: { from: 's', to: 'new' },
  });
  assert.deepEqual(planCopy(directory('/a/s/.'), missing('/d/new')), {
    directory: '/d',
    rename: { from: '.', to: 'new' },
  });
  assert.throws(() => planCopy(directory('/a/s'), file('/d/g')), { message: 'cannot copy directory' });
  assert.throws(() => planCopy(file('/a/f'), missing('/d/new/')), { message: 'no such directory' });
});

test('`renamed()` replaces the top of an archive only', () => {
  const rename = { from: 'a', to: 'new' };
  assert.deepEqual(
    ['a', 'a/', 'a/b/a', 'ab/c', './a/b'].map((name) => renamed(name, rename)),
    ['new', 'new', 'new/b/a', 'ab/c', 'new/b'],
  );
  assert.deepEqual(
    ['./', './b', 'b'].map((name) => renamed(name, { from: '.', to: 'new' })),
    ['new', 'new/b', 'new/b'],
  );
  assert.deepEqual(['/a/.', '/a/', '/', '.'].map(baseName), ['.', 'a', '/', '.']);
});

function workshop(context: TestContext): string {
  const path = mkdtempSync(join(tmpdir(), 'bridgeport-cli-copy-'));
  context.after(() => rmSync(path, { recursive: true, force: true }));
  return path;
}

function archive(...entries: Array<Partial<Header> & { name: string; content?: string }>): Readable {
  const stream = pack();
  for (const { content = '', ...header } of entries) stream.entry(header, content);
  stream.finalize();
  return Readable.from(stream, { objectMode: false });
}

test('what `packPath()` packs, `extractTo()` unpacks: content, modes, times and links', async (context) => {
  const root = workshop(context);
  mkdirSync(join(root, 'src/sub'), { recursive: true, mode: 0o750 });
  writeFileSync(join(root, 'src/sub/file'), 'content', { mode: 0o640 });
  writeFileSync(join(root, 'src/empty'), '');
  writeFileSync(join(root, 'src/big'), Buffer.alloc(300_000, 7));
  symlinkSync('/etc/passwd', join(root, 'src/link'));
  utimesSync(join(root, 'src/sub/file'), 1_600_000_000, 1_600_000_000);
  mkdirSync(join(root, 'out'));
  const source = packPath({ path: join(root, 'src'), name: 'src', followLink: false });
  await extractTo(source, {
    plan: { directory: join(root, 'out'), rename: { from: 'src', to: 'copy' } },
    keepOwner: false,
  });
  const copied = lstatSync(join(root, 'out/copy/sub/file'));
  assert.equal(readFileSync(join(root, 'out/copy/sub/file'), 'utf8'), 'content');
  assert.equal(copied.mode & 0o777, 0o640);
  assert.equal(copied.mtimeMs, 1_600_000_000_000);
  assert.equal(readlinkSync(join(root, 'out/copy/link')), '/etc/passwd');
  assert.equal(lstatSync(join(root, 'out/copy/big')).size, 300_000);
  assert.equal(lstatSync(join(root, 'out/copy/empty')).size, 0);
});

test('`extractTo()` refuses a name that climbs out', async (context) => {
  const root = workshop(context);
  mkdirSync(join(root, 'out'));
  const plan = { directory: join(root, 'out') };
  await assert.rejects(extractTo(archive({ name: '../evil', content: 'x' }), { plan, keepOwner: false }), {
    message: 'refusing to extract "../evil": it lies outside of the destination',
  });
  assert.equal(lstatSync(join(root, 'evil'), { throwIfNoEntry: false }), undefined);
});

test('`extractTo()` refuses to write through a link that leads out', async (context) => {
  const root = workshop(context);
  mkdirSync(join(root, 'out'));
  const plan = { directory: join(root, 'out') };
  const hostile = archive(
    { name: 'link', type: 'symlink', linkname: root },
    { name: 'link/evil', content: 'x' },
  );
  await assert.rejects(extractTo(hostile, { plan, keepOwner: false }), /refusing to extract "link\/evil"/);
  assert.equal(lstatSync(join(root, 'evil'), { throwIfNoEntry: false }), undefined);
});

test('`extractTo()` replaces a link instead of writing through it', async (context) => {
  const root = workshop(context);
  mkdirSync(join(root, 'out'));
  writeFileSync(join(root, 'victim'), 'untouched');
  symlinkSync(join(root, 'victim'), join(root, 'out/file'));
  await extractTo(archive({ name: 'file', content: 'new' }), {
    plan: { directory: join(root, 'out') },
    keepOwner: false,
  });
  assert.equal(readFileSync(join(root, 'victim'), 'utf8'), 'untouched');
  assert.equal(readFileSync(join(root, 'out/file'), 'utf8'), 'new');
});

test('`extractTo()` refuses a hard link to something outside, a device, and a clash of kinds', async (context) => {
  const root = workshop(context);
  mkdirSync(join(root, 'out/dir'), { recursive: true });
  const extract = (...entries: Parameters<typeof archive>) =>
    extractTo(archive(...entries), { plan: { directory: join(root, 'out') }, keepOwner: false });
  await assert.rejects(
    extract({ name: 'hard', type: 'link', linkname: '../../etc/passwd' }),
    /refusing to extract/,
  );
  await assert.rejects(extract({ name: 'dev', type: 'character-device', devmajor: 1, devminor: 3 }), {
    message: 'copy of character-device "dev" is not supported',
  });
  await assert.rejects(extract({ name: 'dir', content: 'x' }), /cannot overwrite directory/);
});
