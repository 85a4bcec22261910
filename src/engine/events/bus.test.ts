import assert from 'node:assert/strict';
import { test } from 'node:test';
import { setTimeout as sleep } from 'node:timers/promises';
import type { EventMessage } from '../../base/wire/index.ts';
import { EventBus, type EventQuery } from './bus.ts';

const now = () => Date.now() / 1000;

function query(more: Partial<EventQuery> = {}): EventQuery {
  return { since: undefined, until: undefined, filters: {}, signal: new AbortController().signal, ...more };
}

function publish(bus: EventBus, ...ids: string[]): void {
  for (const id of ids) bus.publish('container', 'start', id, { image: 'web', name: id });
}

async function ids(events: AsyncIterable<EventMessage>): Promise<string[]> {
  const found: string[] = [];
  for await (const event of events) found.push(event.Actor.ID);
  return found;
}

test('an event has the fields of today and, for containers and images, those of long ago', async () => {
  const bus = new EventBus();
  bus.publish('container', 'die', 'c1', { image: 'web', name: 'a', exitCode: '1' });
  bus.publish('network', 'connect', 'n1', { name: 'bridge' });
  const found: EventMessage[] = [];
  for await (const event of bus.stream(query({ since: 0, until: now() + 0.02 }))) found.push(event);
  const [die, connect] = found as [EventMessage, EventMessage];
  assert.deepEqual(
    { ...die, time: 0, timeNano: 0n },
    {
      Type: 'container',
      Action: 'die',
      Actor: { ID: 'c1', Attributes: { image: 'web', name: 'a', exitCode: '1' } },
      scope: 'local',
      status: 'die',
      id: 'c1',
      from: 'web',
      time: 0,
      timeNano: 0n,
    },
  );
  assert.equal(BigInt(die.time), BigInt(die.timeNano) / 1_000_000_000n);
  assert.ok(Math.abs(die.time - now()) < 5);
  assert.equal('status' in connect, false);
  assert.equal('id' in connect, false);
});

test('`since` brings back what happened before, without it only what comes', async () => {
  const bus = new EventBus();
  publish(bus, 'old');
  const past = bus.stream(query({ since: now() - 60 }));
  const future = bus.stream(query());
  const first = future.next();
  assert.equal((await past.next()).value?.Actor.ID, 'old');
  publish(bus, 'new');
  assert.equal((await first).value?.Actor.ID, 'new');
  assert.equal((await past.next()).value?.Actor.ID, 'new');
  await past.return(undefined);
  await future.return(undefined);
});

test('`since` and `until` bound the past', async () => {
  const bus = new EventBus();
  publish(bus, 'a');
  await sleep(20);
  const since = now();
  await sleep(20);
  publish(bus, 'b');
  await sleep(20);
  const until = now();
  await sleep(20);
  publish(bus, 'c');
  assert.deepEqual(await ids(bus.stream(query({ since, until }))), ['b']);
});

test('what happens while the past is being taken comes once', async () => {
  const bus = new EventBus();
  publish(bus, 'a', 'b');
  const client = new AbortController();
  const found: string[] = [];
  for await (const event of bus.stream(query({ since: 0, signal: client.signal }))) {
    found.push(event.Actor.ID);
    if (event.Actor.ID === 'a') publish(bus, 'c', 'd');
    if (event.Actor.ID === 'd') client.abort();
  }
  assert.deepEqual(found, ['a', 'b', 'c', 'd']);
});

test('a stream ends at `until`, though nothing happens', async () => {
  const bus = new EventBus();
  const until = now() + 0.1;
  const reading = ids(bus.stream(query({ until })));
  await sleep(10);
  publish(bus, 'a');
  assert.deepEqual(await reading, ['a']);
  assert.ok(now() >= until);
});

test('a stream ends when its client goes, and is then listened to no more', async () => {
  const bus = new EventBus();
  const client = new AbortController();
  const stream = bus.stream(query({ signal: client.signal }));
  const waiting = stream.next();
  client.abort();
  assert.equal((await waiting).done, true);
  const gone = new AbortController();
  gone.abort();
  assert.deepEqual(await ids(bus.stream(query({ signal: gone.signal }))), []);
});

test('the last 256 events are remembered', async () => {
  const bus = new EventBus();
  publish(bus, ...Array.from({ length: 300 }, (_, index) => `c${index}`));
  const found = await ids(bus.stream(query({ since: 0, until: now() + 0.02 })));
  assert.equal(found.length, 256);
  assert.deepEqual([found[0], found.at(-1)], ['c44', 'c299']);
});

test('a listener that lags too far is ended, the others are not', async () => {
  const bus = new EventBus();
  const slow = bus.stream(query());
  const quick = bus.stream(query({ filters: { container: ['last'] } }));
  const first = slow.next();
  const last = quick.next();
  for (let number = 0; number < 20_000; number++) publish(bus, `c${number}`);
  publish(bus, 'last');
  assert.equal((await first).value?.Actor.ID, 'c0');
  let count = 1;
  for await (const _ of slow) count++;
  assert.ok(count > 16_000 && count < 20_000, `${count} events`);
  assert.equal((await last).value?.Actor.ID, 'last');
  await quick.return(undefined);
});

test('filters are asked for the past and for what comes', async () => {
  const bus = new EventBus();
  publish(bus, 'a', 'b');
  const client = new AbortController();
  const filters = { container: ['b', 'c'] };
  const found: string[] = [];
  const reading = (async () => {
    for await (const event of bus.stream(query({ since: 0, filters, signal: client.signal }))) {
      found.push(event.Actor.ID);
    }
  })();
  await sleep(5);
  publish(bus, 'd', 'c');
  await sleep(5);
  client.abort();
  await reading;
  assert.deepEqual(found, ['b', 'c']);
});
