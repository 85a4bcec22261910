import assert from 'node:assert/strict';
import { test } from 'node:test';
import { csvFields } from './csv.ts';
import { parseMount } from './mounts.ts';
import { tmpfsMounts, volumes } from './volumes.ts';

test('`volumes()` keeps binds in order and anonymous volumes apart', () => {
  assert.deepEqual(volumes(['/a:/b', 'data:/c:ro', '/anon', './x:/d', '.:/e:z', '/a:/b'], '/home/me'), {
    binds: ['/a:/b', 'data:/c:ro', '/home/me/x:/d', '/home/me:/e:z'],
    anonymous: { '/anon': {} },
  });
});

test('`volumes()` refuses an empty section', () => {
  assert.throws(() => volumes([''], '/'), { message: 'invalid empty volume spec' });
  assert.throws(() => volumes([':/b'], '/'), { message: 'invalid spec: :/b: empty section between colons' });
  assert.throws(() => volumes(['/aa:/bb:ro:rw'], '/'), {
    message: 'invalid spec: /aa:/bb:ro:rw: too many colons',
  });
});

test('`tmpfsMounts()` cuts options off the path', () => {
  assert.deepEqual(tmpfsMounts(['/run', '/tmp:rw,size=64k']), { '/run': '', '/tmp': 'rw,size=64k' });
});

test('`csvFields()` reads quoted fields', () => {
  assert.deepEqual(
    csvFields('type=volume,"volume-opt=o=addr=1,rw",target=""'.replace(',target=""', ',"a""b"')),
    ['type=volume', 'volume-opt=o=addr=1,rw', 'a"b'],
  );
  assert.throws(() => csvFields('"open'), /extraneous or missing " in quoted-field/);
  assert.throws(() => csvFields('a"b'), /bare " in non-quoted-field/);
});

test('`parseMount()` reads binds, volumes, tmpfs and images', () => {
  assert.deepEqual(parseMount('type=bind,src=/a,dst=/b,ro,bind-propagation=rslave'), {
    Type: 'bind',
    Source: '/a',
    Target: '/b',
    ReadOnly: true,
    BindOptions: { Propagation: 'rslave' },
  });
  assert.deepEqual(parseMount('src=v,target=/v,volume-nocopy,volume-label=a=b,volume-opt=type=nfs'), {
    Type: 'volume',
    Source: 'v',
    Target: '/v',
    VolumeOptions: { Labels: { a: 'b' }, DriverConfig: { Options: { type: 'nfs' } }, NoCopy: true },
  });
  assert.deepEqual(parseMount('type=tmpfs,destination=/t,tmpfs-size=1m,tmpfs-mode=1777'), {
    Type: 'tmpfs',
    Target: '/t',
    TmpfsOptions: { SizeBytes: 1048576, Mode: 0o1777 },
  });
});

for (const [spec, message] of [
  ['type=bind', 'target is required'],
  ['foo', "invalid field 'foo' must be a key=value pair"],
  ['foo=bar', "unexpected key 'foo' in 'foo=bar'"],
  ['target=/a,readonly=maybe', 'invalid value for readonly: maybe'],
  ['target=/a,bind-propagation=x', "cannot mix 'bind-*' options with mount type 'volume'"],
  ['type=bind,target=/a,tmpfs-size=1', "cannot mix 'tmpfs-*' options with mount type 'bind'"],
  ['type=tmpfs,target=/a,tmpfs-mode=9', 'invalid value for tmpfs-mode: 9'],
  [
    'type=bind,target=/a,bind-recursive=writable',
    "option 'bind-recursive=writable' requires 'readonly' to be specified in conjunction",
  ],
] as const) {
  test(`\`parseMount()\` refuses ${spec}`, () => {
    assert.throws(() => parseMount(spec), { message });
  });
}
