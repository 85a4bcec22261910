import assert from 'node:assert/strict';
import { type ChildProcess, execFileSync, spawn } from 'node:child_process';
import {
  chmodSync,
  chownSync,
  closeSync,
  constants,
  existsSync,
  linkSync,
  lstatSync,
  mkdirSync,
  mkdtempSync,
  readdirSync,
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
import { buffer } from 'node:stream/consumers';
import { after, before, describe, it } from 'node:test';
import { pack } from 'tar-stream';
import { lookUp } from '../engine/archive/look-up.ts';
import { packTree } from '../engine/archive/pack.ts';
import { unpackTar } from '../engine/archive/unpack.ts';
import type { FileTree, RootfsMount } from '../engine/host-system.ts';
import { isErrno } from '../kernel/ffi/errno.ts';
import { listMounts, unmountTree } from '../kernel/mounts/index.ts';
import { createHostSystem } from './host-system.ts';

const host = createHostSystem({ hold: async () => {}, release: async () => {} });
const { files } = host;
const { O_PATH } = files;

type Entry = Parameters<ReturnType<typeof pack>['entry']>[0];

/** An archive of these entries. */
function archive(...entries: Array<[Entry, string?]>): Readable {
  const tar = pack();
  for (const [header, content = ''] of entries) tar.entry(header, content);
  tar.finalize();
  return Readable.from(tar, { objectMode: false });
}

describe('trees of files', () => {
  let folder: string;
  let lower: string;
  let upper: string;
  let volume: string;
  let outside: string;
  let mounts: RootfsMount[];

  const path = (...names: string[]) => join(folder, ...names);
  const openTree = (
    binds: Array<{ source: string; target: string; readOnly: boolean }> = [],
    readOnly = false,
  ) => files.openSnapshotTree(mounts, { folder: path('mnt'), binds, readOnly });
  const unpack = (tree: FileTree, source: Readable, more: { folder?: string; strict?: boolean } = {}) =>
    unpackTar(source, {
      files,
      tree,
      folder: more.folder ?? '/',
      noOverwriteDirNonDir: more.strict ?? false,
      owner: undefined,
    });
  const packed = async (tree: FileTree, of: string) => {
    const { fd, stat } = await lookUp(files, tree, 'c', of);
    try {
      return await buffer(Readable.from(packTree({ files, tree, top: fd, name: stat.name })));
    } finally {
      closeSync(fd);
    }
  };
  const names = (tar: Buffer) =>
    execFileSync('tar', ['--list'], { input: tar, encoding: 'utf8' }).trim().split('\n');

  before(() => {
    folder = mkdtempSync(join(tmpdir(), 'bp-files-'));
    lower = path('lower');
    upper = path('upper');
    volume = path('volume');
    outside = path('outside');
    for (const name of ['lower', 'upper', 'work', 'mnt', 'volume', 'outside']) mkdirSync(path(name));
    for (const name of ['etc', 'data', 'd', 'gone']) mkdirSync(join(lower, name));
    writeFileSync(join(lower, 'etc/passwd'), 'inside\n');
    writeFileSync(join(lower, 'gone/old'), '');
    writeFileSync(join(outside, 'secret'), 'SECRET\n');
    // What a container could make: links that lead out, were they followed on the host.
    symlinkSync(outside, join(lower, 'out'));
    symlinkSync('/etc', join(lower, 'abs'));
    symlinkSync('../../../../../../etc/passwd', join(lower, 'up'));
    mounts = [
      {
        type: 'overlay',
        source: 'overlay',
        options: [`lowerdir=${lower}`, `upperdir=${upper}`, `workdir=${path('work')}`],
      },
    ];
  });
  after(() => {
    unmountTree(folder);
    rmSync(folder, { recursive: true, force: true });
  });

  it('`openSnapshotTree()` mounts where nobody else sees it, and shows what is mounted in it', async () => {
    const cwd = process.cwd();
    writeFileSync(join(volume, 'kept'), 'x');
    const tree = openTree([{ source: volume, target: '/data', readOnly: false }]);
    try {
      assert.deepEqual(listMounts(folder), []);
      assert.equal(process.cwd(), cwd);
      assert.deepEqual(readdirSync(path('mnt')), []);
      const fd = await tree.open('/data/kept', O_PATH);
      assert.equal(tree.pathOf(fd), '/data/kept');
      closeSync(fd);
    } finally {
      tree.close();
      tree.close();
    }
    assert.equal(readFileSync(join(volume, 'kept'), 'utf8'), 'x');
  });

  it('`open()` keeps absolute links and `..` inside, and refuses links of /proc', async () => {
    const tree = openTree([{ source: '/proc', target: '/proc', readOnly: true }]);
    try {
      const read = async (name: string) => {
        const fd = await tree.open(name, constants.O_RDONLY);
        try {
          return readFileSync(`/proc/self/fd/${fd}`, 'utf8');
        } finally {
          closeSync(fd);
        }
      };
      assert.equal(await read('/up'), 'inside\n');
      assert.equal(await read('/abs/passwd'), 'inside\n');
      assert.equal(await read('/../../etc/passwd'), 'inside\n');
      await assert.rejects(read(`/out/secret`), (error) => isErrno(error, 'ENOENT'));
      await assert.rejects(read('/proc/self/root/etc/passwd'), (error) => isErrno(error, 'ELOOP'));
      await assert.rejects(read(`/proc/${process.pid}/root/etc/passwd`), (error) => isErrno(error, 'ELOOP'));
    } finally {
      tree.close();
    }
  });

  it('`openSnapshotTree()` makes targets inside, also where a link leads out, and mounts read-only what shall be', async () => {
    const tree = openTree(
      [
        { source: volume, target: '/abs/deep/target', readOnly: true },
        { source: join(outside, 'secret'), target: '/d/file', readOnly: false },
      ],
      true,
    );
    try {
      assert.ok(existsSync(join(upper, 'etc/deep/target')));
      assert.ok(!existsSync('/etc/deep'));
      await assert.rejects(
        unpack(tree, archive([{ name: 'x' }, 'x']), { folder: '/etc/deep/target' }),
        (error) => isErrno(error, 'EROFS'),
      );
      await assert.rejects(unpack(tree, archive([{ name: 'x' }, 'x'])), (error) => isErrno(error, 'EROFS'));
    } finally {
      tree.close();
    }
  });

  it('`unpackTar()` and `packTree()` keep everything: owners, modes, times, links, devices, FIFOs', async () => {
    const source = path('round');
    mkdirSync(join(source, 'sub/empty'), { recursive: true });
    writeFileSync(join(source, 'file'), Buffer.alloc(300_001, 'ab'));
    chownSync(join(source, 'file'), 1000, 1001);
    chmodSync(join(source, 'file'), 0o4751);
    linkSync(join(source, 'file'), join(source, 'sub/hard'));
    symlinkSync('../nowhere', join(source, 'sub/link'));
    writeFileSync(join(source, `sub/${'n'.repeat(200)}`), 'long');
    writeFileSync(join(source, 'naïve – ☂'), '');
    execFileSync('mkfifo', [join(source, 'fifo')]);
    execFileSync('mknod', [join(source, 'null'), 'c', '1', '3']);
    chmodSync(join(source, 'null'), 0o666);
    chmodSync(join(source, 'sub/empty'), 0o1777);
    utimesSync(join(source, 'sub'), 1_000_000_000, 1_000_000_000);
    const describeTree = (root: string) =>
      execFileSync('find', ['.', '-printf', '%P %y %m %U:%G %s %l %Ts\n'], { cwd: root, encoding: 'utf8' })
        .split('\n')
        // Sizes of folders are the filesystem's business.
        .map((line) => line.replace(/^(\S* d \d+ \S+) \d+/, '$1'))
        .filter((line) => !line.startsWith(' d'))
        .sort();
    const wanted = describeTree(source);

    const tar = execFileSync('tar', ['-C', source, '-c', '.'], { maxBuffer: 2 ** 24 });
    const tree = openTree();
    try {
      await unpack(tree, Readable.from([tar]), { folder: '/d' });
      assert.deepEqual(describeTree(join(upper, 'd')), wanted);
      assert.equal(
        lstatSync(join(upper, 'd/file')).ino,
        lstatSync(join(upper, 'd/sub/hard')).ino,
        'hard links stay one file',
      );
      const back = path('back');
      mkdirSync(back);
      execFileSync('tar', ['-C', back, '-xp'], { input: await packed(tree, '/d/.') });
      assert.deepEqual(describeTree(back), wanted);
    } finally {
      tree.close();
    }
  });

  it('`lookUp()` and `packTree()` name things as Docker does', async () => {
    const tree = openTree([{ source: '/proc', target: '/proc', readOnly: true }]);
    try {
      assert.deepEqual(names(await packed(tree, '/etc')).slice(0, 2), ['etc/', 'etc/deep/']);
      assert.deepEqual(names(await packed(tree, 'etc/.')).slice(0, 2), ['./', './deep/']);
      assert.deepEqual(names(await packed(tree, '/abs')), ['abs']);
      assert.deepEqual(names(await packed(tree, '/abs/')).slice(0, 2), ['abs/', 'abs/deep/']);
      assert.deepEqual(names(await packed(tree, '/etc/passwd')), ['passwd']);
      // What is mounted from the kernel is an empty folder.
      assert.deepEqual(
        names(await packed(tree, '/')).filter((name) => name.includes('proc')),
        ['/proc/'],
      );
      assert.deepEqual(names(await packed(tree, '/proc')), ['proc/']);
      const { fd, stat } = await lookUp(files, tree, 'c', '/up');
      closeSync(fd);
      assert.deepEqual([stat.name, stat.linkTarget, stat.mode & 0o777], ['up', '/etc/passwd', 0o777]);
      for (const missing of ['/nope', '/proc/version', `/proc/${process.pid}/root/etc`]) {
        await assert.rejects(lookUp(files, tree, 'c', missing), {
          kind: 'not-found',
          message: `Could not find the file ${missing} in container c`,
        });
      }
      await assert.rejects(lookUp(files, tree, 'c', '/etc/passwd/'), { kind: 'invalid' });
    } finally {
      tree.close();
    }
  });

  it('`unpackTar()` refuses names and links that climb out, and takes absolute names as relative ones', async () => {
    const tree = openTree();
    try {
      for (const name of ['../evil', 'a/../../evil', '..']) {
        await assert.rejects(unpack(tree, archive([{ name }, 'x']), { folder: '/d' }), {
          kind: 'invalid',
          message: `Error processing tar file: "${name}" is outside of "/d"`,
        });
      }
      const link = archive([{ name: 'h', type: 'link', linkname: '../../etc/passwd' }]);
      await assert.rejects(unpack(tree, link, { folder: '/d' }), { kind: 'invalid' });
      await unpack(tree, archive([{ name: '/abs-name' }, 'x']), { folder: '/d' });
      assert.ok(existsSync(join(upper, 'd/abs-name')));
      // A link of the archive's own is followed inside.
      await unpack(
        tree,
        archive(
          [{ name: 'l', type: 'symlink', linkname: outside }],
          [{ name: 'l2', type: 'symlink', linkname: '/etc' }],
        ),
      );
      await unpack(tree, archive([{ name: 'l2/via-link' }, 'x']));
      assert.ok(existsSync(join(upper, 'etc/via-link')));
      await assert.rejects(unpack(tree, archive([{ name: 'l/evil' }, 'x'])));
      assert.deepEqual(readdirSync(outside), ['secret']);
    } finally {
      tree.close();
    }
  });

  it('`unpackTar()` refuses what is no archive, is cut short, or would be a whiteout', async () => {
    const tree = openTree();
    try {
      await assert.rejects(unpack(tree, Readable.from([Buffer.alloc(2048, 'junk')])), { kind: 'invalid' });
      const whole = await buffer(archive([{ name: 'cut' }, 'x'.repeat(5000)]));
      await assert.rejects(unpack(tree, Readable.from([whole.subarray(0, 3000)])), { kind: 'invalid' });
      await assert.rejects(
        unpack(tree, archive([{ name: 'wh', type: 'character-device', devmajor: 0, devminor: 0 }])),
        (error) => isErrno(error, 'EPERM'),
      );
      // What would have to be replaced is still there when the entry cannot be unpacked.
      writeFileSync(join(upper, 'd/old'), 'kept');
      for (const pax of [{ 'GNU.sparse.major': '1' }, { path: 'd/o\0ld' }]) {
        await assert.rejects(unpack(tree, archive([{ name: 'd/old', pax }, 'x'])), { kind: 'invalid' });
      }
      const unknown = await buffer(archive([{ name: 'd/old' }, 'x']));
      unknown[156] = 'S'.charCodeAt(0);
      unknown.write('        ', 148);
      const sum = unknown.subarray(0, 512).reduce((total, byte) => total + byte, 0);
      unknown.write(`${sum.toString(8).padStart(6, '0')}\0 `, 148);
      await assert.rejects(unpack(tree, Readable.from([unknown])), { kind: 'invalid', message: /its type/ });
      assert.equal(readFileSync(join(upper, 'd/old'), 'utf8'), 'kept');
      await unpack(tree, Readable.from([]));
    } finally {
      tree.close();
    }
  });

  it('`unpackTar()` puts a file in the place of a folder only when it may, and never in that of a mount', async () => {
    writeFileSync(join(volume, 'kept'), 'x');
    const tree = openTree([{ source: volume, target: '/data', readOnly: false }]);
    try {
      await assert.rejects(unpack(tree, archive([{ name: 'gone' }, 'x']), { strict: true }), {
        message: 'cannot overwrite directory "/gone" with non-directory "gone"',
      });
      await assert.rejects(
        unpack(tree, archive([{ name: 'etc/passwd', type: 'directory' }]), { strict: true }),
        { message: /^cannot overwrite non-directory "\/etc\/passwd" with directory "etc\/passwd\/?"$/ },
      );
      await unpack(tree, archive([{ name: 'gone' }, 'now a file']));
      assert.equal(readFileSync(join(upper, 'gone'), 'utf8'), 'now a file');
      await assert.rejects(unpack(tree, archive([{ name: 'data' }, 'x'])), (error) =>
        isErrno(error, 'EBUSY'),
      );
      assert.deepEqual(readdirSync(volume), ['kept']);
    } finally {
      tree.close();
    }
  });

  it('a container that swaps folders for links while files are copied leads nothing out of it', async () => {
    mkdirSync(join(upper, 'race'));
    const tree = openTree();
    let swapper: ChildProcess | undefined;
    try {
      // In the tree itself, as the container would: `race/d` is now a folder, now a link to a folder of the host.
      const home = await tree.open('/race', constants.O_RDONLY | constants.O_DIRECTORY);
      swapper = spawn(
        process.execPath,
        [
          '-e',
          `const fs = require('fs'); process.chdir('/proc/self/fd/3'); process.stdout.write('on');
           for (;;) {
             try {
               fs.rmSync('d', { recursive: true, force: true });
               fs.symlinkSync(process.argv[1], 'd');
               fs.unlinkSync('d');
               fs.mkdirSync('d');
             } catch {}
           }`,
          outside,
        ],
        { stdio: ['ignore', 'pipe', 'inherit', home] },
      );
      await new Promise((resolve) => swapper?.stdout?.once('data', resolve));
      closeSync(home);
      const results = { done: 0, failed: 0 };
      for (let round = 0; round < 150; round++) {
        const tar = archive(
          [{ name: 'race/d/planted', mode: 0o4777 }, 'x'],
          [{ name: 'race/d/secret', mode: 0o666 }, 'x'],
        );
        await unpack(tree, tar).then(
          () => results.done++,
          () => results.failed++,
        );
        const all = await packed(tree, '/race').catch(() => Buffer.alloc(0));
        assert.ok(!all.includes('SECRET'));
        const one = await packed(tree, '/race/d/secret').catch(() => Buffer.alloc(0));
        assert.ok(!one.includes('SECRET'));
      }
      assert.equal(swapper.exitCode, null, 'it swapped to the end');
      assert.ok(results.done > 0, 'some rounds met the folder');
      assert.ok(results.failed > 0, 'some rounds met the link');
      assert.deepEqual(readdirSync(outside), ['secret']);
      assert.equal(readFileSync(join(outside, 'secret'), 'utf8'), 'SECRET\n');
      assert.equal(lstatSync(join(outside, 'secret')).mode & 0o7777, 0o644);
    } finally {
      swapper?.kill('SIGKILL');
      tree.close();
    }
  });

  it('`openProcessTree()` sees what a process sees, its mounts included, or its root alone', async () => {
    const child = spawn(
      'unshare',
      [
        '--mount',
        'sh',
        '-ec',
        'mount -t tmpfs tmpfs "$1"; echo mine >"$1/file"; echo on; exec sleep 60',
        'sh',
        path('mnt'),
      ],
      { stdio: ['ignore', 'pipe', 'inherit'] },
    );
    try {
      await new Promise((resolve) => child.stdout.once('data', resolve));
      const tree = files.openProcessTree(child.pid as number, { rootOnly: false });
      const bare = files.openProcessTree(child.pid as number, { rootOnly: true });
      try {
        const fd = await tree.open(path('mnt', 'file'), constants.O_RDONLY);
        assert.equal(readFileSync(fd, 'utf8'), 'mine\n');
        assert.equal(tree.pathOf(fd), path('mnt', 'file'));
        closeSync(fd);
        assert.ok(!existsSync(path('mnt', 'file')));
        const proc = await bare.open('/proc', constants.O_RDONLY | constants.O_DIRECTORY);
        assert.deepEqual(readdirSync(`/proc/self/fd/${proc}`), []);
        closeSync(proc);
        // What the process had mounted stays for us when it ends.
        child.kill('SIGKILL');
        await new Promise((resolve) => child.once('exit', resolve));
        closeSync(await tree.open(path('mnt', 'file'), O_PATH));
      } finally {
        tree.close();
        bare.close();
      }
    } finally {
      child.kill('SIGKILL');
    }
    assert.throws(() => files.openProcessTree(child.pid as number, { rootOnly: false }), {
      errno: 'ENOENT',
    });
  });

  it('`packTree()` gives what the header promised when a file is cut short meanwhile', async () => {
    writeFileSync(join(upper, 'shrinks'), Buffer.alloc(2 ** 20, 'x'));
    const tree = openTree();
    const { fd } = await lookUp(files, tree, 'c', '/shrinks');
    try {
      const pieces: Buffer[] = [];
      for await (const piece of packTree({ files, tree, top: fd, name: 'shrinks' })) {
        if (pieces.length === 0) writeFileSync(`/proc/self/fd/${fd}`, '');
        pieces.push(piece);
      }
      const listed = execFileSync('tar', ['--list', '--verbose'], {
        input: Buffer.concat(pieces),
        encoding: 'utf8',
      });
      assert.match(listed, / 1048576 .* shrinks$/m);
    } finally {
      closeSync(fd);
      tree.close();
    }
  });

  it('`packTree()` closes everything when its reader gives up', async () => {
    const tree = openTree();
    const { fd } = await lookUp(files, tree, 'c', '/');
    const open = () =>
      readdirSync('/proc/self/fd')
        .map((name) => {
          try {
            return readlinkSync(`/proc/self/fd/${name}`);
          } catch {
            return '';
          }
        })
        .filter((target) => target.startsWith(path('mnt'))).length;
    const count = open();
    const stream = Readable.from(packTree({ files, tree, top: fd, name: '/' }), { objectMode: false });
    await new Promise((resolve) => stream.once('readable', resolve));
    stream.destroy();
    await new Promise((resolve) => stream.once('close', resolve));
    assert.equal(open(), count);
    closeSync(fd);
    tree.close();
  });
});
