/**
 * The promises of `intent.ts` that are stories and not cells: what changes, and what a user adds. Towards real packets, for
 * each backend. The host's policy is ACCEPT: our rules alone must do it.
 *
 * ```
 * lan 10.9.0.2 ── 10.9.0.1, 10.9.0.11 host ── docker0 172.17.0.1/16 ── web 172.17.0.2, other 172.17.0.3
 * far 10.8.0.2 ── 10.8.0.1             └──── br-b   172.18.0.1/16 ── stranger 172.18.0.2
 * ```
 * The same with fd00:9::/64, fd00:17::/64 and fd00:18::/64. `lan` has routes to everything, by `host`.
 */

import assert from 'node:assert/strict';
import { after, before, beforeEach, describe, test } from 'node:test';
import { NftContext } from '../../../kernel/nft/index.ts';
import type { FirewallIntent, NetworkIntent } from '../intent.ts';
import { intentOf, link, network, published } from '../iptables/scenarios.testing.ts';
import { BACKENDS, type FirewallBackend } from './backend.testing.ts';
import { askLinkLocal, HOST, linkLocalOf, run, sendLoopbackTo, wire } from './packets.testing.ts';
import { type Station, World } from './world.testing.ts';

const NO = 'no answer';
const HOST_2 = '10.9.0.11';
const LAN = '10.9.0.2';
const FAR = '10.8.0.2';
const WEB = '172.17.0.2';
const OTHER = '172.17.0.3';
const STRANGER = '172.18.0.2';

const docker0 = (options: Partial<NetworkIntent> = {}) => network('docker0', '172.17.0.0/16', options);
const brB = (options: Partial<NetworkIntent> = {}) => network('br-b', '172.18.0.0/16', options);

// Each backend has a world of its own, and most of the time is spent waiting for answers that do not come.
describe('packets', { concurrency: true }, () => {
  for (const [name, open] of Object.entries(BACKENDS)) describeBackend(name, open);
});

function describeBackend(name: string, open: (typeof BACKENDS)[string]): void {
  describe(`through the rules of ${name}`, { concurrency: false }, () => {
    let world: World;
    let backend: FirewallBackend;
    let lan: Station;
    let far: Station;
    let web: Station;
    let other: Station;
    let stranger: Station;

    before(async () => {
      world = await World.open();
      ({ lan, far, web, other, stranger } = wire(world));
      backend = world.use(open(world.host.netns));
      await Promise.all([
        web.serve('tcp', [80, 81, 3000, 3001, 20000, 20001, 20002]),
        web.serve('udp', [53, 83, 3001, 20001]),
        other.serve('tcp', [80]),
        stranger.serve('tcp', [80, 81]),
        lan.serve('tcp', [80]),
        far.serve('tcp', [80]),
        world.host.serve('tcp', [8000]),
        world.host.serve('tcp', [8080], { as: 'proxy', address: '::' }),
        world.host.serve('udp', [8001], { address: '127.0.0.1' }),
        world.host.serve('udp', [8002]),
      ]);
    });
    after(() => world?.[Symbol.dispose]());
    beforeEach(() => {
      backend.apply(intentOf([], { forwardDrop: { v4: false, v6: false } }));
      world.forgetConnections();
    });

    function use(intent: FirewallIntent, options: Parameters<FirewallBackend['apply']>[1] = {}): void {
      backend.apply({ ...intent, forwardDrop: { v4: false, v6: false } }, options);
    }

    test('a published port answers the LAN, which keeps its address; others do not answer', async () => {
      use(intentOf([docker0({ ports: [published(WEB, '8080:80')] })]));
      assert.equal(await lan.ask(HOST, 8080), `web 80 ${LAN}`);
      assert.equal(await lan.ask(HOST_2, 8080), `web 80 ${LAN}`);
      assert.equal(await lan.ask(HOST, 8081), 'ECONNREFUSED');
    });

    test('a port published on one host address answers there only', async () => {
      const ports = [published(WEB, `${HOST_2}:8080:80`), published(WEB, `${HOST_2}:53:53/udp`)];
      use(intentOf([docker0({ ports })]));
      assert.equal(await lan.ask(HOST_2, 8080), `web 80 ${LAN}`);
      assert.equal(await lan.ask(HOST_2, 53, { proto: 'udp' }), `web 53 ${LAN}`);
      assert.equal(await lan.ask(HOST, 8080), 'ECONNREFUSED');
    });

    test("a neighbour with a route does not reach a container's own address, published or not", async () => {
      const ports = [published(WEB, '8080:80')];
      assert.equal(
        await lan.ask(WEB, 80),
        `web 80 ${LAN}`,
        'without networks there is no rule, and the route works',
      );
      use(intentOf([docker0({ ports })]));
      assert.equal(await lan.ask(WEB, 80), NO);
      assert.equal(await lan.ask(WEB, 81), NO);
      use(intentOf([docker0({ ports })], { allowDirectRouting: true }));
      assert.equal(await lan.ask(WEB, 80), `web 80 ${LAN}`);
      assert.equal(await lan.ask(WEB, 81), NO, 'which is for published ports');
      use(intentOf([docker0({ ports }), brB()], { allowDirectRouting: true }));
      assert.equal(await stranger.ask(WEB, 80), NO, 'which is not for other networks');
      use(intentOf([docker0({ ports, trustedHostInterfaces: ['eth0'] }), brB()]));
      assert.equal(await lan.ask(WEB, 80), `web 80 ${LAN}`);
      assert.equal(await lan.ask(WEB, 81), NO);
      assert.equal(await far.ask(WEB, 80), NO, 'not from an interface that is not trusted');
      assert.equal(await stranger.ask(WEB, 80), NO);
    });

    test('containers reach the LAN: masqueraded, or with their own address and an answer that comes back', async () => {
      use(intentOf([docker0()]));
      assert.equal(await web.ask(LAN, 80), `lan 80 ${HOST}`);
      use(intentOf([docker0({ masquerade: false })]));
      assert.equal(await web.ask(LAN, 80), `lan 80 ${WEB}`);
      assert.equal(await lan.ask(WEB, 80), NO, 'and still nobody gets in');
      use(intentOf([docker0({ v4: { subnets: ['172.17.0.0/16'], mode: 'nat', snatTo: HOST_2 } })]));
      assert.equal(await web.ask(LAN, 80), `lan 80 ${HOST_2}`);
    });

    test("an exception of the user's from masquerading keeps working", async () => {
      use(intentOf([docker0()]));
      using _ = backend.keepSource('172.17.0.0/16', '10.9.0.0/24');
      assert.equal(await web.ask(LAN, 80), `lan 80 ${WEB}`);
      assert.equal(await lan.ask(WEB, 80), NO);
      assert.equal(await web.ask(FAR, 80), 'far 80 10.8.0.1');
    });

    test("containers of another network reach the host by docker0's address (host-gateway)", async () => {
      use(intentOf([docker0(), brB()]));
      assert.equal(await stranger.ask('172.17.0.1', 8000), `host 8000 ${STRANGER}`);
    });

    test('networks do not reach each other', async () => {
      use(intentOf([docker0({ ports: [published(WEB, '8080:80')] }), brB()]));
      assert.equal(await stranger.ask(WEB, 80), NO);
      assert.equal(await web.ask(STRANGER, 80), NO);
      assert.equal(await other.ask(WEB, 80), `web 80 ${OTHER}`);
    });

    test('with icc off containers are silent to each other, and a link opens its ports alone', async () => {
      const ports = [published(WEB, '8080:80')];
      use(intentOf([docker0({ icc: false, ports })]));
      const bridged = world.bridgedPacketsAreFiltered;
      if (bridged) assert.equal(await other.ask(WEB, 80), NO);
      assert.equal(await lan.ask(HOST, 8080), `web 80 ${LAN}`, 'published ports still answer');
      use(intentOf([docker0({ icc: false, ports, links: [link(OTHER, WEB, '80/tcp', '90/tcp')] })]));
      assert.equal(await other.ask(WEB, 80), `web 80 ${OTHER}`);
      // An answer that comes late, when the kernel has forgotten the question, is a new packet from the exposed port.
      assert.equal(await web.ask(OTHER, 80, { localPort: 90 }), `other 80 ${WEB}`);
      if (bridged) assert.equal(await web.ask(OTHER, 80, { localPort: 91 }), NO);
      if (bridged) assert.equal(await other.ask(WEB, 81), NO);
    });

    test('a port published on loopback cannot be reached by a neighbour that forges the address', async () => {
      sendLoopbackTo(lan, HOST);
      const intent = intentOf([
        docker0({ ports: [published(WEB, '127.0.0.1:9090:83/udp'), published(WEB, '127.0.0.1:9090:80')] }),
      ]);
      const arrivals = async () => {
        const earlier = web.received.get(83) ?? 0;
        world.forgetConnections();
        await lan.ask('127.0.0.1', 9090, { proto: 'udp' });
        return (web.received.get(83) ?? 0) - earlier;
      };
      use(intent, { without: 'loopback-drop' });
      assert.equal(await arrivals(), 1, 'the hole is real');
      use(intent);
      assert.equal(await arrivals(), 0);
      assert.equal(await lan.ask(HOST, 9090), 'ECONNREFUSED');
    });

    test('without the proxy the kernel serves loopback, other networks and the container itself', async () => {
      const ports = [
        published(WEB, '8080:80'),
        published(WEB, '127.0.0.1:9090:81'),
        published(WEB, '2053:53/udp'),
      ];
      use(intentOf([docker0({ ports }), brB()], { userlandProxy: false }));
      for (const bridge of ['docker0', 'br-b'])
        world.host.sysctl(`net.ipv4.conf.${bridge}.route_localnet`, 1);
      assert.equal(await world.host.ask('127.0.0.1', 8080), 'web 80 172.17.0.1');
      assert.equal(await world.host.ask('127.0.0.1', 9090), 'web 81 172.17.0.1');
      assert.equal(await world.host.ask(HOST, 8080), 'web 80 172.17.0.1');
      // To the web container, the other network is outside: its packets were masqueraded on the way.
      assert.equal(await stranger.ask(HOST, 8080), 'web 80 172.17.0.1');
      assert.equal(await stranger.ask(HOST, 2053, { proto: 'udp' }), 'web 53 172.17.0.1');
      assert.equal(await stranger.ask('172.18.0.1', 8080), 'web 80 172.17.0.1');
      assert.equal(await stranger.ask(WEB, 80), NO);
      assert.equal(await web.ask(HOST, 8080), 'web 80 172.17.0.1', 'hairpin');
      if (world.bridgedPacketsAreFiltered) assert.equal(await other.ask(HOST, 8080), `web 80 ${OTHER}`);
    });

    test('localhost by the kernel: 127.0.0.1 is translated like the rest, and the proxy is left with ::1', async () => {
      const ports = [
        published(WEB, '8080:80'),
        published(WEB, '127.0.0.1:9090:81'),
        published(WEB, `${HOST}:9091:81`),
        published(WEB, '2053:53/udp'),
      ];
      world.host.sysctl('net.ipv4.conf.docker0.route_localnet', 0);
      use(intentOf([docker0({ ports }), brB()], { localhostByKernel: true }));
      assert.equal(
        await world.host.ask('127.0.0.1', 9090),
        NO,
        'the kernel has not been told to route it yet',
      );
      world.host.sysctl('net.ipv4.conf.docker0.route_localnet', 1);
      assert.equal(await world.host.ask('127.0.0.1', 8080), 'web 80 172.17.0.1');
      assert.equal(await world.host.ask('127.1.2.3', 8080), 'web 80 172.17.0.1');
      assert.equal(await world.host.ask('127.0.0.1', 9090), 'web 81 172.17.0.1');
      assert.equal(await world.host.ask('127.0.0.1', 2053, { proto: 'udp' }), 'web 53 172.17.0.1');
      assert.equal(await world.host.ask('127.0.0.1', 9091), 'ECONNREFUSED', 'bound to another address');
      assert.match(await world.host.ask('::1', 8080), /^proxy/);
      assert.equal(await lan.ask(HOST, 8080), `web 80 ${LAN}`);
      assert.equal(await lan.ask(HOST, 9090), 'ECONNREFUSED');
    });

    for (const [title, intent] of [
      ['without the proxy', intentOf([docker0()], { userlandProxy: false })],
      [
        'with localhost by the kernel',
        intentOf([docker0({ ports: [published(WEB, '8080:80')] })], { localhostByKernel: true }),
      ],
    ] as const) {
      test(`${title} nobody reaches the host's loopback from elsewhere, nor seems to come from there`, async () => {
        for (const link of ['all', 'docker0', 'eth0'])
          world.host.sysctl(`net.ipv4.conf.${link}.rp_filter`, 0);
        for (const link of ['docker0', 'eth0']) world.host.sysctl(`net.ipv4.conf.${link}.route_localnet`, 1);
        for (const [station, gateway] of [
          [other, '172.17.0.1'],
          [lan, HOST],
        ] as const) {
          sendLoopbackTo(station, gateway);
          const arrivals = async (port: number, send: () => unknown) => {
            world.forgetConnections();
            const earlier = world.host.received.get(port) ?? 0;
            await send();
            return (world.host.received.get(port) ?? 0) - earlier;
          };
          const to = () => arrivals(8001, () => station.ask('127.0.0.1', 8001, { proto: 'udp' }));
          // 127.0.0.2 is no interface's address: the kernel does not take it for a forgery of one of its own.
          const from = () =>
            arrivals(8002, async () => {
              run(station, 'sh', '-c', `echo hi | socat -t0.3 - UDP4:${gateway}:8002,bind=127.0.0.2`);
              await world.host.ask('127.0.0.1', 8001, { proto: 'udp' }); // what came before it has been read
            });
          use(intent, { without: 'loopback-drop' });
          assert.equal(await to(), 1, 'the hole is real');
          use(intent, { without: 'loopback-source-drop' });
          assert.equal(await from(), 1, 'the hole is real');
          use(intent);
          assert.equal(await to(), 0);
          assert.equal(await from(), 0);
        }
      });
    }

    test('each port of a range leads to its own, also when two connections differ only in the host address', async () => {
      const ports = [
        published(WEB, '20000-20002:20000-20002'),
        published(WEB, '20000-20002:20000-20002/udp'),
        published(WEB, '2000-2001:3000-3001'),
        published(WEB, '2000-2001:3000-3001/udp'),
      ];
      use(intentOf([docker0({ ports })]));
      for (const port of [20000, 20001, 20002]) assert.equal(await lan.ask(HOST, port), `web ${port} ${LAN}`);
      assert.equal(await lan.ask(HOST, 2001), `web 3001 ${LAN}`);
      for (const [port, target, localPort] of [
        [20001, 20001, 5551],
        [2000, 3000, 5552],
      ] as const) {
        const held = { localPort, hold: true };
        assert.equal(await lan.ask(HOST, port, held), `web ${target} ${LAN}`);
      }
      // The same client port towards the host's other address: the answers could not be told apart without a new port.
      assert.equal(await lan.ask(HOST, 2001, { proto: 'udp', localPort: 5553 }), `web 3001 ${LAN}`);
      assert.equal(await lan.ask(HOST_2, 2001, { proto: 'udp', localPort: 5553 }), `web 3001 ${LAN}`);
      assert.equal(await lan.ask(HOST, 20001, { proto: 'udp', localPort: 5554 }), `web 20001 ${LAN}`);
      assert.equal(await lan.ask(HOST_2, 20001, { proto: 'udp', localPort: 5554 }), `web 20001 ${LAN}`);
    });

    test('DOCKER-USER is asked first: it closes a published port, and opens direct access', async () => {
      use(intentOf([docker0({ ports: [published(WEB, '8080:80'), published(WEB, '8081:81')] })]));
      {
        using _ = backend.userRule({ from: LAN, originalPort: 8080, verdict: 'drop' });
        assert.equal(await lan.ask(HOST, 8080), NO);
        assert.equal(await lan.ask(HOST, 8081), `web 81 ${LAN}`);
        assert.equal(await far.ask('10.8.0.1', 8080), `web 80 ${FAR}`);
      }
      {
        using _ = backend.userRule({ from: LAN, to: WEB, verdict: 'accept' });
        assert.equal(await lan.ask(WEB, 81), `web 81 ${LAN}`);
      }
      assert.equal(await lan.ask(WEB, 81), NO);
      assert.equal(await lan.ask(HOST, 8080), `web 80 ${LAN}`);
    });

    test("a table of the user's own with an earlier priority closes a published port, whatever we accept", async () => {
      use(intentOf([docker0({ ports: [published(WEB, '8080:80'), published(WEB, '8081:81')] })]));
      using nft = NftContext.open(world.host.netns);
      nft.run(`table inet my-firewall {
        chain published {
          type filter hook forward priority filter - 1; policy accept;
          iifname "eth0" meta l4proto tcp ct status dnat ct original proto-dst 8080 drop
        }
      }`);
      try {
        assert.equal(await lan.ask(HOST, 8080), NO);
        assert.equal(await lan.ask(HOST, 8081), `web 81 ${LAN}`);
      } finally {
        nft.run('delete table inet my-firewall');
      }
    });

    test('`forwardDrop`: what nobody accepts is not forwarded, and DOCKER-USER can accept it', async () => {
      const intent = intentOf([docker0({ ports: [published(WEB, '8080:80')] })]);
      backend.apply({ ...intent, forwardDrop: { v4: true, v6: true } });
      assert.equal(await lan.ask(FAR, 80), NO, 'this host is no router');
      assert.equal(await lan.ask(HOST, 8080), `web 80 ${LAN}`);
      assert.equal(await web.ask(LAN, 80), `lan 80 ${HOST}`);
      {
        using there = backend.userRule({ from: LAN, to: FAR, verdict: 'accept' });
        using back = backend.userRule({ from: FAR, to: LAN, verdict: 'accept' });
        assert.equal(await lan.ask(FAR, 80), `far 80 ${LAN}`);
        void [there, back];
      }
      if (name === 'nftables') {
        use(intent);
        assert.equal(await lan.ask(FAR, 80), `far 80 ${LAN}`);
      }
    });

    test('established connections live on while rules come, go and are rewritten', async () => {
      const ports = [published(WEB, '8080:80')];
      use(intentOf([docker0({ ports })]));
      const inbound = await lan.converse(HOST, 8080);
      const outbound = await web.converse(LAN, 80);
      for (const intent of [
        intentOf([docker0({ ports: [...ports, published(OTHER, '8081:80')] })]),
        intentOf([brB(), docker0({ ports })]),
        intentOf([docker0({ ports, icc: false }), brB({ internal: true })]),
        intentOf([docker0({ ports })], { userlandProxy: false }),
        intentOf([docker0()]),
        intentOf([docker0({ ports })]),
      ]) {
        use(intent);
        assert.equal(await inbound.say('still there?'), 'still there?');
        assert.equal(await outbound.say('and you?'), 'and you?');
      }
    });

    test('an internal network reaches nothing and is reached by nothing, the host aside', async () => {
      use(intentOf([docker0(), brB({ internal: true, ports: [published(STRANGER, '7000:80')] })]));
      assert.equal(await stranger.ask(LAN, 80), NO);
      assert.equal(await stranger.ask(WEB, 80), NO);
      assert.equal(await lan.ask(STRANGER, 80), NO);
      assert.equal(await web.ask(STRANGER, 80), NO);
      assert.equal(await lan.ask(HOST, 7000), 'ECONNREFUSED');
      assert.equal(await stranger.ask('172.18.0.1', 8000), `host 8000 ${STRANGER}`);
    });

    test('a routed network lets its published ports in from everywhere, by their own numbers, and nothing else', async () => {
      const routed = { v4: { subnets: ['172.18.0.0/16'], mode: 'routed' as const } };
      const ports = [{ ...published(STRANGER, '80:80'), hostPort: 0, hostPortEnd: 0 }];
      for (const networks of [
        [docker0(), brB({ ...routed, ports })],
        [brB({ ...routed, ports }), docker0()],
      ]) {
        use(intentOf(networks));
        assert.equal(await lan.ask(STRANGER, 80), `stranger 80 ${LAN}`);
        assert.equal(await lan.ask(STRANGER, 81), NO);
        assert.equal(
          await web.ask(STRANGER, 80),
          'stranger 80 172.18.0.1',
          'masqueraded on the way out of docker0',
        );
        assert.equal(await web.ask(STRANGER, 81), NO);
        assert.equal(await stranger.ask(LAN, 80), `lan 80 ${STRANGER}`, 'with its own address');
        assert.equal(await stranger.ask(WEB, 80), NO, 'the other network is closed as ever');
        run(lan, 'ping', '-c', '1', '-W', '1', STRANGER);
      }
    });

    test('an unprotected network lets everybody in', async () => {
      const openMode = { v4: { subnets: ['172.18.0.0/16'], mode: 'nat-unprotected' as const } };
      use(intentOf([docker0(), brB({ ...openMode, ports: [published(STRANGER, '7000:80')] })]));
      assert.equal(await lan.ask(HOST, 7000), `stranger 80 ${LAN}`);
      assert.equal(await lan.ask(STRANGER, 81), `stranger 81 ${LAN}`);
      assert.equal(await web.ask(STRANGER, 81), 'stranger 81 172.18.0.1');
      assert.equal(await stranger.ask(LAN, 80), `lan 80 ${HOST}`);
      assert.equal(await stranger.ask(WEB, 80), NO);
    });

    test('IPv6: published ports, direct access, masquerading and isolation are as in IPv4', async () => {
      const v6 = (number: number) => ({ v6: { subnets: [`fd00:${number}::/64`], mode: 'nat' as const } });
      const ports = [
        published('fd00:17::2', '[::]:8080:80'),
        published('fd00:17::2', '[::]:20000-20002:20000-20002'),
        published('fd00:17::2', '[fd00:9::1]:2000-2001:3000-3001'),
      ];
      use(intentOf([docker0({ ...v6(17), ports }), brB(v6(18))]));
      assert.equal(await lan.ask('fd00:9::1', 8080), 'web 80 fd00:9::2');
      assert.equal(await lan.ask('fd00:9::1', 20002), 'web 20002 fd00:9::2');
      assert.equal(await lan.ask('fd00:9::1', 2001), 'web 3001 fd00:9::2');
      assert.equal(await lan.ask('fd00:17::2', 80), NO);
      assert.equal(await web.ask('fd00:9::2', 80), 'lan 80 fd00:9::1');
      assert.equal(await stranger.ask('fd00:17::2', 80), NO);
      assert.equal(await other.ask('fd00:17::2', 80), 'web 80 fd00:17::3');
      assert.match(
        await askLinkLocal(lan, linkLocalOf(world.host, 'eth0'), 8080),
        /^proxy 8080 fe80::/,
        'a link-local client is served by the proxy: the container could not answer it',
      );
    });
  });
}
