import assert from 'node:assert/strict';
import { describe, it } from 'node:test';
import { HOST } from '../../packet/snapshot.ts';
import {
  A,
  B,
  type Changes,
  iptables,
  listener,
  route,
  twoContainers,
} from '../../packet/testing/snapshots.ts';
import type { TopologyContainer } from '../../topology/records.ts';
import type { ExplainRecords } from '../records.ts';
import { ask, BRIDGE, container, LAN, PORT, RECORDS } from './testing/ask.ts';

describe('`why()`', () => {
  it('goes on with the connection that the userland proxy opens', async () => {
    const { answer, legs } = await ask({ host: { sockets: [listener('0.0.0.0', 8080)] } }, 'world', 'b');
    assert.equal(answer, 'yes');
    assert.deepEqual(
      legs.map(({ title }) => title),
      [
        'From the world to container b',
        'From the userland proxy to container b',
        'The answer, from container b to the host',
        'The answer, from the host to the world',
      ],
    );
    assert.equal(legs[0]?.steps.at(-1)?.kind, 'proxy');
  });

  it('names the process that holds published ports when it is gone', async () => {
    const { answer, cause, port } = await ask({}, 'world', 'b', { service: 'tcp/80' });
    assert.equal(answer, 'no');
    assert.equal(cause?.kind, 'proxy-gone');
    assert.deepEqual([cause.owner.kind, cause.owner.port], ['engine', '0.0.0.0:8080 → 80/tcp']);
    assert.equal(port, 80, 'what was asked for, and not the port of the host');
  });

  it('is not content with the proxy when the container behind it does not answer', async () => {
    const changes = { host: { sockets: [listener('0.0.0.0', 8080)] }, b: { sockets: [] } };
    const { answer, cause } = await ask(changes, 'world', 'b');
    assert.equal(answer, 'no');
    assert.deepEqual([cause?.kind, cause?.owner.container?.name], ['no-socket', 'b']);
  });

  it('tells a smaller MTU on the way', async () => {
    const host = twoContainers().namespaces.get(HOST);
    const links = host?.links.map((one) => (one.name === 'eth0' ? { ...one, mtu: 1400 } : one)) ?? [];
    const { remarks } = await ask({ host: { links } }, 'a', 'world');
    assert.ok(remarks.some((remark) => /MTU of eth0 is 1400, smaller than the 1500/.test(remark)));
    assert.ok(
      remarks.some((remark) => remark.includes('keeps the source 172.17.0.2')),
      'nothing masquerades here',
    );
  });

  it('says which rule it could not decide, and does not guess', async () => {
    const firewall = iptables(
      '*filter\n:FORWARD DROP [0:0]\n-A FORWARD -m recent --rcheck -j ACCEPT\nCOMMIT\n',
    );
    const { answer, headline, legs, remarks } = await ask({ host: { firewall } }, 'a', 'world');
    assert.equal(answer, 'unknown');
    assert.match(headline, /cannot be told/);
    assert.ok(remarks.some((remark) => /^It hangs on this: .*recent/.test(remark)));
    assert.ok(legs.some(({ steps }) => steps.some(({ ok, text }) => ok === null && text.includes('recent'))));
  });

  it('finds a route that takes packets away from a bridge', async () => {
    const base = twoContainers().namespaces.get(HOST);
    const routes = [...(base?.routes ?? []), route('172.17.0.3/32', 2, { gateway: '10.9.0.254' })];
    const { answer, cause } = await ask({ host: { routes } }, 'host', 'b', { service: 'tcp/80' });
    assert.equal(answer, 'no');
    assert.equal(cause?.kind, 'route-elsewhere');
    assert.match(cause.text, /172\.17\.0\.3\/32 dev eth0/);
  });

  it('refuses a question about nobody on this host', async () => {
    await assert.rejects(ask({}, 'world', 'world'), /both ends are outside/);
    await assert.rejects(ask({}, 'a', 'nobody'), /No such container/);
  });

  const listening: Changes = { host: { sockets: [listener('0.0.0.0', 8080)] } };
  const guest: TopologyContainer = {
    ...container('c'.repeat(64), 'guest', '', []),
    networkIds: [],
    sharesWith: B,
    sandbox: undefined,
  };
  const withGuest: ExplainRecords = { ...RECORDS, containers: () => [...RECORDS.containers(), guest] };

  it('a container in the namespace of another has its addresses, sockets and published ports', async () => {
    const { answer, to, port } = await ask(listening, 'world', 'guest', { records: withGuest });
    assert.deepEqual([answer, to.container?.name, port], ['yes', 'guest', 80]);
    const near = await ask({}, 'a', 'guest', { records: withGuest, service: 'tcp/80' });
    assert.deepEqual([near.answer, near.to.address], ['yes', '172.17.0.3']);
    const side = await ask({}, 'b', 'guest', { records: withGuest, service: 'tcp/80' });
    assert.deepEqual([side.answer, side.to.address], ['yes', '127.0.0.1']);
    const host = await ask({}, 'host', 'guest', { records: withGuest, service: 'tcp/81' });
    assert.deepEqual([host.answer, host.cause?.kind], ['no', 'no-socket']);
  });

  it('a paused container answers pings and nothing else', async () => {
    const paused = { ...container(B, 'b', '172.17.0.3', [PORT]), state: 'paused' };
    const records = {
      ...RECORDS,
      containers: () => [container(A, 'a', '172.17.0.2', []), paused, { ...guest, state: 'paused' }],
    };
    for (const [from, to] of [
      ['a', 'b'],
      ['a', 'guest'],
      ['a', '172.17.0.3'],
      ['world', 'b'],
      ['world', 'host:8080'],
    ] as const) {
      const { answer, cause } = await ask(listening, from, to, { records, service: 'tcp' });
      const name = to === 'guest' ? 'guest' : 'b';
      assert.deepEqual([answer, cause?.kind, cause?.owner.container?.name], ['no', 'paused', name], to);
      assert.deepEqual(cause?.remedies, [`docker unpause ${name}`]);
    }
    assert.equal((await ask({}, 'a', 'b', { records, service: 'icmp' })).answer, 'yes');
    const awake = { ...records, containers: () => [paused, { ...guest, state: 'running' }] };
    assert.equal((await ask(listening, 'world', 'host:8080', { records: awake })).answer, 'yes');
  });

  it('tells that a paused container takes connections and answers none, and where that shows', async () => {
    const paused = { ...container(B, 'b', '172.17.0.3', [PORT]), state: 'paused' };
    const records = { ...RECORDS, containers: () => [container(A, 'a', '172.17.0.2', []), paused] };
    const { cause, legs } = await ask(listening, 'a', 'b', { records, service: 'tcp/80' });
    assert.match(cause?.text ?? '', /kernel still takes connections .* nobody reads or answers/);
    assert.deepEqual(
      legs.map(({ direction }) => direction),
      ['there'],
      'no program answers',
    );
    const last = legs[0]?.steps.at(-1);
    assert.deepEqual([last?.kind, last?.where, last?.ok], ['stopped', 'b', false]);
    const refused = await ask({ ...listening, b: { sockets: [] } }, 'a', 'b', { records, service: 'tcp/80' });
    assert.equal(refused.cause?.kind, 'no-socket', 'running again, it would still refuse');
    assert.ok(refused.remarks.includes('Container b is paused as well.'));
  });

  it('a paused container asks nobody, and what would become of its question is told all the same', async () => {
    const paused = { ...container(A, 'a', '172.17.0.2', []), state: 'paused' };
    const records = { ...RECORDS, containers: () => [paused, container(B, 'b', '172.17.0.3', [PORT])] };
    for (const service of ['tcp/80', 'icmp']) {
      const { answer, cause, legs } = await ask({}, 'a', 'b', { records, service });
      assert.deepEqual([answer, cause?.kind, cause?.remedies], ['no', 'paused', ['docker unpause a']]);
      assert.match(cause?.text ?? '', /none can ask/);
      const steps = legs[0]?.steps.map(({ kind, ok }) => `${kind} ${ok}`) ?? [];
      assert.ok(steps.includes('stopped false') && steps.includes('sent true'));
      assert.equal(legs.length, 2);
    }
    const { cause, remarks } = await ask({}, 'a', 'b', { records, service: 'tcp/81' });
    assert.equal(cause?.kind, 'no-socket');
    assert.ok(remarks.includes('Container a is paused as well.'));
    const named = await ask({}, 'a', 'nosuch.example', { records });
    assert.equal(named.cause?.kind, 'name-unknown');
    assert.ok(named.remarks.includes('Container a is paused as well.'));
  });

  it('localhost is whose it is that asks, and says so where the host was meant', async () => {
    const own = await ask({}, 'b', 'localhost:80');
    assert.deepEqual([own.answer, own.to.kind, own.to.address], ['yes', 'address', '127.0.0.1']);
    const meant = await ask({ host: { sockets: [listener('127.0.0.1', 22)] } }, 'a', 'localhost:22');
    assert.deepEqual([meant.answer, meant.cause?.kind], ['no', 'no-socket']);
    assert.ok(meant.remarks.some((remark) => /leads to the container itself, not to the host/.test(remark)));
    const host = await ask({ host: { sockets: [listener('127.0.0.1', 22)] } }, 'host', 'localhost:22');
    assert.deepEqual([host.answer, host.to.kind], ['yes', 'host']);
  });

  it('names the rule that sends a published port elsewhere, also where it arrives there', async () => {
    const nat = (target: string) =>
      iptables(
        `*nat\n:PREROUTING ACCEPT [0:0]\n-A PREROUTING -p tcp -m tcp --dport 8080 -j ${target}\nCOMMIT\n`,
      );
    for (const [target, to] of [
      ['REDIRECT --to-ports 9', '10.9.0.1:9'],
      ['DNAT --to-destination 203.0.113.77:80', '203.0.113.77:80'],
      ['DNAT --to-destination 172.17.0.2:80', '172.17.0.2:80'],
    ] as const) {
      const host = { firewall: nat(target), sockets: [listener('0.0.0.0', 8080), listener('0.0.0.0', 9)] };
      const { answer, cause } = await ask({ host }, 'world', 'b', { service: 'tcp/80' });
      assert.deepEqual([answer, cause?.kind, cause?.owner.kind], ['no', 'sent-elsewhere', 'user'], target);
      assert.ok(cause?.text.includes(to), cause?.text);
      assert.deepEqual(cause?.remedies, ['iptables -t nat -D PREROUTING 1']);
    }
  });

  it('does not blame a rule that translates to the very container, where another one stops the packet', async () => {
    const firewall = iptables(
      '*nat\n:PREROUTING ACCEPT [0:0]\n-A PREROUTING -p tcp -m tcp --dport 8080 -j DNAT --to-destination 172.17.0.3:80\nCOMMIT\n*filter\n:FORWARD ACCEPT [0:0]\n-A FORWARD -o docker0 -p tcp -j DROP\nCOMMIT\n',
    );
    const { cause } = await ask({ host: { firewall } }, 'world', 'b', { service: 'tcp/80' });
    assert.deepEqual([cause?.kind, cause?.rule?.chain], ['rule', 'FORWARD']);
  });

  it('a rule of a container’s own is told with its place, and changed there', async () => {
    const firewall = iptables(
      '*filter\n:INPUT ACCEPT [0:0]\n-A INPUT -p tcp -m tcp --dport 80 -j DROP\nCOMMIT\n',
    );
    const { cause } = await ask({ b: { firewall } }, 'a', 'b', { service: 'tcp/80' });
    assert.match(cause?.text ?? '', /" in container b \(/);
    assert.deepEqual(cause?.remedies, ['nsenter --net=/proc/1/ns/net iptables -t filter -D INPUT 1']);
    const policy = iptables('*filter\n:OUTPUT DROP [0:0]\nCOMMIT\n');
    const closed = await ask({ a: { firewall: policy } }, 'a', 'b', { service: 'tcp/80' });
    assert.match(closed.cause?.remedies[0] ?? '', /^nsenter --net=\/proc\/1\/ns\/net iptables -I OUTPUT /);
  });

  it('tells whom no route leads to, in both directions', async () => {
    const routes = (twoContainers().namespaces.get(HOST)?.routes ?? []).filter(
      ({ destination }) => destination !== 'default',
    );
    const incoming = await ask({ host: { routes } }, 'world', 'b', { service: 'tcp/80' });
    assert.deepEqual([incoming.answer, incoming.cause?.kind], ['no', 'no-way-back']);
    assert.deepEqual(incoming.cause?.remedies, ['ip route add default via ROUTER']);
    const outgoing = await ask({ host: { routes } }, 'a', 'world');
    assert.deepEqual(
      [outgoing.cause?.kind, outgoing.cause?.remedies],
      ['no-route', ['ip route add default via ROUTER']],
    );
    const mixed = await ask({}, '2001:db8::5', '10.9.0.1', { service: 'tcp/80' });
    assert.deepEqual([mixed.answer, mixed.cause?.kind], ['no', 'no-family']);
  });

  it('tells a container that has lost its address, to those who ask it and when it asks', async () => {
    const to = await ask({ b: { addresses: [] } }, 'a', 'b', { service: 'tcp/80' });
    assert.deepEqual([to.cause?.kind, to.cause?.remedies], ['address-gone', ['docker restart b']]);
    const from = await ask({ a: { addresses: [], routes: [] } }, 'a', 'b', { service: 'tcp/80' });
    assert.deepEqual([from.cause?.kind, from.cause?.remedies], ['address-gone', ['docker restart a']]);
  });

  it('a bridge that is down or has lost its address is told, and no route of the host’s blamed', async () => {
    const base = twoContainers().namespaces.get(HOST);
    const routes = base?.routes.filter(({ destination }) => !destination.startsWith('172.17.')) ?? [];
    const links = base?.links.map((one) => (one.name === 'docker0' ? { ...one, up: false } : one)) ?? [];
    const addresses = base?.addresses.filter(({ address }) => address !== '172.17.0.1') ?? [];
    for (const [from, to] of [
      ['host', 'b'],
      ['a', 'world'],
    ] as const) {
      const down = await ask({ host: { routes, links } }, from, to, { service: 'tcp/80' });
      assert.match(down.cause?.remedies[0] ?? '', /^ip link set docker0 up$/, from);
      const { answer, cause } = await ask({ host: { routes, addresses } }, from, to, { service: 'tcp/80' });
      assert.deepEqual([answer, cause?.kind], ['no', 'bridge-gone'], from);
      assert.deepEqual(cause?.remedies, ['ip addr add 172.17.0.1/16 dev docker0']);
    }
  });

  it('names a neighbour entry made by hand that leads to nobody', async () => {
    const fixedNeighbours = [{ link: 2, address: '172.17.0.3', mac: '02:00:00:00:00:99' }];
    const { cause } = await ask({ a: { fixedNeighbours } }, 'a', 'b', { service: 'tcp/80' });
    assert.equal(cause?.kind, 'wrong-neighbour');
    assert.deepEqual(cause.remedies, ['nsenter --net=/proc/1/ns/net ip neigh del 172.17.0.3 dev eth0']);
  });

  it('names an interface that was taken off its bridge, for those who ask and those who are asked', async () => {
    const links = twoContainers()
      .namespaces.get(HOST)
      ?.links.map((one) => (one.name === 'vethb' ? { ...one, master: undefined } : one));
    const plain = container(B, 'b', '172.17.0.3', [PORT]);
    const endpoints = plain.sandbox?.endpoints.map((endpoint) => ({ ...endpoint, hostVeth: 'vethb' })) ?? [];
    const b = { ...plain, sandbox: { path: '', ports: [PORT], endpoints } };
    const records = { ...RECORDS, containers: () => [container(A, 'a', '172.17.0.2', []), b] };
    const changes = { host: { ...(links && { links }) } };
    for (const [from, to] of [
      ['a', 'b'],
      ['b', 'world'],
    ] as const) {
      const { answer, cause } = await ask(changes, from, to, { records, service: 'tcp/80' });
      assert.deepEqual([answer, cause?.kind], ['no', 'detached'], from);
      assert.deepEqual(cause?.remedies, ['ip link set vethb master docker0']);
    }
  });

  it('a container on no network is told to join one, and not to make a route', async () => {
    const none = { ...BRIDGE, id: 'z'.repeat(64), name: 'none', driver: 'null' };
    const alone = {
      ...container(A, 'a', '172.17.0.2', []),
      networkIds: [none.id],
      sandbox: { path: '', endpoints: [], ports: [] },
    };
    const records = { ...RECORDS, networks: () => [BRIDGE, none], containers: () => [alone] };
    const { cause } = await ask({ a: { routes: [] } }, 'a', 'world', { records });
    assert.deepEqual([cause?.kind, cause?.remedies], ['no-network', ['docker run --network NETWORK … a']]);
    const asked = await ask({}, 'host', 'a', { records });
    assert.equal(asked.cause?.kind, 'no-network');
  });

  it('names an internal network, and not a port that publishing would not open', async () => {
    const firewall = iptables(
      '*filter\n:FORWARD ACCEPT [0:0]\n-A FORWARD ! -i docker0 -o docker0 -j DROP\nCOMMIT\n',
    );
    const records = {
      ...RECORDS,
      networks: () => [{ ...BRIDGE, name: 'int', internal: true }],
      containers: () => [container(B, 'b', '172.17.0.3', [])],
    };
    const asked = { records, service: 'tcp/80' };
    const { answer, cause } = await ask({ host: { firewall } }, 'world', 'b', asked);
    assert.deepEqual([answer, cause?.kind, cause?.owner.network?.name], ['no', 'internal-network', 'int']);
    assert.deepEqual(cause?.remedies, ['docker network connect bridge b']);
    const { cause: open } = await ask({ host: { firewall } }, 'world', 'b', {
      ...asked,
      records: { ...records, networks: () => [BRIDGE] },
    });
    assert.equal(open?.kind, 'not-published');
  });

  it('a host and a macvlan that stands on its interface do not reach each other', async () => {
    const lan = (mode: 'bridge' | 'vepa'): ExplainRecords => ({
      ...RECORDS,
      networks: () => [{ ...LAN, parent: { device: 'eth0', isDummy: false, mode } }],
      containers: () => [container(B, 'b', '10.9.0.77', [])],
    });
    const there = twoContainers().namespaces.get(B);
    const b: Changes['b'] = {
      links: there?.links.map((one) => (one.name === 'eth0' ? { ...one, kind: 'macvlan' } : one)) ?? [],
      addresses: there?.addresses.map((one) => ({ ...one, address: '10.9.0.77', prefixLength: 24 })) ?? [],
      routes: [route('10.9.0.0/24', 2, { source: '10.9.0.77' })],
      peers: new Map(),
    };
    for (const [from, to] of [
      ['host', 'b'],
      ['b', 'host'],
    ] as const) {
      const asked = { records: lan('bridge'), service: 'tcp/80' };
      const { answer, cause } = await ask({ b }, from, to, asked);
      assert.deepEqual([answer, cause?.kind, cause?.owner.network?.name], ['no', 'own-parent', 'lan'], from);
      assert.match(cause?.text ?? '', /macvlan interface of container b stands on eth0/);
      const vepa = await ask({ b }, from, to, { ...asked, records: lan('vepa') });
      assert.equal(vepa.answer, 'unknown', 'a switch may send it back');
    }
    const b0 = container(B, 'b', '172.17.0.3', []);
    const [near] = b0.sandbox?.endpoints ?? [];
    assert.ok(near);
    const onLan = { ...near, networkId: 'lan', v4: { address: '10.9.0.77', prefixLength: 24 } };
    const both: ExplainRecords = {
      ...RECORDS,
      networks: () => [
        BRIDGE,
        { ...LAN, id: 'lan', parent: { device: 'eth0', isDummy: false, mode: 'bridge' } },
      ],
      containers: () => [{ ...b0, sandbox: { path: '', endpoints: [onLan, near], ports: [] } }],
    };
    const { answer, to } = await ask({}, 'host', 'b', { records: both, service: 'tcp/80' });
    assert.deepEqual([answer, to.address], ['yes', '172.17.0.3'], 'by its other network');
  });
});
