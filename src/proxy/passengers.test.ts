import assert from 'node:assert/strict';
import { test } from 'node:test';
import { type Passenger, Passengers } from './passengers.ts';

const passenger = (): Passenger => ({ seat: -1, abort() {} });

test('`Passengers` loses nobody but those who leave, in whatever order', () => {
  const aboard = new Passengers();
  const [first, second, third] = [passenger(), passenger(), passenger()] as const;
  for (const one of [first, second, third]) aboard.add(one);
  assert.equal(aboard.delete(first), true);
  assert.deepEqual(new Set(aboard.all()), new Set([second, third]));
  assert.equal(aboard.delete(third), true);
  assert.equal(aboard.delete(second), true);
  assert.deepEqual(aboard.all(), []);
});

test('`Passengers` knows who is not there', () => {
  const [aboard, elsewhere] = [new Passengers(), new Passengers()];
  const [here, there] = [passenger(), passenger()];
  aboard.add(here);
  elsewhere.add(there);
  assert.equal(aboard.delete(there), false);
  assert.equal(aboard.delete(here), true);
  assert.equal(aboard.delete(here), false);
  aboard.add(here);
  assert.equal(aboard.size, 1);
});
