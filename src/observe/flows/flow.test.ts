import assert from 'node:assert/strict';
import { it } from 'node:test';
import type { ConntrackEntry } from '../../kernel/netlink/index.ts';
import type { RuleDrops } from '../firewall/drops.ts';
import { ListenerQueue } from '../listener-queue.ts';
import { concerns, flowOf } from './flow.ts';
import { newDrops } from './stream.ts';

const owners: Record<string, { name: string; network?: string }> = {
  '192.0.2.7': { name: 'host' },
  '172.17.0.2': { name: 'web', network: 'bridge' },
};
const entry = (fields: Partial<ConntrackEntry>): ConntrackEntry => ({
  family: 4,
  protocol: 6,
  original: { source: '203.0.113.9', sourcePort: 5000, destination: '192.0.2.7', destinationPort: 8080 },
  reply: { source: '172.17.0.2', sourcePort: 80, destination: '203.0.113.9', destinationPort: 5000 },
  id: 1,
  zone: 0,
  mark: 0,
  timeout: 1,
  status: 0,
  counters: undefined,
  tuple: Buffer.alloc(0),
  ...fields,
});
const flow = (fields: Partial<ConntrackEntry>, event: 'new' | 'end' = 'new') =>
  flowOf(event, entry(fields), 'now', (address) => owners[address]);

it('`flowOf()` undoes the translation of a published port', () => {
  const published = flow({});
  assert.deepEqual(published, {
    event: 'new',
    time: 'now',
    proto: 'tcp',
    client: { address: '203.0.113.9', port: 5000 },
    dialled: { address: '192.0.2.7', port: 8080, name: 'host' },
    server: { address: '172.17.0.2', port: 80, name: 'web', network: 'bridge' },
    unanswered: true,
  });
  assert.ok(concerns(published, 'web') && !concerns(published, 'db'));
});

it('`flowOf()` undoes masquerading, and tells bytes where they are counted', () => {
  const count = { packets: 2, bytes: 100 };
  assert.deepEqual(
    flow(
      {
        protocol: 17,
        status: 2,
        original: { source: '172.17.0.2', sourcePort: 9, destination: '203.0.113.9', destinationPort: 53 },
        reply: { source: '203.0.113.9', sourcePort: 53, destination: '192.0.2.7', destinationPort: 9 },
        counters: { original: count, reply: { packets: 0, bytes: 0 } },
      },
      'end',
    ),
    {
      event: 'end',
      time: 'now',
      proto: 'udp',
      client: { address: '172.17.0.2', port: 9, name: 'web', network: 'bridge' },
      dialled: { address: '203.0.113.9', port: 53 },
      seenAs: { address: '192.0.2.7', port: 9, name: 'host' },
      sent: count,
      answered: { packets: 0, bytes: 0 },
    },
  );
});

it('`newDrops()` tells what came since, also when a rule began anew, and nothing at the first look', () => {
  const drop = (packets: number): RuleDrops => ({
    family: 4,
    chain: 'filter F',
    rule: '-j DROP',
    origin: { key: 'icc-drop', networkId: 'n' },
    packets,
    bytes: packets * 10,
  });
  const look = (before: number | undefined, now: number) =>
    newDrops(
      before === undefined ? undefined : new Map([['k', drop(before)]]),
      new Map([['k', drop(now)]]),
      new Map([['n', 'back']]),
    ).map(({ time: _time, ...rest }) => rest);
  assert.deepEqual(look(undefined, 5), []);
  assert.deepEqual(look(5, 5), []);
  assert.deepEqual(look(5, 7), [
    {
      event: 'drop',
      chain: 'filter F',
      rule: '-j DROP',
      reason: 'icc-drop',
      network: 'back',
      packets: 2,
      bytes: 20,
    },
  ]);
  assert.equal(look(5, 1)[0]?.packets, 1);
});

it('`ListenerQueue` gives out all that waits at once, counts what does not fit, and ends when it is closed', async () => {
  const queue = new ListenerQueue<number>(3);
  for (const item of [1, 2, 3, 4]) queue.push(item);
  const batches: number[][] = [];
  const reading = (async () => {
    for await (const batch of queue.batches()) batches.push(batch);
  })();
  await new Promise(setImmediate);
  queue.push(5);
  queue.close();
  queue.push(6);
  await reading;
  assert.deepEqual(batches, [[1, 2, 3], [5]]);
  assert.equal(queue.takeLost(), 1);
  assert.equal(queue.takeLost(), 0);
});

it('`flowOf()` names protocols without ports, and numbers those that have no name', () => {
  const noPorts = { sourcePort: undefined, destinationPort: undefined };
  const tuple = { source: '172.17.0.2', destination: '224.0.0.22', ...noPorts };
  const reply = { source: '224.0.0.22', destination: '172.17.0.2', ...noPorts };
  const named = (protocol: number) => flow({ protocol, original: tuple, reply }).proto;
  assert.deepEqual([2, 47, 50, 51, 58, 253].map(named), ['igmp', 'gre', 'esp', 'ah', 'icmpv6', '253']);
});
