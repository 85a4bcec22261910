import assert from 'node:assert/strict';
import { test } from 'node:test';
import { median, quantile, summarize } from './stats.ts';

test('`summarize()` says nothing of no readings', () => {
  assert.equal(summarize([]), undefined);
});

test('`summarize()` orders numbers as numbers', () => {
  assert.deepEqual(summarize([100, 9, 20]), {
    count: 3,
    min: 9,
    p10: 11.2,
    median: 20,
    p90: 84,
    max: 100,
  });
});

test('`median()` of an even count lies between the two in the middle', () => {
  assert.equal(median([4, 1, 3, 2]), 2.5);
});

test('`summarize()` leaves the readings as they were', () => {
  const readings = [3, 1, 2];
  summarize(readings);
  assert.deepEqual(readings, [3, 1, 2]);
});

test('`quantile()` takes readings in any order, and gives one of them or a number between two', () => {
  assert.equal(quantile([9, 1, 5], 1), 9);
  assert.equal(quantile([9, 1, 5], 0.75), 7);
  assert.equal(quantile([], 0.5), undefined);
});
