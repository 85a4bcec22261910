import assert from 'node:assert/strict';
import { test } from 'node:test';
import { formatNanos, nowNanos, nowString, parseNanos, ZERO_TIME } from './time.ts';

test('`formatNanos()` writes nine digits, always', () => {
  assert.equal(formatNanos(0n), '1970-01-01T00:00:00.000000000Z');
  assert.equal(formatNanos(1_700_000_000_000_000_001n), '2023-11-14T22:13:20.000000001Z');
  assert.equal(formatNanos(1_700_000_000_999_999_999n), '2023-11-14T22:13:20.999999999Z');
});

test('`parseNanos()` reads any number of digits and any offset', () => {
  const second = 1_700_000_000n * 1_000_000_000n;
  const cases: Array<[string, bigint | undefined]> = [
    ['2023-11-14T22:13:20Z', second],
    ['2023-11-14T22:13:20.5Z', second + 500_000_000n],
    ['2023-11-14T22:13:20.123456789Z', second + 123_456_789n],
    ['2023-11-14T22:13:20.1234567891234Z', second + 123_456_789n],
    ['2023-11-14T23:13:20.000000001+01:00', second + 1n],
    ['2023-11-14T16:43:20-05:30', second],
    ['2023-11-14', undefined],
    ['2023-13-14T22:13:20Z', undefined],
    ['2023-11-14T22:13:20', undefined],
    ['', undefined],
  ];
  for (const [text, expected] of cases) assert.equal(parseNanos(text), expected, text);
});

test('`parseNanos()` takes back what `formatNanos()` wrote', () => {
  for (const nanos of [0n, 1n, 999_999_999n, 1_763_792_103_000_000_042n])
    assert.equal(parseNanos(formatNanos(nanos)), nanos);
});

test('the zero time is before everything', () => {
  assert.ok((parseNanos(ZERO_TIME) as bigint) < 0n);
});

test('`nowNanos()` never goes back while the wall clock is left alone, and stays close to it', () => {
  let last = nowNanos();
  for (let count = 0; count < 10_000; count++) {
    const next = nowNanos();
    assert.ok(next >= last);
    last = next;
  }
  const wall = BigInt(Date.now()) * 1_000_000n;
  const strayed = nowNanos() - wall;
  assert.ok(strayed > -6_000_000n && strayed < 20_000_000n, `${strayed} ns`);
});

test('`nowNanos()` follows a wall clock that was stepped', (t) => {
  const real = Date.now();
  t.mock.method(Date, 'now', () => real + 3_600_000);
  const stepped = nowNanos() / 1_000_000n;
  assert.ok(stepped >= BigInt(real + 3_599_000), `${stepped}`);
  t.mock.restoreAll();
  assert.ok(nowNanos() / 1_000_000n < BigInt(Date.now() + 1000));
});

test('`nowString()` is now', () => {
  assert.ok(Math.abs(Date.parse(nowString()) - Date.now()) < 1000);
});
