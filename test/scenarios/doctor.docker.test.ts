/** `bridgeport doctor` on a host that is whole, and after real changes to its kernel, each of which it has to name with its owner. */

import assert from 'node:assert/strict';
import { after, before, describe, it } from 'node:test';
import type { DoctorReport } from '../../src/base/wire/doctor.ts';
import type { Background } from '../harness/background.ts';
import { background } from '../harness/background.ts';
import { inNetworkOf, pidOf } from '../harness/container.ts';
import { run } from '../harness/exec.ts';
import { WORLD_IP, WORLD_IP6 } from '../harness/host.ts';
import { nameServer } from '../harness/name-server.ts';
import { type Link, soon } from '../harness/netns.ts';
import { useStage } from '../harness/stage.ts';

const OPTION = 'com.docker.network.bridge';

/** Networks with one container each, all of them whole. `{}` is the network's name. */
const HEALTHY: ReadonlyArray<readonly [network: string, run: string]> = [
  ['', '-p 8001:80'],
  ['--subnet 10.77.0.0/24', '-p 8002:80'],
  ['--subnet 10.78.0.0/24 --gateway 10.78.0.254', ''],
  ['--subnet 10.79.0.0/16 --ip-range 10.79.4.0/24', '--ip 10.79.200.1'],
  ['--internal', ''],
  ['--internal --ipv6', ''],
  ['--ipv6', '-p 8007:80'],
  ['--ipv6 --subnet fd12::/64 --subnet 10.81.0.0/24', '--ip6 fd12::99'],
  [`-o ${OPTION}.enable_icc=false`, ''],
  [`-o ${OPTION}.enable_ip_masquerade=false`, ''],
  [`-o ${OPTION}.host_binding_ipv4=127.0.0.1`, '-p 8011:80'],
  [`-o ${OPTION}.name=mine0`, ''],
  ['-o com.docker.network.driver.mtu=1400', '-p 8013:80/udp'],
  [`-o ${OPTION}.gateway_mode_ipv4=routed`, '-p 80'],
  [`-o ${OPTION}.gateway_mode_ipv4=nat-unprotected`, ''],
  [`--internal -o ${OPTION}.gateway_mode_ipv4=isolated`, ''],
  [`-o ${OPTION}.inhibit_ipv4=true`, ''],
  ['--attachable --label a=b', '--network-alias other --mac-address 02:42:00:00:00:99'],
  ['', `--dns ${WORLD_IP}`],
  ['--aux-address printer=10.82.0.9 --subnet 10.82.0.0/24', '-p 8020-8029:8020-8029'],
];

describe('the doctor', () => {
  const stage = useStage({ name: 'doctor', images: ['busybox', 'web'], config: { dns: [WORLD_IP] } });
  let server: Background;
  before(async () => {
    server = await nameServer(stage.host.world, { address: WORLD_IP, names: {} });
  });
  after(() => server?.end());

  const examine = async (...flags: string[]): Promise<{ code: number; report: DoctorReport }> => {
    const { code, stdout, stderr } = await run([
      ...['bin/bridgeport', '-H', `unix://${stage.daemon.socket}`, 'doctor', '--json', ...flags],
    ]);
    assert.ok(stdout.startsWith('{'), stderr);
    return { code, report: JSON.parse(stdout) as DoctorReport };
  };
  /** `veth-down container web`: what was found, without repetition. */
  const found = ({ findings }: DoctorReport) =>
    [...new Set(findings.map(({ check, owner }) => `${check} ${owner.kind} ${owner.name}`))].sort();
  const expectHealthy = async (why: string) => {
    const { code, report } = await examine();
    assert.deepEqual([report.findings, report.checks.filter(({ status }) => status !== 'ok')], [[], []], why);
    assert.equal(code, 0, why);
  };

  it('finds nothing wrong with twenty set-ups that are whole, whatever serves them', async () => {
    const { cli, daemon } = stage;
    const words = (text: string) => text.split(' ').filter((word) => word !== '');
    const startEvery = (step: number) =>
      Promise.all(
        HEALTHY.flatMap(([, options], index) =>
          index % step === 0
            ? [
                cli(
                  'run',
                  '-d',
                  '--name',
                  `box${index}`,
                  '--network',
                  `net${index}`,
                  ...words(options),
                  'web',
                ),
              ]
            : [],
        ),
      );
    await Promise.all(
      HEALTHY.map(([options], index) => cli('network', 'create', ...words(options), `net${index}`)),
    );
    await startEvery(1);
    await expectHealthy('iptables');
    for (const config of [{ 'firewall-backend': 'nftables' }, { 'userland-proxy': false }]) {
      await daemon.removeContainers();
      daemon.configure({ dns: [WORLD_IP], ...config });
      await daemon.restart();
      await startEvery(3);
      await expectHealthy(JSON.stringify(config));
    }
    await daemon.removeContainers();
    daemon.configure({ dns: [WORLD_IP] });
    await daemon.restart();
  });

  it('names each fault and its owner, and nothing else', async () => {
    const { cli, host, daemon } = stage;
    await cli('network', 'create', 'back');
    await cli('network', 'create', '--ipv6', 'six');
    await cli('network', 'create', '-o', `${OPTION}.enable_icc=false`, 'apart');
    await cli('run', '-d', '--name', 'web', '-p', '8080:80', 'web');
    await cli('run', '-d', '--name', 'db', '--network', 'back', 'web');
    await cli('run', '-d', '--name', 'db2', '--network', 'back', 'web');
    await cli('run', '-d', '--name', 'six1', '--network', 'six', 'web');
    await cli('run', '-d', '--name', 'lone', '--network', 'apart', 'web');
    await expectHealthy('before any fault');

    const [web, db2] = [await pidOf(cli, 'web'), await pidOf(cli, 'db2')];
    const veth = async (pid: number) => {
      const [inner] = JSON.parse(await inNetworkOf(pid, 'ip', '-json', 'link', 'show', 'eth0')) as Link[];
      return (await host.links()).find(({ ifindex }) => ifindex === inner?.link_index)?.ifname ?? '';
    };
    const webVeth = await veth(web);
    const inside = (pid: number) => `nsenter --net=/proc/${pid}/ns/net`;
    const addressOf = async (name: string) =>
      (
        await cli(
          'inspect',
          '-f',
          '{{range .NetworkSettings.Networks}}{{.IPAddress}} {{.MacAddress}}{{end}}',
          name,
        )
      ).split(' ');
    const [dbIp = '', dbMac = ''] = await addressOf('db');
    const [, db2Mac = ''] = await addressOf('db2');
    const rule = (await host.rules('nat', 'DOCKER')).find((line) => line.includes('--dport 8080'))?.slice(3);
    const away = 'ip link del tun9';
    const vpn = 'ip link add tun9 type veth peer name tun9p; ip link set tun9p up; ip link set tun9 up;';

    /** What is broken, how, what has to be found, and how it is undone. */
    const faults: Array<[what: string, script: string, expected: string[], undo: string]> = [
      [
        'IPv4 forwarding off',
        'echo 0 >/proc/sys/net/ipv4/ip_forward',
        ['forwarding-off host host'],
        'echo 1 >/proc/sys/net/ipv4/ip_forward',
      ],
      [
        'IPv6 forwarding off',
        'echo 0 >/proc/sys/net/ipv6/conf/all/forwarding',
        ['forwarding-off host host'],
        'echo 1 >/proc/sys/net/ipv6/conf/all/forwarding',
      ],
      [
        'a rule of a published port deleted',
        `iptables -w -t nat -D ${rule}`,
        ['rules-missing container web'],
        `iptables -w -t nat -A ${rule}`,
      ],
      [
        "a user's rule before all of ours",
        'iptables -w -I FORWARD -j DROP',
        ['rules-shadowed program iptables -t filter FORWARD'],
        'iptables -w -D FORWARD -j DROP',
      ],
      [
        'a firewall of another program that lets nothing through',
        "nft 'table inet other { chain onward { type filter hook forward priority 10; policy drop; ct state established accept; }; }'",
        ['rules-shadowed program nft inet other onward'],
        'nft delete table inet other',
      ],
      [
        'frames within bridges kept from the firewall',
        'echo 0 >/proc/sys/net/bridge/bridge-nf-call-iptables',
        ['bridge-filter-off network apart'],
        'echo 1 >/proc/sys/net/bridge/bridge-nf-call-iptables',
      ],
      [
        'an interface with addresses of a network',
        'ip addr add 172.17.5.1/24 dev eth0',
        ['subnet-overlap network bridge'],
        'ip addr del 172.17.5.1/24 dev eth0',
      ],
      [
        'a VPN over the containers',
        `${vpn} ip route add 172.17.0.0/24 dev tun9`,
        ['route-over-subnet program tun9'],
        away,
      ],
      [
        'a VPN over a pool',
        `${vpn} ip route add 172.16.0.0/12 dev tun9`,
        ['route-over-subnet program tun9'],
        away,
      ],
      [
        'a VPN by policy routing',
        `${vpn} ip route add default dev tun9 table 77; ip rule add to 172.17.0.0/16 lookup 77 priority 90`,
        ['route-over-subnet program tun9'],
        `ip rule del priority 90; ${away}`,
      ],
      [
        'the address of a bridge taken away',
        'ip addr del 172.17.0.1/16 dev docker0',
        ['gateway-missing network bridge'],
        'ip addr add 172.17.0.1/16 dev docker0',
      ],
      ['a bridge down', 'ip link set docker0 down', ['bridge-down network bridge'], 'ip link set docker0 up'],
      [
        "the host's end of a pair down",
        `ip link set ${webVeth} down`,
        ['veth-down container web'],
        `ip link set ${webVeth} up`,
      ],
      [
        'a pair taken off its bridge',
        `ip link set ${webVeth} nomaster`,
        ['veth-down container web'],
        `ip link set ${webVeth} master docker0`,
      ],
      [
        'packets larger than the bridge',
        `${inside(web)} ip link set eth0 mtu 9000`,
        ['mtu-mismatch container web'],
        `${inside(web)} ip link set eth0 mtu 1500`,
      ],
      [
        'a black hole for large packets',
        'ip link set eth0 mtu 1400; iptables -w -A FORWARD -p icmp -j DROP',
        [
          'icmp-dropped program iptables -t filter FORWARD',
          ...['apart', 'back', 'bridge', 'six'].map((name) => `mtu-mismatch network ${name}`),
        ],
        'ip link set eth0 mtu 1500; iptables -w -D FORWARD -p icmp -j DROP',
      ],
      [
        'a container that takes an address of another',
        `${inside(db2)} ip addr add ${dbIp}/32 dev eth0`,
        ['address-twice container db'],
        `${inside(db2)} ip addr del ${dbIp}/32 dev eth0`,
      ],
      [
        'a stranger on the bridge with an address of a container',
        `ip netns add ${host.name}-s; ip link add vs0 type veth peer name eth0 netns ${host.name}-s; ip link set vs0 master docker0 up
         ip -n ${host.name}-s addr add 172.17.0.2/16 dev eth0; ip -n ${host.name}-s link set eth0 up`,
        ['address-twice container web'],
        `ip netns del ${host.name}-s`,
      ],
      [
        'two containers with one hardware address',
        `${inside(db2)} ip link set eth0 address ${dbMac}`,
        ['mac-twice container db', 'mac-twice container db2'],
        `${inside(db2)} ip link set eth0 address ${db2Mac}`,
      ],
      [
        'a link that a crash left',
        'ip link add vethlost type bridge; ip link set vethlost alias "bridgeport 0123"',
        ['leftovers daemon bridgeport'],
        'ip link del vethlost',
      ],
      [
        'a router that is not heard any more',
        `ip -6 route add default via ${WORLD_IP6} dev eth0 proto ra metric 99; echo 1 >/proc/sys/net/ipv6/conf/eth0/accept_ra`,
        ['ipv6-router host host'],
        `ip -6 route del default via ${WORLD_IP6} dev eth0 proto ra metric 99; echo 2 >/proc/sys/net/ipv6/conf/eth0/accept_ra`,
      ],
    ];
    for (const [what, script, expected, undo] of faults) {
      await host.sh(script);
      try {
        const { code, report } = await examine();
        assert.deepEqual(found(report), expected, `${what}\n${JSON.stringify(report.findings, null, 1)}`);
        assert.equal(code, 1);
        for (const { text, remedy, evidence } of report.findings)
          assert.ok(text && remedy && evidence.length > 0, what);
      } finally {
        await host.sh(undo);
      }
    }
    await expectHealthy('after all of it was undone');

    await cli('run', '-d', '--name', 'lost', '--dns', '10.99.0.77', 'web');
    assert.deepEqual(
      found((await examine()).report),
      ['resolver-dead container lost'],
      'a name server that is not there',
    );
    await cli('rm', '-f', 'lost');

    // The keeper is killed while nobody can start it again, and another program takes its port.
    process.kill(daemon.pid, 'SIGSTOP');
    let thief: Background;
    try {
      await host.sh("kill -9 $(ss -lntpH 'sport = :8080' | sed -n 's/.*pid=\\([0-9]*\\).*/\\1/p' | sort -u)");
      await soon(async () => assert.equal(await host.ok('ss', '-lntH', 'sport = :8080'), ''));
      thief = background([...host.enter, 'socat', 'TCP-LISTEN:8080,fork,reuseaddr', 'EXEC:cat']);
      await soon(async () => assert.match(await host.ok('ss', '-lntpH', 'sport = :8080'), /socat/));
    } finally {
      process.kill(daemon.pid, 'SIGCONT');
    }
    await soon(async () => assert.deepEqual(found((await examine()).report), ['proxy-down container web']));
    thief.signal('SIGTERM');
    await thief.end();
    await soon(() => expectHealthy('after the thief has gone'));
  });

  it('says it in the language that is asked for, and tells by its exit status what it found', async () => {
    const { host, daemon } = stage;
    await host.setSysctl('net/ipv4/ip_forward', '0');
    try {
      const english = (await examine('--lang', 'en')).report;
      const korean = (await examine('--lang', 'ko')).report;
      assert.match(english.findings[0]?.text ?? '', /^IPv4 forwarding is off/);
      assert.match(korean.findings[0]?.text ?? '', /^IPv4 전달이 꺼져 있습니다/);
      const { code, stdout } = await run([
        'bin/bridgeport',
        '-H',
        `unix://${daemon.socket}`,
        'doctor',
        '--lang',
        'ko',
      ]);
      assert.equal(code, 1);
      assert.match(
        stdout,
        /오류 호스트 \[forwarding-off\].*조치: 전달을 켜고.*# echo 1 > \/proc\/sys\/net\/ipv4\/ip_forward/s,
      );
    } finally {
      await host.setSysctl('net/ipv4/ip_forward', '1');
    }
    const { code, stderr } = await run([
      'bin/bridgeport',
      '-H',
      `unix://${daemon.root}/nobody.sock`,
      'doctor',
    ]);
    assert.equal(code, 2);
    assert.match(stderr, /Cannot connect to the Bridgeport daemon/);
  });
});
