/** Gateway modes and the other options that say how a bridge network meets the world, on both backends. */

import assert from 'node:assert/strict';
import { describe, it } from 'node:test';
import { Ip } from '../../src/base/ip.ts';
import { type Background, background } from '../harness/background.ts';
import { inspect, pidOf } from '../harness/container.ts';
import { run } from '../harness/exec.ts';
import { HOST_IP, HOST_IP6, WORLD_IP, WORLD_IP6 } from '../harness/host.ts';
import { type Stage, useStage } from '../harness/stage.ts';

const BACKENDS = ['iptables', 'nftables'] as const;
/** Further addresses of the host, for packets that leave. */
const SOURCE_IP = '10.99.0.22';
const SOURCE_IP6 = 'fd99::22';
/** Where the neighbour tells who asks. */
const WHO = 7000;

interface Row {
  /** Also the network's name. */
  readonly name: string;
  /** Options of the bridge driver, `com.docker.network.bridge.` left out before those without a dot. */
  readonly options: Readonly<Record<string, string>>;
  readonly more?: readonly string[];
  /** What the container publishes. Default `-p 80N:80`, N being the row's number. */
  readonly publish?: readonly string[];
  /** Whether the world is answered at the host's port and at the container's own, over IPv4 and IPv6. */
  readonly host: readonly [v4: boolean, v6: boolean];
  readonly direct: readonly [v4: boolean, v6: boolean];
  /** Whom the neighbour takes the container for; undefined: it does not hear of it. */
  readonly leavesAs: readonly [v4: Source | undefined, v6: Source | undefined];
  /** `NetworkSettings.Ports["80/tcp"]`; PORT stands for the host's. */
  readonly inspect: string;
  readonly ps: string;
}

type Source = 'host' | 'itself' | 'chosen';

const NAT = '[{"HostIp":"0.0.0.0","HostPort":"PORT"},{"HostIp":"::","HostPort":"PORT"}]';
const NAT_PS = '0.0.0.0:PORT->80/tcp, [::]:PORT->80/tcp';
const BOTH = [true, true] as const;
const NONE = [false, false] as const;

const ROWS: readonly Row[] = [
  {
    name: 'nat',
    options: {},
    host: BOTH,
    direct: NONE,
    leavesAs: ['host', 'host'],
    inspect: NAT,
    ps: NAT_PS,
  },
  {
    name: 'open',
    options: { gateway_mode_ipv4: 'nat-unprotected', gateway_mode_ipv6: 'nat-unprotected' },
    publish: [],
    host: NONE,
    direct: BOTH,
    leavesAs: ['host', 'host'],
    inspect: 'null',
    ps: '80/tcp',
  },
  {
    name: 'routed',
    options: { gateway_mode_ipv4: 'routed', gateway_mode_ipv6: 'routed' },
    host: NONE,
    direct: BOTH,
    leavesAs: ['itself', 'itself'],
    inspect: '[{"HostIp":"0.0.0.0","HostPort":""},{"HostIp":"::","HostPort":""}]',
    ps: '80/tcp',
  },
  {
    name: 'routed-unpublished',
    options: { gateway_mode_ipv4: 'routed', gateway_mode_ipv6: 'routed' },
    publish: [],
    host: NONE,
    direct: NONE,
    leavesAs: ['itself', 'itself'],
    inspect: 'null',
    ps: '80/tcp',
  },
  {
    name: 'mixed',
    options: { gateway_mode_ipv4: 'nat', gateway_mode_ipv6: 'routed' },
    host: [true, false],
    direct: [false, true],
    leavesAs: ['host', 'itself'],
    inspect: '[{"HostIp":"0.0.0.0","HostPort":"PORT"},{"HostIp":"::","HostPort":""}]',
    ps: '0.0.0.0:PORT->80/tcp',
  },
  {
    name: 'isolated',
    options: { gateway_mode_ipv4: 'isolated', gateway_mode_ipv6: 'isolated' },
    more: ['--internal'],
    host: NONE,
    direct: NONE,
    leavesAs: [undefined, undefined],
    inspect: 'null',
    ps: '',
  },
  {
    name: 'chosen',
    options: {
      'com.docker.network.host_ipv4': SOURCE_IP,
      'com.docker.network.host_ipv6': SOURCE_IP6,
    },
    host: BOTH,
    direct: NONE,
    leavesAs: ['chosen', 'chosen'],
    inspect: NAT,
    ps: NAT_PS,
  },
  {
    name: 'unmasqueraded',
    options: { enable_ip_masquerade: 'false' },
    host: BOTH,
    direct: NONE,
    leavesAs: ['itself', 'itself'],
    inspect: NAT,
    ps: NAT_PS,
  },
  {
    name: 'bound',
    options: { host_binding_ipv4: '127.0.0.1' },
    host: NONE,
    direct: NONE,
    leavesAs: ['host', 'host'],
    inspect: '[{"HostIp":"127.0.0.1","HostPort":"PORT"}]',
    ps: '127.0.0.1:PORT->80/tcp',
  },
  {
    name: 'trusting',
    options: { trusted_host_interfaces: 'eth9:eth0' },
    host: BOTH,
    direct: BOTH,
    leavesAs: ['host', 'host'],
    inspect: NAT,
    ps: NAT_PS,
  },
  {
    name: 'trusting-unpublished',
    options: { trusted_host_interfaces: 'eth0' },
    publish: [],
    host: NONE,
    direct: NONE,
    leavesAs: ['host', 'host'],
    inspect: 'null',
    ps: '80/tcp',
  },
];

const address = (row: number, family: 4 | 6, host: number) =>
  family === 4 ? `10.60.${row}.${host}` : `fd60:${row + 1}::${host}`;
const optionArgs = (options: Row['options']) =>
  Object.entries(options).flatMap(([key, value]) => [
    '-o',
    `${key.includes('.') ? key : `com.docker.network.bridge.${key}`}=${value}`,
  ]);

async function makeNetwork(stage: Stage, { name, options, more = [] }: Row, number: number): Promise<void> {
  await stage.cli(
    ...['network', 'create', '--ipv6', '--subnet', `${address(number, 4, 0)}/24`],
    ...['--subnet', `fd60:${number + 1}::/64`, ...more, ...optionArgs(options), name],
  );
}

/** The neighbour has routes to every container, and tells whoever connects what address it comes from. */
async function openEars({ host }: Stage): Promise<Background[]> {
  await host.sh(`
    ip addr add ${SOURCE_IP}/24 dev eth0; ip addr add ${SOURCE_IP6}/64 dev eth0 nodad preferred_lft 0
    nsenter --net=/run/netns/${host.world.name} ip route add 10.60.0.0/16 via ${HOST_IP}
    nsenter --net=/run/netns/${host.world.name} ip route add fd60::/16 via ${HOST_IP6}`);
  return ['TCP4-LISTEN', 'TCP6-LISTEN'].map((listen) =>
    background([
      ...host.world.enter,
      ...['socat', `${listen}:${WHO},fork,reuseaddr${listen === 'TCP6-LISTEN' ? ',ipv6only' : ''}`],
      'SYSTEM:echo $SOCAT_PEERADDR',
    ]),
  );
}

/** Whom the neighbour takes a container for. */
async function sourceOf(
  stage: Stage,
  row: number,
  name: string,
  family: 4 | 6,
): Promise<Source | string | undefined> {
  const pid = await pidOf(stage.cli, name);
  const to = family === 4 ? `TCP4:${WORLD_IP}:${WHO}` : `TCP6:[${WORLD_IP6}]:${WHO}`;
  const { stdout } = await run([
    ...['nsenter', `--net=/proc/${pid}/ns/net`, '--', 'socat', '-T1', '-', `${to},connect-timeout=1`],
  ]);
  if (stdout.trim() === '') return undefined;
  const said = Ip.parse(stdout.trim().replaceAll(/[[\]]/g, '')).toString();
  const names: Record<string, Source> = {
    [HOST_IP]: 'host',
    [HOST_IP6]: 'host',
    [SOURCE_IP]: 'chosen',
    [SOURCE_IP6]: 'chosen',
    [address(row, 4, 2)]: 'itself',
    [address(row, 6, 2)]: 'itself',
  };
  return names[said] ?? said;
}

for (const backend of BACKENDS) {
  describe(`how networks meet the world, --firewall-backend ${backend}`, () => {
    const stage = useStage({
      name: `modes-${backend}`,
      images: ['web'],
      args: ['--firewall-backend', backend],
    });

    it('who gets in, as whom containers leave, and what is shown of it', async () => {
      const { cli, host } = stage;
      const ears = await openEars(stage);
      try {
        const portOf = (number: number) => String(8000 + number);
        for (const [number, row] of ROWS.entries()) await makeNetwork(stage, row, number);
        await Promise.all(
          ROWS.map(({ name, publish }, number) =>
            cli(
              ...['run', '-d', '--name', name, '--network', name],
              ...(publish ?? ['-p', `${portOf(number)}:80`]),
              'web',
            ),
          ),
        );
        await host.world.getSoon(`http://${HOST_IP}:${portOf(0)}/`);
        const answers = async (url: string) => !(await host.world.unanswered(url));
        const seen = await Promise.all(
          ROWS.map(async ({ name, publish }, number) => {
            const [ports, listed] = [
              await inspect(cli, name, '{{json (index .NetworkSettings.Ports "80/tcp")}}'),
              await cli('ps', '--filter', `name=^${name}$`, '--format', '{{.Ports}}'),
            ];
            const ask = (family: 4 | 6, ip: string, port: string) =>
              answers(`http://${family === 4 ? ip : `[${ip}]`}:${port}/`);
            const hostPort = publish === undefined ? portOf(number) : '80';
            const port = portOf(number);
            return {
              name,
              host: [await ask(4, HOST_IP, hostPort), await ask(6, HOST_IP6, hostPort)],
              direct: [await ask(4, address(number, 4, 2), '80'), await ask(6, address(number, 6, 2), '80')],
              leavesAs: [await sourceOf(stage, number, name, 4), await sourceOf(stage, number, name, 6)],
              inspect: ports.replaceAll(`"${port}"`, '"PORT"'),
              ps: listed.replaceAll(`:${port}->`, ':PORT->').replaceAll(/(^| ):::/g, '$1[::]:'),
            };
          }),
        );
        assert.deepEqual(
          seen,
          ROWS.map(({ name, host: atHost, direct, leavesAs, inspect: ports, ps }) => ({
            name,
            host: [...atHost],
            direct: [...direct],
            leavesAs: [...leavesAs],
            inspect: ports,
            ps,
          })),
        );
        assert.match(await host.getSoon(`http://127.0.0.1:${portOf(8)}/`), /^hello/, 'bound to loopback');
        assert.match(await cli('port', 'routed', '80/tcp'), /^0\.0\.0\.0:\n(\[::\]|::):$/);
      } finally {
        for (const ear of ears) await ear[Symbol.asyncDispose]();
      }
    });

    it('inhibit_ipv4 and `isolated`: the bridge has no address, and the container the gateway that the network names', async () => {
      const { cli, host } = stage;
      const make = (name: string, ...more: string[]) =>
        cli('network', 'create', '-o', `com.docker.network.bridge.name=${name}`, ...more, name);
      await make('inhibited', '--subnet', '10.61.0.0/24', ...optionArgs({ inhibit_ipv4: '1' }));
      await make(
        'alone',
        '--internal',
        '--subnet',
        '10.62.0.0/24',
        ...optionArgs({ gateway_mode_ipv4: 'isolated' }),
      );
      assert.deepEqual([await host.addresses('inhibited'), await host.addresses('alone')], [[], []]);
      await cli('run', '-d', '--name', 'in1', '--network', 'inhibited', 'web');
      await cli('run', '-d', '--name', 'al1', '--network', 'alone', 'web');
      assert.match(await cli('exec', 'in1', 'ip', 'route'), /^default via 10\.61\.0\.1 /m);
      assert.doesNotMatch(await cli('exec', 'al1', 'ip', 'route'), /default/);
    });
  });
}

describe('--allow-direct-routing', () => {
  const stage = useStage({ name: 'direct', images: ['web'], args: ['--allow-direct-routing'] });

  it('neighbours with a route reach what is published under the own address of a container, and nothing else', async () => {
    const { cli, host } = stage;
    await host.world.ok('ip', 'route', 'add', '172.17.0.0/16', 'via', HOST_IP);
    // Whatever the policy: a host that was a router before accepts.
    await host.ok('iptables', '-P', 'FORWARD', 'ACCEPT');
    await cli('run', '-d', '--name', 'web', '-p', '8080:80', 'web');
    await cli('run', '-d', '--name', 'shy', 'web');
    const address = (name: string) => inspect(cli, name, '{{.NetworkSettings.IPAddress}}');
    assert.match(await host.world.getSoon(`http://${await address('web')}/`), /^hello/);
    assert.match(await host.getSoon(`http://${await address('shy')}/`), /^hello/, 'it serves');
    assert.ok(await host.world.unanswered(`http://${await address('shy')}/`));
  });
});
