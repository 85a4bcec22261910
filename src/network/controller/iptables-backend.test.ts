import assert from 'node:assert/strict';
import { test } from 'node:test';
import { silentLog } from '../../base/log.ts';
import { Store } from '../../store/store.ts';
import { intentOf, network, published } from '../firewall/iptables/scenarios.testing.ts';
import { SimulatedTables } from '../firewall/iptables/simulated-tables.testing.ts';
import { AppliedRules } from './applied-rules.ts';
import { IptablesBackend } from './iptables-backend.ts';

const PORT_80 = published('172.17.0.2', '8080:80');
const PORT_81 = published('172.17.0.3', '8081:81');

const intent = (...ports: Array<typeof PORT_80>) =>
  intentOf([network('docker0', '172.17.0.0/16', { ports })], { enabled: { v4: true, v6: false } });

/** A machine: its tables, and the programs that read and write them. */
function stage() {
  const tables = new SimulatedTables();
  const store = Store.open(':memory:');
  const applied = new AppliedRules(store);
  const calls: string[] = [];
  const fail: { table?: string } = {};
  /** What somebody else does each time that the tables have just been read. */
  const meanwhile: Array<() => void> = [];
  const programs = {
    async restore(text: string) {
      calls.push('restore');
      // Each table is committed for itself.
      for (const part of text.split(/(?<=^COMMIT\n)/m)) {
        if (fail.table !== undefined && part.startsWith(`*${fail.table}`))
          throw new Error(`${fail.table} refused`);
        const trial = tables.clone();
        trial.restore(part);
        for (const [name, chains] of trial.tables) tables.tables.set(name, chains);
      }
    },
    async save() {
      calls.push('save');
      const text = saved(tables);
      meanwhile.shift()?.();
      return text;
    },
  };
  const v6 = { restore: async () => assert.fail('IPv6 is off'), save: async () => '' };
  const start = () => new IptablesBackend({ programs: { v4: programs, v6 }, applied, log: silentLog });
  return { tables, calls, fail, meanwhile, start };
}

function saved(tables: SimulatedTables): string {
  let text = '';
  for (const [table, chains] of tables.tables) {
    text += `*${table}\n`;
    for (const [name, { policy }] of chains) text += `:${name} ${policy ?? '-'} [0:0]\n`;
    for (const [name, { rules }] of chains) for (const rule of rules) text += `-A ${name} ${rule}\n`;
    text += 'COMMIT\n';
  }
  return text;
}

const dports = (tables: SimulatedTables, table: string) =>
  tables.rules(table, 'DOCKER').flatMap((rule) => /--dport (\d+)/.exec(rule)?.[1] ?? []);

test('the first transaction reads the kernel, later ones believe the record, and an unchanged intent runs nothing', async () => {
  const { tables, calls, start } = stage();
  const backend = start();
  assert.equal(await backend.apply(intent(PORT_80), 'change'), true);
  assert.deepEqual(calls.splice(0), ['save', 'restore']);
  assert.equal(await backend.apply(intent(PORT_80), 'change'), false);
  assert.deepEqual(calls.splice(0), []);
  assert.equal(await backend.apply(intent(PORT_80, PORT_81), 'change'), true);
  assert.deepEqual(calls.splice(0), ['restore']);
  assert.deepEqual(dports(tables, 'nat').toSorted(), ['8080', '8081']);
});

test('a chain in which others have rules is read before each change, and a new network stands before their closing rule', async () => {
  const { tables, calls, start } = stage();
  const backend = start();
  const networks = (...names: string[]) =>
    intentOf(
      names.map((name, index) => network(name, `172.${17 + index}.0.0/16`)),
      { enabled: { v4: true, v6: false } },
    );
  await backend.apply(networks('docker0'), 'change');
  tables.restore('*filter\n-A FORWARD -j REJECT\nCOMMIT\n');
  await backend.apply(networks('docker0'), 'heal');
  calls.length = 0;
  await backend.apply(networks('docker0', 'br-a'), 'change');
  assert.deepEqual(calls.splice(0), ['save', 'restore']);
  assert.equal(tables.rules('filter', 'FORWARD').at(-1), '-j REJECT');
  assert.match(tables.rules('filter', 'FORWARD').at(-2) ?? '', /br-a/);
  await backend.apply(networks('docker0'), 'change');
  tables.restore('*filter\n-D FORWARD -j REJECT\nCOMMIT\n');
  await backend.apply(networks('docker0'), 'heal');
  calls.length = 0;
  await backend.apply(networks('docker0', 'br-a'), 'change');
  assert.deepEqual(calls.splice(0), ['restore'], 'it is ours alone again');
});

test('when the kernel is not as it was left, it is read and written again', async () => {
  const { tables, calls, start } = stage();
  const backend = start();
  await backend.apply(intent(PORT_80), 'change');
  calls.length = 0;
  // Somebody took the rule away; taking it away once more is refused by the real program too.
  const rules = tables.rules('nat', 'DOCKER');
  rules.splice(
    rules.findIndex((rule) => rule.includes('--dport 8080')),
    1,
  );
  await backend.apply(intent(PORT_81), 'change');
  assert.deepEqual(calls, ['restore', 'save', 'restore']);
  assert.deepEqual(dports(tables, 'nat'), ['8081']);
  assert.deepEqual(dports(tables, 'filter'), ['81']);
});

test('a flush between reading and writing is found out, and read again', async () => {
  const { tables, calls, meanwhile, start } = stage();
  const backend = start();
  await backend.apply(intent(PORT_80), 'change');
  calls.length = 0;
  meanwhile.push(() => tables.tables.clear());
  await backend.apply(intent(PORT_80, PORT_81), 'heal');
  assert.deepEqual(calls, ['save', 'restore', 'save', 'restore']);
  assert.deepEqual(dports(tables, 'nat').toSorted(), ['8080', '8081']);
  assert.deepEqual(dports(tables, 'filter').toSorted(), ['80', '81']);
});

test('what a transaction wrote before it failed is taken away by the next', async () => {
  const { tables, fail, start } = stage();
  const backend = start();
  await backend.apply(intent(PORT_80), 'change');
  fail.table = 'nat';
  await assert.rejects(backend.apply(intent(PORT_80, PORT_81), 'change'), /nat refused/);
  assert.deepEqual(dports(tables, 'filter').toSorted(), ['80', '81'], 'half of it is there');
  delete fail.table;
  await backend.apply(intent(PORT_80), 'change');
  assert.deepEqual(dports(tables, 'filter'), ['80']);
  assert.deepEqual(dports(tables, 'nat'), ['8080']);
});

test('a transaction that failed is written in full when it is tried again', async () => {
  const { tables, fail, start } = stage();
  const backend = start();
  await backend.apply(intent(PORT_80), 'change');
  fail.table = 'nat';
  for (let attempt = 0; attempt < 2; attempt++) {
    await assert.rejects(backend.apply(intent(PORT_80, PORT_81), 'change'), /nat refused/);
  }
  delete fail.table;
  await backend.apply(intent(PORT_80, PORT_81), 'change');
  assert.deepEqual(dports(tables, 'filter').toSorted(), ['80', '81']);
  assert.deepEqual(dports(tables, 'nat').toSorted(), ['8080', '8081']);
});

test('a daemon that was killed over a transaction leaves nothing that the next does not know', async () => {
  const { tables, fail, start } = stage();
  await start().apply(intent(PORT_80), 'change');
  fail.table = 'nat';
  await assert.rejects(start().apply(intent(PORT_80, PORT_81), 'change'));
  delete fail.table;
  await start().apply(intent(), 'repair');
  assert.deepEqual(dports(tables, 'filter'), []);
  assert.deepEqual(dports(tables, 'nat'), []);
});

test('`clear()` leaves the machine as it was, the policy of FORWARD included', async () => {
  const { tables, start } = stage();
  const before = saved(tables);
  const backend = start();
  await backend.apply(intent(PORT_80), 'change');
  assert.notEqual(saved(tables), before);
  await backend.clear();
  assert.equal(
    saved(tables)
      .split('\n')
      .filter((line) => !/DOCKER-USER/.test(line))
      .join('\n'),
    before,
  );
});
