import assert from 'node:assert/strict';
import { test } from 'node:test';
import { announcement } from './announcement.ts';

test('`announcement()` of an IPv4 address is an ARP request for itself, to everybody', () => {
  assert.equal(
    announcement('02:42:ac:11:00:02', '172.17.0.2').toString('hex'),
    [
      'ffffffffffff0242ac1100020806', // Ethernet
      '0001080006040001', // Ethernet, IPv4, request
      '0242ac110002ac110002', // from
      '000000000000ac110002', // for
    ].join(''),
  );
});

test('`announcement()` of an IPv6 address is a neighbour advertisement with a true checksum', () => {
  const frame = announcement('02:42:ac:11:00:02', 'fd00::2');
  assert.equal(
    frame.toString('hex'),
    [
      '3333000000010242ac11000286dd',
      '6000000000203aff', // 32 bytes of ICMPv6, hop limit 255
      'fd000000000000000000000000000002ff020000000000000000000000000001',
      '8800ae4420000000', // checksum, override
      'fd000000000000000000000000000002',
      '02010242ac110002',
    ].join(''),
  );
});
