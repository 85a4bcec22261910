/** macvlan and ipvlan networks, whose containers stand in the host's own LAN; further addresses, announcements, names of veths. */

import assert from 'node:assert/strict';
import { describe, it } from 'node:test';
import { probeFeature } from '../../src/kernel/features.ts';
import { background } from '../harness/background.ts';
import { inNetworkOf, inspect, pidOf } from '../harness/container.ts';
import { FAR_IP, HOST_IP, WORLD_IP } from '../harness/host.ts';
import { soon } from '../harness/netns.ts';
import { useStage } from '../harness/stage.ts';

const SLEEP = ['busybox', 'sh', '-c', 'trap "exit 0" TERM; sleep 600 & wait'];
const has = (name: 'macvlan' | 'ipvlan' | 'vlan') => probeFeature(name).available === true;
/** The host's LAN, of which the containers get a part. */
const LAN = ['--subnet', '10.99.0.0/24', '--ip-range', '10.99.0.128/25', '--gateway', WORLD_IP];

describe('networks on an interface of the host', () => {
  const stage = useStage({ name: 'parent', images: ['busybox', 'web'] });
  const endpoint = (name: string, network: string, field: string) =>
    inspect(stage.cli, name, `{{(index .NetworkSettings.Networks "${network}").${field}}}`);
  const inside = async (name: string, ...command: string[]) =>
    inNetworkOf(await pidOf(stage.cli, name), ...command);
  const pings = async (name: string, to: string) =>
    (await inside(name, 'sh', '-c', `ping -c1 -W1 ${to} || true`)).includes('1 received');
  const refused = async (args: string[], why: RegExp) => {
    const { code, stderr } = await stage.cli.attempt(args);
    assert.notEqual(code, 0, args.join(' '));
    assert.match(stderr, why);
  };

  describe('macvlan', { skip: has('macvlan') ? false : 'this kernel has no macvlan' }, () => {
    it('containers are neighbours in the LAN: addresses, MAC, gateway, names; no port is published, no rule written', async () => {
      const { cli, host } = stage;
      const rules = async () => [...(await host.rules('filter')), ...(await host.rules('nat'))];
      const before = await rules();
      await cli('network', 'create', '-d', 'macvlan', '-o', 'parent=eth0', ...LAN, 'lan');
      assert.deepEqual(JSON.parse(await cli('network', 'inspect', '-f', '{{json .}}', 'lan')).Options, {
        parent: 'eth0',
      });
      assert.ok(!(await host.addresses('eth0')).includes(`${WORLD_IP}/24`), 'the gateway is another machine');
      const mac = '02:42:00:00:00:07';
      await cli(
        ...['run', '-d', '--name', 'nas', '--network', 'lan', '--ip', '10.99.0.200'],
        ...['--mac-address', mac, '-p', '8080:80', '--network-alias', 'files', 'web'],
      );
      await cli('run', '-d', '--name', 'pc', '--network', 'lan', ...SLEEP);
      assert.match(await endpoint('pc', 'lan', 'IPAddress'), /^10\.99\.0\.1(2[89]|[3-9]\d)$/);
      assert.match(await host.world.getSoon('http://10.99.0.200/'), /^hello/);
      assert.match(await host.world.ok('ip', 'neigh', 'show', '10.99.0.200'), new RegExp(mac));
      assert.match(await inside('pc', 'ip', 'route'), new RegExp(`^default via ${WORLD_IP} dev eth0`, 'm'));
      assert.ok(await pings('pc', WORLD_IP));
      assert.match(await cli('exec', 'pc', 'wget', '-qO-', 'http://files/'), /^hello/);
      assert.ok(!(await pings('pc', HOST_IP)), 'the kernel keeps host and containers apart');
      assert.deepEqual(await rules(), before);
      assert.equal(await cli('port', 'nas'), '');
      assert.deepEqual(await host.veths(), []);
      assert.equal(await endpoint('nas', 'lan', 'MacAddress'), mac);
      assert.match(await cli('info', '-f', '{{.Plugins.Network}}'), /^\[bridge host .*macvlan null\]$/);
    });

    it('`why` does not guess what goes on over a parent, and knows that the host and its own child are kept apart', async () => {
      const { cli, daemon } = stage;
      await cli('network', 'create', '-d', 'macvlan', '-o', 'parent=eth0', ...LAN, 'lan');
      await cli('run', '-d', '--name', 'nas', '--network', 'lan', 'web');
      await cli('run', '-d', '--name', 'pc', '--network', 'lan', ...SLEEP);
      for (const [from, to] of [
        ['world', 'nas'],
        ['pc', 'nas'],
      ] as const) {
        const { stdout } = await daemon.bridgeport.attempt(['why', '--json', from, to, 'tcp/80']);
        assert.equal(JSON.parse(stdout).answer, 'unknown', `${from} ${to}: ${stdout}`);
      }
      for (const [from, to] of [
        ['host', 'nas'],
        ['pc', 'host'],
        ['pc', HOST_IP],
      ] as const) {
        const { stdout } = await daemon.bridgeport.attempt(['why', '--json', from, to, 'icmp']);
        const { answer, cause } = JSON.parse(stdout);
        assert.deepEqual(
          [answer, cause?.kind, cause?.owner.network?.name],
          ['no', 'own-parent', 'lan'],
          stdout,
        );
      }
      assert.match((await daemon.bridgeport.attempt(['why', 'pc', 'world'])).stdout, /^Yes/);
      await cli('network', 'create', '-d', 'macvlan', '--internal', '--subnet', '10.64.0.0/24', 'inner');
      await cli('run', '-d', '--name', 'deep', '--network', 'inner', 'web');
      const { stdout } = await daemon.bridgeport.attempt(['why', '--json', 'world', 'deep', 'tcp/80']);
      assert.deepEqual(
        [JSON.parse(stdout).answer, JSON.parse(stdout).cause?.kind],
        ['no', 'internal-network'],
        stdout,
      );
    });

    it('is joined and left while it runs, beside a bridge, which publishes the ports', async () => {
      const { cli, host } = stage;
      await cli('network', 'create', '-d', 'macvlan', '-o', 'parent=eth0', ...LAN, 'lan');
      await cli('run', '-d', '--name', 'both', '-p', '8080:80', 'web');
      await cli('network', 'connect', '--ip', '10.99.0.201', '--gw-priority', '-1', 'lan', 'both');
      assert.match(await host.world.getSoon('http://10.99.0.201/'), /^hello/);
      // From an address elsewhere: a neighbour would be answered over the LAN.
      const published = () =>
        host.world.ok('curl', '-sS', '--max-time', '3', '--interface', FAR_IP, `http://${HOST_IP}:8080/`);
      assert.match(await soon(published), /^hello/);
      assert.match(await inside('both', 'ip', 'route'), /^default via 172\.17\.0\.1 dev eth0/m);
      await cli('network', 'disconnect', 'lan', 'both');
      assert.doesNotMatch(await inside('both', 'ip', 'addr'), /10\.99\.|eth1/);
      assert.match(await published(), /^hello/);
    });

    it('outlives the daemon: containers run on, and a parent without a network goes', async () => {
      const { cli, host, daemon } = stage;
      const id = await cli('network', 'create', '-d', 'macvlan', '--subnet', '10.63.0.0/24', 'alone');
      await cli('network', 'create', '-d', 'macvlan', '-o', 'parent=eth0', ...LAN, 'lan');
      await cli('run', '-d', '--name', 'nas', '--network', 'lan', '--ip', '10.99.0.200', 'web');
      assert.match(await host.world.getSoon('http://10.99.0.200/'), /^hello/);
      await daemon.kill();
      assert.match(await host.world.get('http://10.99.0.200/'), /^hello/);
      // As after a crash between making the link and recording its network.
      await host.ok('ip', 'link', 'add', 'dm-stray', 'type', 'ifb');
      await host.ok('ip', 'link', 'set', 'dm-stray', 'alias', `bridgeport network ${'0'.repeat(64)}`);
      await daemon.start();
      assert.equal(await host.link('dm-stray'), undefined);
      assert.ok(await host.link(`dm-${id.slice(0, 12)}`));
      assert.equal(await endpoint('nas', 'lan', 'IPAddress'), '10.99.0.200');
      await cli('restart', '-t', '1', 'nas');
      assert.match(await host.world.getSoon('http://10.99.0.200/'), /^hello/);
      await cli('rm', '-f', 'nas');
      await cli('network', 'rm', 'lan', 'alone');
      assert.equal(await host.link(`dm-${id.slice(0, 12)}`), undefined);
      assert.ok(await host.link('eth0'));
    });

    it('without a parent, or with --internal: each other and nobody else', async () => {
      const { cli, host } = stage;
      const id = await cli('network', 'create', '-d', 'macvlan', 'alone');
      const parent = `dm-${id.slice(0, 12)}`;
      assert.match(JSON.stringify(await host.link(parent)), /"UP"/);
      await Promise.all(
        ['x1', 'y1'].map((name) => cli('run', '-d', '--name', name, '--network', 'alone', ...SLEEP)),
      );
      assert.ok(await pings('x1', await endpoint('y1', 'alone', 'IPAddress')));
      assert.match(
        await cli('exec', 'x1', 'nslookup', 'y1'),
        new RegExp(await endpoint('y1', 'alone', 'IPAddress')),
      );
      assert.doesNotMatch(await inside('x1', 'ip', 'route'), /default/);
      assert.equal(await endpoint('x1', 'alone', 'Gateway'), '');
      await cli('network', 'create', '-d', 'macvlan', '-o', 'parent=eth0', '--internal', ...LAN, 'inner');
      await cli('run', '-d', '--name', 'z1', '--network', 'inner', ...SLEEP);
      assert.doesNotMatch(await inside('z1', 'ip', 'route'), /default/);
    });

    it('refuses what cannot be, in Docker’s words, and makes nothing', async () => {
      const { cli, host } = stage;
      const create = (...more: string[]) => ['network', 'create', '-d', 'macvlan', ...more, 'bad'];
      const before = (await host.links()).length;
      await refused(
        create('-o', 'macvlan_mode=x'),
        /requested macvlan mode 'x' is not valid, 'bridge' mode is/,
      );
      await refused(create('-o', 'parent=lo'), /loopback interface is not a valid macvlan parent link/);
      await refused(
        create('-o', 'parent=nic7'),
        /invalid subinterface vlan name nic7, example formatting is eth0\.10/,
      );
      await refused(create('-o', 'parent=nic7.10'), /-o parent interface was not found on the host: nic7/);
      await refused(create('-o', 'parent=eth0.5000'), /vlan id must be between 1-4094, received: 5000/);
      await refused(create('-o', 'com.docker.network.advertise_addr_nmsgs=4'), /must be in the range 0 to 3/);
      if (!has('vlan'))
        await refused(create('-o', 'parent=eth0.10'), /create vlan eth0\.10: .*CONFIG_VLAN_8021Q/);
      await cli(
        'network',
        'create',
        '-d',
        'macvlan',
        '-o',
        'parent=eth0',
        '-o',
        'macvlan_mode=passthru',
        'whole',
      );
      await refused(create('-o', 'parent=eth0'), /is already using parent interface eth0 in mode passthru/);
      await cli('network', 'rm', 'whole');
      assert.equal((await host.links()).length, before);
      assert.equal(await cli('network', 'ls', '-q', '--filter', 'type=custom'), '');
    });
  });

  it('ipvlan: addresses on the parent’s own MAC, or the reason why not', async () => {
    const { cli, host } = stage;
    const create = ['network', 'create', '-d', 'ipvlan', '-o', 'parent=eth0', ...LAN, 'lan'];
    if (!has('ipvlan')) {
      await refused(create, /network driver "ipvlan": this kernel .* needs CONFIG_IPVLAN/);
      assert.doesNotMatch(await cli('info', '-f', '{{.Plugins.Network}}'), /ipvlan/);
      return;
    }
    await cli(...create);
    await cli('run', '-d', '--name', 'nas', '--network', 'lan', '--ip', '10.99.0.200', 'web');
    assert.match(await host.world.getSoon('http://10.99.0.200/'), /^hello/);
    assert.equal(await endpoint('nas', 'lan', 'MacAddress'), '');
  });

  it('advertise_addr_nmsgs and advertise_addr_ms: a neighbour hears of an address as often as the network says', async () => {
    const { cli } = stage;
    const option = (key: string, value: number) => [
      '-o',
      `com.docker.network.advertise_addr_${key}=${value}`,
    ];
    await cli(
      'network',
      'create',
      '--subnet',
      '10.64.0.0/24',
      ...option('nmsgs', 2),
      ...option('ms', 100),
      'loud',
    );
    await cli('run', '-d', '--name', 'ear', '--network', 'loud', ...SLEEP);
    const pid = await pidOf(cli, 'ear');
    const filter = 'arp[6:2] = 1 and arp[14:4] = arp[24:4]'; // requests of an address for itself
    const command = ['nsenter', `--net=/proc/${pid}/ns/net`, 'tcpdump', '-lni', 'eth0', filter];
    await using heard = background(command);
    await heard.see(/listening on/);
    await cli('run', '-d', '--name', 'mouth', '--network', 'loud', '--ip', '10.64.0.9', ...SLEEP);
    await cli('run', '-d', '--name', 'last', '--network', 'loud', '--ip', '10.64.0.10', ...SLEEP);
    await heard.see(/(who-has 10\.64\.0\.10 [\s\S]*){2}/);
    assert.equal(heard.output.match(/who-has 10\.64\.0\.9 /g)?.length, 2);
  });

  it('--link-local-ip: on the interface and in inspect, over a restart too', async () => {
    const { cli } = stage;
    await cli('network', 'create', 'net');
    await cli('run', '-d', '--name', 'box', ...SLEEP);
    await cli(
      'network',
      'connect',
      '--link-local-ip',
      '169.254.9.9',
      '--link-local-ip',
      'fe80::99',
      'net',
      'box',
    );
    for (const again of [false, true]) {
      if (again) await cli('restart', '-t', '1', 'box');
      assert.match(await inside('box', 'ip', 'addr'), /169\.254\.9\.9\/16[\s\S]*fe80::99\/64/);
      assert.equal(await endpoint('box', 'net', 'IPAMConfig.LinkLocalIPs'), '[169.254.9.9 fe80::99]');
    }
    await cli('network', 'create', 'other');
    await refused(
      ['network', 'connect', '--link-local-ip', '10.0.0.1', 'other', 'box'],
      /invalid link-local IP address: 10\.0\.0\.1/,
    );
  });

  it('the host’s end of a veth pair has a name from its endpoint’s id: in inspect, and in `network ls --veth`', async () => {
    const { cli, host, daemon } = stage;
    await cli('network', 'create', 'net');
    await cli('run', '-d', '--name', 'box', ...SLEEP);
    await cli('network', 'connect', 'net', 'box');
    const veths: string[] = [];
    for (const network of ['bridge', 'net']) {
      const id = await endpoint('box', network, 'EndpointID');
      const name = await endpoint('box', network, 'HostVeth');
      assert.equal(name, `veth${id.slice(0, 7)}`);
      assert.ok(await host.link(name));
      assert.match(await cli('network', 'inspect', network), new RegExp(`"HostVeth": "${name}"`));
      veths.push(name);
    }
    assert.deepEqual((await host.veths()).sort(), [...veths].sort());
    const bridge = `br-${(await cli('network', 'inspect', '-f', '{{.Id}}', 'net')).slice(0, 12)}`;
    const lines = (await daemon.bridgeport('network', 'ls', '--veth'))
      .split('\n')
      .map((line) => line.split(/ {2,}/));
    assert.deepEqual(lines[0], ['NETWORK', 'DRIVER', 'BRIDGE', 'CONTAINER', 'INTERFACE', 'VETH', 'ADDRESS']);
    const row = (network: string) => lines.find(([first]) => first === network)?.slice(1, 6);
    assert.deepEqual(row('bridge'), ['bridge', 'docker0', 'box', 'eth0', veths[0]]);
    assert.deepEqual(row('net'), ['bridge', bridge, 'box', 'eth1', veths[1]]);
    await cli('stop', 'box');
    await soon(async () => assert.deepEqual(await host.veths(), []));
    assert.equal(await daemon.bridgeport('network', 'ls', '--veth', '-q'), '');
  });
});
