import assert from 'node:assert/strict';
import { it } from 'node:test';
import { type CountedPart, RunningSums } from './running-sums.ts';

const part = (id: string, sum: string, ...values: number[]): CountedPart => ({ id, sum, values });

it('`RunningSums.add()` adds what parts have counted, and never goes back when one goes or begins anew', () => {
  const sums = new RunningSums();
  const add = (...parts: CountedPart[]) => Object.fromEntries(sums.add(parts));
  assert.deepEqual(add(part('a', 'x', 50, 500), part('b', 'x', 3, 30), part('c', 'y', 1, 1)), {
    x: [53, 530],
    y: [1, 1],
  });
  // `b` goes, `c` stays as it was.
  assert.deepEqual(add(part('a', 'x', 51, 510), part('c', 'y', 1, 1)), { x: [54, 540], y: [1, 1] });
  // `a` was written anew and has counted 2 since then; `b` is back.
  assert.deepEqual(add(part('a', 'x', 2, 20), part('b', 'x', 1, 10)), { x: [57, 570] });
  // What `y` had is forgotten with its last part.
  assert.deepEqual(add(part('c', 'y', 4, 4)), { y: [4, 4] });
});

it('`RunningSums.add()` takes equal parts for one: a rule that was written twice', () => {
  const sums = new RunningSums();
  const twice = (count: number) => sums.add([part('a', 'x', count), part('a', 'x', count)]).get('x');
  assert.deepEqual(twice(2), [4]);
  assert.deepEqual(twice(3), [6]);
});
