import assert from 'node:assert/strict';
import { test } from 'node:test';
import type { ContainerRecord } from './record.ts';
import { shouldRestart, shouldStartWithDaemon } from './restart-policy.ts';

interface Facts {
  policy: string;
  most?: number;
  stoppedByUser?: boolean;
  removing?: boolean;
  restartCount?: number;
  status?: string;
  exitCode?: number;
}

function record(facts: Facts): ContainerRecord {
  return {
    hostConfig: { RestartPolicy: { Name: facts.policy, MaximumRetryCount: facts.most ?? 0 } },
    stoppedByUser: facts.stoppedByUser ?? false,
    removing: facts.removing ?? false,
    restartCount: facts.restartCount ?? 0,
    state: { status: facts.status ?? 'exited', exitCode: facts.exitCode ?? 0 },
  } as unknown as ContainerRecord;
}

test('`shouldRestart()` by policy and exit code', () => {
  const cases: Array<[policy: string, exitCode: number, expected: boolean]> = [
    ['no', 1, false],
    ['', 1, false],
    ['always', 0, true],
    ['always', 1, true],
    ['unless-stopped', 0, true],
    ['on-failure', 0, false],
    ['on-failure', 1, true],
  ];
  for (const [policy, exitCode, expected] of cases) {
    assert.equal(shouldRestart(record({ policy }), exitCode), expected, `${policy} ${exitCode}`);
  }
});

test('`shouldRestart()` counts the retries of `on-failure`', () => {
  const tried = (restartCount: number) =>
    shouldRestart(record({ policy: 'on-failure', most: 3, restartCount }), 1);
  assert.deepEqual([0, 1, 2, 3, 4].map(tried), [true, true, true, false, false]);
});

test('`shouldRestart()`: a stop by the user and a removal end every policy', () => {
  for (const policy of ['always', 'unless-stopped', 'on-failure']) {
    assert.equal(shouldRestart(record({ policy, stoppedByUser: true }), 1), false, policy);
    assert.equal(shouldRestart(record({ policy, removing: true }), 1), false, policy);
  }
});

test('`shouldStartWithDaemon()`: `always` comes back though the user had stopped it, the others do not', () => {
  const starts = (facts: Facts) => shouldStartWithDaemon(record(facts));
  assert.equal(starts({ policy: 'always', stoppedByUser: true }), true);
  assert.equal(starts({ policy: 'unless-stopped', stoppedByUser: true }), false);
  assert.equal(starts({ policy: 'unless-stopped' }), true);
  assert.equal(starts({ policy: 'on-failure', exitCode: 137 }), true);
  assert.equal(starts({ policy: 'on-failure', exitCode: 0 }), false);
  assert.equal(starts({ policy: 'on-failure', exitCode: 1, stoppedByUser: true }), false);
  assert.equal(starts({ policy: 'no', exitCode: 1 }), false);
});

test('`shouldStartWithDaemon()`: not what never ran, not what is being removed', () => {
  assert.equal(shouldStartWithDaemon(record({ policy: 'always', status: 'created' })), false);
  assert.equal(shouldStartWithDaemon(record({ policy: 'always', removing: true })), false);
});

test('`shouldStartWithDaemon()` counts the retries of `on-failure`, as Docker does', () => {
  const tried = (restartCount: number) =>
    shouldStartWithDaemon(record({ policy: 'on-failure', most: 1, restartCount, exitCode: 1 }));
  assert.deepEqual([0, 1].map(tried), [true, false]);
});
