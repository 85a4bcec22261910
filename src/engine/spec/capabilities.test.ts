import assert from 'node:assert/strict';
import { test } from 'node:test';
import {
  ALL_CAPABILITIES,
  capabilitiesOfMask,
  DEFAULT_CAPABILITIES,
  resolveCapabilities,
} from './capabilities.ts';

const resolve = (
  add: string[] | null,
  drop: string[] | null,
  held: readonly string[] = ALL_CAPABILITIES,
  privileged = false,
) => resolveCapabilities({ privileged, add, drop }, held);

const without = (names: readonly string[], ...gone: string[]) => names.filter((name) => !gone.includes(name));

test('the numbers are those of linux/capability.h', () => {
  assert.equal(ALL_CAPABILITIES.length, 41);
  for (const [name, number] of [
    ['CHOWN', 0],
    ['NET_ADMIN', 12],
    ['SYS_ADMIN', 21],
    ['SETFCAP', 31],
    ['CHECKPOINT_RESTORE', 40],
  ] as const) {
    assert.equal(ALL_CAPABILITIES.indexOf(`CAP_${name}`), number, name);
  }
});

test('`capabilitiesOfMask()` reads CapBnd', () => {
  assert.deepEqual(capabilitiesOfMask(0n), []);
  assert.deepEqual(capabilitiesOfMask(0b1001n), ['CAP_CHOWN', 'CAP_FOWNER']);
  assert.deepEqual(capabilitiesOfMask(1n << 40n), ['CAP_CHECKPOINT_RESTORE']);
  assert.deepEqual(
    capabilitiesOfMask(0xa80425fbn).toSorted(),
    [...DEFAULT_CAPABILITIES].toSorted(),
    'the mask of a container of Docker',
  );
});

test('the default set, and what the daemon does not have is not given', () => {
  assert.deepEqual(resolve(null, null).toSorted(), [...DEFAULT_CAPABILITIES].toSorted());
  assert.deepEqual(resolve([], [], ['CAP_CHOWN', 'CAP_SYS_ADMIN']), ['CAP_CHOWN']);
});

test('adding and dropping, in any spelling', () => {
  assert.ok(resolve(['net_admin'], null).includes('CAP_NET_ADMIN'));
  assert.ok(resolve(['CAP_SYS_TIME'], null).includes('CAP_SYS_TIME'));
  assert.equal(resolve(null, ['Chown']).includes('CAP_CHOWN'), false);
});

test('`ALL` with exceptions, and what is named in both counts as added', () => {
  assert.deepEqual(resolve(['ALL'], null), ALL_CAPABILITIES);
  assert.deepEqual(resolve(['all'], ['SYS_ADMIN']), without(ALL_CAPABILITIES, 'CAP_SYS_ADMIN'));
  assert.deepEqual(resolve(null, ['ALL']), []);
  assert.deepEqual(resolve(['CHOWN', 'NET_ADMIN'], ['CAP_ALL']), ['CAP_CHOWN', 'CAP_NET_ADMIN']);
  assert.ok(resolve(['CHOWN'], ['CHOWN']).includes('CAP_CHOWN'));
});

test('privileged is all that the daemon has, whatever else is said', () => {
  const held = ['CAP_CHOWN', 'CAP_SYS_ADMIN'];
  assert.deepEqual(resolve(null, ['ALL'], held, true), held);
});

test('names that are none, and additions that the daemon cannot give, are refused', () => {
  assert.throws(() => resolve(['FLY'], null), {
    kind: 'invalid',
    message: 'invalid CapAdd: unknown capability: "FLY"',
  });
  assert.throws(() => resolve(null, ['FLY']), { message: 'invalid CapDrop: unknown capability: "FLY"' });
  assert.throws(
    () => resolve(['SYS_TIME'], null, ['CAP_CHOWN']),
    /CAP_SYS_TIME: the daemon itself does not have/,
  );
});
