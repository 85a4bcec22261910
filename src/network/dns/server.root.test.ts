import assert from 'node:assert/strict';
import { execFile } from 'node:child_process';
import { after, before, beforeEach, describe, it } from 'node:test';
import { setTimeout as sleep } from 'node:timers/promises';
import { promisify } from 'node:util';
import { silentLog } from '../../base/log.ts';
import { type NetnsHandle, warmThreadPool, withNetns } from '../../kernel/netns/index.ts';
import { NftContext } from '../../kernel/nft/index.ts';
import { closeSocket, openTcpListener, openUdpSocket } from '../../kernel/sockets.ts';
import { readSysctlNumber, writeSysctl } from '../../kernel/sysctl.ts';
import { type TestNetworks, testNetworks } from '../../kernel/testing/netns.ts';
import { type DnsSandboxSettings, DnsServer, type NetworkZone, type UpstreamSpec } from './index.ts';
import { FLAG, RCODE, TYPE } from './message/constants.ts';
import { readRedirect } from './sandbox/redirect.ts';
import { askTcp, askUdp } from './testing/client.ts';
import { a, answer, dataOf, decode, query, soa, type TestRecord } from './testing/messages.ts';
import { type Behaviour, TestNameServer } from './testing/name-server.ts';

const FRONT: NetworkZone = {
  id: 'n1',
  name: 'front',
  subnets: ['172.18.0.0/16', 'fd00:1::/64'],
  hosts: [
    {
      endpointId: 'e1',
      names: ['db', 'database', '0123456789ab'],
      addresses: ['172.18.0.2', 'fd00:1::2'],
    },
    { endpointId: 'e2', names: ['web'], addresses: ['172.18.0.3'] },
  ],
};
const SETTINGS: DnsSandboxSettings = { networks: ['n1'], links: [], internal: false };

const knowsAll: Behaviour = ({ message, name }) => answer(message, { answers: [a(name, '192.0.2.1')] });
const silent: Behaviour = () => undefined;

describe('the embedded resolver', () => {
  let networks: TestNetworks;
  let dns: DnsServer;
  let netns: NetnsHandle;
  let upstream: TestNameServer;
  let second: TestNameServer;
  /** In the container's own namespace, so that nothing leaves the machine. */
  const own = (...addresses: string[]): UpstreamSpec[] =>
    addresses.map((address) => ({ address, from: 'container' as const }));

  before(async () => {
    await warmThreadPool();
    networks = testNetworks();
    netns = networks.create('web');
    dns = new DnsServer({ log: silentLog });
    dns.setNetwork(FRONT);
    assert.equal(dns.serve({ id: 's1', netns, ...SETTINGS }), 'redirect');
    upstream = new TestNameServer(netns, '127.0.0.91', knowsAll);
    second = new TestNameServer(netns, '127.0.0.92', knowsAll);
  });
  beforeEach(() => {
    for (const server of [upstream, second]) {
      server.asked.length = 0;
      server.behaviour = knowsAll;
    }
    // Other servers than before: nothing is in the cache.
    dns.configure('s1', { ...SETTINGS, upstreams: [] });
    dns.configure('s1', { ...SETTINGS, upstreams: own('127.0.0.91', '127.0.0.92') });
  });
  after(() => {
    upstream?.[Symbol.dispose]();
    second?.[Symbol.dispose]();
    dns?.[Symbol.dispose]();
    networks?.[Symbol.dispose]();
  });

  const ask = (name: string, type: number = TYPE.A, options = {}) =>
    askUdp(netns, query(name, { type, ...options }));

  it('names, aliases, short ids and `name.network` are answered over UDP and TCP', async () => {
    for (const name of ['db', 'DB.', 'Database', '0123456789ab', 'db.front', 'database.FRONT.']) {
      assert.deepEqual(dataOf(await ask(name)), ['172.18.0.2'], name);
    }
    assert.deepEqual(dataOf(await ask('db', TYPE.AAAA)), ['fd00:1:0:0:0:0:0:2']);
    assert.deepEqual(dataOf(await ask('db', TYPE.ANY)), ['172.18.0.2', 'fd00:1:0:0:0:0:0:2']);
    const answers = await askTcp(netns, [query('db', { id: 1 }), query('web', { id: 2 })]);
    assert.deepEqual(answers.map(dataOf), [['172.18.0.2'], ['172.18.0.3']]);
    assert.deepEqual(
      answers.map((message) => decode(message).id),
      [1, 2],
    );
    assert.deepEqual(upstream.asked, []);
  });

  it('a name without such a record is NOERROR and empty, whatever was asked for', async () => {
    for (const type of [TYPE.AAAA, TYPE.MX, TYPE.HTTPS, TYPE.TXT]) {
      const message = decode(await ask('web', type));
      assert.deepEqual([message.rcode, message.answers], [RCODE.NOERROR, []], `type ${type}`);
    }
    assert.deepEqual(upstream.asked, []);
  });

  it('addresses of its networks have names, or none: no upstream is asked', async () => {
    assert.deepEqual(dataOf(await ask('2.0.18.172.in-addr.arpa', TYPE.PTR)), ['db.front']);
    const six = `${'2'.padEnd(16, '0')}${'00000000100000df'.padEnd(16, '0')}`.split('').join('.');
    assert.deepEqual(dataOf(await ask(`${six}.ip6.arpa`, TYPE.PTR)), ['db.front']);
    assert.equal(decode(await ask('9.0.18.172.in-addr.arpa', TYPE.PTR)).rcode, RCODE.NXDOMAIN);
    assert.deepEqual(upstream.asked, []);
    await ask('9.2.0.192.in-addr.arpa', TYPE.PTR);
    assert.deepEqual(upstream.names(), ['9.2.0.192.in-addr.arpa']);
  });

  it('what it does not know is forwarded, from a random port with a random id, and kept', async () => {
    const reply = decode(await ask('Example.ORG', TYPE.A, { id: 77 }));
    assert.equal(reply.id, 77);
    assert.deepEqual(
      reply.answers.map(({ data }) => data),
      ['192.0.2.1'],
    );
    await ask('example.org', TYPE.A, { id: 77 });
    assert.equal(upstream.asked.length, 1);
    for (let turn = 0; turn < 8; turn++) await ask(`name${turn}.example.org`, TYPE.A, { id: 77 });
    const ports = new Set(upstream.asked.map(({ port }) => port));
    const ids = new Set(upstream.asked.map(({ message }) => message.readUInt16BE(0)));
    assert.ok(ports.size >= 8, [...ports].join());
    assert.ok(ids.size >= 8, [...ids].join());
    // The second server is asked only when the first one is late, which it may be on a busy machine.
    assert.ok(second.asked.every(({ name }) => upstream.names().includes(name)));
  });

  it('forged answers (other id, other question) are not taken', async () => {
    upstream.behaviour = ({ message, name }) => {
      const otherId = Buffer.from(answer(message, { answers: [a(name, '203.0.113.66')] }));
      otherId[0] = otherId[0]! ^ 0xff;
      const otherName = answer(query('other.example', { id: message.readUInt16BE(0) }), {
        answers: [a('other.example', '203.0.113.66')],
      });
      return [otherId, otherName, message, answer(message, { answers: [a(name, '192.0.2.1')] })];
    };
    assert.deepEqual(dataOf(await ask('bank.example')), ['192.0.2.1']);
  });

  it('SERVFAIL makes the next server be asked, and is passed on when none does better', async () => {
    upstream.behaviour = ({ message }) => answer(message, { rcode: RCODE.SERVFAIL });
    assert.deepEqual(dataOf(await ask('example.org')), ['192.0.2.1']);
    second.behaviour = ({ message }) => answer(message, { rcode: RCODE.REFUSED });
    assert.equal(decode(await ask('example.com')).rcode, RCODE.REFUSED);
    second.behaviour = ({ message }) =>
      answer(message, { rcode: RCODE.NXDOMAIN, authorities: [soa('com', 60)] });
    assert.equal(decode(await ask('gone.example.com')).rcode, RCODE.NXDOMAIN);
  });

  it('a server that keeps silent costs little, and next to nothing once it is known', async () => {
    upstream.behaviour = silent;
    for (let turn = 0; turn < 4; turn++) {
      const start = performance.now();
      assert.deepEqual(dataOf(await ask(`slow${turn}.example`)), ['192.0.2.1']);
      assert.ok(performance.now() - start < 500, 'hedged');
    }
    await sleep(10);
    upstream.asked.length = 0;
    for (let turn = 0; turn < 10; turn++) await ask(`fast${turn}.example`);
    assert.ok(upstream.asked.length <= 2, `asked ${upstream.asked.length} times`);
    assert.equal(dns.metrics().upstreams.find(({ address }) => address === '127.0.0.91')?.suspect, true);
    // It comes back by itself.
    upstream.behaviour = knowsAll;
    await sleep(1100);
    await ask('probe.example');
    await sleep(50);
    second.asked.length = 0;
    await ask('back.example');
    assert.deepEqual([upstream.names().at(-1), second.names()], ['back.example', []]);
  });

  it('a server where nobody listens is passed over at once', async () => {
    dns.configure('s1', { ...SETTINGS, upstreams: own('127.0.0.90', '127.0.0.92') });
    const start = performance.now();
    assert.deepEqual(dataOf(await ask('example.net')), ['192.0.2.1']);
    assert.ok(performance.now() - start < 500);
    dns.configure('s1', { ...SETTINGS, upstreams: own('127.0.0.90') });
    assert.equal(decode(await ask('example.net')).rcode, RCODE.SERVFAIL);
  });

  it('a truncated answer is asked for again over TCP, and given whole or cut at a record', async () => {
    const many = (name: string): TestRecord[] =>
      Array.from({ length: 60 }, (_, index) => a(name, `192.0.2.${index + 1}`));
    upstream.behaviour = ({ message, name, protocol }) =>
      protocol === 'udp' ? answer(message, { flags: FLAG.TC }) : answer(message, { answers: many(name) });
    const [whole] = await askTcp(netns, [query('many.example')]);
    assert.equal(decode(whole!).answers.length, 60);
    assert.deepEqual(
      upstream.asked.map(({ protocol }) => protocol),
      ['udp', 'tcp'],
    );
    const cut = await ask('many.example');
    assert.ok(cut.length <= 512);
    assert.ok(decode(cut).flags & FLAG.TC);
    assert.ok(decode(cut).answers.length > 10);
    const long = decode(await ask('many.example', TYPE.A, { edns: { udpLength: 4096 } }));
    assert.equal(long.answers.length, 60);
    assert.equal(long.flags & FLAG.TC, 0);
  });

  it('when TCP does not get through, the truncated answer is better than none', async () => {
    upstream.behaviour = ({ message, name, protocol }) =>
      protocol === 'udp' ? answer(message, { flags: FLAG.TC, answers: [a(name, '192.0.2.5')] }) : undefined;
    const reply = await ask('stuck.example');
    assert.deepEqual(dataOf(reply), ['192.0.2.5']);
    assert.ok(decode(reply).flags & FLAG.TC);
  });

  it('EDNS is kept: DO goes up, the OPT record comes back, cookies do not travel', async () => {
    upstream.behaviour = ({ message, name }) =>
      answer(message, { answers: [a(name, '192.0.2.1')], edns: { dnssecOk: true, udpLength: 4096 } });
    const cookie = Buffer.from([0, 10, 0, 8, 1, 2, 3, 4, 5, 6, 7, 8]);
    const reply = decode(await ask('signed.example', TYPE.A, { edns: { dnssecOk: true, options: cookie } }));
    assert.equal(reply.additionals[0]?.type, TYPE.OPT);
    const [asked] = upstream.asked;
    const [opt] = decode(asked!.message).additionals;
    assert.deepEqual([opt?.type, (opt?.ttl ?? 0) & 0x8000, opt?.data.length], [TYPE.OPT, 0x8000, 0]);
    assert.equal(decode(await ask('db', TYPE.A, { edns: {} })).additionals[0]?.type, TYPE.OPT);
    assert.deepEqual(decode(await ask('db')).additionals, []);
    const badVersion = decode(await ask('db', TYPE.A, { edns: { version: 1 } }));
    assert.equal((badVersion.additionals[0]?.ttl ?? 0) >>> 24, RCODE.BADVERS >> 4);
  });

  it('same questions at the same time are one question upstream', async () => {
    upstream.behaviour = async (asked) => {
      await sleep(30);
      return knowsAll(asked) as Buffer;
    };
    const before = dns.metrics().forward.coalesced;
    const answers = await Promise.all(Array.from({ length: 10 }, () => ask('busy.example')));
    assert.equal(answers.filter((message) => dataOf(message)[0] === '192.0.2.1').length, 10);
    assert.equal(dns.metrics().forward.coalesced - before, 9);
  });

  it('an internal network resolves its own names, and asks nobody from the host', async () => {
    using host = new TestNameServer(undefined, '127.0.0.1', knowsAll, 0);
    const hostSpec = { address: '127.0.0.1', port: host.port, from: 'host' as const };
    dns.setUpstreams([hostSpec]);
    dns.configure('s1', { ...SETTINGS, internal: true });
    assert.deepEqual(dataOf(await ask('db')), ['172.18.0.2']);
    assert.equal(decode(await ask('example.org')).rcode, RCODE.SERVFAIL);
    dns.configure('s1', { ...SETTINGS, internal: true, upstreams: [hostSpec] });
    assert.equal(decode(await ask('example.org')).rcode, RCODE.SERVFAIL);
    assert.deepEqual(host.asked, []);
    dns.configure('s1', SETTINGS);
    assert.deepEqual(dataOf(await ask('example.org')), ['192.0.2.1']);
    assert.deepEqual(host.names(), ['example.org']);
    dns.setUpstreams([]);
    assert.equal(decode(await ask('example.org')).rcode, RCODE.SERVFAIL);
  });

  it('a server without a route from the container is asked from the host', async () => {
    using host = new TestNameServer(undefined, '::1', knowsAll, 0);
    const bare = networks.create('no6');
    withNetns(bare, () => writeSysctl('net.ipv6.conf.lo.disable_ipv6', 1));
    const upstreams = [{ address: '::1', port: host.port, from: 'container' as const }];
    dns.serve({ id: 's6', netns: bare, ...SETTINGS, upstreams });
    assert.deepEqual(dataOf(await askUdp(bare, query('six.example'))), ['192.0.2.1']);
    dns.configure('s6', { ...SETTINGS, upstreams, internal: true });
    assert.equal(decode(await askUdp(bare, query('seven.example'))).rcode, RCODE.SERVFAIL);
    dns.stop('s6');
  });

  it('the container may have port 53 for itself, before and after', async () => {
    const other = networks.create('dnsmasq');
    const udp = openUdpSocket({ netns: other, address: '0.0.0.0', port: 53 });
    const tcp = openTcpListener({ netns: other, address: '0.0.0.0', port: 53 });
    assert.equal(dns.serve({ id: 's2', netns: other, ...SETTINGS }), 'redirect');
    assert.deepEqual(dataOf(await askUdp(other, query('db'))), ['172.18.0.2']);
    assert.deepEqual(dataOf((await askTcp(other, [query('db')]))[0]!), ['172.18.0.2']);
    closeSocket(udp);
    closeSocket(tcp);
    using own = new TestNameServer(other, '0.0.0.0', knowsAll);
    assert.deepEqual(dataOf(await askUdp(other, query('db'))), ['172.18.0.2']);
    assert.deepEqual(dataOf(await askUdp(other, query('db'), { address: '127.0.0.1' })), ['192.0.2.1']);
    assert.deepEqual(own.names(), ['db']);
    dns.stop('s2');
  });

  it('a strict firewall in the container sees port 53 both ways, and nothing is tracked without one', async () => {
    const strict = networks.create('strict');
    dns.serve({ id: 's3', netns: strict, ...SETTINGS });
    const tracked = () => withNetns(strict, () => readSysctlNumber('net.netfilter.nf_conntrack_count'));
    await askUdp(strict, query('db'));
    assert.equal(tracked(), 0);
    using nft = NftContext.open(strict);
    nft.run(`table ip f {
      chain o { type filter hook output priority 0; policy drop; udp dport 53 accept; tcp dport 53 accept; ct state established accept; }
      chain i { type filter hook input priority 0; policy drop; udp dport 53 accept; ct state established accept; }
    }`);
    assert.deepEqual(dataOf(await askUdp(strict, query('db'))), ['172.18.0.2']);
    assert.equal(tracked(), 1);
    dns.stop('s3');
  });

  it('no program is needed: not in the image, not on the host', async () => {
    const path = process.env.PATH;
    process.env.PATH = '/nonexistent';
    try {
      const scratch = networks.create('scratch');
      assert.equal(dns.serve({ id: 's4', netns: scratch, ...SETTINGS }), 'redirect');
      assert.deepEqual(dataOf(await askUdp(scratch, query('db'))), ['172.18.0.2']);
      dns.stop('s4');
    } finally {
      process.env.PATH = path;
    }
  });

  it('after the daemon was restarted the same ports are used; meanwhile nobody answers in its place', async () => {
    const kept = networks.create('kept');
    const before = new DnsServer({ log: silentLog });
    before.setNetwork(FRONT);
    before.serve({ id: 's5', netns: kept.path, ...SETTINGS });
    const ports = readRedirect(kept);
    assert.ok(ports !== undefined && ports.udp > 0);
    before[Symbol.dispose]();
    await assert.rejects(askUdp(kept, query('db'), { timeout: 100 }), /no answer/);
    dns.serve({ id: 's5', netns: kept.path, ...SETTINGS });
    assert.deepEqual(readRedirect(kept), ports);
    assert.deepEqual(dataOf(await askUdp(kept, query('db'))), ['172.18.0.2']);
    dns.stop('s5');
    const taken = openUdpSocket({ netns: kept, address: '127.0.0.11', port: ports.udp });
    assert.equal(dns.serve({ id: 's5', netns: kept.path, ...SETTINGS }), 'redirect');
    assert.notDeepEqual(readRedirect(kept), ports);
    assert.deepEqual(dataOf(await askUdp(kept, query('db'))), ['172.18.0.2']);
    closeSocket(taken);
    dns.stop('s5');
  });

  it('where rules cannot be written it holds port 53 itself; where that is taken, it says so', async () => {
    const locked = networks.create('locked');
    // A table that belongs to somebody else's open socket cannot be replaced.
    using owner = NftContext.open(locked);
    owner.run('table ip bridgeport-dns { flags owner; }');
    assert.equal(dns.serve({ id: 's7', netns: locked, ...SETTINGS }), 'direct');
    assert.deepEqual(dataOf(await askUdp(locked, query('db'))), ['172.18.0.2']);
    assert.deepEqual(dataOf((await askTcp(locked, [query('db')]))[0]!), ['172.18.0.2']);
    dns.stop('s7');
    await new Promise(setImmediate);
    const taken = openTcpListener({ netns: locked, address: '0.0.0.0', port: 53 });
    const serve = () => dns.serve({ id: 's7', netns: locked, ...SETTINGS });
    assert.throws(serve, /bind tcp 127\.0\.0\.11:53|listen tcp 127\.0\.0\.11:53/);
    closeSocket(taken);
    assert.equal(serve(), 'direct', 'nothing was left behind');
    dns.stop('s7');
  });

  it('messages that are none are answered by FORMERR or not at all, and the next question is answered', async () => {
    const noQuestion = Buffer.from(query('db'));
    noQuestion.writeUInt16BE(0, 4);
    assert.equal(decode(await askUdp(netns, noQuestion.subarray(0, 12))).rcode, RCODE.FORMERR);
    const update = Buffer.from(query('db'));
    update.writeUInt16BE(0x2800, 2);
    assert.equal(decode(await askUdp(netns, update.subarray(0, 12))).rcode, RCODE.NOTIMP);
    assert.equal(decode(await ask('example.org', TYPE.AXFR)).rcode, RCODE.REFUSED);
    await assert.rejects(askUdp(netns, Buffer.from([1, 2, 3]), { timeout: 50 }), /no answer/);
    await assert.rejects(askUdp(netns, answer(query('db')), { timeout: 50 }), /no answer/);
    assert.deepEqual(dataOf(await ask('db')), ['172.18.0.2']);
    assert.equal(dns.metrics().faults, 0);
  });

  it('busybox asks as containers do', async (t) => {
    const run = promisify(execFile);
    try {
      await run('busybox', ['true']);
    } catch {
      return t.skip('busybox is not installed');
    }
    const { stdout } = await run(
      'nsenter',
      [`--net=${netns.path}`, 'busybox', 'nslookup', 'db', '127.0.0.11'],
      {
        timeout: 5000,
      },
    );
    assert.match(stdout, /172\.18\.0\.2/);
    assert.match(stdout, /fd00:1::2/);
  });
});
