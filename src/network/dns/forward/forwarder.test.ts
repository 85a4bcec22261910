import assert from 'node:assert/strict';
import { beforeEach, describe, it } from 'node:test';
import { RCODE } from '../message/constants.ts';
import { type Query, readQuery } from '../message/query.ts';
import { FakeClock, FakeTransport } from '../testing/fake-transport.ts';
import { a, answer, dataOf, decode, type QueryOptions, query } from '../testing/messages.ts';
import { Forwarder, type ForwarderOptions, type Scope } from './forwarder.ts';
import { Upstream } from './upstream.ts';

describe('Forwarder', () => {
  let clock: FakeClock;
  let transport: FakeTransport;
  let forwarder: Forwarder;
  let scope: Scope;
  const client = { pending: 0 };
  const make = (options: Partial<ForwarderOptions> = {}) => new Forwarder({ clock, transport, ...options });
  beforeEach(() => {
    clock = new FakeClock();
    transport = new FakeTransport(clock);
    forwarder = make();
    scope = { id: 'host#1', servers: [new Upstream({ address: '192.0.2.53', from: 'host' })] };
    client.pending = 0;
  });

  /** The answers as they come. */
  const ask = (name: string, options: QueryOptions & { scope?: Scope; limit?: number } = {}): Buffer[] => {
    const answers: Buffer[] = [];
    const asked = readQuery(query(name, options)) as Query;
    forwarder.ask(options.scope ?? scope, client, asked, options.limit ?? 512, (message) => {
      answers.push(message);
    });
    return answers;
  };
  const reply = (ttl = 60) => {
    const { message, reply: send } = transport.sent.at(-1)!;
    send(answer(message, { answers: [a('example.org', '192.0.2.1', ttl)] }));
  };

  it('asks once for clients that ask the same meanwhile, each gets its own id and spelling', () => {
    const first = ask('example.org', { id: 1 });
    const second = ask('EXAMPLE.org', { id: 2 });
    assert.deepEqual([transport.sent.length, client.pending], [1, 2]);
    reply();
    assert.deepEqual([decode(first[0]!).id, decode(second[0]!).id], [1, 2]);
    assert.ok(second[0]!.includes('EXAMPLE'));
    assert.equal(client.pending, 0);
    assert.deepEqual([forwarder.metrics().coalesced, forwarder.metrics().flights], [1, 0]);
  });

  it('answers from the cache until the TTL is over, with what is left of it', () => {
    ask('example.org');
    reply(60);
    clock.advance(20_000);
    const cached = decode(ask('Example.org', { id: 9 })[0]!);
    assert.deepEqual([cached.id, cached.answers[0]?.ttl], [9, 40]);
    clock.advance(40_000);
    assert.deepEqual(ask('example.org'), []);
    assert.equal(transport.sent.length, 2);
    assert.equal(forwarder.metrics().cacheHits, 1);
  });

  it('another scope, type, DO bit or CD flag is another question', () => {
    ask('example.org');
    ask('example.org', { scope: { ...scope, id: 'host#2' } });
    ask('example.org', { type: 28 });
    ask('example.org', { edns: {} });
    ask('example.org', { edns: { dnssecOk: true } });
    ask('example.org', { flags: 0x0110 });
    assert.equal(transport.sent.length, 6);
  });

  it('nobody to ask, and nobody who answers, is SERVFAIL', () => {
    const [none] = ask('example.org', { scope: { id: 'empty', servers: [] } });
    assert.equal(decode(none!).rcode, RCODE.SERVFAIL);
    const silent = ask('example.org', { id: 5 });
    clock.advance(4500);
    assert.deepEqual([decode(silent[0]!).rcode, decode(silent[0]!).id], [RCODE.SERVFAIL, 5]);
    assert.equal(forwarder.metrics().unanswered, 2);
    assert.equal(client.pending, 0);
  });

  it('too many at once are refused: over all, and for one client', () => {
    forwarder = make({ limits: { flights: 2, pendingPerClient: 3 } });
    const waiting = [ask('a.org'), ask('b.org')];
    assert.equal(decode(ask('c.org')[0]!).rcode, RCODE.REFUSED);
    waiting.push(ask('a.org'));
    assert.equal(decode(ask('a.org')[0]!).rcode, RCODE.REFUSED);
    assert.deepEqual(waiting, [[], [], []]);
    assert.equal(forwarder.metrics().overLimit, 2);
    clock.advance(4500);
    assert.deepEqual(
      waiting.map((answers) => answers.length),
      [1, 1, 1],
    );
    assert.deepEqual(ask('c.org'), []);
  });

  it('`abort()` answers what is under way for a scope, and leaves others alone', () => {
    const mine = ask('a.org');
    const other = { ...scope, id: 'host#2' };
    const others = ask('b.org', { scope: other });
    forwarder.abort(scope);
    assert.equal(decode(mine[0]!).rcode, RCODE.SERVFAIL);
    assert.deepEqual(others, []);
    forwarder.abort(other);
    assert.deepEqual([transport.open, clock.timers, client.pending], [0, 0, 0]);
  });

  it('a failure is passed on and asked for again the next time', () => {
    const answers = ask('example.org');
    const { message, reply: send } = transport.sent.at(-1)!;
    send(answer(message, { rcode: RCODE.SERVFAIL }));
    assert.equal(decode(answers[0]!).rcode, RCODE.SERVFAIL);
    assert.equal(forwarder.metrics().unanswered, 0);
    ask('example.org');
    assert.equal(transport.sent.length, 2);
  });

  it('one who takes 512 bytes and one who takes all get what fits from the same answer', () => {
    const short = ask('many.org');
    const long = ask('many.org', { limit: 65535 });
    const { message, reply: send } = transport.sent.at(-1)!;
    const answers = Array.from({ length: 100 }, (_, index) => a('many.org', `192.0.2.${index}`));
    send(answer(message, { answers }));
    assert.ok(short[0]!.length <= 512);
    assert.equal(dataOf(long[0]!).length, 100);
  });
});
