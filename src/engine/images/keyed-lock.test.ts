import assert from 'node:assert/strict';
import { test } from 'node:test';
import { setImmediate as turn } from 'node:timers/promises';
import { KeyedLock } from './keyed-lock.ts';

test('KeyedLock.run() serialises one key and leaves others alone', async () => {
  const lock = new KeyedLock();
  const log: string[] = [];
  const work = (name: string) => async () => {
    log.push(`${name} begins`);
    await turn();
    log.push(`${name} ends`);
    return name;
  };
  const results = await Promise.all([
    lock.run('a', work('a1')),
    lock.run('a', work('a2')),
    lock.run('b', work('b1')),
  ]);
  assert.deepEqual(results, ['a1', 'a2', 'b1']);
  assert.ok(log.indexOf('a1 ends') < log.indexOf('a2 begins'));
  assert.ok(log.indexOf('b1 begins') < log.indexOf('a1 ends'));
});

test('KeyedLock.run() goes on after work that failed', async () => {
  const lock = new KeyedLock();
  const failed = lock.run('a', () => Promise.reject(new Error('no')));
  const next = lock.run('a', async () => 'yes');
  await assert.rejects(failed, /no/);
  assert.equal(await next, 'yes');
});

test('KeyedLock.run() lets go who gives up while waiting, and nobody passes through because of that', async () => {
  const lock = new KeyedLock();
  const log: string[] = [];
  const gone = new AbortController();
  const { promise: gate, resolve: open } = Promise.withResolvers<void>();
  const first = lock.run('a', async () => {
    await gate;
    log.push('first');
  });
  const waiting = lock.run('a', async () => log.push('never'), gone.signal);
  const last = lock.run('a', async () => log.push('last'));
  gone.abort(new Error('gone'));
  await assert.rejects(waiting, /gone/);
  assert.deepEqual(log, []);
  open();
  await Promise.all([first, last]);
  assert.deepEqual(log, ['first', 'last']);
});
