import assert from 'node:assert/strict';
import { test } from 'node:test';
import { duration } from './duration.ts';
import { memorySwap, ramInBytes } from './size.ts';
import { timestamp } from './timestamp.ts';

test('`ramInBytes()` reads units in powers of 1024, in any case', () => {
  const sizes = {
    0: 0,
    64: 64,
    '64b': 64,
    '1k': 1024,
    '1K': 1024,
    '1kb': 1024,
    '1KiB': 1024,
    '1 m': 1048576,
    '1.5g': 1610612736,
    '2T': 2 ** 41,
    '1p': 2 ** 50,
    '.5k': 512,
  };
  for (const [text, bytes] of Object.entries(sizes)) assert.equal(ramInBytes(text), bytes, text);
});

for (const [text, message] of [
  ['foo', "invalid size: 'foo'"],
  ['', "invalid size: ''"],
  ['1x', "invalid suffix: 'x'"],
  ['1kx', "invalid suffix: 'kx'"],
  ['1bb', "invalid suffix: 'bb'"],
  ['1.2.3k', 'strconv.ParseFloat: parsing "1.2.3": invalid syntax'],
  ['-1', "invalid size: '-1'"],
] as const) {
  test(`\`ramInBytes()\` refuses ${JSON.stringify(text)}`, () => {
    assert.throws(() => ramInBytes(text), { message });
  });
}

test('`memorySwap()` takes -1 for no limit', () => {
  assert.equal(memorySwap('-1'), -1);
  assert.equal(memorySwap('1m'), 1048576);
});

test('`duration()` reads Go durations as nanoseconds', () => {
  const times = {
    '1h30m': 5400e9,
    '1.5s': 1.5e9,
    '250ms': 250e6,
    '-1m': -60e9,
    '0': 0,
    '1us': 1000,
    '1µs': 1000,
    '7ns': 7,
  };
  for (const [text, nanoseconds] of Object.entries(times)) assert.equal(duration(text), nanoseconds, text);
});

test('`duration()` says what is wrong in Go’s words', () => {
  assert.throws(() => duration('10'), { message: 'time: missing unit in duration "10"' });
  assert.throws(() => duration('10x'), { message: 'time: unknown unit "x" in duration "10x"' });
  assert.throws(() => duration('s'), { message: 'time: invalid duration "s"' });
  assert.throws(() => duration(''), { message: 'time: invalid duration ""' });
});

test('`timestamp()` keeps seconds, subtracts durations, and reads dates', () => {
  const now = Date.UTC(2026, 10, 22, 5, 0, 0);
  assert.equal(timestamp('', now, 'since'), '');
  assert.equal(timestamp('1700000000.5', now, 'since'), '1700000000.5');
  assert.equal(timestamp('90s', now, 'since'), `${now / 1000 - 90}.000000000`);
  assert.equal(timestamp('2026-11-22T05:00:00Z', now, 'since'), `${now / 1000}.000000000`);
  assert.equal(timestamp('2026-11-22T05:00:00.123456789Z', now, 'since'), `${now / 1000}.123456789`);
  assert.equal(timestamp('2026-11-22T14:00:00+09:00', now, 'since'), `${now / 1000}.000000000`);
  assert.equal(timestamp('2026-11-22Z', now, 'since'), `${now / 1000 - 5 * 3600}.000000000`);
});

test('`timestamp()` names the flag of a text that is no time', () => {
  assert.throws(() => timestamp('foo', 0, 'since'), {
    message: 'invalid value for "since": failed to parse value as time or duration: "foo"',
  });
});
