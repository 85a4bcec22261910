import assert from 'node:assert/strict';
import { it } from 'node:test';
import { listMounts, parseMountinfo } from './index.ts';

it('`parseMountinfo()` reads optional fields, escapes and both sorts of options', () => {
  const mounts = parseMountinfo(
    '22 27 0:21 / /proc rw,relatime - proc proc rw\n' +
      '43 42 0:4 net:[4026532177] /run/net\\040ns\\134x rw,nosuid shared:2 master:7 unbindable - nsfs nsfs rw\n' +
      '32 31 0:29 / /sys/fs/cgroup/cpu ro - cgroup cgroup rw,cpu,cpuacct\n',
  );
  assert.equal(mounts.length, 3);
  assert.deepEqual(mounts[1], {
    id: 43,
    parentId: 42,
    root: 'net:[4026532177]',
    target: '/run/net ns\\x',
    options: ['rw', 'nosuid'],
    sharedGroup: 2,
    masterGroup: 7,
    type: 'nsfs',
    source: 'nsfs',
    superOptions: ['rw'],
  });
  assert.equal(mounts[0]?.sharedGroup, undefined);
  assert.deepEqual(mounts[2]?.superOptions, ['rw', 'cpu', 'cpuacct']);
});

it('`listMounts()` takes a prefix by whole names', () => {
  assert.ok(listMounts('/proc').some(({ target }) => target === '/proc'));
  assert.deepEqual(listMounts('/pro'), []);
  assert.ok(listMounts().length >= listMounts('/').length);
});
