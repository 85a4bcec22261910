import assert from 'node:assert/strict';
import { test } from 'node:test';
import { IntervalSet } from './interval-set.ts';
import { seededRandom } from './seeded-random.testing.ts';

test('`IntervalSet` agrees with a plain set under 4,000 random changes', () => {
  const random = seededRandom(20_10);
  const set = new IntervalSet();
  const plain = new Set<bigint>();
  for (let round = 0; round < 4_000; round++) {
    const start = BigInt(random(120));
    const end = start + BigInt(random(12));
    const adding = random(2) === 0;
    if (adding) set.add(start, end);
    else set.remove(start, end);
    for (let value = start; value <= end; value++) adding ? plain.add(value) : plain.delete(value);

    assert.equal(set.size, BigInt(plain.size));
    const from = BigInt(random(140));
    let free = from;
    while (plain.has(free)) free++;
    assert.equal(set.nextFree(from), free);
    assert.equal(set.has(from), plain.has(from));
    const intervals = [...set];
    for (const [index, interval] of intervals.entries()) {
      assert.ok(interval.start <= interval.end);
      const before = intervals[index - 1];
      assert.ok(before === undefined || before.end + 1n < interval.start, 'neighbours are joined');
    }
  }
});

test('`overlapping()` finds the lowest interval in the way', () => {
  const set = new IntervalSet();
  set.add(10n, 19n);
  set.add(30n, 39n);
  assert.deepEqual(set.overlapping(0n, 100n), { start: 10n, end: 19n });
  assert.deepEqual(set.overlapping(19n, 30n), { start: 10n, end: 19n });
  assert.deepEqual(set.overlapping(20n, 30n), { start: 30n, end: 39n });
  assert.equal(set.overlapping(20n, 29n), undefined);
  assert.equal(set.overlapping(40n, 41n), undefined);
});

test('`add()` and `remove()` of an empty range change nothing', () => {
  const set = new IntervalSet();
  set.add(5n, 4n);
  set.remove(5n, 4n);
  assert.equal(set.size, 0n);
  assert.equal(set.intervalCount, 0);
});
