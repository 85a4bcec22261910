import assert from 'node:assert/strict';
import { beforeEach, describe, it } from 'node:test';
import type { Answer } from '../message/answer.ts';
import { FLAG, RCODE } from '../message/constants.ts';
import { FakeClock, FakeTransport } from '../testing/fake-transport.ts';
import { a, answer, dataOf, query } from '../testing/messages.ts';
import { DEFAULT_FLIGHT_TIMES, Flight } from './flight.ts';
import { Upstream } from './upstream.ts';

const ONE = '192.0.2.1';
const TWO = '192.0.2.2';
const THREE = '192.0.2.3';

describe('Flight', () => {
  let clock: FakeClock;
  let transport: FakeTransport;
  let servers: Upstream[];
  const ended: Array<Answer | undefined> = [];
  beforeEach(() => {
    clock = new FakeClock();
    transport = new FakeTransport(clock);
    servers = [ONE, TWO, THREE].map((address) => new Upstream({ address, from: 'host' }));
    ended.length = 0;
  });

  const start = (upstreams = servers): Flight => {
    const flight = new Flight({
      servers: upstreams,
      query: query('example.org', { id: 0 }),
      transport,
      clock,
      times: DEFAULT_FLIGHT_TIMES,
      onEnd: (result) => ended.push(result),
    });
    flight.start();
    return flight;
  };
  const last = () => transport.sent.at(-1)!;
  const good = (message: Buffer, address = '203.0.113.1') =>
    answer(message, { answers: [a('example.org', address)] });
  const addresses = () => ended.map((result) => (result === undefined ? undefined : dataOf(result.message)));
  /** Answers a few questions after `milliseconds`, so that the server is known. */
  const teach = (server: Upstream, milliseconds: number) => {
    for (let turn = 0; turn < 30; turn++) server.answered(milliseconds, false, 'udp');
  };

  it('asks the first server, and nobody else when it answers in time', () => {
    start();
    clock.advance(5);
    last().reply(good(last().message));
    assert.deepEqual(transport.log, [`${ONE} udp`]);
    assert.deepEqual(addresses(), [['203.0.113.1']]);
    assert.deepEqual([transport.open, clock.timers], [0, 0]);
  });

  it('asks the next one as well when the first is later than usual, and takes what comes first', () => {
    teach(servers[0]!, 40);
    start();
    clock.advance(35);
    assert.equal(transport.sent.length, 1);
    clock.advance(10);
    assert.deepEqual(transport.log, [`${ONE} udp`, `${TWO} udp`]);
    assert.ok(last().at - transport.sent[0]!.at >= 40);
    transport.sent[0]!.reply(good(transport.sent[0]!.message, '203.0.113.7'));
    last().reply(good(last().message));
    assert.deepEqual(addresses(), [['203.0.113.7']]);
  });

  it('an unknown server is given 20 ms, a known one 10 at least and 400 at most', () => {
    assert.equal(servers[0]!.hedgeDelay, 20);
    teach(servers[0]!, 0.1);
    assert.equal(servers[0]!.hedgeDelay, 10);
    teach(servers[0]!, 3000);
    assert.equal(servers[0]!.hedgeDelay, 400);
  });

  it('a server that has kept silent three times is asked last, tried once a second, and trusted when it answers', () => {
    for (let turn = 0; turn < 3; turn++) {
      start();
      clock.advance(20);
      last().reply(good(last().message));
    }
    assert.equal(servers[0]!.isSuspect, true);
    transport.sent.length = 0;
    start();
    assert.deepEqual(transport.log, [`${TWO} udp`, `${ONE} udp`], 'the second one is a probe');
    transport.sent[0]!.reply(good(transport.sent[0]!.message));
    start();
    assert.deepEqual(transport.log, [`${TWO} udp`, `${ONE} udp`, `${TWO} udp`], 'no probe again so soon');
    last().reply(good(last().message));
    clock.advance(1000);
    transport.sent.length = 0;
    start();
    const [asked, probe] = transport.sent;
    asked!.reply(good(asked!.message));
    assert.equal(ended.length, 6);
    probe!.reply(good(probe!.message));
    assert.equal(servers[0]!.isSuspect, false);
    assert.equal(ended.length, 6, 'late answers change nothing');
    assert.equal(transport.open, 0);
  });

  it('an overtaken server is listened to for a second, no longer', () => {
    start();
    clock.advance(20);
    last().reply(good(last().message));
    assert.equal(transport.open, 1);
    clock.advance(1000);
    assert.deepEqual([transport.open, clock.timers], [0, 0]);
  });

  it('a failure makes the next one be asked at once; the last failure is given when all fail', () => {
    start();
    last().reply(answer(last().message, { rcode: RCODE.SERVFAIL }));
    last().reply(answer(last().message, { rcode: RCODE.SERVFAIL }));
    assert.deepEqual(transport.log, [`${ONE} udp`, `${TWO} udp`, `${THREE} udp`]);
    last().reply(answer(last().message, { rcode: RCODE.REFUSED }));
    assert.equal(ended[0]?.rcode, RCODE.REFUSED);
    assert.deepEqual([transport.open, clock.timers], [0, 0]);
  });

  it('a failure of the hedged question does not end the wait for the first', () => {
    start(servers.slice(0, 2));
    clock.advance(20);
    last().reply(answer(last().message, { rcode: RCODE.SERVFAIL }));
    assert.deepEqual(ended, []);
    clock.advance(300);
    transport.sent[0]!.reply(good(transport.sent[0]!.message));
    assert.deepEqual(addresses(), [['203.0.113.1']]);
  });

  it('with a failure in hand, silent servers are waited for a second, not to the end', () => {
    start(servers.slice(0, 2));
    last().reply(answer(last().message, { rcode: RCODE.SERVFAIL }));
    clock.advance(1000);
    assert.equal(ended[0]?.rcode, RCODE.SERVFAIL);
  });

  it('NXDOMAIN is an answer: nobody else is asked', () => {
    start();
    last().reply(answer(last().message, { rcode: RCODE.NXDOMAIN }));
    assert.equal(ended[0]?.rcode, RCODE.NXDOMAIN);
    assert.equal(transport.sent.length, 1);
  });

  it('a single server is asked again each second, and after 4.5 s there is no answer', () => {
    start(servers.slice(0, 1));
    clock.advance(4499);
    assert.deepEqual(
      transport.sent.map(({ at }) => at - 1000),
      [0, 1000, 2000, 3000, 4000],
    );
    assert.equal(new Set(transport.sent.map(({ message }) => message.readUInt16BE(0))).size > 1, true);
    assert.deepEqual(ended, []);
    clock.advance(1);
    assert.deepEqual(ended, [undefined]);
    assert.deepEqual([transport.open, clock.timers], [0, 0]);
  });

  it('who cannot be reached is passed over', () => {
    transport.unreachable.add(ONE);
    start();
    assert.deepEqual(transport.log, [`${TWO} udp`]);
    last().fail();
    assert.deepEqual(transport.log, [`${TWO} udp`, `${THREE} udp`]);
    last().fail();
    assert.deepEqual(ended, [undefined]);
    for (const address of [TWO, THREE]) transport.unreachable.add(address);
    start();
    assert.deepEqual(ended, [undefined, undefined]);
    assert.deepEqual([transport.open, clock.timers], [0, 0]);
  });

  it('a truncated answer is asked for over TCP; without luck it is given as it is', () => {
    const cut = (message: Buffer) =>
      answer(message, { flags: FLAG.TC, answers: [a('example.org', '203.0.113.9')] });
    start();
    last().reply(cut(last().message));
    assert.deepEqual(transport.log, [`${ONE} udp`, `${ONE} tcp`]);
    last().reply(good(last().message));
    assert.deepEqual(addresses().pop(), ['203.0.113.1']);

    start();
    last().reply(cut(last().message));
    last().fail();
    assert.equal(ended.at(-1)?.truncated, true);

    start();
    last().reply(cut(last().message));
    clock.advance(1000);
    assert.equal(ended.at(-1)?.truncated, true);
    assert.deepEqual([transport.open, clock.timers], [0, 0]);
    assert.equal(transport.log.includes(`${TWO} udp`), false);
  });

  it('answers with another id, question or shape are not heard', () => {
    start();
    const { message, reply } = last();
    const otherId = good(message);
    otherId.writeUInt16BE(message.readUInt16BE(0) ^ 1, 0);
    reply(otherId);
    reply(answer(query('example.com', { id: message.readUInt16BE(0) })));
    reply(message);
    reply(Buffer.alloc(1));
    reply(good(message).subarray(0, 40));
    assert.deepEqual(ended, []);
    reply(good(message));
    assert.deepEqual(addresses(), [['203.0.113.1']]);
  });

  it('it is not the server that is late when the event loop was kept', () => {
    start();
    clock.stall(100);
    clock.advance(0);
    assert.equal(transport.sent.length, 1, 'answers may lie in the socket');
    last().reply(good(last().message));
    assert.equal(servers[0]!.metrics().late, 0);
    start(servers.slice(1));
    clock.stall(100);
    clock.advance(5);
    assert.deepEqual(transport.log.slice(1), [`${TWO} udp`, `${THREE} udp`]);
  });

  it('`abort()` ends it without an answer, and closes everything', () => {
    const flight = start();
    clock.advance(25);
    flight.abort();
    flight.abort();
    assert.deepEqual(ended, [undefined]);
    assert.deepEqual([transport.open, clock.timers], [0, 0]);
  });
});
