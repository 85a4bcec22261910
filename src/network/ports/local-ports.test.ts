import assert from 'node:assert/strict';
import { test } from 'node:test';
import { silentLog } from '../../base/log.ts';
import type { ProxyStats, ProxyTargetStats } from '../../base/proxy-control.ts';
import { LocalPortWatch, portKeeperState } from './local-ports.ts';

const RANGE = { start: 40_000, end: 40_999 };
const target = (fields: Partial<ProxyTargetStats> = {}): ProxyTargetStats => ({
  target: '172.17.0.2:80',
  active: 0,
  timeWait: 0,
  reused: 0,
  exhausted: 0,
  ...fields,
});
const stats = (...targets: ProxyTargetStats[]) =>
  ({
    pid: 7,
    ports: 2,
    rssBytes: 1,
    descriptors: { open: 3, limit: 9 },
    tcp: { active: 5 },
    udp: { active: 6 },
    targets,
  }) as ProxyStats;

function stage() {
  const warnings: string[] = [];
  const state = { stats: undefined as ProxyStats | undefined };
  const watch = new LocalPortWatch({
    stats: async () => state.stats,
    range: () => RANGE,
    log: { ...silentLog, warn: (_fields, message) => warnings.push(message) },
  });
  const look = async (...targets: ProxyTargetStats[]) => {
    state.stats = stats(...targets);
    await watch.look();
    return warnings.splice(0);
  };
  return { look, state, watch, warnings };
}

test('`portKeeperState()` counts as free what is neither connected nor in TIME_WAIT', () => {
  const state = portKeeperState(
    stats(target({ active: 100, timeWait: 200 }), target({ timeWait: 2000 })),
    RANGE,
  );
  assert.deepEqual(
    state.targets.map(({ free }) => free),
    [700, 0],
  );
  assert.deepEqual([state.keeper?.connections, state.keeper?.flows], [5, 6]);
  assert.deepEqual(portKeeperState(undefined, RANGE), { localPorts: RANGE, targets: [] });
});

test('`LocalPortWatch` warns before ports run out, once, and again after they have been plenty', async () => {
  const { look, watch, warnings, state } = stage();
  assert.deepEqual(await look(target({ timeWait: 790 })), []);
  const [warning, ...others] = await look(target({ timeWait: 700, active: 100 }));
  assert.match(warning ?? '', /towards 172\.17\.0\.2:80 run short: 200 of 1000 are free/);
  assert.deepEqual(others, []);
  assert.deepEqual(await look(target({ timeWait: 900 })), [], 'said already');
  assert.deepEqual(await look(target({ timeWait: 750 })), []);
  assert.deepEqual(await look(target({ timeWait: 100 })), []);
  assert.equal((await look(target({ timeWait: 900 }))).length, 1);
  assert.deepEqual(await look(), [], 'the target is forgotten');
  assert.equal((await look(target({ timeWait: 900 }))).length, 1);
  state.stats = undefined;
  await watch.look();
  assert.deepEqual(warnings, [], 'no keeper, nothing to say');
});

test('`LocalPortWatch` tells of connections that were refused, and how many', async () => {
  const { look } = stage();
  assert.match(
    (await look(target({ exhausted: 3 })))[0] ?? '',
    /^3 connections to 172\.17\.0\.2:80 were refused/,
  );
  assert.deepEqual(await look(target({ exhausted: 3 })), []);
  assert.match((await look(target({ exhausted: 5 })))[0] ?? '', /^2 connections/);
});
