import assert from 'node:assert/strict';
import { it } from 'node:test';
import { setTimeout as sleep } from 'node:timers/promises';
import { IptablesRunner } from '../iptables/index.ts';
import { warmThreadPool } from '../netns/index.ts';
import { testNetworks } from '../testing/netns.ts';
import { type NetworkEvent, openMonitor, RouteClient } from './index.ts';

type Of<S> = Extract<NetworkEvent, { subject: S }>;

/** Waits until `events` holds one of `subject` that `is` accepts, for two seconds at most. */
async function waitFor<S extends NetworkEvent['subject']>(
  events: NetworkEvent[],
  subject: S,
  is: (event: Of<S>) => boolean = () => true,
): Promise<Of<S>> {
  for (let turn = 0; turn < 200; turn++) {
    const found = events.find((event): event is Of<S> => event.subject === subject && is(event as Of<S>));
    if (found) return found;
    await sleep(10);
  }
  throw new Error(`no such ${subject} event among ${events.map((event) => event.subject).join(', ')}`);
}

it('`openMonitor()` announces links, addresses, routes, neighbours and rule changes of its namespace', async () => {
  await warmThreadPool();
  using networks = testNetworks();
  const netns = networks.create('host');
  const elsewhere = networks.create('other');
  const events: NetworkEvent[] = [];
  const subjects = ['link', 'address', 'route', 'neighbour', 'nftables'] as const;
  const monitor = openMonitor({ netns, subjects, onEvent: (event) => events.push(event) });
  using client = RouteClient.open(netns);
  using other = RouteClient.open(elsewhere);

  other.addLink({ kind: 'bridge', name: 'unseen0' });
  const { index: link } = client.addLink({ kind: 'bridge', name: 'seen0', up: true });
  client.addAddress({ link, address: '10.5.0.1', prefixLength: 24 });
  client.addNeighbour({ link, address: '10.5.0.9', mac: '02:00:00:00:00:09' });
  const made = await waitFor(events, 'link', ({ change }) => change === 'new');
  assert.equal(made.link.name, 'seen0');
  assert.equal(made.link.kind, 'bridge');
  const address = await waitFor(events, 'address', ({ address }) => address.family === 4);
  assert.equal(address.address.address, '10.5.0.1');
  await waitFor(
    events,
    'route',
    ({ change, route }) => route.destination === '10.5.0.0/24' && change === 'new',
  );
  await waitFor(events, 'neighbour', ({ neighbour }) => neighbour.address === '10.5.0.9');

  const iptables = new IptablesRunner({ family: 4, netns });
  await iptables.restore('*filter\n-A INPUT -j ACCEPT\nCOMMIT\n');
  if ((await iptables.version()).backend === 'nf_tables') {
    const change = await waitFor(events, 'nftables');
    assert.ok(change.generation > 0 && change.pid > 0);
    assert.match(change.program, /^iptables/);
  }

  await client.deleteLinkAsync('seen0');
  const gone = await waitFor(events, 'link', ({ change }) => change === 'delete');
  assert.equal(gone.link.name, 'seen0');
  assert.ok(!events.some((event) => event.subject === 'link' && event.link.name === 'unseen0'));

  monitor.close();
  monitor.close();
  const count = events.length;
  client.addLink({ kind: 'bridge', name: 'late0' });
  await sleep(50);
  assert.equal(events.length, count, 'nothing comes after close()');
});

it('`openMonitor()` tells of lost events and goes on', async () => {
  await warmThreadPool();
  using networks = testNetworks();
  const netns = networks.create('host');
  const events: NetworkEvent[] = [];
  using monitor = openMonitor({ netns, subjects: ['address'], onEvent: (event) => events.push(event) });
  assert.ok(monitor);
  using client = RouteClient.open(netns);
  const { index: link } = client.link('lo');
  // All in one turn of the event loop, so nothing is read meanwhile: more than the queue holds.
  for (let index = 0; index < 4000; index++) {
    const address = `10.6.${index >> 8}.${index & 255}`;
    client.addAddress({ link, address, prefixLength: 32 });
    if (index % 2 === 1) client.deleteAddress({ link, address, prefixLength: 32 });
  }
  await waitFor(events, 'overrun');
  events.length = 0;
  client.addAddress({ link, address: '10.7.0.1', prefixLength: 32 });
  await waitFor(events, 'address', ({ address }) => address.address === '10.7.0.1');
});
