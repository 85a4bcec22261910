import assert from 'node:assert/strict';
import { test } from 'node:test';
import type { Health } from '../../base/wire/index.ts';
import { type HealthResult, healthAfter, pauseBefore, testCommand, timingOf } from './state.ts';

test('`testCommand()`: a program, a line for the shell of the image or the usual one, or none', () => {
  assert.deepEqual(testCommand({ Test: ['CMD', 'curl', '-f', 'x'] }, undefined), ['curl', '-f', 'x']);
  assert.deepEqual(testCommand({ Test: ['CMD-SHELL', 'a || b'] }, undefined), ['/bin/sh', '-c', 'a || b']);
  assert.deepEqual(testCommand({ Test: ['CMD-SHELL', 'a'] }, ['/bin/ash', '-ec']), ['/bin/ash', '-ec', 'a']);
  for (const Test of [['NONE'], [], ['CMD'], ['CMD-SHELL'], ['OTHER', 'x']]) {
    assert.equal(testCommand({ Test }, undefined), undefined, Test.join(' '));
  }
  assert.equal(testCommand(undefined, undefined), undefined);
});

test('`timingOf()` fills the defaults of Docker', () => {
  assert.deepEqual(timingOf({}), {
    interval: 30_000,
    timeout: 30_000,
    startPeriod: 0,
    startInterval: 5000,
    retries: 3,
  });
  assert.deepEqual(
    timingOf({ Interval: 1e6, Timeout: 2e6, StartPeriod: 3e6, StartInterval: 4e6, Retries: 5 }),
    {
      interval: 1,
      timeout: 2,
      startPeriod: 3,
      startInterval: 4,
      retries: 5,
    },
  );
});

const timing = timingOf({ Interval: 60e9, StartPeriod: 10e9, StartInterval: 1e9, Retries: 2 });
const result = (ExitCode: number): HealthResult => ({ Start: '', End: '', ExitCode, Output: '' });

/** The states after each of the results, each of a check that began at `uptime` seconds. */
function states(...results: Array<[uptime: number, exitCode: number]>): string[] {
  let health: Health = { Status: 'starting', FailingStreak: 0, Log: [] };
  return results.map(([uptime, exitCode]) => {
    health = healthAfter(health, result(exitCode), uptime * 1000, timing);
    return `${health.Status} ${health.FailingStreak}`;
  });
}

test('one success is healthy, and failures in a row make it unhealthy', () => {
  assert.deepEqual(states([20, 0], [30, 1], [40, 0], [50, 1], [60, 1], [70, 1], [80, 0]), [
    'healthy 0',
    'healthy 1',
    'healthy 0',
    'healthy 1',
    'unhealthy 2',
    'unhealthy 3',
    'healthy 0',
  ]);
});

test('failures in the start period do not count until it was healthy once', () => {
  assert.deepEqual(states([1, 1], [2, 1], [3, -1], [9, 1], [10, 1], [11, 1]), [
    'starting 0',
    'starting 0',
    'starting 0',
    'starting 0',
    'starting 1',
    'unhealthy 2',
  ]);
  assert.deepEqual(states([1, 0], [2, 1], [3, 1]), ['healthy 0', 'healthy 1', 'unhealthy 2']);
});

test('the last five results are kept, those that do not count too', () => {
  let health: Health = { Status: 'starting', FailingStreak: 0, Log: [] };
  for (let code = 1; code <= 7; code++) health = healthAfter(health, result(code), 0, timing);
  assert.deepEqual(
    health.Log.map(({ ExitCode }) => ExitCode),
    [3, 4, 5, 6, 7],
  );
});

test('while it starts it is looked at more often', () => {
  assert.equal(pauseBefore('starting', 0, timing), 1000);
  assert.equal(pauseBefore('starting', 9999, timing), 1000);
  assert.equal(pauseBefore('starting', 10_000, timing), 60_000);
  assert.equal(pauseBefore('healthy', 0, timing), 60_000);
});
