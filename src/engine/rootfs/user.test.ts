import assert from 'node:assert/strict';
import { test } from 'node:test';
import { resolveUser } from './user.ts';

const FILES = {
  passwd: `root:x:0:0:root:/root:/bin/sh
# a comment
www:x:33:33::/var/www:/bin/false
other:x:1000:100::/home/other
broken:x:abc:1
42:x:4242:4242::/named-like-a-number:
`,
  group: `root:x:0:
www:x:33:
users:x:100:other,www
video:x:44:www, other
7:x:777:
`,
};

const resolve = (user: string, extra: string[] = [], files = FILES) => resolveUser(user, files, extra);

test('nobody said who: root', () => {
  assert.deepEqual(resolve(''), {
    user: { uid: 0, gid: 0, additionalGids: [0] },
    home: '/root',
    name: 'root',
  });
});

test('a name gives uid, gid, home and the groups it is a member of', () => {
  assert.deepEqual(resolve('www'), {
    user: { uid: 33, gid: 33, additionalGids: [33, 100, 44] },
    home: '/var/www',
    name: 'www',
  });
});

test('a number is looked up too; one that is not there has group 0 and no home', () => {
  assert.deepEqual(resolve('1000').user, { uid: 1000, gid: 100, additionalGids: [100, 44] });
  assert.deepEqual(resolve('5000'), {
    user: { uid: 5000, gid: 0, additionalGids: [0] },
    home: '/',
    name: '5000',
  });
});

test('a user whose name is a number comes before the number', () => {
  assert.equal(resolve('42').user.uid, 4242);
  assert.equal(resolve('0:7').user.gid, 777);
});

test('with a group, the groups of the user do not count', () => {
  assert.deepEqual(resolve('www:video').user, { uid: 33, gid: 44, additionalGids: [44] });
  assert.deepEqual(resolve('33:1234').user, { uid: 33, gid: 1234, additionalGids: [1234] });
  assert.deepEqual(resolve(':video').user, { uid: 0, gid: 44, additionalGids: [44] });
});

test('`--group-add` adds names and numbers, none twice', () => {
  assert.deepEqual(resolve('www', ['video', '9', '33']).user.additionalGids, [33, 100, 44, 9]);
});

test('an image without the files has root and numbers', () => {
  const none = { passwd: '', group: '' };
  assert.deepEqual(resolve('', [], none), {
    user: { uid: 0, gid: 0, additionalGids: [0] },
    home: '/',
    name: '0',
  });
  assert.deepEqual(resolve('5:6', [], none).user, { uid: 5, gid: 6, additionalGids: [6] });
});

test('what is not there is refused in the words of Docker', () => {
  const cases: Array<[() => unknown, string]> = [
    [() => resolve('nobody'), 'unable to find user nobody: no matching entries in passwd file'],
    [() => resolve('www:nobody'), 'unable to find group nobody: no matching entries in group file'],
    [() => resolve('', ['nobody']), 'unable to find group nobody: no matching entries in group file'],
    [() => resolve('broken'), 'unable to find user broken: no matching entries in passwd file'],
  ];
  for (const [call, message] of cases) assert.throws(call, { kind: 'invalid', message });
  assert.throws(() => resolve('-1'), /uids and gids must be in range 0-2147483647/);
  assert.throws(() => resolve('2147483648'), /uids and gids must be in range 0-2147483647/);
  assert.equal(resolve('2147483647').user.uid, 2_147_483_647);
});
