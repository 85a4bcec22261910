import assert from 'node:assert/strict';
import { test } from 'node:test';
import { RestartBackoff } from './restart-backoff.ts';

test('waits double from 100 ms to a minute', (t) => {
  t.mock.timers.enable({ apis: ['setTimeout'] });
  const backoff = new RestartBackoff();
  const waits: number[] = [];
  for (let run = 0; run < 12; run++) {
    let started = false;
    backoff.plan(0, () => {
      started = true;
    });
    let waited = 0;
    for (; !started; waited += 100) t.mock.timers.tick(100);
    waits.push(waited);
  }
  assert.deepEqual(waits, [100, 200, 400, 800, 1600, 3200, 6400, 12_800, 25_600, 51_200, 60_000, 60_000]);
});

test('a run of ten seconds makes the next wait the first again', (t) => {
  t.mock.timers.enable({ apis: ['setTimeout'] });
  const backoff = new RestartBackoff();
  let starts = 0;
  const start = () => starts++;
  for (const ranFor of [0, 9999]) {
    backoff.plan(ranFor, start);
    t.mock.timers.tick(400);
  }
  assert.equal(starts, 2);
  backoff.plan(10_000, start);
  t.mock.timers.tick(99);
  assert.equal(starts, 2);
  t.mock.timers.tick(1);
  assert.equal(starts, 3);
});

test('`cancel()` keeps the planned start from happening, `reset()` forgets how long the last wait was', (t) => {
  t.mock.timers.enable({ apis: ['setTimeout'] });
  const backoff = new RestartBackoff();
  let starts = 0;
  const start = () => starts++;
  backoff.plan(0, start);
  assert.equal(backoff.isWaiting, true);
  backoff.cancel();
  assert.equal(backoff.isWaiting, false);
  t.mock.timers.tick(100_000);
  assert.equal(starts, 0);
  backoff.plan(0, start);
  t.mock.timers.tick(199);
  assert.equal(starts, 0);
  t.mock.timers.tick(1);
  assert.equal(starts, 1);
  assert.equal(backoff.isWaiting, false);
  backoff.reset();
  backoff.plan(0, start);
  t.mock.timers.tick(100);
  assert.equal(starts, 2);
});

test('a second plan replaces the first', (t) => {
  t.mock.timers.enable({ apis: ['setTimeout'] });
  const backoff = new RestartBackoff();
  const started: string[] = [];
  backoff.plan(0, () => started.push('first'));
  backoff.plan(0, () => started.push('second'));
  t.mock.timers.tick(100_000);
  assert.deepEqual(started, ['second']);
});
