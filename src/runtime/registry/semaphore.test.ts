import assert from 'node:assert/strict';
import { test } from 'node:test';
import { setImmediate as turn } from 'node:timers/promises';
import { Semaphore } from './semaphore.ts';

test('Semaphore.run() lets no more than its limit run', async () => {
  const semaphore = new Semaphore(2);
  let running = 0;
  let most = 0;
  const work = async () => {
    most = Math.max(most, ++running);
    await turn();
    running--;
  };
  await Promise.all(Array.from({ length: 7 }, () => semaphore.run(work)));
  assert.equal(most, 2);
  await semaphore.run(work);
});

test('Semaphore.run() passes the turn on when work fails, and forgets who has gone', async () => {
  const semaphore = new Semaphore(1);
  const gone = new AbortController();
  const failing = semaphore.run(async () => {
    await turn();
    throw new Error('no');
  });
  const waiting = semaphore.run(async () => 'never', gone.signal);
  const last = semaphore.run(async () => 'last');
  gone.abort(new Error('gone'));
  await assert.rejects(waiting, /gone/);
  await assert.rejects(failing, /no/);
  assert.equal(await last, 'last');
});
