import assert from 'node:assert/strict';
import { test } from 'node:test';
import { isMulticastMac, linkLocalFromMac, macBytes, macFromIpv4, parseMac, randomMac } from './mac.ts';

test('`macFromIpv4()` is 02:42 and the address, as Docker 20.10 has it', () => {
  assert.equal(macFromIpv4('172.17.0.2'), '02:42:ac:11:00:02');
  assert.throws(() => macFromIpv4('fd00::2'), /not an IPv4 address/);
});

test('`randomMac()` begins with 02:42', () => {
  assert.match(randomMac(), /^02:42(:[0-9a-f]{2}){4}$/);
  assert.equal(
    randomMac(() => Uint8Array.of(0, 0x5d, 0xe1, 0x68)),
    '02:42:00:5d:e1:68',
  );
});

test('`parseMac()` reads the three spellings and refuses others', () => {
  for (const text of ['02:42:AC:11:00:02', '02-42-ac-11-00-02', '0242.ac11.0002']) {
    assert.equal(parseMac(text), '02:42:ac:11:00:02');
  }
  for (const text of [
    '',
    '02:42:ac:11:00',
    '02:42-ac:11:00:02',
    '02:42:ac:11:00:0g',
    '02:42:ac:11:00:02:03:04',
  ]) {
    assert.throws(() => parseMac(text), { message: `address ${text}: invalid MAC address` });
  }
  assert.deepEqual([...macBytes('02:42:ac:11:00:02')], [2, 0x42, 0xac, 0x11, 0, 2]);
});

test('`isMulticastMac()` looks at the group bit', () => {
  assert.equal(isMulticastMac('01:00:5e:00:00:01'), true);
  assert.equal(isMulticastMac('02:42:ac:11:00:02'), false);
});

test('`linkLocalFromMac()` gives the address that the kernel gives', () => {
  assert.equal(linkLocalFromMac('02:42:01:49:e1:68').toString(), 'fe80::42:1ff:fe49:e168');
});
