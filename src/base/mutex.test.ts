import assert from 'node:assert/strict';
import { test } from 'node:test';
import { setImmediate as turn } from 'node:timers/promises';
import { Mutex } from './mutex.ts';

test('`run()` runs one piece of work at a time, in the order it was asked for', async () => {
  const mutex = new Mutex();
  const steps: string[] = [];
  const work = (name: string, turns: number) =>
    mutex.run(async () => {
      steps.push(`${name} begins`);
      for (let count = 0; count < turns; count++) await turn();
      steps.push(`${name} ends`);
      return name;
    });
  assert.deepEqual(await Promise.all([work('a', 5), work('b', 0), work('c', 2)]), ['a', 'b', 'c']);
  assert.deepEqual(steps, ['a begins', 'a ends', 'b begins', 'b ends', 'c begins', 'c ends']);
});

test('`run()` takes work that is not asynchronous, and does not run it at once when another works', async () => {
  const mutex = new Mutex();
  const { promise, resolve } = Promise.withResolvers<void>();
  const first = mutex.run(() => promise);
  let ran = false;
  const second = mutex.run(() => {
    ran = true;
    return 7;
  });
  await turn();
  assert.equal(ran, false);
  resolve();
  await first;
  assert.equal(await second, 7);
});

test('`run()` throws what the work throws, and goes on with the next', async () => {
  const mutex = new Mutex();
  const failing = mutex.run(async () => {
    throw new Error('first');
  });
  const throwing = mutex.run(() => {
    throw new Error('second');
  });
  const fine = mutex.run(() => 'third');
  await assert.rejects(failing, /first/);
  await assert.rejects(throwing, /second/);
  assert.equal(await fine, 'third');
});
