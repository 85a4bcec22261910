import assert from 'node:assert/strict';
import { spawnSync } from 'node:child_process';
import { existsSync, mkdtempSync, readdirSync, readFileSync, rmSync, statSync, writeFileSync } from 'node:fs';
import { createServer, Socket } from 'node:net';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { text } from 'node:stream/consumers';
import { after, before, describe, it } from 'node:test';
import { isErrno } from '../ffi/errno.ts';
import { openTcpListener } from '../sockets.ts';
import { connectTcp } from '../testing/connect.ts';
import {
  createNetns,
  currentNetnsInode,
  netnsInode,
  openNetns,
  prepareNetnsDirectory,
  releaseNetnsDirectory,
  removeNetns,
  warmThreadPool,
  withNetns,
} from './index.ts';

describe('network namespaces', () => {
  const directory = mkdtempSync(join(tmpdir(), 'bp-netns-'));
  const path = join(directory, 'a');
  const mountsOf = (target: string) =>
    readFileSync('/proc/self/mountinfo', 'utf8')
      .split('\n')
      .filter((line) => line.split(' ')[4] === target);

  before(async () => {
    await warmThreadPool();
    prepareNetnsDirectory(directory);
  });
  after(() => {
    for (const name of readdirSync(directory)) removeNetns(join(directory, name));
    releaseNetnsDirectory(directory);
    rmSync(directory, { recursive: true });
  });

  it('`prepareNetnsDirectory()` makes one shared mount however often it is called', () => {
    prepareNetnsDirectory(directory);
    const mounts = mountsOf(directory);
    assert.equal(mounts.length, 1);
    assert.match(mounts[0]!, / shared:\d+ /);
  });

  it('`createNetns()` makes a namespace with lo up and nothing else, and comes back', () => {
    const home = currentNetnsInode();
    createNetns(path);
    assert.equal(currentNetnsInode(), home);
    const inode = netnsInode(path);
    assert.ok(inode !== undefined && inode !== home);
    assert.equal(mountsOf(path).length, 1, 'mounted once, not again through the parent mount');
    const devices = withNetns(path, () => readFileSync('/proc/thread-self/net/dev', 'utf8'));
    assert.deepEqual(
      [...devices.matchAll(/^\s*(\S+):/gm)].map((match) => match[1]),
      ['lo'],
    );
    const flags = withNetns(path, () => readFileSync('/proc/thread-self/net/route', 'utf8'));
    assert.equal(flags.trim().split('\n').length, 1, 'no routes');
    assert.equal(
      withNetns(path, () => currentNetnsInode()),
      inode,
    );
  });

  it('`createNetns()` refuses a path that exists and leaves it alone', () => {
    const inode = netnsInode(path);
    assert.throws(
      () => createNetns(path),
      (error) => isErrno(error, 'EEXIST') && (error as Error).message.includes(path),
    );
    assert.equal(netnsInode(path), inode);
  });

  it('`createNetns()` leaves no file behind when the mount is refused', () => {
    const missing = join(directory, 'missing', 'x');
    assert.throws(
      () => createNetns(missing),
      (error) => isErrno(error, 'ENOENT'),
    );
    assert.ok(!existsSync(missing));
  });

  it('`openNetns()` tells a missing path from a file that is no namespace', () => {
    assert.throws(
      () => openNetns(join(directory, 'none')),
      (error) => isErrno(error, 'ENOENT'),
    );
    const file = join(directory, 'file');
    writeFileSync(file, '');
    assert.throws(() => openNetns(file), /is not a network namespace/);
    assert.equal(netnsInode(file), undefined);
    removeNetns(file);
    assert.ok(!existsSync(file));
  });

  it('`withNetns()` comes back when the section throws, and may be nested', () => {
    const home = currentNetnsInode();
    const other = join(directory, 'b');
    createNetns(other);
    assert.throws(
      () =>
        withNetns(path, () => {
          withNetns(other, () => assert.equal(currentNetnsInode(), netnsInode(other)));
          assert.equal(currentNetnsInode(), netnsInode(path));
          throw new Error('inside');
        }),
      /inside/,
    );
    assert.equal(currentNetnsInode(), home);
  });

  it('`withNetns()` refuses a section that returns a Promise', () => {
    const home = currentNetnsInode();
    assert.throws(
      () => withNetns(path, () => Promise.reject(new Error('never seen'))),
      /must be synchronous/,
    );
    assert.equal(currentNetnsInode(), home);
  });

  it('`withNetns()` aborts the process when it cannot come back', () => {
    // A process of its own, which closes the descriptor of the way back while it is away.
    const script = `
      import { readdirSync, readlinkSync } from 'node:fs';
      import { libc } from '${new URL('../ffi/libc.ts', import.meta.url)}';
      import { withNetns } from '${new URL('./index.ts', import.meta.url)}';
      withNetns(process.argv[1], () => {
        for (const fd of readdirSync('/proc/self/fd')) {
          try {
            if (readlinkSync('/proc/self/fd/' + fd).startsWith('net:')) libc().close(Number(fd));
          } catch {}
        }
      });
      console.log('went on');`;
    const child = spawnSync(process.execPath, ['--input-type=module', '-e', script, path], {
      encoding: 'utf8',
    });
    assert.equal(child.signal, 'SIGABRT');
    assert.match(child.stderr, /fatal: return to the own network namespace: bad file descriptor/);
    assert.equal(child.stdout, '');
  });

  it('no thread of the process stays in the namespace', () => {
    for (const task of readdirSync('/proc/self/task')) {
      assert.equal(statSync(`/proc/self/task/${task}/ns/net`).ino, currentNetnsInode());
    }
  });

  it('a socket that is opened inside is reachable inside, and not outside', async () => {
    const listener = openTcpListener({ netns: path, address: '127.0.0.1', port: 0 });
    const server = createServer((socket) => socket.end('hello'));
    server.listen({ fd: listener.fd });
    try {
      const { port } = listener;
      const inside = new Socket({ fd: connectTcp({ netns: path, address: '127.0.0.1', port }) });
      assert.equal(await text(inside), 'hello');
      assert.throws(
        () => connectTcp({ netns: join(directory, 'b'), address: '127.0.0.1', port }),
        (error) => isErrno(error, 'ECONNREFUSED'),
      );
    } finally {
      await new Promise((resolve) => server.close(resolve));
    }
  });

  it('`removeNetns()` takes stacked mounts and the file away, and is idempotent', () => {
    removeNetns(path);
    removeNetns(path);
    assert.ok(!existsSync(path));
    assert.equal(mountsOf(path).length, 0);
    assert.equal(netnsInode(path), undefined);
  });
});
