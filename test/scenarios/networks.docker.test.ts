/** `docker network …`: made, shown, found and removed, with every option that a bridge has. */

import assert from 'node:assert/strict';
import { describe, it } from 'node:test';
import { inspect } from '../harness/container.ts';
import { soon } from '../harness/netns.ts';
import { useStage } from '../harness/stage.ts';

const BRIDGE = 'com.docker.network.bridge';

describe('docker network', () => {
  const stage = useStage({ name: 'nets', images: ['busybox', 'web', 'ubuntu'] });
  const show = (name: string, template: string) =>
    stage.cli('network', 'inspect', '--format', template, name);
  /** What the container `client` gets from a server that may have only just been started. */
  const fetch = (url: string) =>
    soon(() => stage.cli('exec', 'client', 'curl', '-sSg', '--max-time', '2', url));
  const names = async (...filters: string[]) => {
    const args = filters.flatMap((filter) => ['--filter', filter]);
    const text = await stage.cli('network', 'ls', '--format', '{{.Name}}', ...args);
    return text.split('\n').filter(Boolean).sort();
  };

  it('create makes a bridge named after the id, with the first address of a free pool; rm takes it away', async () => {
    const { cli, host } = stage;
    const id = await cli('network', 'create', 'front');
    assert.match(id, /^[0-9a-f]{64}$/);
    const bridge = `br-${id.slice(0, 12)}`;
    assert.equal((await host.link(bridge))?.linkinfo?.info_kind, 'bridge');
    assert.deepEqual(await host.addresses(bridge), ['172.18.0.1/16']);
    assert.equal(
      await show('front', '{{range .IPAM.Config}}{{.Subnet}} {{.Gateway}}{{end}}'),
      '172.18.0.0/16 172.18.0.1',
    );
    assert.equal(
      await show('front', '{{.Driver}} {{.Scope}} {{.Internal}} {{.EnableIPv6}} {{.Attachable}}'),
      'bridge local false false false',
    );
    await cli('network', 'create', 'back');
    assert.equal(await show('back', '{{range .IPAM.Config}}{{.Subnet}}{{end}}'), '172.19.0.0/16');
    assert.equal(await cli('network', 'rm', id.slice(0, 10), 'back'), `${id.slice(0, 10)}\nback`);
    assert.equal(await host.link(bridge), undefined);
    assert.deepEqual(await names(), ['bridge', 'host', 'none']);
    const rules = [...(await host.rules('filter')), ...(await host.rules('nat'))].join('\n');
    assert.doesNotMatch(rules, /br-|172\.1[89]\./, 'and no rule names them any more');
  });

  it('a subnet that a route of the host leads to is not chosen', async () => {
    const { cli, host } = stage;
    await host.ok('ip', 'route', 'add', '172.18.5.0/24', 'via', '10.99.0.1');
    try {
      await cli('network', 'create', 'n1');
      assert.equal(await show('n1', '{{range .IPAM.Config}}{{.Subnet}}{{end}}'), '172.19.0.0/16');
    } finally {
      await host.ok('ip', 'route', 'del', '172.18.5.0/24');
    }
  });

  it('--subnet, --gateway, --ip-range, --aux-address: addresses are given out as they say', async () => {
    const { cli, host } = stage;
    await cli(
      ...['network', 'create', '--subnet', '10.44.0.0/16', '--gateway', '10.44.0.254'],
      ...['--ip-range', '10.44.9.0/29', '--aux-address', 'a=10.44.9.1', '--aux-address', 'b=10.44.9.2', 'n1'],
    );
    const [config] = JSON.parse(await show('n1', '{{json .IPAM.Config}}'));
    assert.deepEqual(config, {
      Subnet: '10.44.0.0/16',
      IPRange: '10.44.9.0/29',
      Gateway: '10.44.0.254',
      AuxiliaryAddresses: { a: '10.44.9.1', b: '10.44.9.2' },
    });
    const bridge = `br-${(await show('n1', '{{.Id}}')).slice(0, 12)}`;
    assert.deepEqual(await host.addresses(bridge), ['10.44.0.254/16']);
    await cli('run', '-d', '--name', 'c1', '--network', 'n1', 'busybox', 'sleep', '600');
    const address = await inspect(cli, 'c1', '{{.NetworkSettings.Networks.n1.IPAddress}}');
    assert.match(address, /^10\.44\.9\.[0-7]$/);
    assert.doesNotMatch(address, /\.9\.[12]$/, 'kept for others');
    assert.match(await cli('exec', 'c1', 'ip', 'route'), /^default via 10\.44\.0\.254 dev eth0/m);
    // A chosen address may lie outside the range, and inside the subnet.
    await cli(
      'run',
      '-d',
      '--name',
      'c2',
      '--network',
      'n1',
      '--ip',
      '10.44.77.7',
      'busybox',
      'sleep',
      '600',
    );
    assert.equal(await inspect(cli, 'c2', '{{.NetworkSettings.Networks.n1.IPAddress}}'), '10.44.77.7');
    await cli('restart', '-t', '0', 'c2');
    assert.match(await cli('exec', 'c2', 'ip', 'addr', 'show', 'eth0'), /inet 10\.44\.77\.7\/16/);
  });

  it('options of the bridge: its name, MTU, the prefix of interfaces inside', async () => {
    const { cli, host } = stage;
    await cli(
      ...['network', 'create', '-o', `${BRIDGE}.name=office0`, '-o', 'com.docker.network.driver.mtu=1400'],
      ...[
        '-o',
        'com.docker.network.container_iface_prefix=lan',
        '--label',
        'team=net',
        '--attachable',
        'office',
      ],
    );
    assert.equal((await host.link('office0'))?.mtu, 1400);
    assert.equal(await show('office', '{{.Attachable}} {{json .Labels}}'), 'true {"team":"net"}');
    assert.deepEqual(JSON.parse(await show('office', '{{json .Options}}')), {
      [`${BRIDGE}.name`]: 'office0',
      'com.docker.network.driver.mtu': '1400',
      'com.docker.network.container_iface_prefix': 'lan',
    });
    await cli('run', '-d', '--name', 'c1', '--network', 'office', 'busybox', 'sleep', '600');
    assert.match(await cli('exec', 'c1', 'ip', 'link', 'show', 'lan0'), /mtu 1400/);
    assert.equal((await host.bridgePorts('office0')).length, 1);
  });

  it('--ip, --ip6, --mac-address and --network-alias: what is asked of an endpoint', async () => {
    const { cli } = stage;
    await cli('network', 'create', '--ipv6', '--subnet', '10.45.0.0/24', '--subnet', 'fd45::/64', 'n1');
    await cli(
      ...['run', '-d', '--name', 'c1', '--network', 'n1', '--ip', '10.45.0.9', '--ip6', 'fd45::9'],
      ...['--mac-address', '02:00:00:00:00:99', '--network-alias', 'db', '--network-alias', 'store'],
      ...['busybox', 'sleep', '600'],
    );
    const link = await cli('exec', 'c1', 'ip', 'addr', 'show', 'eth0');
    assert.match(link, /link\/ether 02:00:00:00:00:99/);
    assert.match(link, /inet 10\.45\.0\.9\/24/);
    assert.match(link, /inet6 fd45::9\/64/);
    assert.doesNotMatch(link, /tentative/, 'no duplicate address detection to wait for');
    const shown = JSON.parse(await inspect(cli, 'c1', '{{json .NetworkSettings.Networks.n1}}'));
    assert.deepEqual(shown.IPAMConfig, { IPv4Address: '10.45.0.9', IPv6Address: 'fd45::9' });
    assert.deepEqual(
      [shown.MacAddress, shown.IPAddress, shown.GlobalIPv6Address, shown.Gateway, shown.IPv6Gateway],
      ['02:00:00:00:00:99', '10.45.0.9', 'fd45::9', '10.45.0.1', 'fd45::1'],
    );
    assert.deepEqual(shown.Aliases, ['db', 'store']);
    assert.deepEqual(shown.DNSNames.slice(0, 3), ['c1', 'db', 'store']);
    const [member] = Object.values(JSON.parse(await show('n1', '{{json .Containers}}'))) as Array<
      Record<string, string>
    >;
    assert.deepEqual(
      [member?.Name, member?.MacAddress, member?.IPv4Address, member?.IPv6Address],
      ['c1', '02:00:00:00:00:99', '10.45.0.9/24', 'fd45::9/64'],
    );
  });

  it('driver options of an endpoint: its interface’s name and settings, over a restart too', async () => {
    const { cli } = stage;
    await cli('network', 'create', 'n1');
    const option = 'driver-opt=com.docker.network.endpoint';
    await cli(
      ...['run', '-d', '--name', 'c1', '--network'],
      `name=n1,${option}.ifname=lan.7,"${option}.sysctls=net.ipv4.conf.IFNAME.log_martians=1,net.ipv4.neigh.IFNAME.gc_stale_time=77"`,
      ...['busybox', 'sleep', '600'],
    );
    const settings = () =>
      cli(
        ...['exec', 'c1', 'cat', '/proc/sys/net/ipv4/conf/lan.7/log_martians'],
        '/proc/sys/net/ipv4/neigh/lan.7/gc_stale_time',
      );
    assert.equal(await settings(), '1\n77');
    await cli('restart', '-t', '0', 'c1');
    assert.equal(await settings(), '1\n77');
    for (const bad of ['ifname=a-name-that-is-too-long', 'sysctls=net.ipv4.ip_forward=1']) {
      const refused = await cli.attempt(['run', '--network', `name=n1,${option}.${bad}`, 'busybox', 'true']);
      assert.equal(refused.code, 125);
      assert.match(
        refused.stderr,
        /invalid endpoint settings:\n?.*(invalid interface name|unrecognised network interface sysctl)/s,
      );
    }
  });

  it('--ipv6 without a subnet has one of the host’s own ULA prefix; --ipv4=false has no IPv4', async () => {
    const { cli } = stage;
    await cli('network', 'create', '--ipv6', 'dual');
    assert.match(
      await show('dual', '{{range .IPAM.Config}}{{.Subnet}} {{end}}'),
      /^172\.18\.0\.0\/16 fd[0-9a-f:]+\/64$/,
    );
    // A subnet of a family that is off is passed over.
    await cli('network', 'create', '--subnet', 'fd61::/64', '--subnet', '10.61.0.0/24', 'four');
    assert.equal(
      await show('four', '{{.EnableIPv6}} {{range .IPAM.Config}}{{.Subnet}} {{end}}'),
      'false 10.61.0.0/24',
    );
    await cli('network', 'create', '--ipv6', '--ipv4=false', 'six');
    assert.equal(await show('six', '{{.EnableIPv4}} {{.EnableIPv6}} {{len .IPAM.Config}}'), 'false true 1');
    await cli('run', '-d', '--name', 'server', '--network', 'six', 'web');
    await cli('run', '-d', '--name', 'client', '--network', 'six', 'ubuntu', 'sleep', '600');
    const address = await inspect(cli, 'server', '{{.NetworkSettings.Networks.six.GlobalIPv6Address}}');
    assert.match(await fetch(`http://[${address}]/`), /^hello from/);
    assert.doesNotMatch(await cli('exec', 'client', 'ip', 'addr', 'show', 'eth0'), /inet \d/);
    assert.equal(await cli('exec', 'client', 'ip', 'route'), '');
  });

  it('ls finds by name, id, driver, label, type and use; prune removes what nobody uses', async () => {
    const { cli } = stage;
    const id = await cli('network', 'create', '--label', 'env=test', 'used');
    await cli('network', 'create', '--label', 'env=test', '--label', 'keep', 'kept');
    await cli('network', 'create', '--label', 'env=prod', 'other');
    await cli('run', '-d', '--name', 'c1', '--network', 'used', 'busybox', 'sleep', '600');
    await cli('create', '--name', 'c2', '--network', 'other', 'busybox');
    assert.deepEqual(await names('type=builtin'), ['bridge', 'host', 'none']);
    assert.deepEqual(await names('type=custom'), ['kept', 'other', 'used']);
    assert.deepEqual(await names('label=env=test'), ['kept', 'used']);
    assert.deepEqual(await names('label=keep'), ['kept']);
    assert.deepEqual(await names('name=use'), ['used']);
    assert.deepEqual(await names(`id=${id.slice(0, 8)}`), ['used']);
    assert.deepEqual(await names('driver=host'), ['host']);
    assert.deepEqual(await names('dangling=true'), ['kept']);
    assert.match(await cli('network', 'ls'), /^NETWORK ID +NAME +DRIVER +SCOPE\n/);
    assert.doesNotMatch(await cli('network', 'prune', '-f', '--filter', 'label!=keep'), /\w+\n\w/);
    assert.deepEqual(await names('type=custom'), ['kept', 'other', 'used']);
    assert.deepEqual(await names('scope=local', 'driver=bridge', 'type=custom'), ['kept', 'other', 'used']);
    assert.deepEqual(await names('scope=swarm'), []);
    assert.deepEqual(await names('dangling=false'), ['bridge', 'host', 'none', 'other', 'used']);
    assert.match(
      await cli(
        'network',
        'ls',
        '--filter',
        'label=keep',
        '--format',
        '{{.Name}}|{{.Driver}}|{{.Scope}}|{{.Labels}}',
      ),
      // docker lists them in no order.
      /^kept\|bridge\|local\|(env=test,keep=|keep=,env=test)$/,
    );
    assert.equal(await cli('network', 'inspect', '-v', '-f', '{{.Name}} {{.Scope}}', 'kept'), 'kept local');
    assert.equal(await cli('network', 'prune', '-f', '--filter', 'until=24h'), '');
    assert.match(await cli('network', 'prune', '-f'), /^Deleted Networks:\nkept$/);
    await cli('rm', '-f', 'c1', 'c2');
    assert.match(await cli('network', 'prune', '-f'), /^Deleted Networks:\nused\nother$/);
  });

  it('networks, their bridges and who is on them survive a restart and a kill -9 of the daemon', async () => {
    const { cli, daemon, host } = stage;
    await cli('network', 'create', '--ipv6', '--subnet', '10.46.0.0/24', '--subnet', 'fd46::/64', 'n1');
    await cli('network', 'create', '--internal', '--label', 'x=y', 'n2');
    await cli('run', '-d', '--name', 'server', '--network', 'n1', '--ip', '10.46.0.7', 'web');
    await cli(
      ...['run', '-d', '--restart', 'always', '--name', 'client', '--network', 'n1'],
      ...['ubuntu', 'sleep', '600'],
    );
    const seen = async () => ({
      networks: JSON.parse(await cli('network', 'inspect', 'n1', 'n2')),
      links: (await host.links())
        .filter(({ ifname }) => /^(br-|veth)/.test(ifname))
        .map(({ ifname }) => ifname),
    });
    const before = await seen();
    await daemon.kill();
    await daemon.start();
    assert.deepEqual(await seen(), before, 'kill -9: the same bridges, links, ids, addresses');
    assert.match(await fetch('http://10.46.0.7/'), /^hello/);
    await daemon.restart();
    assert.deepEqual(
      (await seen()).networks.map(({ Id, IPAM }: { Id: string; IPAM: unknown }) => [Id, IPAM]),
      before.networks.map(({ Id, IPAM }: { Id: string; IPAM: unknown }) => [Id, IPAM]),
    );
    await cli('start', 'server');
    assert.match(await fetch('http://10.46.0.7/'), /^hello/);
  });

  it('a bridge that is full: the start fails with the kernel’s reason, and leaves nothing', async () => {
    const { cli, host } = stage;
    const id = await cli('network', 'create', 'full');
    const bridge = `br-${id.slice(0, 12)}`;
    // Cheap ports, both ends of a pair each, in place of a thousand containers.
    const pairs = Array.from(
      { length: 511 },
      (_, n) => `
      link add a${n} group 77 master ${bridge} type veth peer name b${n}
      link set b${n} master ${bridge}`,
    );
    const batch = await host.run(['ip', '-batch', '-'], { input: pairs.join('\n') });
    assert.equal(batch.code, 0, batch.stderr);
    await cli('run', '-d', '--name', 'last', '--network', 'full', 'busybox', 'sleep', '600');
    const before = (await host.links()).length;
    await cli('create', '--name', 'more', '--network', 'full', '-p', '8080:80', 'busybox', 'sleep', '600');
    const { code, stderr } = await cli.attempt(['start', 'more']);
    assert.notEqual(code, 0);
    assert.match(
      stderr,
      new RegExp(`bridge ${bridge} holds 1023 ports, the most that the kernel allows: .*exchange full`, 'i'),
    );
    assert.equal((await host.links()).length, before);
    assert.equal(await inspect(cli, 'more', '{{.State.Status}}{{.NetworkSettings.SandboxID}}'), 'created');
    assert.equal(await cli('network', 'inspect', '-f', '{{len .Containers}}', 'full'), '1');
    await cli('rm', '-f', 'last');
    await cli('start', 'more');
    await cli('rm', '-f', 'more');
    await host.ok('ip', 'link', 'del', 'group', '77');
  });

  it('events tell of networks made, joined, left and removed', async () => {
    const { cli } = stage;
    const since = `${Math.floor(Date.now() / 1000) - 1}`;
    await cli('network', 'create', 'told');
    await cli('create', '--name', 'c1', '--network', 'told', 'busybox', 'true');
    await cli('start', '-a', 'c1');
    await cli('rm', 'c1');
    await cli('network', 'rm', 'told');
    const format = '{{.Action}} {{.Actor.Attributes.name}} {{.Actor.Attributes.type}}';
    const until = `${Math.ceil(Date.now() / 1000)}`;
    const told = await cli(
      ...['events', '--since', since, '--until', until, '--filter', 'type=network', '--format', format],
    );
    const mine = told.split('\n').filter((line) => line.includes(' told '));
    assert.deepEqual(
      mine,
      ['create', 'connect', 'disconnect', 'destroy'].map((action) => `${action} told bridge`),
    );
  });
});
