/** Who reaches whom on the networks that people make, and containers that come to them and leave them while they run. */

import assert from 'node:assert/strict';
import { describe, it } from 'node:test';
import { inNetworkOf, inspect, pidOf } from '../harness/container.ts';
import { run } from '../harness/exec.ts';
import { HOST_IP, WORLD_IP } from '../harness/host.ts';
import { soon } from '../harness/netns.ts';
import { useStage } from '../harness/stage.ts';

const BRIDGE = 'com.docker.network.bridge';

describe('containers on networks', () => {
  const stage = useStage({ name: 'members', images: ['busybox', 'web'] });
  const web = (name: string, network: string, ...more: string[]) =>
    stage.cli('run', '-d', '--name', name, '--network', network, ...more, 'web');
  const address = (name: string, network: string, field = 'IPAddress') =>
    inspect(stage.cli, name, `{{(index .NetworkSettings.Networks "${network}").${field}}}`);
  const v6 = (name: string, network: string) => address(name, network, 'GlobalIPv6Address');
  const curl = (ip: string, port = 80) => [
    ...['curl', '-sSg', '--noproxy', '*', '--max-time', '1'],
    `http://${ip.includes(':') ? `[${ip}]` : ip}:${port}/`,
  ];
  /** What a container's namespace gets; servers may have only just been started. */
  const reach = async (from: string, ip: string, port = 80) => {
    const pid = await pidOf(stage.cli, from);
    return soon(() => inNetworkOf(pid, ...curl(ip, port)));
  };
  const cannotReach = async (from: string, ip: string, port = 80) => {
    const pid = await pidOf(stage.cli, from);
    const { code, stdout } = await run(['nsenter', `--net=/proc/${pid}/ns/net`, '--', ...curl(ip, port)]);
    assert.notEqual(code, 0, `${from} reaches ${ip}: ${stdout}`);
  };
  const inside = async (name: string, ...command: string[]) =>
    inNetworkOf(await pidOf(stage.cli, name), ...command);

  it('two networks are isolated from each other in both families; one network is not from itself', async () => {
    const { cli, host } = stage;
    await cli('network', 'create', '--ipv6', 'a');
    await cli('network', 'create', '--ipv6', 'b');
    await Promise.all([web('a1', 'a'), web('a2', 'a'), web('b1', 'b'), web('d1', 'bridge')]);
    for (const ip of [await address('a2', 'a'), await v6('a2', 'a')]) {
      assert.match(await reach('a1', ip), /^hello/);
      await cannotReach('b1', ip);
      await cannotReach('d1', ip);
      assert.match(await host.get(`http://${ip.includes(':') ? `[${ip}]` : ip}/`), /^hello/, 'the host may');
    }
    await cannotReach('a1', await address('b1', 'b'));
    await cannotReach('a1', await v6('b1', 'b'));
    await cannotReach('a1', await address('d1', 'bridge'));
    // A neighbour that routes there is no better off.
    const subnet = await cli('network', 'inspect', '-f', '{{(index .IPAM.Config 0).Subnet}}', 'a');
    await host.world.ok('ip', 'route', 'add', subnet, 'via', HOST_IP);
    assert.ok(await host.world.unanswered(`http://${await address('a1', 'a')}/`));
    await host.world.ok('ip', 'route', 'del', subnet);
  });

  it('--internal has no way out and none in, and its containers reach each other', async () => {
    const { cli, host } = stage;
    await cli('network', 'create', '--internal', '--ipv6', 'inner');
    await Promise.all([web('i1', 'inner', '-p', '8080:80'), web('i2', 'inner')]);
    assert.match(await reach('i1', await address('i2', 'inner')), /^hello/);
    assert.match(await reach('i1', await v6('i2', 'inner')), /^hello/);
    assert.doesNotMatch(await inside('i1', 'ip', 'route'), /default/);
    assert.doesNotMatch(await inside('i1', 'ip', '-6', 'route'), /default/);
    assert.equal(await address('i1', 'inner', 'Gateway'), '');
    // Not even with a route of its own making.
    const gateway = await cli('network', 'inspect', '-f', '{{(index .IPAM.Config 0).Gateway}}', 'inner');
    await inside('i1', 'ip', 'route', 'add', 'default', 'via', gateway);
    const ping = await run([
      ...['nsenter', `--net=/proc/${await pidOf(cli, 'i1')}/ns/net`, '--'],
      ...['ping', '-c1', '-W1', WORLD_IP],
    ]);
    assert.notEqual(ping.code, 0, ping.stdout);
    assert.ok(await host.world.unanswered(`http://${HOST_IP}:8080/`), 'and a published port is not');
  });

  it('enable_icc=false: not among themselves, yet published ports answer', async () => {
    const { cli, host } = stage;
    await cli('network', 'create', '--ipv6', '-o', `${BRIDGE}.enable_icc=false`, 'quiet');
    await Promise.all([web('q1', 'quiet', '-p', '8080:80'), web('q2', 'quiet')]);
    assert.match(await host.world.getSoon(`http://${HOST_IP}:8080/`), /^hello/);
    await cannotReach('q2', await address('q1', 'quiet'));
    await cannotReach('q2', await v6('q1', 'quiet'));
    assert.match(await inside('q2', 'ping', '-c1', '-W2', WORLD_IP), /1 received/);
  });

  it('enable_ip_masquerade=false: the world sees the container’s own address, and needs a route to answer', async () => {
    const { cli, host } = stage;
    const option = `${BRIDGE}.enable_ip_masquerade=false`;
    await cli('network', 'create', '--subnet', '10.47.0.0/24', '-o', option, 'plain');
    await web('p1', 'plain', '--ip', '10.47.0.5');
    const ping = async () =>
      (await run(['nsenter', `--net=/proc/${await pidOf(cli, 'p1')}/ns/net`, 'ping', '-c1', '-W1', WORLD_IP]))
        .code;
    // The neighbour would send its answer back by the way it came, were the address not one of nobody there.
    await host.world.ok('ip', 'route', 'add', 'blackhole', '10.47.0.0/24');
    assert.notEqual(await ping(), 0);
    await host.world.ok('ip', 'route', 'replace', '10.47.0.0/24', 'via', HOST_IP);
    assert.equal(await ping(), 0);
    await host.world.ok('ip', 'route', 'del', '10.47.0.0/24');
  });

  it('host_binding_ipv4: where ports are published when nothing is said', async () => {
    const { cli, host } = stage;
    await cli('network', 'create', '-o', `${BRIDGE}.host_binding_ipv4=127.0.0.1`, 'shy');
    await web('s1', 'shy', '-p', '8080:80');
    assert.equal(await cli('port', 's1'), '80/tcp -> 127.0.0.1:8080');
    assert.match(await host.getSoon('http://127.0.0.1:8080/'), /^hello/);
    assert.ok(await host.world.unanswered(`http://${HOST_IP}:8080/`));
    await web('s2', 'shy', '-p', '0.0.0.0:8081:80');
    assert.match(await host.world.getSoon(`http://${HOST_IP}:8081/`), /^hello/);
  });

  it('connect and disconnect while it runs: interface, addresses and who is reached', async () => {
    const { cli, host } = stage;
    await cli('network', 'create', 'a');
    await cli('network', 'create', '--ipv6', '--subnet', '10.48.0.0/24', '--subnet', 'fd48::/64', 'b');
    await Promise.all([web('a1', 'a'), web('b1', 'b')]);
    const target = await address('b1', 'b');
    await cannotReach('a1', target);
    await cli('network', 'connect', '--ip', '10.48.0.77', '--ip6', 'fd48::77', '--alias', 'guest', 'b', 'a1');
    assert.match(await inside('a1', 'ip', 'addr', 'show', 'eth1'), /10\.48\.0\.77\/24[\s\S]*fd48::77\/64/);
    assert.match(await reach('a1', target), /^hello/);
    assert.match(await reach('b1', '10.48.0.77'), /^hello/);
    assert.deepEqual(
      (await inspect(cli, 'a1', '{{range $k, $v := .NetworkSettings.Networks}}{{$k}} {{end}}')).trim(),
      'a b',
    );
    assert.equal((await host.veths()).length, 3);
    // It stays so over a restart of the container.
    await cli('restart', '-t', '0', 'a1');
    assert.equal(await address('a1', 'b'), '10.48.0.77');
    assert.match(await reach('a1', target), /^hello/);
    await cli('network', 'disconnect', 'b', 'a1');
    assert.doesNotMatch(await inside('a1', 'ip', 'addr'), /eth1|10\.48/);
    await cannotReach('a1', target);
    assert.equal((await host.veths()).length, 2);
    assert.equal(await cli('network', 'inspect', '-f', '{{len .Containers}}', 'b'), '1');
    // A container that does not run is taken out and put in just the same.
    await cli('stop', '-t', '0', 'a1');
    await cli('network', 'connect', 'b', 'a1');
    await cli('network', 'disconnect', 'a', 'a1');
    await cli('start', 'a1');
    assert.match(await reach('a1', target), /^hello/);
    assert.doesNotMatch(await inside('a1', 'ip', 'addr'), /eth1/);
  });

  it('the default route and published ports follow the networks that are left', async () => {
    const { cli, host } = stage;
    await cli('network', 'create', '--subnet', '10.49.0.0/24', 'a');
    await cli('network', 'create', '--subnet', '10.50.0.0/24', 'b');
    await web('w1', 'a', '-p', '8080:80');
    await cli('network', 'connect', 'b', 'w1');
    assert.match(await inside('w1', 'ip', 'route'), /^default via 10\.49\.0\.1 /m);
    assert.match(await host.world.getSoon(`http://${HOST_IP}:8080/`), /^hello/);
    await cli('network', 'disconnect', 'a', 'w1');
    assert.match(await inside('w1', 'ip', 'route'), /^default via 10\.50\.0\.1 /m);
    assert.match(await host.world.getSoon(`http://${HOST_IP}:8080/`), /^hello/);
    assert.match(await host.getSoon('http://127.0.0.1:8080/'), /^hello/);
    assert.match((await host.rules('nat', 'DOCKER')).join('\n'), /--to-destination 10\.50\.0\.\d+:80/);
    assert.equal(await cli('port', 'w1'), '80/tcp -> 0.0.0.0:8080\n80/tcp -> [::]:8080');
    await cli('network', 'disconnect', 'b', 'w1');
    assert.ok(await host.world.unanswered(`http://${HOST_IP}:8080/`), 'on no network any more');
    await cli('network', 'connect', 'a', 'w1');
    assert.match(await host.world.getSoon(`http://${HOST_IP}:8080/`), /^hello/);
  });

  it('gw-priority: the highest has the way out, whichever came first', async () => {
    const { cli } = stage;
    await cli('network', 'create', '--subnet', '10.51.0.0/24', 'a');
    await cli('network', 'create', '--subnet', '10.52.0.0/24', 'b');
    await cli(
      ...['run', '-d', '--name', 'g1', '--network', 'name=a', '--network', 'name=b,gw-priority=5'],
      ...['busybox', 'sleep', '600'],
    );
    assert.match(await inside('g1', 'ip', 'route'), /^default via 10\.52\.0\.1 /m);
    await cli('network', 'disconnect', 'b', 'g1');
    assert.match(await inside('g1', 'ip', 'route'), /^default via 10\.51\.0\.1 /m);
    await cli('network', 'connect', '--gw-priority', '1', 'b', 'g1');
    assert.match(await inside('g1', 'ip', 'route'), /^default via 10\.52\.0\.1 /m);
    assert.match(await inside('g1', 'ping', '-c1', '-W2', WORLD_IP), /1 received/);
  });

  it('a container that is on two networks answers on both', async () => {
    const { cli } = stage;
    await cli('network', 'create', '--ipv6', 'a');
    await cli('network', 'create', '--ipv6', 'b');
    await Promise.all([web('a1', 'a'), web('b1', 'b')]);
    await web('both', 'a');
    await cli('network', 'connect', 'b', 'both');
    for (const [from, network] of [
      ['a1', 'a'],
      ['b1', 'b'],
    ] as const) {
      assert.match(await reach(from, await address('both', network)), /^hello/);
      assert.match(await reach(from, await v6('both', network)), /^hello/);
    }
  });
});
