import assert from 'node:assert/strict';
import { test } from 'node:test';
import { bridgeName, hostVethName, isId, isIdPrefix, MAX_IFNAME_LENGTH, newId, shortId } from './ids.ts';

const ID = '9159bb2a'.repeat(8);

test('`newId()` gives 64 hex digits, never a short id that reads as a number', () => {
  assert.equal(isId(newId()), true);
  const answers = [Buffer.alloc(32, 0x12), Buffer.alloc(32, 0xab)];
  assert.equal(
    newId(() => answers.shift() ?? Buffer.alloc(32)),
    'ab'.repeat(32),
  );
});

test('`shortId()` is the first twelve digits, without the name of a digest', () => {
  assert.equal(shortId(ID), '9159bb2a9159');
  assert.equal(shortId(`sha256:${ID}`), '9159bb2a9159');
});

test('`isId()` and `isIdPrefix()` take lower-case hex only', () => {
  assert.equal(isId(ID.slice(1)), false);
  assert.equal(isId(ID.toUpperCase()), false);
  assert.equal(isIdPrefix('9159'), true);
  assert.equal(isIdPrefix(''), false);
  assert.equal(isIdPrefix('web'), false);
});

test('`hostVethName()` is the same for the same endpoint, and has a second choice', () => {
  assert.equal(hostVethName(ID), 'veth9159bb2');
  assert.equal(hostVethName(ID, 1), 'vetha9159bb');
  assert.ok(hostVethName(ID).length <= MAX_IFNAME_LENGTH);
  assert.throws(() => hostVethName('web'), /name an interface after "web"/);
  assert.throws(() => hostVethName(ID, 9), /no 7 hex digits at 63/);
});

test('`bridgeName()` fits into an interface name', () => {
  assert.equal(bridgeName(ID), 'br-9159bb2a9159');
  assert.equal(bridgeName(ID).length, MAX_IFNAME_LENGTH);
});
