/** `bridgeport doctor` on a host that is whole, and after real changes to its kernel, each of which it has to name with its owner. */

import assert from 'node:assert/strict';
import { join } from 'node:path';
import { after, before, describe, it } from 'node:test';
import type { DoctorReport } from '../../src/base/wire/doctor.ts';
import type { Background } from '../harness/background.ts';
import { background } from '../harness/background.ts';
import { inNetworkOf, pidOf } from '../harness/container.ts';
import { ok, run } from '../harness/exec.ts';
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

interface Fault {
  what: string;
  script: string | (() => Promise<string>);
  found: string[];
  /** What the doctor has no command for, and goes on to find. Default nothing. */
  left?: string[];
  undo?: string;
}

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
  const look = async () => (await stage.daemon.api('GET', '/bridgeport/doctor')).json<DoctorReport>();
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

  it('names each fault and its owner, and nothing else; what it says has to be typed puts it right', async () => {
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

    const veth = async (name: string) => {
      const inner = await inNetworkOf(await pidOf(cli, name), 'ip', '-json', 'link', 'show', 'eth0');
      const [{ link_index: index }] = JSON.parse(inner) as [Link];
      return (await host.links()).find(({ ifindex }) => ifindex === index)?.ifname ?? '';
    };
    const bridgeOf = async (network: string) =>
      `br-${(await cli('network', 'inspect', '-f', '{{.Id}}', network)).slice(0, 12)}`;
    const inside = async (name: string) => `nsenter --net=/proc/${await pidOf(cli, name)}/ns/net`;
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
    const rule = (await host.rules('nat', 'DOCKER')).find((line) => line.includes('--dport 8080'))?.slice(3);
    const lost = join(daemon.execRoot, 'netns', 'lost');
    const away = 'ip link del tun9';
    const vpn = 'ip link add tun9 type veth peer name tun9p; ip link set tun9p up; ip link set tun9 up;';

    /**
     * What is broken, how, what has to be found, and what is left to be undone when all the commands that the doctor gives have been
     * executed as they are.
     */
    const faults: Fault[] = [
      {
        what: 'IPv4 forwarding off',
        script: 'echo 0 >/proc/sys/net/ipv4/ip_forward',
        found: ['forwarding-off host host'],
      },
      {
        what: 'IPv6 forwarding off',
        script: 'echo 0 >/proc/sys/net/ipv6/conf/all/forwarding',
        found: ['forwarding-off host host'],
      },
      {
        what: 'a rule of a published port deleted',
        script: `iptables -w -t nat -D ${rule}`,
        found: ['rules-missing container web'],
      },
      {
        what: "a user's rule before all of ours",
        script: `iptables -w -I FORWARD -m comment --comment "it's $(hostname)" -j DROP`,
        found: ['rules-shadowed program iptables -t filter FORWARD'],
      },
      {
        what: 'a firewall of another program that lets nothing through',
        script:
          "nft 'table inet other { chain onward { type filter hook forward priority 10; policy drop; ct state established accept; }; }'",
        found: ['rules-shadowed program nft inet other onward'],
        undo: 'nft delete table inet other',
      },
      {
        what: 'frames within bridges kept from the firewall',
        script: 'echo 0 >/proc/sys/net/bridge/bridge-nf-call-iptables',
        found: ['bridge-filter-off network apart'],
      },
      {
        what: 'an interface with addresses of the default network',
        script: `${vpn} ip addr add 172.17.5.1/24 dev tun9`,
        found: ['subnet-overlap network bridge'],
        undo: away,
      },
      {
        what: 'a VPN over the containers',
        script: `${vpn} ip route add 172.17.0.0/24 dev tun9`,
        found: ['route-over-subnet program tun9'],
        undo: away,
      },
      {
        what: 'a VPN by policy routing',
        script: `${vpn} ip route add default dev tun9 table 77; ip rule add to 172.17.0.0/16 lookup 77 priority 90`,
        found: ['route-over-subnet program tun9'],
        undo: `ip rule del priority 1; ip rule del priority 90; ${away}`,
      },
      {
        what: 'the address of a bridge taken away',
        script: 'ip addr del 172.17.0.1/16 dev docker0',
        found: ['gateway-missing network bridge'],
      },
      {
        what: 'a bridge down that has IPv6',
        script: async () => `ip link set ${await bridgeOf('six')} down`,
        found: ['bridge-down network six'],
      },
      {
        what: 'a bridge deleted',
        script: 'ip link del docker0',
        found: ['bridge-down network bridge'],
      },
      {
        what: "the host's end of a pair down",
        script: async () => `ip link set ${await veth('web')} down`,
        found: ['veth-down container web'],
      },
      {
        what: "the container's end of a pair down",
        script: async () => `${await inside('six1')} ip link set eth0 down`,
        found: ['veth-down container six1'],
      },
      {
        what: 'a pair taken off its bridge',
        script: async () => `ip link set ${await veth('web')} nomaster`,
        found: ['veth-down container web'],
      },
      {
        what: 'a port of a bridge that forwards nothing',
        script: async () => `bridge link set dev ${await veth('web')} state 0`,
        found: ['veth-down container web'],
      },
      {
        what: 'a pair deleted',
        script: async () => `ip link del ${await veth('web')}`,
        found: ['veth-down container web'],
      },
      {
        what: 'an address taken from a container',
        script: async () => `${await inside('web')} ip addr flush dev eth0`,
        found: ['address-missing container web'],
      },
      {
        what: 'the default route taken from a container',
        script: async () => `${await inside('six1')} ip -6 route del default`,
        found: ['default-route-missing container six1'],
      },
      {
        what: 'packets larger than the bridge',
        script: async () => `${await inside('web')} ip link set eth0 mtu 9000`,
        found: ['mtu-mismatch container web'],
      },
      {
        what: 'a container that takes an address of another',
        script: async () => `${await inside('db2')} ip addr add ${dbIp}/32 dev eth0`,
        found: ['address-twice container db'],
      },
      {
        what: 'a stranger on the bridge with an address of a container',
        script: `ip netns add ${host.name}-s; ip link add vs0 type veth peer name eth0 netns ${host.name}-s; ip link set vs0 master docker0 up
         ip -n ${host.name}-s addr add 172.17.0.2/16 dev eth0; ip -n ${host.name}-s link set eth0 up`,
        found: ['address-twice container web'],
        undo: `ip netns del ${host.name}-s`,
      },
      {
        what: 'two containers with one hardware address',
        script: async () => `${await inside('db2')} ip link set eth0 address ${dbMac}`,
        found: ['mac-twice container db', 'mac-twice container db2'],
      },
      {
        what: 'a link and a namespace that a crash left',
        script: `ip link add vethlost type bridge; ip link set vethlost alias "bridgeport 0123"; touch ${lost}; mount --bind /proc/self/ns/net ${lost}`,
        found: ['leftovers daemon bridgeport'],
      },
      {
        what: 'a router that is not heard any more',
        script: `ip -6 route add default via ${WORLD_IP6} dev eth0 proto ra metric 99; echo 1 >/proc/sys/net/ipv6/conf/eth0/accept_ra`,
        found: ['ipv6-router host host'],
        undo: `ip -6 route del default via ${WORLD_IP6} dev eth0 proto ra metric 99`,
      },
      {
        what: 'ports published on a network without a way out',
        script:
          'docker network create --internal inner; docker run -d --name shut --network inner -p 8099:80 web',
        found: ['published-nowhere container shut'],
        undo: 'docker rm -f shut; docker network rm inner',
      },
      {
        what: 'ports published on no network',
        script: 'docker run -d --name shut --network none -p 8099:80 web',
        found: ['published-nowhere container shut'],
        undo: 'docker rm -f shut',
      },
      {
        what: 'an interface with addresses of a network, which goes elsewhere',
        script: 'ip addr add 172.18.5.1/24 dev eth0',
        found: ['subnet-overlap network back'],
        undo: 'ip addr del 172.18.5.1/24 dev eth0',
      },
      {
        what: 'a VPN over a pool, which networks leave',
        script: `${vpn} ip route add 172.16.0.0/12 dev tun9`,
        found: ['route-over-subnet program tun9'],
        left: ['route-over-subnet program tun9'],
        undo: away,
      },
      {
        what: 'a black hole for large packets',
        script: 'ip link set eth0 mtu 1400; iptables -w -A FORWARD -p icmp -j DROP',
        found: [
          'icmp-dropped program iptables -t filter FORWARD',
          ...['apart', 'back', 'bridge', 'six'].map((name) => `mtu-mismatch network ${name}`),
        ],
        left: ['mtu-mismatch network bridge'],
        undo: 'ip link set eth0 mtu 1500; iptables -w -D FORWARD -p icmp -j DROP',
      },
      {
        what: 'a server that listens where no port leads',
        script: 'docker run -d --name shut -p 8099:80 busybox httpd -f -p 127.0.0.1:80',
        found: ['listener-unreached container shut'],
        left: ['listener-unreached container shut'],
        undo: 'docker rm -f shut',
      },
      {
        what: 'labels without effect',
        script:
          'docker run -d --name shut -p 8099:80 --label bridgeport.port.8099.proxy-protocol=v2 --label bridgeport.port.80.proxy=v2 web',
        found: ['label-unknown container shut'],
        left: ['label-unknown container shut'],
        undo: 'docker rm -f shut',
      },
    ];
    const sh = (script: string) =>
      ok(['env', `DOCKER_HOST=unix://${daemon.socket}`, ...host.enter, 'sh', '-ec', script]);
    for (const { what, script, found: expected, left = [], undo } of faults) {
      await sh(typeof script === 'string' ? script : await script());
      try {
        const report = await soon(async () => {
          const now = await look();
          assert.deepEqual(found(now), expected, `${what}\n${JSON.stringify(now.findings, null, 1)}`);
          return now;
        });
        for (const { text, remedy, evidence } of report.findings)
          assert.ok(text && remedy && evidence.length > 0, what);
        await sh(report.findings.flatMap(({ commands }) => commands).join('\n'));
        await soon(async () => {
          const now = await look();
          assert.deepEqual(found(now), left, `${what}: after\n${JSON.stringify([report, now], null, 1)}`);
        });
      } finally {
        if (undo !== undefined) await sh(undo);
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
        /오류 호스트 \[forwarding-off\].*조치: 전달을 켜고.*# sysctl -w net\.ipv4\.ip_forward=1/s,
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
