import assert from 'node:assert/strict';
import { test } from 'node:test';
import { setImmediate as turn } from 'node:timers/promises';
import type { FirewallIntent } from '../firewall/index.ts';
import { intentOf, network } from '../firewall/iptables/scenarios.testing.ts';
import type { ApplyMode, FirewallBackend } from './firewall-backend.ts';
import { FirewallSync } from './firewall-sync.ts';

const DEAF = { narrow() {}, widen() {}, closeAll() {} };

/** Takes two turns of the event loop for each transaction, and complains when two run at once. */
class Backend implements FirewallBackend {
  readonly name = 'iptables';
  readonly applied: string[] = [];
  cleared = 0;
  failures = 0;
  #running = false;

  async apply(intent: FirewallIntent, mode: ApplyMode): Promise<boolean> {
    assert.equal(this.#running, false, 'one transaction at a time');
    this.#running = true;
    await turn();
    await turn();
    this.#running = false;
    if (this.failures-- > 0) throw new Error('refused');
    this.applied.push(`${mode} ${intent.networks.length}`);
    return true;
  }

  async clear(): Promise<void> {
    this.cleared++;
  }
}

function stage() {
  const backend = new Backend();
  const other = new Backend();
  const state = { networks: 0 };
  const told: string[] = [];
  const sync = new FirewallSync({
    backend,
    others: [other],
    localhost: {
      narrow: ({ networks }) => told.push(`narrow ${networks.length}`),
      widen: ({ networks }) => told.push(`widen ${networks.length}`),
      closeAll: () => told.push('close all'),
    },
    intent: () =>
      intentOf(Array.from({ length: state.networks }, (_, index) => network(`br${index}`, '10.0.0.0/24'))),
  });
  return { backend, other, state, sync, told };
}

test('whoever comes while a transaction waits shares it, and it takes the intent of when it begins', async () => {
  const { backend, state, sync } = stage();
  const first = sync.sync();
  await turn();
  // The first runs with no network; these three wait for the next together.
  state.networks = 1;
  const second = sync.sync();
  state.networks = 2;
  const third = sync.sync();
  state.networks = 3;
  const fourth = sync.sync();
  assert.equal(second, third);
  assert.equal(third, fourth);
  await Promise.all([first, second, third, fourth]);
  assert.deepEqual(backend.applied, ['change 0', 'change 3']);
});

test('a failure is told to those whose change it was, and the next transaction runs all the same', async () => {
  const { backend, state, sync } = stage();
  backend.failures = 1;
  const failing = [sync.sync(), sync.sync()];
  const results = await Promise.allSettled(failing);
  assert.deepEqual(
    results.map(({ status }) => status),
    ['rejected', 'rejected'],
  );
  state.networks = 1;
  await sync.sync();
  assert.deepEqual(backend.applied, ['change 1']);
});

test('repairing and healing wait for their turn; a repair clears what other backends left', async () => {
  const { backend, other, sync } = stage();
  const all = [sync.sync(), sync.repair(), sync.heal(), sync.sync()];
  await Promise.all(all);
  assert.deepEqual(backend.applied, ['change 0', 'repair 0', 'heal 0']);
  assert.equal(other.cleared, 1);
  assert.equal(backend.cleared, 0);
});

test('healing brings back what was written last: a change on its way is not taken for somebody else’s doing', async () => {
  const { backend, state, sync } = stage();
  await sync.sync();
  state.networks = 1;
  assert.equal(await sync.heal(), true);
  await sync.sync();
  assert.deepEqual(backend.applied, ['change 0', 'heal 0', 'change 1']);
  assert.equal(sync.repairs, 1);
});

test('after a transaction that failed nobody can tell who took rules away: they come back, and nobody is blamed', async () => {
  const { backend, state, sync } = stage();
  backend.failures = 1;
  await assert.rejects(sync.sync());
  state.networks = 1;
  assert.equal(await sync.heal(), false);
  assert.deepEqual(backend.applied, ['heal 1']);
  assert.equal(sync.repairs, 0);
});

test('without a firewall nothing is written, and everybody is content', async () => {
  const sync = new FirewallSync({
    backend: undefined,
    others: [],
    intent: () => intentOf([]),
    localhost: DEAF,
  });
  await sync.sync();
  await sync.repair();
  assert.equal(await sync.heal(), false);
});

test('localhost is narrowed before rules are written and widened after; with rules that nobody knows, it is closed', async () => {
  const { backend, state, sync, told } = stage();
  state.networks = 1;
  await sync.sync();
  backend.failures = 1;
  await assert.rejects(sync.sync());
  backend.failures = 1;
  await assert.rejects(sync.heal());
  assert.deepEqual(told, ['narrow 1', 'widen 1', 'narrow 1', 'narrow 1', 'close all']);
});

test('an intent whose networks are the same objects is not applied again, unless the last time failed or others wrote', async () => {
  const backend = new Backend();
  const networks = [network('br0', '10.0.0.0/24'), network('br1', '10.0.1.0/24')];
  let settings = {};
  const intent = () => ({ ...intentOf([]), ...settings, networks: [...networks] });
  const sync = new FirewallSync({ backend, others: [], localhost: DEAF, intent });
  await sync.sync();
  await sync.sync();
  assert.deepEqual(backend.applied, ['change 2']);
  await sync.heal();
  networks[1] = network('br1', '10.0.1.0/24');
  await sync.sync();
  assert.deepEqual(backend.applied, ['change 2', 'heal 2', 'change 2']);
  settings = { allowDirectRouting: true };
  backend.failures = 1;
  await assert.rejects(sync.sync(), /refused/);
  await sync.sync();
  await sync.sync();
  assert.equal(backend.applied.length, 4);
  networks.pop();
  await sync.sync();
  assert.equal(backend.applied.at(-1), 'change 1');
});
