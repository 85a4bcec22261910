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
