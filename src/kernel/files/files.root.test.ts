import assert from 'node:assert/strict';
import {
  closeSync,
  constants,
  lstatSync,
  mkdirSync,
  mkdtempSync,
  openSync,
  readFileSync,
  rmSync,
  statSync,
  symlinkSync,
  writeFileSync,
} from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { after, before, describe, it } from 'node:test';
import { isErrno } from '../ffi/errno.ts';
import { libc } from '../ffi/libc.ts';
import {
  isMountPoint,
  listMounts,
  mountTmpfs,
  withMountNamespace,
  withPrivateMounts,
} from '../mounts/index.ts';
import { decodeDevice, encodeDevice, makeNode, O_PATH, openInRoot, openInRootSync } from './index.ts';
import { readXattr, writeXattr } from './xattr.ts';

describe('files', () => {
  let folder: string;
  let root: number;
  before(() => {
    folder = mkdtempSync(join(tmpdir(), 'bp-kfiles-'));
    mkdirSync(join(folder, 'tree/etc'), { recursive: true });
    writeFileSync(join(folder, 'tree/etc/passwd'), 'inside');
    writeFileSync(join(folder, 'outside'), 'outside');
    symlinkSync('/etc/passwd', join(folder, 'tree/absolute'));
    symlinkSync('../outside', join(folder, 'tree/up'));
    symlinkSync('loop', join(folder, 'tree/loop'));
    root = openSync(join(folder, 'tree'), O_PATH | constants.O_DIRECTORY);
  });
  after(() => {
    closeSync(root);
    rmSync(folder, { recursive: true, force: true });
  });

  it('`openInRoot()` resolves as after a chroot, on this thread or another', async () => {
    for (const path of ['/absolute', 'absolute', '../../etc/passwd', Buffer.from('/etc/../etc/passwd')]) {
      for (const fd of [
        openInRootSync(root, path, constants.O_RDONLY),
        await openInRoot(root, path, constants.O_RDONLY),
      ]) {
        assert.equal(readFileSync(fd, 'utf8'), 'inside');
        // FD_CLOEXEC: children do not get it.
        assert.equal(libc().fcntl(fd, 1, 0), 1);
        closeSync(fd);
      }
    }
  });

  it('`openInRoot()` finds nothing outside, and says why', async () => {
    const cases = [
      ['/up', 'ENOENT'],
      ['/loop', 'ELOOP'],
      ['/etc/passwd/x', 'ENOTDIR'],
    ] as const;
    for (const [path, errno] of cases) {
      assert.throws(
        () => openInRootSync(root, path, O_PATH),
        (error) => isErrno(error, errno) && (error as Error).message.startsWith(`open ${path}: `),
      );
      await assert.rejects(openInRoot(root, path, O_PATH), (error) => isErrno(error, errno));
    }
  });

  it('`makeNode()` makes devices; their numbers are the kernel’s', () => {
    for (const device of [
      { major: 1, minor: 3 },
      { major: 259, minor: 70_000 },
    ]) {
      const path = join(folder, `device-${device.minor}`);
      makeNode(path, constants.S_IFCHR | 0o600, device);
      const stat = lstatSync(path);
      assert.ok(stat.isCharacterDevice());
      assert.deepEqual(decodeDevice(stat.rdev), device);
      assert.equal(encodeDevice(device), stat.rdev);
    }
    assert.throws(
      () => makeNode(join(folder, 'device-3'), constants.S_IFCHR | 0o600, { major: 1, minor: 3 }),
      (error) => isErrno(error, 'EEXIST'),
    );
  });

  it('`readXattr()` gives the bytes that `writeXattr()` wrote, and undefined for none', () => {
    const fd = openSync(join(folder, 'outside'), constants.O_RDONLY);
    try {
      const value = Buffer.from('0100000200200000000000000000000000000000', 'hex');
      assert.equal(readXattr(fd, 'security.capability'), undefined);
      writeXattr(fd, 'security.capability', value);
      assert.deepEqual(readXattr(fd, 'security.capability'), value);
    } finally {
      closeSync(fd);
    }
  });
});

describe('mount namespaces', () => {
  let folder: string;
  before(() => {
    folder = mkdtempSync(join(tmpdir(), 'bp-mntns-'));
  });
  after(() => rmSync(folder, { recursive: true, force: true }));

  it('`withPrivateMounts()` mounts for nobody else, and comes back to where it was', () => {
    const [cwd, place] = [process.cwd(), statSync('/').ino];
    let namespace = -1;
    const file = withPrivateMounts((fd) => {
      namespace = fd;
      mountTmpfs(folder);
      assert.ok(isMountPoint(folder));
      writeFileSync(join(folder, 'file'), 'private');
      return openSync(join(folder, 'file'), constants.O_RDONLY);
    });
    assert.equal(readFileSync(file, 'utf8'), 'private');
    assert.deepEqual(listMounts(folder), []);
    assert.deepEqual([process.cwd(), statSync('/').ino], [cwd, place]);
    // It is still there for who goes in.
    withMountNamespace(namespace, () => assert.ok(isMountPoint(folder)));
    assert.ok(!isMountPoint(folder));
    closeSync(file);
    closeSync(namespace);
  });

  it('`withPrivateMounts()` comes back when the section throws, and leaves nothing', () => {
    assert.throws(
      () =>
        withPrivateMounts(() => {
          mountTmpfs(folder);
          throw new Error('in the section');
        }),
      /in the section/,
    );
    assert.deepEqual(listMounts(folder), []);
  });

  it('`withMountNamespace()` refuses what is no mount namespace', () => {
    const fd = openSync('/proc/self/ns/net', constants.O_RDONLY);
    try {
      assert.throws(() => withMountNamespace(fd, () => assert.fail('not inside')), /enter a mount namespace/);
    } finally {
      closeSync(fd);
    }
    assert.ok(statSync(folder).isDirectory());
  });
});
