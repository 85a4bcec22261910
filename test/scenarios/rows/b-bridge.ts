/** Rows 4 to 7: docker0, the veth pairs into it, and the way out. */

import assert from 'node:assert/strict';
import { readFileSync } from 'node:fs';
import { describe, it } from 'node:test';
import type { ClientName } from '../../harness/client.ts';
import { addressOf, inNetworkOf, inspect, pidOf } from '../../harness/container.ts';
import { FAR_IP, HOST_IP, WORLD_IP } from '../../harness/host.ts';
import { soon } from '../../harness/netns.ts';
import { useStage } from '../../harness/stage.ts';

interface Network {
  Name: string;
  Id: string;
  Scope: string;
  Driver: string;
  IPAM: { Driver: string; Options: unknown; Config: Array<{ Subnet: string; Gateway: string }> };
  Containers: Record<string, { Name: string; MacAddress: string; IPv4Address: string; IPv6Address: string }>;
  Options: Record<string, string>;
}

export function bridge(client: ClientName): void {
  describe(`B. docker0 and veth, with ${client}`, () => {
    const stage = useStage({ client, images: ['nginx', 'ubuntu', 'busybox'] });
    const sleeper = (name: string, ...options: string[]) =>
      stage.cli('run', '-d', '--name', name, ...options, 'busybox', 'sleep', '1000');

    it('row 4: the daemon makes docker0 with 172.17.0.1/16, MTU 1500 and a MAC of its own', async () => {
      const { host } = stage;
      const link = await host.link('docker0');
      assert.equal(link?.mtu, 1500);
      assert.equal(link?.linkinfo?.info_kind, 'bridge');
      assert.ok(link?.flags.includes('UP'));
      assert.match(link?.address ?? '', /^02:42:/);
      assert.deepEqual(await host.addresses('docker0'), ['172.17.0.1/16']);
      const shown = await host.ok('ifconfig', 'docker0');
      assert.match(shown, /mtu 1500/);
      assert.match(shown, /inet 172\.17\.0\.1 {2}netmask 255\.255\.0\.0 {2}broadcast 172\.17\.255\.255/);
      assert.match(shown, /ether 02:42:/);
    });

    it('row 4: it enables forwarding, and lets nothing through that it did not mean to', async () => {
      assert.equal(await stage.host.sysctl('net/ipv4/ip_forward'), '1');
      assert.ok((await stage.host.rules('filter')).includes('-P FORWARD DROP'));
    });

    it('row 4: without containers brctl shows docker0 with no interface', async () => {
      assert.match(
        await stage.host.ok('brctl', 'show', 'docker0'),
        /^docker0\t+8000\.0242[0-9a-f]{8}\tno\t*$/m,
      );
      assert.deepEqual(await stage.host.bridgePorts('docker0'), []);
    });

    it('row 5: run makes a veth pair, eth0 inside and vethXXXXXXX on docker0', async () => {
      const { cli, host } = stage;
      await sleeper('box');
      const [port = '', ...others] = await host.bridgePorts('docker0');
      assert.match(port, /^veth[0-9a-f]{7}$/);
      assert.deepEqual(others, []);
      const outer = await host.link(port);
      assert.equal(outer?.linkinfo?.info_kind, 'veth');
      assert.equal(outer?.master, 'docker0');
      assert.ok(outer?.flags.includes('LOWER_UP'));
      assert.match(await host.ok('ifconfig', port), /mtu 1500/);
      // Both ends name each other's index.
      assert.equal(Number(await cli('exec', 'box', 'cat', '/sys/class/net/eth0/iflink')), outer?.ifindex);
      assert.equal(Number(await cli('exec', 'box', 'cat', '/sys/class/net/eth0/ifindex')), outer?.link_index);
    });

    it('row 5: eth0 has the next free address, a MAC that follows from it, and the default route', async () => {
      const { cli } = stage;
      await sleeper('first');
      await sleeper('second');
      const shown = await cli('exec', 'first', 'ifconfig', 'eth0');
      assert.match(shown, /HWaddr 02:42:AC:11:00:02/);
      assert.match(shown, /inet addr:172\.17\.0\.2 {2}Bcast:172\.17\.255\.255 {2}Mask:255\.255\.0\.0/);
      assert.match(shown, /UP BROADCAST RUNNING MULTICAST {2}MTU:1500/);
      const template =
        '{{.NetworkSettings.IPAddress}}/{{.NetworkSettings.IPPrefixLen}} {{.NetworkSettings.MacAddress}} {{.NetworkSettings.Gateway}}';
      assert.equal(await inspect(cli, 'first', template), '172.17.0.2/16 02:42:ac:11:00:02 172.17.0.1');
      assert.equal(await inspect(cli, 'second', template), '172.17.0.3/16 02:42:ac:11:00:03 172.17.0.1');
      assert.match(await cli('exec', 'second', 'ip', 'route'), /^default via 172\.17\.0\.1 dev eth0/m);
      assert.match(await cli('exec', 'second', 'cat', '/etc/hosts'), /^172\.17\.0\.3\t[0-9a-f]{12}$/m);
    });

    it('row 5: a freed address is given again, one in use never is', async () => {
      const { cli } = stage;
      for (const name of ['one', 'two', 'three']) await sleeper(name);
      await cli('rm', '-f', 'two');
      await sleeper('four');
      assert.equal(await addressOf(cli, 'four'), '172.17.0.3');
      await sleeper('five');
      assert.equal(await addressOf(cli, 'five'), '172.17.0.5');
    });

    it('row 5: all of it goes when the container stops, and comes again with a start', async () => {
      const { cli, host, daemon } = stage;
      await cli('run', '-d', '--name', 'web', '-p', '8080:80', 'nginx');
      assert.equal((await host.veths()).length, 1);
      await cli('stop', 'web');
      assert.deepEqual(await host.veths(), []);
      assert.deepEqual(await host.bridgePorts('docker0'), []);
      await daemon.expectNoResidue();
      await cli('start', 'web');
      assert.equal((await host.bridgePorts('docker0')).length, 1);
      await host.world.getSoon(`http://${HOST_IP}:8080/`);
    });

    it('row 5: a container that ends by itself leaves nothing either', async () => {
      const { cli, host, daemon } = stage;
      const { code } = await cli.attempt(['run', 'busybox', 'sh', '-c', 'exit 7']);
      assert.equal(code, 7);
      assert.deepEqual(await host.veths(), []);
      await daemon.expectNoResidue();
    });

    it('row 6: network inspect bridge shows subnet, gateway, options and containers', async () => {
      const { cli } = stage;
      await sleeper('box');
      const id = await inspect(cli, 'box', '{{.Id}}');
      const [network] = JSON.parse(await cli('network', 'inspect', 'bridge')) as Network[];
      assert.equal(network?.Name, 'bridge');
      assert.equal(network?.Driver, 'bridge');
      assert.equal(network?.Scope, 'local');
      assert.equal(network?.IPAM.Driver, 'default');
      assert.equal(network?.IPAM.Options, null);
      assert.deepEqual(network?.IPAM.Config, [{ Subnet: '172.17.0.0/16', Gateway: '172.17.0.1' }]);
      assert.deepEqual(network?.Options, {
        'com.docker.network.bridge.default_bridge': 'true',
        'com.docker.network.bridge.enable_icc': 'true',
        'com.docker.network.bridge.enable_ip_masquerade': 'true',
        'com.docker.network.bridge.host_binding_ipv4': '0.0.0.0',
        'com.docker.network.bridge.name': 'docker0',
        'com.docker.network.driver.mtu': '1500',
      });
      assert.deepEqual(Object.keys(network?.Containers ?? {}), [id]);
      const { Name, MacAddress, IPv4Address } = network?.Containers[id] ?? {};
      assert.deepEqual([Name, MacAddress, IPv4Address], ['box', '02:42:ac:11:00:02', '172.17.0.2/16']);
      await cli('stop', '-t', '0', 'box');
      const [after] = JSON.parse(await cli('network', 'inspect', 'bridge')) as Network[];
      assert.deepEqual(after?.Containers, {});
    });

    it('row 6: network ls lists bridge, host and none', async () => {
      const listed = await stage.cli('network', 'ls', '--format', '{{.Name}} {{.Driver}} {{.Scope}}');
      assert.deepEqual(listed.split('\n').sort(), [
        'bridge bridge local',
        'host host local',
        'none null local',
      ]);
    });

    it('row 7: containers on the bridge reach each other', async () => {
      const { cli } = stage;
      await cli('run', '-d', '--name', 'web', 'nginx');
      await cli('run', '-d', '--name', 'client', 'ubuntu', 'sleep', '1000');
      await cli('exec', 'client', 'ping', '-c', '1', '-W', '2', '172.17.0.2');
      const page = await soon(() => cli('exec', 'client', 'curl', '-sS', '-m', '2', '172.17.0.2'));
      assert.match(page, /^hello from/);
    });

    it('row 7: the world is reached through docker0, masqueraded', async () => {
      const { cli, host } = stage;
      await sleeper('box');
      const pid = await pidOf(cli, 'box');
      // What the other side sees of a connection: the host's address, not the container's.
      const seen = host.world.run([
        'sh',
        '-c',
        'busybox nc -l -p 7000 -e sh -c "cat /proc/net/tcp /proc/net/tcp6 >&2; echo thanks"',
      ]);
      const answer = await soon(() => cli('exec', 'box', 'nc', '-w', '2', FAR_IP, '7000'));
      assert.equal(answer, 'thanks');
      const connections = (await seen).stderr;
      const hex = (ip: string) =>
        ip
          .split('.')
          .reverse()
          .map((part) => Number(part).toString(16).padStart(2, '0').toUpperCase())
          .join('');
      assert.match(connections, new RegExp(`${hex(HOST_IP)}:`));
      assert.doesNotMatch(connections, new RegExp(`${hex('172.17.0.2')}:`));
      await cli('exec', 'box', 'ping', '-c', '1', '-W', '2', WORLD_IP);
      const tracked = await host.ok('conntrack', '-L', '-p', 'icmp');
      assert.match(
        tracked,
        new RegExp(`src=172\\.17\\.0\\.2 dst=${WORLD_IP} .*src=${WORLD_IP} dst=${HOST_IP}`),
      );
      assert.match(await inNetworkOf(pid, 'ip', 'route', 'get', FAR_IP), /via 172\.17\.0\.1 dev eth0/);
    });

    it('row 7: the rule behind it is the well-known one', async () => {
      const rules = await stage.host.rules('nat', 'POSTROUTING');
      assert.ok(
        rules.includes('-A POSTROUTING -s 172.17.0.0/16 ! -o docker0 -j MASQUERADE'),
        rules.join('\n'),
      );
    });

    it('row 7: with docker0 down nothing gets out', async () => {
      const { cli, host } = stage;
      await sleeper('box');
      await host.ok('ip', 'link', 'set', 'docker0', 'down');
      try {
        const { code } = await cli.attempt(['exec', 'box', 'ping', '-c', '1', '-W', '1', WORLD_IP]);
        assert.notEqual(code, 0);
      } finally {
        await host.ok('ip', 'link', 'set', 'docker0', 'up');
      }
      await cli('exec', 'box', 'ping', '-c', '1', '-W', '2', WORLD_IP);
    });

    it('row 5: --network none has only lo, --network host is the host, container:X shares', async () => {
      const { cli } = stage;
      assert.equal(await cli('run', '--rm', '--network', 'none', 'busybox', 'ls', '/sys/class/net'), 'lo');
      const routes = await cli('run', '--rm', '--network', 'host', 'busybox', 'ip', 'route');
      assert.match(routes, new RegExp(`default via ${WORLD_IP}`));
      await sleeper('box');
      const shared = await cli('run', '--rm', '--network', 'container:box', 'busybox', 'ip', '-4', 'addr');
      assert.match(shared, /172\.17\.0\.2\/16/);
    });

    it('row 5: resolv.conf, hosts and hostname are written as Docker writes them', async () => {
      const { cli } = stage;
      const id = await sleeper(
        'box',
        '--dns',
        '9.9.9.9',
        '--dns-search',
        'example.org',
        '--add-host',
        'db:10.1.2.3',
      );
      const hosts = await cli('exec', 'box', 'cat', '/etc/hosts');
      assert.match(hosts, /^127\.0\.0\.1\tlocalhost$/m);
      assert.match(hosts, /^10\.1\.2\.3\tdb$/m);
      assert.match(hosts, new RegExp(`^172\\.17\\.0\\.2\t${id.slice(0, 12)}$`, 'm'));
      const resolv = await cli('exec', 'box', 'cat', '/etc/resolv.conf');
      assert.match(resolv, /^nameserver 9\.9\.9\.9$/m);
      assert.match(resolv, /^search example\.org$/m);
      assert.equal(await cli('exec', 'box', 'cat', '/etc/hostname'), id.slice(0, 12));
      const path = await inspect(cli, 'box', '{{.HostsPath}}');
      assert.equal(readFileSync(path, 'utf8').trimEnd(), hosts);
    });
  });
}
