/** IPv6: on docker0 by the daemon's flags, on networks that people make, to the world and from it, on a host that listens to routers. */

import assert from 'node:assert/strict';
import { describe, it } from 'node:test';
import { inNetworkOf, inspect, pidOf } from '../harness/container.ts';
import { HOST_IP6, WORLD_IP6 } from '../harness/host.ts';
import { soon } from '../harness/netns.ts';
import { useStage } from '../harness/stage.ts';

/** A server that logs who asks it: `[fd99::1]:40002: response:200`. */
const SERVER = ['busybox', 'sh', '-c', 'echo hello >/index.html; exec httpd -f -vv -p 80 -h /'];
/** RFC 4861, 4.2: ICMPv6 type 134, hop limit 64, a router for 1,800 s; the kernel fills the checksum in. */
const ADVERTISEMENT = '\\206\\0\\0\\0\\100\\0\\007\\010\\0\\0\\0\\0\\0\\0\\0\\0';

describe('IPv6', () => {
  const CIDR = 'fd00:d0c:1::/64';
  const stage = useStage({
    name: 'ipv6',
    images: ['busybox', 'ubuntu'],
    config: { ipv6: true, 'fixed-cidr-v6': CIDR },
  });
  const serve = (name: string, ...options: string[]) =>
    stage.cli('run', '-d', '--name', name, ...options, ...SERVER);
  const inside = async (name: string, ...command: string[]) =>
    inNetworkOf(await pidOf(stage.cli, name), ...command);
  const v6 = (name: string, network: string) =>
    inspect(stage.cli, name, `{{(index .NetworkSettings.Networks "${network}").GlobalIPv6Address}}`);
  /** docker0's addresses, the one that every link makes for itself not among them. */
  const globals = async () =>
    (await stage.host.addresses('docker0', 6)).filter((address) => !address.startsWith('fe80'));
  /** The world asks a published port, and the server's log says who it was. */
  const clientSeenBy = async (name: string, port: number) => {
    const { cli, host } = stage;
    assert.match(await host.world.getSoon(`http://[${HOST_IP6}]:${port}/`), /^hello/);
    return soon(async () => {
      const { stdout, stderr } = await cli.attempt(['logs', name]);
      const asked = [...(stdout + stderr).matchAll(/\[([0-9a-f:.]+)\]:\d+:\s*response:200/g)];
      const last = asked.at(-1)?.[1];
      assert.ok(last, stdout + stderr);
      return last;
    });
  };

  it('--ipv6 with --fixed-cidr-v6: docker0 and containers on it have both families', async () => {
    const { cli, host } = stage;
    assert.deepEqual(await globals(), ['fd00:d0c:1::1/64']);
    assert.equal(
      await cli('network', 'inspect', '-f', '{{.EnableIPv6}} {{json .IPAM.Config}}', 'bridge'),
      `true [{"Subnet":"172.17.0.0/16","Gateway":"172.17.0.1"},{"Subnet":"${CIDR}","Gateway":"fd00:d0c:1::1"}]`,
    );
    await serve('one', '-p', '8080:80');
    const format =
      '{{.NetworkSettings.IPAddress}} {{.NetworkSettings.GlobalIPv6Address}}/{{.NetworkSettings.GlobalIPv6PrefixLen}} {{.NetworkSettings.IPv6Gateway}}';
    assert.equal(await inspect(cli, 'one', format), '172.17.0.2 fd00:d0c:1::2/64 fd00:d0c:1::1');
    assert.match(await inside('one', 'ip', '-6', 'route'), /^default via fd00:d0c:1::1 dev eth0/m);
    const hosts = await cli('run', '--rm', '--add-host', 'gate:host-gateway', 'busybox', 'cat', '/etc/hosts');
    assert.match(hosts, /^172\.17\.0\.1\tgate\nfd00:d0c:1::1\tgate$/m);
    assert.match(await inside('one', 'ping', '-c1', '-W2', WORLD_IP6), / 0% packet loss/);
    assert.equal(await clientSeenBy('one', 8080), WORLD_IP6, 'translated by the kernel, not by a proxy');
    assert.match(await host.getSoon('http://[fd00:d0c:1::2]/'), /^hello/);
    assert.ok(await host.world.unanswered('http://[fd00:d0c:1::2]/'), 'and not by its own address');
  });

  it('a container that has IPv6 turned off gets no address of it, and its neighbours are told of none', async () => {
    const { cli } = stage;
    await cli('network', 'create', '--ipv6', 'dual');
    const off = 'net.ipv6.conf.all.disable_ipv6=1';
    await cli(
      'run',
      '-d',
      '--name',
      'without',
      '--network',
      'dual',
      '--sysctl',
      off,
      'busybox',
      'sleep',
      '600',
    );
    await cli('run', '-d', '--name', 'with', '--network', 'dual', 'busybox', 'sleep', '600');
    assert.equal(await v6('without', 'dual'), '');
    assert.notEqual(await v6('with', 'dual'), '');
    assert.doesNotMatch(await cli('exec', 'without', 'cat', '/etc/hosts'), /::/);
    const { stdout } = await cli.attempt(['exec', 'with', 'nslookup', 'without']);
    assert.match(stdout, /^Address: 172\./m);
    assert.doesNotMatch(stdout, /^Address: fd/m);
    // Joining a running one must not fail for an address that its interface could not have.
    await cli('network', 'create', '--ipv6', 'second');
    const setting = 'com.docker.network.endpoint.sysctls=net.ipv6.conf.IFNAME.disable_ipv6=1';
    await cli('network', 'connect', '--driver-opt', setting, 'second', 'with');
    assert.equal(await v6('with', 'second'), '');
    await cli('network', 'connect', 'second', 'without');
    assert.equal(await v6('without', 'second'), '');
  });

  it('an address can be used at once: nothing is tentative', async () => {
    const { cli } = stage;
    await cli('network', 'create', '--ipv6', 'dual');
    for (const network of ['bridge', 'dual']) {
      const seen = await cli(
        'run',
        '--rm',
        '--network',
        network,
        'busybox',
        'ip',
        '-6',
        'addr',
        'show',
        'eth0',
      );
      assert.match(seen, /inet6 fd[0-9a-f:]+\/64 scope global/);
      assert.match(seen, /inet6 fe80:/);
      assert.doesNotMatch(seen, /tentative/);
    }
  });

  it('a neighbour that knew the address by another MAC is told, in both families', async () => {
    const { cli } = stage;
    await cli('network', 'create', '--subnet', '10.70.0.0/24', '--ipv6', '--subnet', 'fd70::/64', 'dual');
    await cli('run', '-d', '--name', 'neighbour', '--network', 'dual', 'busybox', 'sleep', '600');
    const asked = ['--network', 'dual', '--ip', '10.70.0.9', '--ip6', 'fd70::9'];
    const start = (mac: string) =>
      cli('run', '-d', '--name', 'moved', '--mac-address', mac, ...asked, 'busybox', 'sleep', '600');
    const known = async () => {
      const table = await inside('neighbour', 'ip', 'neigh', 'show', 'dev', 'eth0');
      return ['10.70.0.9', 'fd70::9'].map((ip) => new RegExp(`^${ip} .*lladdr (\\S+)`, 'm').exec(table)?.[1]);
    };
    await start('02:00:00:00:00:01');
    for (const ip of ['10.70.0.9', 'fd70::9']) await inside('neighbour', 'ping', '-c1', '-W2', ip);
    assert.deepEqual(await known(), ['02:00:00:00:00:01', '02:00:00:00:00:01']);
    await cli('rm', '-f', 'moved');
    await start('02:00:00:00:00:02');
    await soon(async () => assert.deepEqual(await known(), ['02:00:00:00:00:02', '02:00:00:00:00:02']));
  });

  it('an IPv6-only network: no IPv4 at all, names, the world, and published ports with the client’s address', async () => {
    const { cli } = stage;
    await cli('network', 'create', '--ipv4=false', '--ipv6', 'six');
    await serve('server', '--network', 'six', '-p', '8081:80');
    await cli('run', '-d', '--name', 'client', '--network', 'six', 'ubuntu', 'sleep', '600');
    assert.match(await v6('server', 'six'), /^fd/);
    assert.equal(await inspect(cli, 'server', '{{.NetworkSettings.Networks.six.IPAddress}}'), '');
    assert.doesNotMatch(await inside('server', 'ip', '-4', 'addr', 'show', 'eth0'), /inet /);
    const page = () => cli('exec', 'client', 'curl', '-sS', '--max-time', '3', 'http://server/');
    assert.match(await soon(page), /^hello/);
    assert.match(await inside('client', 'ping', '-c1', '-W2', WORLD_IP6), / 0% packet loss/);
    assert.equal(await clientSeenBy('server', 8081), WORLD_IP6);
  });

  it('a host that listens to router advertisements goes on doing so, and keeps its default route', async () => {
    const { cli, daemon, host } = stage;
    await daemon.stop();
    await host.sh('echo 0 >/proc/sys/net/ipv6/conf/all/forwarding');
    await host.setSysctl('net/ipv6/conf/eth0/accept_ra', '1');
    // Else its neighbour advertisements say that it is no router any more (RFC 4861, 7.2.5), and it is taken at its word.
    await host.world.setSysctl('net/ipv6/conf/all/forwarding', '1');
    const linkLocal = async (netns: typeof host.world) =>
      /inet6 (fe80:\S+)\//.exec(await netns.ok('ip', '-6', 'addr', 'show', 'dev', 'eth0'))?.[1] ?? '';
    const [from, to] = [await linkLocal(host.world), await linkLocal(host)];
    const options = `bind=[${from}%eth0],ipv6-unicast-hops=255`;
    const advertise = () =>
      host.world.sh(`printf '${ADVERTISEMENT}' | socat -u - "IP6-SENDTO:[${to}%eth0]:58,${options}"`);
    const learnt = async () => /^default via fe80.* proto ra/m.test(await host.ok('ip', '-6', 'route'));
    await soon(async () => {
      await advertise();
      assert.ok(await learnt());
    });
    await daemon.start();
    assert.equal((await host.ok('cat', '/proc/sys/net/ipv6/conf/all/forwarding')).trim(), '1');
    assert.ok(await learnt(), 'the route that the router gave stays');
    assert.equal((await host.ok('cat', '/proc/sys/net/ipv6/conf/eth0/accept_ra')).trim(), '2');
    await cli('run', '--rm', 'busybox', 'true');
    assert.ok(await learnt());
  });

  it('ip6tables: false: no rule of IPv6 is written, and the proxy serves published ports', async () => {
    const { cli, daemon, host } = stage;
    daemon.configure({ ipv6: true, 'fixed-cidr-v6': CIDR, ip6tables: false });
    await daemon.restart();
    await serve('plain', '-p', '8082:80');
    for (const table of ['filter', 'nat']) {
      // The user's chain stays, with the jump into it.
      assert.doesNotMatch(await host.ok('ip6tables', '-t', table, '-S'), /docker0|DOCKER(?!-USER)/);
    }
    assert.match(await host.ok('iptables', '-t', 'nat', '-S'), /--dport 8082 -j DNAT/);
    assert.match(await host.world.getSoon(`http://[${HOST_IP6}]:8082/`), /^hello/);
    const ping = await host.run([
      ...['nsenter', `--net=/proc/${await pidOf(cli, 'plain')}/ns/net`],
      ...['ping', '-c1', '-W1', WORLD_IP6],
    ]);
    assert.notEqual(
      ping.code,
      0,
      'the world does not know the way back to an address that is not masqueraded',
    );
    daemon.configure({ ipv6: true, bip6: 'fd00:d0c:2::7/64', 'default-gateway-v6': 'fd00:d0c:2::99' });
  });

  it('--bip6 and --default-gateway-v6 say what docker0’s address is, and whom containers go to', async () => {
    const { cli, daemon } = stage;
    await daemon.restart();
    assert.deepEqual(await globals(), ['fd00:d0c:2::7/64']);
    await cli('run', '-d', '--name', 'one', 'busybox', 'sleep', '600');
    assert.equal(await inspect(cli, 'one', '{{.NetworkSettings.GlobalIPv6Address}}'), 'fd00:d0c:2::1');
    assert.match(await inside('one', 'ip', '-6', 'route'), /^default via fd00:d0c:2::99 dev eth0/m);
  });
});
