/** `bridgeport why`: faults that are made in the kernel are named with their owner, and healthy set-ups give no alarm. */

import assert from 'node:assert/strict';
import { describe, it } from 'node:test';
import type { WhyReport } from '../../src/base/wire/explain.ts';
import { pidOf } from '../harness/container.ts';
import { dockerLike } from '../harness/docker-like.ts';
import { soon } from '../harness/netns.ts';
import { useStage } from '../harness/stage.ts';

/** With nftables, what depends on how rules are written; the rest of the way is the same. */
const BACKENDS = ['iptables', 'nftables'] as const;

const RULES = new Set([
  'rule',
  'policy',
  'icc-off',
  'no-common-network',
  'internal-network',
  'not-published',
]);

/** What is asked, what the answer has to name, and how the fault is made and undone on the host. */
interface Fault {
  readonly name: string;
  readonly make: string;
  readonly undo: string;
  readonly from: string;
  readonly to: string;
  readonly service?: string;
  readonly family?: 4 | 6;
  /** `WhyCause.kind` */
  readonly cause: string;
  /** What `WhyCause.owner` has to be, as far as it matters. */
  readonly owner: Partial<Record<'kind' | 'program' | 'text', string>> & {
    container?: string;
    network?: string;
  };
}

for (const backend of BACKENDS) {
  describe(`why, with the rules of ${backend}`, () => {
    const stage = useStage({
      name: `why-${backend}`,
      images: ['busybox', 'web'],
      config: { 'firewall-backend': backend },
    });

    const ask = async (
      from: string,
      to: string,
      service = '',
      family?: 4 | 6,
      lang = 'en',
    ): Promise<WhyReport> => {
      const query = new URLSearchParams({
        from,
        to,
        service,
        lang,
        ...(family ? { family: `${family}` } : {}),
      });
      const answer = await stage.daemon.api('GET', `/bridgeport/why?${query}`);
      assert.equal(answer.status, 200, answer.text);
      return answer.json() as unknown as WhyReport;
    };
    const yes = async (from: string, to: string, service?: string, family?: 4 | 6) => {
      const report = await ask(from, to, service, family);
      assert.equal(
        report.answer,
        'yes',
        `${from} → ${to} ${service ?? ''}: ${report.cause?.text ?? report.headline}`,
      );
      return report;
    };
    const run = (name: string, ...options: string[]) => stage.cli('run', '-d', '--name', name, ...options);
    const sleeper = ['busybox', 'sleep', '600'];

    async function expectFault(fault: Fault): Promise<void> {
      const { host } = stage;
      await host.sh(fault.make);
      try {
        const { answer, cause } = await ask(fault.from, fault.to, fault.service, fault.family);
        assert.equal(answer, 'no', fault.name);
        assert.equal(cause?.kind, fault.cause, `${fault.name}: ${cause?.text}`);
        const { container, network, ...owner } = fault.owner;
        for (const [key, value] of Object.entries(owner)) {
          assert.equal(cause.owner[key as 'kind'], value, `${fault.name}: ${JSON.stringify(cause.owner)}`);
        }
        if (container !== undefined) assert.equal(cause.owner.container?.name, container, fault.name);
        if (network !== undefined) assert.equal(cause.owner.network?.name, network, fault.name);
        assert.ok(cause.remedies.length > 0, `${fault.name}: a command that changes it`);
        const korean = await ask(fault.from, fault.to, fault.service, fault.family, 'ko');
        assert.equal(korean.cause?.kind, fault.cause);
        assert.match(korean.cause?.text ?? '', /[가-힣]/, `${fault.name} in Korean`);
      } finally {
        await host.sh(fault.undo);
      }
    }

    /** The same questions to a daemon that has no such path, as a Docker Engine: the command line looks at the kernel itself. */
    async function expectSameFromObserver(): Promise<void> {
      await using docker = await dockerLike(stage.daemon);
      const told = async (from: string, to: string): Promise<WhyReport> => {
        const { stdout, stderr } = await docker.run('why', '--json', from, to, 'tcp/80');
        assert.equal(stderr, '');
        return JSON.parse(stdout) as WhyReport;
      };
      const steps = ({ legs }: WhyReport) =>
        legs.flatMap((leg) => leg.steps.map(({ kind, where, ok }) => `${where} ${kind} ${ok}`));
      for (const [from, to] of [
        ['world', 'web'],
        ['web', 'db'],
        ['host', 'web'],
      ] as const) {
        const [seen, own] = [await told(from, to), await ask(from, to, 'tcp/80')];
        assert.equal(seen.answer, own.answer);
        assert.equal(seen.cause?.kind, own.cause?.kind);
        assert.deepEqual(steps(seen), steps(own));
      }
      const { stderr, code } = await docker.run('why', 'web', '1.2.3');
      assert.match(stderr, /No such container, network or address: 1\.2\.3/);
      assert.equal(code, 1);
    }

    it('names what stands in the way, and whose it is', async () => {
      const { cli } = stage;
      await cli('network', 'create', 'back');
      await cli('network', 'create', '--internal', 'cellar');
      await cli('network', 'create', '-o', 'com.docker.network.bridge.enable_icc=false', 'quiet');
      // The first on its network: 172.17.0.2.
      await run('web', '-p', '8080:80', '-p', '127.0.0.1:8081:80', 'web');
      await run('db', '--network', 'back', '--network-alias', 'store', 'web');
      await Promise.all([
        run('client', ...sleeper),
        run('app', '--network', 'back', ...sleeper),
        run('mole', '--network', 'cellar', ...sleeper),
        run('one', '--network', 'quiet', 'web'),
        run('two', '--network', 'quiet', ...sleeper),
        run('shy', 'busybox', 'httpd', '-f', '-p', '127.0.0.1:80'),
      ]);
      const veth = JSON.parse(await cli('inspect', 'web'))[0].NetworkSettings.Networks.bridge
        .HostVeth as string;
      const backSubnet = '172.18.0.0/24';
      const webPid = await pidOf(cli, 'web');
      const before = await yes('world', 'web', 'tcp/80');
      assert.deepEqual(before.remarks, []);
      const nft = backend === 'nftables';
      const rule = (command: string) => `iptables -w ${command}`;
      const accept = 'DOCKER -d 172.17.0.2/32 ! -i docker0 -o docker0 -p tcp -m tcp --dport 80 -j ACCEPT';
      const faults: Fault[] = [
        // With nftables the daemon has it back before anybody can ask.
        ...(nft
          ? []
          : [
              {
                name: 'a rule deleted',
                make: rule(`-D ${accept}`),
                undo: rule(`-A ${accept}`),
                from: 'world',
                to: 'web',
                service: 'tcp/80',
                cause: 'rule-missing',
                owner: { kind: 'engine', container: 'web' },
              },
              {
                name: 'masquerading deleted',
                make: rule('-t nat -D POSTROUTING -s 172.17.0.0/16 ! -o docker0 -j MASQUERADE'),
                undo: rule('-t nat -I POSTROUTING -s 172.17.0.0/16 ! -o docker0 -j MASQUERADE'),
                from: 'client',
                to: 'world',
                cause: 'rule-missing',
                owner: { kind: 'engine', network: 'bridge' },
              },
            ]),
        {
          name: "a user's rule before ours",
          make: nft
            ? 'nft insert rule ip docker-bridges DOCKER-USER meta l4proto tcp ct original proto-dst 8080 drop'
            : rule('-I DOCKER-USER -p tcp -m conntrack --ctorigdstport 8080 -j DROP'),
          undo: nft
            ? 'nft flush chain ip docker-bridges DOCKER-USER'
            : rule('-D DOCKER-USER -p tcp -m conntrack --ctorigdstport 8080 -j DROP'),
          from: 'world',
          to: 'web',
          service: 'tcp/80',
          cause: 'rule',
          owner: { kind: 'user' },
        },
        {
          name: 'icc off',
          make: 'true',
          undo: 'true',
          from: 'two',
          to: 'one',
          service: 'tcp/80',
          cause: 'icc-off',
          owner: { kind: 'engine', network: 'quiet' },
        },
        {
          name: 'the wrong network',
          make: 'true',
          undo: 'true',
          from: 'client',
          to: 'db',
          service: 'tcp/80',
          cause: 'no-common-network',
          owner: { kind: 'network', network: 'back' },
        },
        {
          name: 'a name on another network',
          make: 'true',
          undo: 'true',
          from: 'client',
          to: 'store',
          service: 'tcp/80',
          cause: 'no-common-network',
          owner: { kind: 'network', network: 'back' },
        },
        {
          name: 'an internal network',
          make: 'true',
          undo: 'true',
          from: 'mole',
          to: 'world',
          cause: 'internal-network',
          owner: { kind: 'network', network: 'cellar' },
        },
        {
          name: 'an internal network, from outside',
          make: 'true',
          undo: 'true',
          from: 'world',
          to: 'mole',
          service: 'tcp/80',
          cause: 'internal-network',
          owner: { kind: 'network', network: 'cellar' },
        },
        {
          name: 'a service bound to 127.0.0.1',
          make: 'true',
          undo: 'true',
          from: 'client',
          to: 'shy',
          service: 'tcp/80',
          cause: 'other-address',
          owner: { kind: 'container', container: 'shy' },
        },
        {
          name: 'a service that is down',
          make: 'true',
          undo: 'true',
          from: 'web',
          to: 'client',
          service: 'tcp/80',
          cause: 'no-socket',
          owner: { kind: 'container', container: 'client' },
        },
        {
          name: 'a port published on loopback only',
          make: 'true',
          undo: 'true',
          from: 'world',
          to: 'host:8081',
          cause: 'published-on-loopback',
          owner: { kind: 'container', container: 'web' },
        },
        {
          name: 'a port that is not published',
          make: 'true',
          undo: 'true',
          from: 'world',
          to: 'db',
          service: 'tcp/80',
          cause: 'not-published',
          owner: { kind: 'container', container: 'db' },
        },
        {
          name: 'forwarding off',
          make: 'echo 0 >/proc/sys/net/ipv4/ip_forward',
          undo: 'echo 1 >/proc/sys/net/ipv4/ip_forward',
          from: 'client',
          to: 'world',
          cause: 'forwarding-off',
          owner: { kind: 'host', text: 'setting net.ipv4.ip_forward' },
        },
        {
          name: 'a VPN route over the subnet',
          make: `ip link add tun9 type veth peer name tun9p; ip link set tun9 up; ip link set tun9p up; ip route add ${backSubnet} dev tun9`,
          undo: 'ip link del tun9',
          from: 'host',
          to: 'db',
          service: 'tcp/80',
          cause: 'route-elsewhere',
          owner: { kind: 'host', text: 'interface tun9' },
        },
        {
          name: 'the reverse path filter',
          make: `ip link add tun9 type veth peer name tun9p; ip link set tun9 up; ip link set tun9p up; ip route add ${backSubnet} dev tun9; for f in /proc/sys/net/ipv4/conf/br-*/rp_filter; do echo 1 >$f; done`,
          undo: 'ip link del tun9; for f in /proc/sys/net/ipv4/conf/br-*/rp_filter; do echo 0 >$f; done',
          from: 'app',
          to: 'world',
          cause: 'reverse-path',
          owner: { kind: 'host' },
        },
        {
          name: 'ufw, FORWARD',
          make: [
            rule('-N ufw-before-forward'),
            rule('-I FORWARD 1 -j ufw-before-forward'),
            rule('-A ufw-before-forward -i eth0 -m conntrack --ctstate NEW -j DROP'),
          ].join('; '),
          undo: [
            rule('-D FORWARD -j ufw-before-forward'),
            rule('-F ufw-before-forward'),
            rule('-X ufw-before-forward'),
          ].join('; '),
          from: 'world',
          to: 'web',
          service: 'tcp/80',
          cause: 'rule',
          owner: { kind: 'program', program: 'ufw' },
        },
        {
          name: 'ufw, INPUT',
          make: [
            rule('-N ufw-before-input'),
            rule('-A INPUT -j ufw-before-input'),
            rule('-P INPUT DROP'),
          ].join('; '),
          undo: [
            rule('-P INPUT ACCEPT'),
            rule('-D INPUT -j ufw-before-input'),
            rule('-X ufw-before-input'),
          ].join('; '),
          from: 'client',
          to: 'host:8080',
          cause: 'policy',
          owner: { kind: 'program', program: 'ufw' },
        },
        {
          name: 'firewalld',
          make: `nft -f - <<'EOF'
table inet firewalld {
  chain filter_FORWARD {
    type filter hook forward priority 10; policy accept;
    ct state established,related accept
    ct status dnat accept
    iifname "docker0" reject with icmpx admin-prohibited
  }
}
EOF`,
          undo: 'nft delete table inet firewalld',
          from: 'client',
          to: 'world',
          cause: 'rule',
          owner: { kind: 'program', program: 'firewalld' },
        },
        {
          name: 'a veth that is down',
          make: `ip link set ${veth} down`,
          undo: `ip link set ${veth} up`,
          from: 'client',
          to: 'web',
          service: 'tcp/80',
          cause: 'link-down',
          owner: { kind: 'host', text: `interface ${veth}` },
        },
        {
          name: "a container's own end that is down",
          make: `nsenter --net=/proc/${webPid}/ns/net ip link set eth0 down`,
          undo: `nsenter --net=/proc/${webPid}/ns/net sh -c 'ip link set eth0 up; ip route add default via 172.17.0.1'`,
          from: 'client',
          to: 'web',
          service: 'tcp/80',
          cause: 'no-carrier',
          owner: { kind: 'host', text: `interface ${veth}` },
        },
        {
          name: 'IPv6 on neither side',
          make: 'true',
          undo: 'true',
          from: 'client',
          to: 'web',
          service: 'tcp/80',
          family: 6,
          cause: 'no-family',
          owner: { kind: 'container' },
        },
      ];
      const chosen = nft ? faults.filter(({ cause }) => RULES.has(cause)) : faults;
      for (const fault of chosen) await expectFault(fault);
      if (!nft) {
        // The proxy serves what is not translated: it works, and a rule is gone.
        const translation =
          'DOCKER ! -i docker0 -p tcp -m tcp --dport 8080 -j DNAT --to-destination 172.17.0.2:80';
        await stage.host.sh(rule(`-t nat -D ${translation}`));
        const { remarks, legs } = await yes('world', 'web', 'tcp/80');
        assert.ok(remarks.some((remark) => remark.includes(translation)));
        assert.ok(legs.some(({ steps }) => steps.some(({ kind }) => kind === 'proxy')));
        const missing = JSON.parse(await stage.daemon.bridgeport('rules', '--json')).missing as Array<{
          text: string;
        }>;
        assert.deepEqual(
          missing.map(({ text }) => text),
          [`-A ${translation}`],
        );
        await stage.host.sh(rule(`-t nat -A ${translation}`));
      }
      assert.match(await stage.daemon.bridgeport('rules', '--lang', 'ko'), /web 컨테이너의 80번 포트/);
      await cli('pause', 'web');
      for (const from of ['client', 'world']) {
        const { answer, cause: paused } = await ask(from, 'web', 'tcp/80');
        assert.deepEqual([answer, paused?.kind, paused?.owner.container?.name], ['no', 'paused', 'web']);
        assert.deepEqual(paused?.remedies, ['docker unpause web']);
      }
      await yes('client', 'web', 'icmp');
      await cli('unpause', 'web');
      await cli('stop', '-t', '0', 'web');
      const { cause } = await ask('client', 'web', 'tcp/80');
      assert.equal(cause?.kind, 'not-running');
      assert.deepEqual(cause?.remedies, ['docker start web']);
    });

    it('sends a packet that the kernel traces, and leaves nothing behind, also when it is killed', async () => {
      const { cli, daemon, host } = stage;
      await cli('network', 'create', 'back');
      await run('web', '-p', '8080:80', 'web');
      await Promise.all([run('client', ...sleeper), run('db', '--network', 'back', 'web')]);
      await host.getSoon('http://172.17.0.2/');
      if (backend === 'iptables') await expectSameFromObserver();
      const probed = async (from: string, to: string, service: string) => {
        const query = new URLSearchParams({ from, to, service, probe: '1' });
        const answer = await daemon.api('GET', `/bridgeport/why?${query}`);
        return (answer.json() as unknown as WhyReport).probe;
      };
      const tables = () => host.ok('nft', 'list', 'tables');
      const good = await probed('client', 'web', 'tcp/80');
      assert.deepEqual([good?.traced, good?.agrees], [true, true], good?.text);
      const dropped = await probed('client', 'db', 'tcp/80');
      assert.deepEqual([dropped?.traced, dropped?.agrees], [true, true], dropped?.text);
      assert.equal(dropped?.events.at(-1)?.verdict, 'drop');
      assert.equal((await probed('client', 'web', 'tcp/81'))?.agrees, true, 'refused, as was said');
      assert.equal((await probed('world', 'web', 'tcp/80'))?.traced, false);
      assert.doesNotMatch(await tables(), /bridgeport-probe/);

      const cut = probed('client', 'db', 'tcp/80').catch(() => undefined);
      await soon(async () => assert.match(await tables(), /bridgeport-probe/));
      await daemon.kill();
      await cut;
      await soon(async () => assert.doesNotMatch(await tables(), /bridgeport-probe/));
      await daemon.start();
    });

    if (backend === 'nftables') return;

    it('gives no alarm where nothing is wrong', async () => {
      const { cli, host } = stage;
      await cli('network', 'create', 'back');
      await cli('network', 'create', '--internal', 'cellar');
      await cli('network', 'create', '-o', 'com.docker.network.bridge.enable_ip_masquerade=false', 'bare');
      await cli('network', 'create', '--ipv6', '--subnet', 'fd00:5::/64', 'six');
      await cli('network', 'create', '-o', 'com.docker.network.bridge.gateway_mode_ipv4=routed', 'way');
      await cli(
        'network',
        'create',
        '-o',
        'com.docker.network.bridge.gateway_mode_ipv4=nat-unprotected',
        'open',
      );
      await Promise.all([
        run('web', '-p', '8080:80', '-p', '127.0.0.1:8081:80', '-p', '9000-9002:80-82', 'web'),
        run('client', ...sleeper),
        run('db', '--network', 'back', 'web'),
        run('app', '--network', 'back', ...sleeper),
        run('deep', '--network', 'cellar', 'web'),
        run('mole', '--network', 'cellar', ...sleeper),
        run('plain', '--network', 'bare', ...sleeper),
        run('six1', '--network', 'six', '-p', '8086:80', 'web'),
        run('six2', '--network', 'six', ...sleeper),
        run('routed', '--network', 'way', '-p', '80', 'web'),
        run('wide', '--network', 'open', 'web'),
        run('naked', '--network', 'host', 'busybox', 'httpd', '-f', '-p', '7777'),
      ]);
      await Promise.all([
        run('guest', '--network', 'container:web', ...sleeper),
        run('linked', '--link', 'web:shop', ...sleeper),
        run('alone', '--network', 'none', ...sleeper),
        cli('network', 'connect', 'back', 'client'),
      ]);
      await host.getSoon('http://127.0.0.1:8080/');
      const healthy: ReadonlyArray<readonly [string, string, string?, (4 | 6)?]> = [
        ['linked', 'web', 'tcp/80'],
        ['app', 'db', 'tcp/80'],
        ['client', 'db', 'tcp/80'],
        ['app', 'db', 'icmp'],
        ['app', '127.0.0.11:53', 'udp'],
        ['app', '127.0.0.11:53', 'tcp'],
        ['world', 'web', 'tcp/80'],
        ['world', 'host:8080'],
        ['world', 'host:9001', 'tcp'],
        ['host', 'localhost:8081'],
        ['host', 'host:8080'],
        ['host', 'web', 'tcp/80'],
        ['mole', 'deep', 'tcp/80'],
        ['app', 'world'],
        ['plain', 'world'],
        ['six2', 'six1', 'tcp/80', 6],
        ['six2', 'six1', 'tcp/80', 4],
        ['world', 'six1', 'tcp/80', 6],
        ['app', 'host:8080'],
        ['web', 'host:8080'],
        ['guest', 'world'],
        ['client', 'guest', 'tcp/80'],
        ['guest', 'web', 'tcp/80'],
        ['world', 'guest', 'tcp/80'],
        ['host', 'guest', 'tcp/80'],
        ['world', 'host:7777'],
        ['client', 'back', 'tcp/80'],
        ['10.99.0.1', 'routed', 'tcp/80'],
        ['10.99.0.1', 'wide', 'tcp/80'],
      ];
      // 9001 stands for 81, where nobody listens: the packet gets there all the same.
      for (const [from, to, service, family] of healthy) {
        if (to === 'host:9001') {
          assert.equal((await ask(from, to, service)).cause?.kind, 'no-socket');
        } else {
          await yes(from, to, service, family);
        }
      }
      // What is told to be done, the daemon does.
      const remedyOf = async (from: string) => (await ask(from, 'db', 'tcp/80')).cause?.remedies.at(-1);
      assert.match((await remedyOf('alone')) ?? '', /^docker run --network back … .*busybox/);
      assert.equal(await remedyOf('guest'), 'docker network connect back web');
      await cli('network', 'connect', 'back', 'web');
      await yes('guest', 'db', 'tcp/80');
      await cli('network', 'disconnect', 'back', 'web');
      const { legs, remarks } = await yes('world', 'web', 'tcp/80');
      assert.deepEqual(remarks, []);
      assert.deepEqual(
        legs.map(({ direction }) => direction),
        ['there', 'back'],
      );
    });
  });
}
