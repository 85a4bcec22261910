/** The promises of `intent.ts`, kept towards real packets. The host's policy is ACCEPT: our rules alone must do it. */

import assert from 'node:assert/strict';
import { after, before, beforeEach, describe, test } from 'node:test';
import type { FirewallIntent, NetworkIntent } from '../intent.ts';
import { compileIptables } from './compile.ts';
import { PacketWorld, type Station } from './packet-world.testing.ts';
import { emptyRuleSet } from './rules.ts';
import { intentOf, link, network, published } from './scenarios.testing.ts';

const NO = 'no answer';
const HOST = '10.9.0.1';
const HOST_2 = '10.9.0.11';
const LAN = '10.9.0.2';
const WEB = '172.17.0.2';
const STRANGER = '172.18.0.2';

const docker0 = (options: Partial<NetworkIntent> = {}) => network('docker0', '172.17.0.0/16', options);
const brB = (options: Partial<NetworkIntent> = {}) => network('br-b', '172.18.0.0/16', options);

describe('packets through the compiled iptables rules', () => {
  let world: PacketWorld;
  let current = { v4: emptyRuleSet(4), v6: emptyRuleSet(6) };

  before(async () => {
    world = new PacketWorld();
    await world.web.serve('tcp', [80, 81, 3000, 3001, 20000, 20001, 20002]);
    await world.web.serve('udp', [53, 3001, 20001], '0.0.0.0');
    await world.other.serve('tcp', [80]);
    await world.stranger.serve('tcp', [80, 81]);
    await world.lan.serve('tcp', [80]);
    await world.host.serve('tcp', [8000]);
  });
  after(() => world?.[Symbol.dispose]());
  beforeEach(() => {
    use(intentOf([]));
    world.host.sh('conntrack -F');
  });

  function use(intent: FirewallIntent): void {
    const next = compileIptables({ ...intent, forwardDrop: { v4: false, v6: false } });
    world.host.namespace.apply(current.v4, next.v4, 'restore');
    world.host.namespace.apply(current.v6, next.v6, 'restore');
    current = next;
  }

  test('a published port answers the LAN, which keeps its address; others do not answer', async () => {
    use(intentOf([docker0({ ports: [published(WEB, '8080:80')] })]));
    assert.equal(await world.lan.ask(HOST, 8080), `80 ${LAN}`);
    assert.equal(await world.lan.ask(HOST_2, 8080), `80 ${LAN}`);
    assert.equal(await world.lan.ask(HOST, 8081), 'ECONNREFUSED');
  });

  test('a port published on one host address answers there only', async () => {
    use(
      intentOf([
        docker0({ ports: [published(WEB, `${HOST_2}:8080:80`), published(WEB, `${HOST_2}:53:53/udp`)] }),
      ]),
    );
    assert.equal(await world.lan.ask(HOST_2, 8080), `80 ${LAN}`);
    assert.equal(await world.lan.ask(HOST_2, 53, { proto: 'udp' }), `53 ${LAN}`);
    assert.equal(await world.lan.ask(HOST, 8080), 'ECONNREFUSED');
  });

  test("a neighbour with a route does not reach a container's own address, published or not", async () => {
    assert.equal(
      await world.lan.ask(WEB, 80),
      `80 ${LAN}`,
      'without networks there is no rule, and the route works',
    );
    use(intentOf([docker0({ ports: [published(WEB, '8080:80')] })]));
    assert.equal(await world.lan.ask(WEB, 80), NO);
    assert.equal(await world.lan.ask(WEB, 81), NO);
    use(intentOf([docker0({ ports: [published(WEB, '8080:80')] })], { allowDirectRouting: true }));
    assert.equal(await world.lan.ask(WEB, 80), `80 ${LAN}`);
    use(intentOf([docker0({ trustedHostInterfaces: ['eth0'] })]));
    assert.equal(await world.lan.ask(WEB, 80), `80 ${LAN}`);
  });

  test('containers reach the LAN: masqueraded, or with their own address and an answer that comes back', async () => {
    use(intentOf([docker0()]));
    assert.equal(await world.web.ask(LAN, 80), `80 ${HOST}`);
    use(intentOf([docker0({ masquerade: false })]));
    assert.equal(await world.web.ask(LAN, 80), `80 ${WEB}`);
    assert.equal(await world.lan.ask(WEB, 80), NO, 'and still nobody gets in');
    use(intentOf([docker0({ v4: { subnets: ['172.17.0.0/16'], mode: 'nat', snatTo: HOST_2 } })]));
    assert.equal(await world.web.ask(LAN, 80), `80 ${HOST_2}`);
  });

  test("an exception of the user's from masquerading keeps working", async () => {
    use(intentOf([docker0()]));
    world.host.sh(`iptables -t nat -I POSTROUTING 1 -s 172.17.0.0/16 -d 10.9.0.0/24 -j ACCEPT`);
    try {
      assert.equal(await world.web.ask(LAN, 80), `80 ${WEB}`);
      assert.equal(await world.lan.ask(WEB, 80), NO);
    } finally {
      world.host.sh(`iptables -t nat -D POSTROUTING -s 172.17.0.0/16 -d 10.9.0.0/24 -j ACCEPT`);
    }
  });

  test("containers of another network reach the host by docker0's address (host-gateway)", async () => {
    use(intentOf([docker0(), brB()]));
    assert.equal(await world.stranger.ask('172.17.0.1', 8000), `8000 ${STRANGER}`);
  });

  test('networks do not reach each other', async () => {
    use(intentOf([docker0({ ports: [published(WEB, '8080:80')] }), brB()]));
    assert.equal(await world.stranger.ask(WEB, 80), NO);
    assert.equal(await world.web.ask(STRANGER, 80), NO);
    assert.equal(await world.other.ask(WEB, 80), '80 172.17.0.3');
  });

  test('with icc off containers are silent to each other, and a link opens its ports alone', async () => {
    const ports = [published(WEB, '8080:80')];
    use(intentOf([docker0({ icc: false, ports })]));
    const bridged = await bridgedPacketsAreFiltered();
    if (bridged) assert.equal(await world.other.ask(WEB, 80), NO);
    assert.equal(await world.lan.ask(HOST, 8080), `80 ${LAN}`, 'published ports still answer');
    use(intentOf([docker0({ icc: false, ports, links: [link('172.17.0.3', WEB, '80/tcp')] })]));
    assert.equal(await world.other.ask(WEB, 80), '80 172.17.0.3');
    if (bridged) assert.equal(await world.other.ask(WEB, 81), NO);
  });

  test('a port published on loopback cannot be reached by a neighbour that forges the address', async () => {
    // The neighbour sends packets for 127.0.0.1 to the host. Its own kernel takes no answer from that address, so what
    // is looked at is whether the container is asked.
    sendLoopbackTo(world.lan, HOST);
    const letIn = () =>
      packetsOf(`-A DOCKER -d ${WEB}/32 ! -i docker0 -o docker0 -p tcp -m tcp --dport 80 -j ACCEPT`);
    const intent = intentOf([docker0({ ports: [published(WEB, '127.0.0.1:9090:80')] })]);
    use(intent);
    world.host.sh('iptables -t raw -D PREROUTING -d 127.0.0.0/8 ! -i lo -j DROP');
    await world.lan.ask('127.0.0.1', 9090);
    assert.ok(letIn() > 0, 'the hole is real');
    use(intentOf([]));
    use(intent);
    world.host.sh('conntrack -F');
    await world.lan.ask('127.0.0.1', 9090);
    assert.equal(letIn(), 0);
    assert.equal(await world.lan.ask(HOST, 9090), 'ECONNREFUSED');
  });

  test('without the proxy the kernel serves loopback, other networks and the container itself', async () => {
    const ports = [
      published(WEB, '8080:80'),
      published(WEB, '127.0.0.1:9090:81'),
      published(WEB, '2053:53/udp'),
    ];
    use(intentOf([docker0({ ports }), brB()], { userlandProxy: false }));
    world.host.sh('sysctl -qw net.ipv4.conf.docker0.route_localnet=1 net.ipv4.conf.br-b.route_localnet=1');
    assert.equal(await world.host.ask('127.0.0.1', 8080), '80 172.17.0.1');
    assert.equal(await world.host.ask('127.0.0.1', 9090), '81 172.17.0.1');
    assert.equal(await world.host.ask(HOST, 8080), '80 172.17.0.1');
    // To the web container, the other network is outside: its packets were masqueraded on the way.
    assert.equal(await world.stranger.ask(HOST, 8080), '80 172.17.0.1');
    assert.equal(await world.stranger.ask(HOST, 2053, { proto: 'udp' }), '53 172.17.0.1');
    assert.equal(await world.stranger.ask('172.18.0.1', 8080), '80 172.17.0.1');
    assert.equal(await world.stranger.ask(WEB, 80), NO);
    assert.equal(await world.web.ask(HOST, 8080), '80 172.17.0.1', 'hairpin');
    assert.equal(await world.other.ask(HOST, 8080), '80 172.17.0.3');
  });

  test("without the proxy a container does not reach what listens on the host's loopback", async () => {
    use(intentOf([docker0()], { userlandProxy: false }));
    world.host.sh('sysctl -qw net.ipv4.conf.docker0.route_localnet=1');
    sendLoopbackTo(world.other, '172.17.0.1');
    await world.other.ask('127.0.0.1', 8000);
    assert.ok(packetsOf('-A PREROUTING -d 127.0.0.0/8 ! -i lo -j DROP') > 0);
  });

  test('each port of a range leads to its own, also when two connections differ only in the host address', async () => {
    use(
      intentOf([
        docker0({
          ports: [
            published(WEB, '20000-20002:20000-20002'),
            published(WEB, '20000-20002:20000-20002/udp'),
            published(WEB, '2000-2001:3000-3001'),
            published(WEB, '2000-2001:3000-3001/udp'),
          ],
        }),
      ]),
    );
    for (const port of [20000, 20001, 20002]) assert.equal(await world.lan.ask(HOST, port), `${port} ${LAN}`);
    assert.equal(await world.lan.ask(HOST, 2001), `3001 ${LAN}`);
    for (const [port, target, localPort] of [
      [20001, 20001, 5551],
      [2000, 3000, 5552],
    ] as const) {
      const held = { localPort, hold: true };
      assert.equal(await world.lan.ask(HOST, port, held), `${target} ${LAN}`);
    }
    // The same client port towards the host's other address: the answers could not be told apart without a new port.
    assert.equal(await world.lan.ask(HOST, 2001, { proto: 'udp', localPort: 5553 }), `3001 ${LAN}`);
    assert.equal(await world.lan.ask(HOST_2, 2001, { proto: 'udp', localPort: 5553 }), `3001 ${LAN}`);
    assert.equal(await world.lan.ask(HOST, 20001, { proto: 'udp', localPort: 5554 }), `20001 ${LAN}`);
    assert.equal(await world.lan.ask(HOST_2, 20001, { proto: 'udp', localPort: 5554 }), `20001 ${LAN}`);
  });

  test('DOCKER-USER is asked first: it closes a published port, and opens direct access', async () => {
    use(intentOf([docker0({ ports: [published(WEB, '8080:80')] })]));
    world.host.sh(`iptables -I DOCKER-USER 1 -s ${LAN} -m conntrack --ctorigdstport 8080 -j DROP`);
    assert.equal(await world.lan.ask(HOST, 8080), NO);
    world.host.sh(`iptables -R DOCKER-USER 1 -s ${LAN} -d ${WEB} -j ACCEPT`);
    assert.equal(await world.lan.ask(WEB, 81), `81 ${LAN}`);
    world.host.sh('iptables -D DOCKER-USER 1');
    assert.equal(await world.lan.ask(WEB, 81), NO);
  });

  test('an internal network reaches nothing and is reached by nothing, the host aside', async () => {
    use(intentOf([docker0(), brB({ internal: true, ports: [published(STRANGER, '7000:80')] })]));
    assert.equal(await world.stranger.ask(LAN, 80), NO);
    assert.equal(await world.stranger.ask(WEB, 80), NO);
    assert.equal(await world.lan.ask(STRANGER, 80), NO);
    assert.equal(await world.web.ask(STRANGER, 80), NO);
    assert.equal(await world.lan.ask(HOST, 7000), 'ECONNREFUSED');
    assert.equal(await world.stranger.ask('172.18.0.1', 8000), `8000 ${STRANGER}`);
  });

  test('a routed network lets its published ports in from everywhere, by their own numbers, and nothing else', async () => {
    const routed = { v4: { subnets: ['172.18.0.0/16'], mode: 'routed' as const } };
    const ports = [{ ...published(STRANGER, '80:80'), hostPort: 0, hostPortEnd: 0 }];
    for (const networks of [
      [docker0(), brB({ ...routed, ports })],
      [brB({ ...routed, ports }), docker0()],
    ]) {
      use(intentOf(networks));
      assert.equal(await world.lan.ask(STRANGER, 80), `80 ${LAN}`);
      assert.equal(await world.lan.ask(STRANGER, 81), NO);
      assert.equal(
        await world.web.ask(STRANGER, 80),
        '80 172.18.0.1',
        'masqueraded on the way out of docker0',
      );
      assert.equal(await world.web.ask(STRANGER, 81), NO);
      assert.equal(await world.stranger.ask(LAN, 80), `80 ${STRANGER}`, 'with its own address');
      assert.equal(await world.stranger.ask(WEB, 80), NO, 'the other network is closed as ever');
      world.lan.sh(`ping -c 1 -W 1 ${STRANGER}`);
    }
  });

  test('an unprotected network lets everybody in', async () => {
    const open = { v4: { subnets: ['172.18.0.0/16'], mode: 'nat-unprotected' as const } };
    use(intentOf([docker0(), brB({ ...open, ports: [published(STRANGER, '7000:80')] })]));
    assert.equal(await world.lan.ask(HOST, 7000), `80 ${LAN}`);
    assert.equal(await world.lan.ask(STRANGER, 81), `81 ${LAN}`);
    assert.equal(await world.web.ask(STRANGER, 81), '81 172.18.0.1');
    assert.equal(await world.stranger.ask(LAN, 80), `80 ${HOST}`);
    assert.equal(await world.stranger.ask(WEB, 80), NO);
  });

  test('IPv6: published ports, direct access, masquerading and isolation are as in IPv4', async () => {
    const v6 = (number: number) => ({ v6: { subnets: [`fd00:${number}::/64`], mode: 'nat' as const } });
    use(
      intentOf([
        docker0({
          ...v6(17),
          ports: [
            published('fd00:17::2', '[::]:8080:80'),
            published('fd00:17::2', '[::]:20000-20002:20000-20002'),
          ],
        }),
        brB(v6(18)),
      ]),
    );
    assert.equal(await world.lan.ask('fd00:9::1', 8080), '80 fd00:9::2');
    assert.equal(await world.lan.ask('fd00:9::1', 20002), '20002 fd00:9::2');
    assert.equal(await world.lan.ask('fd00:17::2', 80), NO);
    assert.equal(await world.web.ask('fd00:9::2', 80), '80 fd00:9::1');
    assert.equal(await world.stranger.ask('fd00:17::2', 80), NO);
    assert.equal(await world.other.ask('fd00:17::2', 80), '80 fd00:17::3');
  });

  /** Makes a station send packets for 127.0.0.0/8 to `gateway`, as no well-behaved one would. */
  function sendLoopbackTo(station: Station, gateway: string): void {
    station.sh('sysctl -qw net.ipv4.conf.all.route_localnet=1');
    station.sh('ip route del local 127.0.0.0/8 dev lo table local');
    station.sh('ip route del local 127.0.0.1 dev lo table local');
    station.sh(`ip route add 127.0.0.0/8 via ${gateway}`);
  }

  /** How many packets a rule of the host has met. */
  function packetsOf(rule: string): number {
    const line = world.host.namespace
      .run('iptables-save', '-c')
      .split('\n')
      .find((text) => text.endsWith(` ${rule}`));
    return Number(/^\[(\d+):/.exec(line ?? '')?.[1]);
  }

  /** True where packets between two ports of one bridge go through iptables (br_netfilter). */
  async function bridgedPacketsAreFiltered(): Promise<boolean> {
    world.host.sh('iptables -I FORWARD 1 -i docker0 -o docker0 -p tcp --dport 3000 -j DROP');
    const answer = await world.other.ask(WEB, 3000);
    world.host.sh('iptables -D FORWARD -i docker0 -o docker0 -p tcp --dport 3000 -j DROP');
    return answer === NO;
  }
});
