import assert from 'node:assert/strict';
import { after, before, describe, it } from 'node:test';
import { silentLog } from '../../base/log.ts';
import { libc } from '../../kernel/ffi/libc.ts';
import { encodeSockaddr } from '../../kernel/ffi/sockaddr.ts';
import { type NetnsHandle, warmThreadPool } from '../../kernel/netns/index.ts';
import { closeSocket, openUdpSocket } from '../../kernel/sockets.ts';
import { type TestNetworks, testNetworks } from '../../kernel/testing/netns.ts';
import { DnsServer } from './index.ts';
import { askTcp, askUdp } from './testing/client.ts';
import { a, answer, dataOf, opt, query, soa } from './testing/messages.ts';
import { TestNameServer } from './testing/name-server.ts';

/** xorshift32: the same bytes in every run. */
function generator(seed: number): () => number {
  return () => {
    seed ^= seed << 13;
    seed ^= seed >>> 17;
    seed ^= seed << 5;
    return seed >>> 0;
  };
}

describe('the resolver and those who do it wrong', () => {
  let networks: TestNetworks;
  let netns: NetnsHandle;
  let dns: DnsServer;
  let upstream: TestNameServer;
  const next = generator(3_141_592_653);
  const mangle = (message: Buffer): Buffer => {
    const copy = Buffer.from(
      message.subarray(0, next() % 3 === 0 ? next() % (message.length + 1) : message.length),
    );
    for (let change = next() % 5; change > 0 && copy.length > 0; change--)
      copy[next() % copy.length] = next() & 255;
    return copy;
  };
  before(async () => {
    await warmThreadPool();
    networks = testNetworks();
    netns = networks.create('fuzz');
    dns = new DnsServer({ log: silentLog, times: { total: 300, retransmit: 100, linger: 50 } });
    dns.setNetwork({
      id: 'n',
      name: 'net',
      subnets: ['172.18.0.0/16'],
      hosts: [{ endpointId: 'e', names: ['db'], addresses: ['172.18.0.2'] }],
    });
    dns.serve({
      id: 's',
      netns,
      networks: ['n'],
      links: [],
      internal: false,
      upstreams: [{ address: '127.0.0.91', from: 'container' }],
    });
    upstream = new TestNameServer(netns, '127.0.0.91', () => undefined);
  });
  after(() => {
    upstream?.[Symbol.dispose]();
    dns?.[Symbol.dispose]();
    networks?.[Symbol.dispose]();
  });
  const stillAnswers = async () => {
    assert.deepEqual(dataOf(await askUdp(netns, query('db'))), ['172.18.0.2']);
    assert.equal(dns.metrics().faults, 0);
  };

  it('mangled questions over UDP do no harm', async () => {
    const seeds = [
      query('db'),
      query('example.org', { edns: {} }),
      query('2.0.18.172.in-addr.arpa', { type: 12 }),
      opt({}),
    ];
    const client = openUdpSocket({ netns, address: '127.0.0.1', port: 0 });
    const to = encodeSockaddr({ address: '127.0.0.11', port: 53 });
    try {
      for (let turn = 0; turn < 1500; turn++) {
        const message = mangle(seeds[next() % seeds.length]!);
        libc().sendto(client.fd, message, message.length, 0, to, to.length);
        if (turn % 50 === 0) await stillAnswers();
      }
    } finally {
      closeSocket(client);
    }
    await stillAnswers();
  });

  it('mangled answers of an upstream do no harm, and the client hears something', async () => {
    upstream.behaviour = ({ message, name }) => {
      const options = [
        { answers: [a(name, '192.0.2.1')], edns: {} },
        { rcode: 3, authorities: [soa('org', 60)] },
        { flags: 0x0200, answers: [a(name, '192.0.2.1')] },
      ];
      return mangle(answer(message, options[next() % options.length]));
    };
    for (let turn = 0; turn < 200; turn += 20) {
      const answers = await Promise.all(
        Array.from({ length: 20 }, (_, index) => askUdp(netns, query(`n${turn + index}.example.org`))),
      );
      assert.equal(answers.length, 20);
    }
    upstream.behaviour = () => undefined;
    await stillAnswers();
  });

  it('a client on TCP that sends rubbish, pieces or nothing leaves the others alone', async () => {
    const rubbish = Array.from({ length: 20 }, () => mangle(query('db')));
    await askTcp(netns, [...rubbish, Buffer.alloc(0)], { timeout: 100 }).catch(() => {});
    const many = Array.from({ length: 300 }, (_, id) => query('db', { id }));
    assert.equal((await askTcp(netns, many)).length, 300);
    await Promise.all(
      Array.from({ length: 80 }, () => askTcp(netns, [query('db')], { timeout: 500 }).catch(() => {})),
    );
    assert.equal((await askTcp(netns, [query('db')])).length, 1);
    await stillAnswers();
  });

  it('stopping in the midst of questions answers nobody, and closes everything', async () => {
    const waiting = askUdp(netns, query('late.example.org'), { timeout: 200 });
    await stillAnswers();
    dns.stop('s');
    dns.stop('s');
    await assert.rejects(waiting, /no answer/);
    assert.equal(dns.metrics().forward.flights, 0);
  });
});
