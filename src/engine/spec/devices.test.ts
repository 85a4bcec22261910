import assert from 'node:assert/strict';
import { test } from 'node:test';
import { hostDevices, parseDeviceRule, resolveDevices } from './devices.ts';

const mapping = (PathOnHost: string, PathInContainer = '', CgroupPermissions = '') => ({
  PathOnHost,
  PathInContainer,
  CgroupPermissions,
});

test('a device is made and allowed under its own name or another', () => {
  const { devices, rules } = resolveDevices([mapping('/dev/null'), mapping('/dev/zero', '/dev/other', 'r')]);
  assert.deepEqual(
    devices.map(({ path, type, major, minor }) => ({ path, type, major, minor })),
    [
      { path: '/dev/null', type: 'c', major: 1, minor: 3 },
      { path: '/dev/other', type: 'c', major: 1, minor: 5 },
    ],
  );
  assert.deepEqual(rules, [
    { allow: true, type: 'c', major: 1, minor: 3, access: 'rwm' },
    { allow: true, type: 'c', major: 1, minor: 5, access: 'r' },
  ]);
  assert.equal((devices[0]?.fileMode ?? 0) & 0o666, 0o666);
});

test('what is no device, not there, or asked for with odd permissions is refused, quoted', () => {
  assert.throws(() => resolveDevices([mapping('/dev/nothing-here')]), {
    kind: 'invalid',
    message:
      'error gathering device information while adding custom device "/dev/nothing-here": no such file or directory',
  });
  assert.throws(() => resolveDevices([mapping('/etc/passwd')]), /"\/etc\/passwd": not a device node/);
  assert.throws(() => resolveDevices([mapping('/etc')]), /"\/etc": not a device node/);
  for (const mode of ['x', 'rwmr', 'r w']) {
    assert.throws(() => resolveDevices([mapping('/dev/null', '', mode)]), {
      message: `invalid device mode "${mode}" for "/dev/null"`,
    });
  }
});

test('`parseDeviceRule()` reads rules with numbers and stars', () => {
  assert.deepEqual(parseDeviceRule('c 1:3 rwm'), {
    allow: true,
    type: 'c',
    major: 1,
    minor: 3,
    access: 'rwm',
  });
  assert.deepEqual(parseDeviceRule('a *:* r'), { allow: true, type: 'a', access: 'r' });
  assert.deepEqual(parseDeviceRule('b 8:* w'), { allow: true, type: 'b', major: 8, access: 'w' });
  for (const text of ['', 'c 1:3', 'x 1:3 r', 'c 1:3 x', 'c  1:3 r', 'c -1:3 r', 'c 1:3 r\n']) {
    assert.throws(() => parseDeviceRule(text), {
      kind: 'invalid',
      message: `invalid device cgroup rule format: '${text}'`,
    });
  }
});

test('the devices of the host for a privileged container: no terminals, no links, nothing of its own', () => {
  const paths = hostDevices().map(({ path }) => path);
  assert.ok(paths.includes('/dev/null'));
  for (const own of ['/dev/console', '/dev/pts/0', '/dev/stdin'])
    assert.equal(paths.includes(own), false, own);
  assert.ok(paths.every((path) => !path.startsWith('/dev/shm/')));
});
