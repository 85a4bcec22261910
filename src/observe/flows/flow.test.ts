import assert from 'node:assert/strict';
import { describe, it } from 'node:test';
import type { ConntrackEntry } from '../../kernel/netlink/index.ts';
import type { RuleDrops } from '../firewall/drops.ts';
import { ListenerQueue } from '../listener-queue.ts';
import type { TopologyRecords } from '../topology/records.ts';
import { lastSeen } from './age.ts';
import { concerns, flowOf } from './flow.ts';
import { AddressBook } from './names.ts';
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
  tcpState: undefined,
  startedAt: undefined,
  status: 0,
  counters: undefined,
  tuple: Buffer.alloc(0),
  ...fields,
});
const flow = (fields: Partial<ConntrackEntry>, event: 'new' | 'end' = 'new') =>
  flowOf(
    event,
    entry(fields),
    'now',
    (address) => owners[address],
    () => undefined,
  );

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

describe('`lastSeen()`', () => {
  const SETTINGS: Record<string, number> = {
    tcp_timeout_established: 432_000,
    tcp_timeout_time_wait: 120,
    tcp_timeout_max_retrans: 300,
    tcp_timeout_unacknowledged: 300,
    udp_timeout: 30,
    udp_timeout_stream: 120,
  };
  const now = 1_000_000_000;
  /** Seconds ago: at most, and at least. */
  const ago = (fields: Partial<ConntrackEntry>) => {
    const span = lastSeen(entry(fields), (setting) => SETTINGS[setting], now);
    return span && [(now - span.from) / 1000, (now - span.to) / 1000];
  };

  it('goes by what is left of the time that the state of a TCP connection is given', () => {
    assert.deepEqual(ago({ tcpState: 7, timeout: 90 }), [30, 29]);
    assert.deepEqual(ago({ tcpState: 7, timeout: 120 }), [0, 0]);
    assert.deepEqual(ago({ tcpState: 3, timeout: 431_000 }), [1000, 999]);
    // Something that was sent is not acknowledged yet: the kernel gives it minutes, not days.
    assert.deepEqual(ago({ tcpState: 3, timeout: 290 }), [10, 9]);
  });

  it('takes both times of UDP into account, and knows nothing of what it does not know', () => {
    assert.deepEqual(ago({ protocol: 17, timeout: 25 }), [95, 4]);
    assert.deepEqual(ago({ protocol: 17, timeout: 100 }), [20, 19]);
    assert.equal(ago({ protocol: 132, timeout: 25 }), undefined);
    assert.equal(ago({ tcpState: 7, timeout: undefined }), undefined);
    assert.equal(ago({ tcpState: 7, timeout: 500 }), undefined);
  });
});

describe('`AddressBook`', () => {
  const sandbox = (address: string, createdAt?: number) => ({
    endpoints: [{ networkId: 'n', v4: { address, prefixLength: 16 }, createdAt }],
  });
  const book = new AddressBook(
    {
      networks: () => [{ id: 'n', name: 'bridge' }],
      containers: () => [
        { name: 'new', sandbox: sandbox('172.17.0.2', 5000) },
        { name: 'old', sandbox: sandbox('172.17.0.9') },
      ],
      pastOwners: () => [
        { address: '172.17.0.2', containerName: 'first', networkId: 'n', since: 1000, until: 2800 },
        { address: '172.17.0.2', containerName: 'second', networkId: 'n', since: 3000, until: 4500 },
        { address: '172.17.0.7', containerName: 'gone', networkId: 'n', since: 3000, until: 3500 },
      ],
    } as unknown as TopologyRecords,
    () => [{ address: '192.0.2.7' }],
  );
  const name = (address: string, from?: number, to = from) =>
    book.ownerOf(address, from === undefined ? undefined : { from, to: to! })?.name;

  it('names who had an address at the time that is meant', () => {
    assert.equal(name('172.17.0.2'), 'new');
    assert.equal(name('172.17.0.2', 6000), 'new');
    assert.equal(name('172.17.0.2', 4000), 'second');
    assert.equal(name('172.17.0.2', 2000, 2500), 'first');
    assert.equal(name('172.17.0.2', 2850, 2900), 'first');
    assert.equal(name('172.17.0.2', 4600, 5100), 'new');
    assert.deepEqual(book.ownerOf('172.17.0.7', { from: 4000, to: 4000 }), {
      name: 'gone',
      network: 'bridge',
    });
    assert.equal(name('172.17.0.9', 1), 'old');
    assert.equal(name('192.0.2.7', 1), 'host');
    assert.equal(name('127.0.0.1'), 'host');
  });

  it('names nobody where two may be meant, where it is not remembered, and where nobody has the address now', () => {
    assert.equal(name('172.17.0.2', 4000, 6000), undefined);
    assert.equal(name('172.17.0.2', 500), undefined);
    assert.equal(name('172.17.0.7'), undefined);
    // Before anybody is remembered: it is as likely that of the first who is.
    assert.equal(name('172.17.0.2', 500, 1500), 'first');
  });
});
