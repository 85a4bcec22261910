import assert from 'node:assert/strict';
import { test } from 'node:test';
import { isKind } from './errors.ts';
import { formatPortSpec, parsePortRange, parsePortSpec, portsOf, rangeSize } from './ports.ts';

test('`parsePortRange()` reads a port and a range', () => {
  assert.deepEqual(parsePortRange('8080'), { start: 8080, end: 8080 });
  assert.deepEqual(parsePortRange('8000-8010'), { start: 8000, end: 8010 });
  assert.deepEqual(parsePortRange('65535'), { start: 65535, end: 65535 });
  assert.deepEqual(parsePortRange('0'), { start: 0, end: 0 });
});

test('`parsePortRange()` refuses what is not one', () => {
  for (const text of [
    '',
    'http',
    '-1',
    '80-',
    '-80',
    '65536',
    '1-65536',
    '0-5',
    '10-9',
    '80 ',
    '8.5',
    '1-2-3',
  ]) {
    assert.throws(
      () => parsePortRange(text),
      (error) => isKind(error, 'invalid') && error.message.startsWith(`invalid port range: "${text}"`),
      text,
    );
  }
});

test('`parsePortSpec()` reads a protocol, tcp when there is none', () => {
  assert.deepEqual(parsePortSpec('80'), { proto: 'tcp', start: 80, end: 80 });
  assert.deepEqual(parsePortSpec('53/UDP'), { proto: 'udp', start: 53, end: 53 });
  assert.deepEqual(parsePortSpec('8000-8010/sctp'), { proto: 'sctp', start: 8000, end: 8010 });
  assert.throws(() => parsePortSpec('80/icmp'), { message: 'invalid proto: "icmp"' });
  assert.throws(() => parsePortSpec('80/'), { message: 'invalid proto: ""' });
});

test('`formatPortSpec()` writes what `parsePortSpec()` reads', () => {
  for (const text of ['80/tcp', '53/udp', '8000-8010/sctp']) {
    assert.equal(formatPortSpec(parsePortSpec(text)), text);
  }
});

test('`portsOf()` and `rangeSize()` count both ends', () => {
  assert.deepEqual([...portsOf({ start: 8000, end: 8002 })], [8000, 8001, 8002]);
  assert.equal(rangeSize({ start: 8000, end: 8002 }), 3);
});
