import assert from 'node:assert/strict';
import { mkdirSync, mkdtempSync, readFileSync, rmSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { after, before, describe, it } from 'node:test';
import { isErrno } from '../ffi/errno.ts';
import {
  bindMount,
  isMountPoint,
  listMounts,
  mountTmpfs,
  setPropagation,
  unmount,
  unmountTree,
} from './index.ts';

describe('mounts', () => {
  let directory: string;
  before(() => {
    directory = mkdtempSync(join(tmpdir(), 'bp mounts-'));
    for (const name of ['a', 'b', 'c']) mkdirSync(join(directory, name));
  });
  after(() => {
    unmountTree(directory);
    rmSync(directory, { recursive: true });
  });

  it('`mountTmpfs()` mounts with size and mode; `listMounts()` shows it, spaces in the path and all', () => {
    const target = join(directory, 'a');
    mountTmpfs(target, { sizeBytes: 65536, mode: 0o700, noExec: true });
    const [mount] = listMounts(directory);
    assert.equal(mount?.target, target);
    assert.equal(mount?.type, 'tmpfs');
    assert.ok(mount?.options.includes('noexec'));
    assert.ok(mount?.superOptions.includes('size=64k') && mount.superOptions.includes('mode=700'));
    assert.ok(isMountPoint(target));
    assert.ok(!isMountPoint(directory));
    assert.throws(
      () => writeFileSync(join(target, 'large'), Buffer.alloc(70_000)),
      (error) => isErrno(error, 'ENOSPC'),
    );
    rmSync(join(target, 'large'));
  });

  it('`bindMount()` shows one directory at another, read-only if wanted, with its propagation', () => {
    writeFileSync(join(directory, 'a', 'file'), 'seen');
    const target = join(directory, 'b');
    bindMount(join(directory, 'a'), target, { readOnly: true, propagation: 'private' });
    assert.equal(readFileSync(join(target, 'file'), 'utf8'), 'seen');
    assert.throws(
      () => writeFileSync(join(target, 'file'), 'x'),
      (error) => isErrno(error, 'EROFS'),
    );
    setPropagation(target, 'shared');
    assert.notEqual(listMounts(target)[0]?.sharedGroup, undefined);
    setPropagation(target, 'rprivate');
    assert.equal(listMounts(target)[0]?.sharedGroup, undefined);
    assert.throws(
      () => bindMount('/no/such', target),
      (error) =>
        isErrno(error, 'ENOENT') && (error as Error).message.startsWith(`bind /no/such to ${target}`),
    );
  });

  it('`unmount()` takes the topmost layer, and says when there is none', () => {
    const target = join(directory, 'c');
    mountTmpfs(target);
    mountTmpfs(target);
    assert.equal(unmount(target), true);
    assert.equal(unmount(target), true);
    assert.equal(unmount(target), false);
    assert.equal(unmount(join(directory, 'nothing')), false);
  });

  it('`unmountTree()` takes everything below, even what is in use', () => {
    mkdirSync(join(directory, 'a', 'deeper'));
    mountTmpfs(join(directory, 'a', 'deeper'));
    assert.equal(unmountTree(directory), 3);
    assert.deepEqual(listMounts(directory), []);
    assert.equal(unmountTree(directory), 0);
  });
});
