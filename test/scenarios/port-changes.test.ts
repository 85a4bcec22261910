/** Ports that are published and taken away while their container runs, with each firewall and without one. */

import assert from 'node:assert/strict';
import { describe, it } from 'node:test';
import { type Background, background } from '../harness/background.ts';
import { inspect, pidOf, withBrackets } from '../harness/container.ts';
import { HOST_IP } from '../harness/host.ts';
import { type Netns, soon } from '../harness/netns.ts';
import { type Stage, useStage } from '../harness/stage.ts';

/** socat(1) that gives back what it gets, on a port of a container. It and its children are processes of the container's, and end with it. */
async function echo(stage: Stage, name: string, ...listen: string[]): Promise<Background> {
  const pid = await pidOf(stage.cli, name);
  return background(['nsenter', '-t', `${pid}`, '-n', '-p', '--', 'socat', ...listen, 'PIPE']);
}

/** A connection that is held, and says something again and again. */
async function talk(from: Netns, target: string): Promise<Background> {
  const held = background([...from.enter, 'socat', '-', `${target},retry=50,interval=0.1`]);
  held.write('first\n');
  await held.see(/first/);
  return held;
}

const portsOf = async (stage: Stage, name: string) =>
  withBrackets(await stage.cli('port', name))
    .split('\n')
    .filter((line) => line !== '');

for (const [title, config] of [
  ['iptables', {}],
  ['nftables', { 'firewall-backend': 'nftables' }],
  ['no firewall', { iptables: false }],
] as const) {
  describe(`ports of a running container, with ${title}`, () => {
    const stage = useStage({ client: 'bridgeport', images: ['web'], config });

    it('`port add` publishes several at once, `port rm` takes one away, and nobody else notices', async () => {
      const { cli, daemon, host } = stage;
      await cli('run', '-d', '--name', 'web', '-p', '7000-7003:7000-7003', 'web');
      const started = await inspect(cli, 'web', '{{.State.StartedAt}}');
      await using _server = await echo(stage, 'web', 'TCP-LISTEN:7001,fork,reuseaddr');
      await using _other = await echo(stage, 'web', 'TCP-LISTEN:7002,fork,reuseaddr');
      await using _udp = await echo(stage, 'web', 'UDP4-LISTEN:53,fork,reuseaddr');
      const held = await Promise.all([
        talk(host.world, `TCP:${HOST_IP}:7001`),
        talk(host, 'TCP:127.0.0.1:7001'),
      ]);
      const doomed = await Promise.all([
        talk(host.world, `TCP:${HOST_IP}:7002`),
        talk(host, 'TCP:127.0.0.1:7002'),
      ]);
      try {
        const printed = await cli(
          ...['port', 'add', 'web', '9090:80', `${HOST_IP}:9091:80`, '5353:53/udp', '9100-9101:80-81'],
        );
        assert.match(printed, /80\/tcp -> 0\.0\.0\.0:9090/);
        for (const port of [9090, 9091, 9100]) {
          assert.match(await host.world.getSoon(`http://${HOST_IP}:${port}/`), /^hello/);
        }
        assert.match(await host.getSoon('http://127.0.0.1:9090/'), /^hello/);
        assert.ok(await host.unanswered('http://127.0.0.1:9091/'), 'bound to one address');
        await soon(async () => {
          const udp = ['socat', '-T1', '-', `UDP4:${HOST_IP}:5353`];
          assert.equal((await host.world.run(udp, { input: 'ping' })).stdout, 'ping');
        });
        const listed = await portsOf(stage, 'web');
        assert.ok(listed.includes(`80/tcp -> ${HOST_IP}:9091`), listed.join('\n'));
        assert.ok(listed.includes('53/udp -> 0.0.0.0:5353'), listed.join('\n'));
        assert.match(await cli('ps'), /0\.0\.0\.0:9101->81\/tcp/);
        assert.equal(
          await inspect(cli, 'web', '{{json (index .HostConfig.PortBindings "81/tcp")}}'),
          '[{"HostIp":"","HostPort":"9101"}]',
        );

        await cli('port', 'rm', 'web', '9090:80', '7002:7002');
        assert.ok(await host.world.unanswered(`http://${HOST_IP}:9090/`));
        assert.ok(await host.unanswered('http://127.0.0.1:9090/'));
        assert.match(await host.world.get(`http://${HOST_IP}:9100/`), /^hello/);
        await using _free = background([...host.enter, 'socat', 'TCP-LISTEN:7002,reuseaddr', 'PIPE']);
        await soon(async () => assert.match(await host.ok('ss', '-Hltnp', 'sport = :7002'), /socat/));
        for (const one of doomed) {
          one.write('too late\n');
          await one.end();
        }
        for (const one of held) {
          one.write('last\n');
          await one.see(/last/);
        }
        assert.equal(await inspect(cli, 'web', '{{.State.StartedAt}}'), started, 'it was not started again');

        const events = await daemon.api('GET', `/events?since=0&until=${Math.ceil(Date.now() / 1000)}`);
        const seen = events.text
          .trim()
          .split('\n')
          .map((line) => JSON.parse(line) as { Action: string; Actor: { Attributes: { ports?: string } } })
          .filter(({ Action }) => Action === 'publish' || Action === 'unpublish');
        assert.deepEqual(
          seen.map(({ Action }) => Action),
          ['publish', 'unpublish'],
        );
        assert.match(seen[1]?.Actor.Attributes.ports ?? '', /0\.0\.0\.0:9090->80\/tcp/);
      } finally {
        for (const one of [...held, ...doomed]) await one[Symbol.asyncDispose]();
        await cli('rm', '-f', 'web');
      }
    });

    it('a port that is taken changes nothing, and is named', async () => {
      const { cli, host } = stage;
      await cli('run', '-d', '--name', 'web', '-p', '8080:80', 'web');
      await cli('run', '-d', '--name', 'other', '-p', '9001:80', 'web');
      const before = [
        await portsOf(stage, 'web'),
        await inspect(cli, 'web', '{{json .HostConfig.PortBindings}}'),
      ];
      const { code, stderr } = await cli.attempt(['port', 'add', 'web', '9000:80', '9001:80']);
      assert.equal(code, 1);
      assert.match(stderr, /Bind for 0\.0\.0\.0:9001 failed: port is already allocated/);
      const gone = await cli.attempt(['port', 'rm', 'web', '8080:80', '8081:80']);
      assert.match(gone.stderr, /80\/tcp: it is not published on host port 8081/);
      const after = [
        await portsOf(stage, 'web'),
        await inspect(cli, 'web', '{{json .HostConfig.PortBindings}}'),
      ];
      assert.deepEqual(after, before);
      assert.equal(await host.ok('ss', '-Hltn', 'sport = :9000'), '');
      assert.match(await host.world.getSoon(`http://${HOST_IP}:8080/`), /^hello/);
    });

    it('what was added is there after a restart of the container and of a killed daemon; a stopped one gets it at its start', async () => {
      const { cli, daemon, host } = stage;
      await cli('create', '--name', 'web', '-P', 'web');
      await cli('port', 'add', 'web', '9090:80', '9091:81');
      assert.deepEqual(await portsOf(stage, 'web'), []);
      await cli('start', 'web');
      assert.match(await host.world.getSoon(`http://${HOST_IP}:9090/`), /^hello/);
      await cli('port', 'rm', 'web', '81');
      await cli('port', 'add', 'web', '9092:80');
      // And one that the kernel chose, for `-P`: another one at each start.
      const expected = ['80/tcp -> 0.0.0.0:9090', '80/tcp -> 0.0.0.0:9092', '80/tcp -> 0.0.0.0:any'];
      const now = async () =>
        (await portsOf(stage, 'web'))
          .filter((line) => line.includes('0.0.0.0'))
          .map((line) => line.replace(/:[3-6]\d{4}$/, ':any'))
          .sort();
      assert.deepEqual(await now(), expected);
      await daemon.kill();
      await daemon.start();
      assert.deepEqual(await now(), expected);
      assert.match(await host.world.getSoon(`http://${HOST_IP}:9092/`), /^hello/);
      await cli('restart', '-t', '0', 'web');
      assert.deepEqual(await now(), expected);
      assert.match(await host.world.getSoon(`http://${HOST_IP}:9092/`), /^hello/);
    });
  });
}
