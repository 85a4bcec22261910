/** Rows 8 to 14: published ports, the rules behind them, and the userland proxy. */

import assert from 'node:assert/strict';
import { describe, it } from 'node:test';
import type { ClientName } from '../../harness/client.ts';
import { addressOf, inNetworkOf, inspect, pidOf, withBrackets } from '../../harness/container.ts';
import { HOST_IP, HOST_IP6, SECOND_HOST_IP } from '../../harness/host.ts';
import { shortConnections } from '../../harness/load.ts';
import { type Netns, soon } from '../../harness/netns.ts';
import { type Stage, useStage } from '../../harness/stage.ts';

/** Every address under which a host's port can be reached, and from where. */
export async function everywhere(stage: Stage, port: number): Promise<Record<string, string>> {
  const { host } = stage;
  const pages = {
    'another host': host.world.getSoon(`http://${HOST_IP}:${port}/`),
    'another host, IPv6': host.world.getSoon(`http://[${HOST_IP6}]:${port}/`),
    localhost: host.getSoon(`http://localhost:${port}/`),
    '127.0.0.1': host.getSoon(`http://127.0.0.1:${port}/`),
    '::1': host.getSoon(`http://[::1]:${port}/`),
    'its own address': host.getSoon(`http://${HOST_IP}:${port}/`),
    'its own IPv6 address': host.getSoon(`http://[${HOST_IP6}]:${port}/`),
    'the address of docker0': host.getSoon(`http://172.17.0.1:${port}/`),
  };
  const entries = Object.entries(pages).map(async ([from, page]) => [from, (await page).split(' ')[0]]);
  return Object.fromEntries(await Promise.all(entries)) as Record<string, string>;
}

export const ANSWERS = {
  'another host': 'hello',
  'another host, IPv6': 'hello',
  localhost: 'hello',
  '127.0.0.1': 'hello',
  '::1': 'hello',
  'its own address': 'hello',
  'its own IPv6 address': 'hello',
  'the address of docker0': 'hello',
};

export function publishedPorts(client: ClientName): void {
  describe(`C. Published ports, with ${client}`, () => {
    const stage = useStage({ client, images: ['nginx', 'busybox', 'web'], secondLan: true });

    const web = () => stage.cli('run', '--name', 'web', '-p', '8080:80', '-d', 'nginx');
    const ports = async (name: string) =>
      withBrackets(await stage.cli('ps', '-a', '--filter', `name=^${name}$`, '--format', '{{.Ports}}'));

    it('row 8: two nginx on 8080 and 8081 both answer, from everywhere', async () => {
      const { cli } = stage;
      await web();
      await cli('run', '--name', 'web2', '-p', '8081:80', '-d', 'nginx');
      assert.deepEqual(await everywhere(stage, 8080), ANSWERS);
      assert.deepEqual(await everywhere(stage, 8081), ANSWERS);
      const page = (port: number) => stage.host.world.get(`http://${HOST_IP}:${port}/`);
      assert.equal(await page(8080), `hello from ${await cli('exec', 'web', 'hostname')}`);
      assert.equal(await page(8081), `hello from ${await cli('exec', 'web2', 'hostname')}`);
    });

    it('row 8: ps shows where it is published', async () => {
      const { cli } = stage;
      await web();
      assert.equal(await ports('web'), '0.0.0.0:8080->80/tcp, [::]:8080->80/tcp');
      assert.equal(withBrackets(await cli('port', 'web')), '80/tcp -> 0.0.0.0:8080\n80/tcp -> [::]:8080');
      await cli('run', '--name', 'plain', '-d', 'nginx');
      assert.equal(await ports('plain'), '80/tcp');
      await cli('stop', 'web');
      assert.equal(await ports('web'), '');
    });

    it('row 8: containers reach it on the host too, and on their own published port', async () => {
      const { cli } = stage;
      await web();
      await cli('run', '-d', '--name', 'client', 'nginx');
      const curl = (from: string, url: string) =>
        soon(() => cli('exec', from, 'curl', '-sS', '-m', '2', url));
      assert.match(await curl('client', `http://${HOST_IP}:8080/`), /^hello/);
      assert.match(await curl('client', 'http://172.17.0.1:8080/'), /^hello/);
      assert.match(await curl('web', `http://${HOST_IP}:8080/`), /^hello/);
    });

    it('row 8: -p with an address, a range, udp and a port of the kernel’s choice', async () => {
      const { cli, host } = stage;
      await cli(
        ...['run', '-d', '--name', 'many', '-p', '127.0.0.1:8085:80', '-p', '9000-9002:9000-9002'],
        ...['-p', '5353:53/udp', '-p', '80', 'nginx'],
      );
      const shown = await ports('many');
      assert.match(shown, /127\.0\.0\.1:8085->80\/tcp/);
      assert.match(shown, /0\.0\.0\.0:9000-9002->9000-9002\/tcp/);
      assert.match(shown, /0\.0\.0\.0:5353->53\/udp/);
      const chosen = /0\.0\.0\.0:(\d{5})->80\/tcp/.exec(shown)?.[1];
      assert.ok(chosen !== undefined, shown);
      assert.match(await host.world.getSoon(`http://${HOST_IP}:${chosen}/`), /^hello/);
      assert.match(await host.getSoon('http://127.0.0.1:8085/'), /^hello/);
      assert.ok(await host.world.unanswered(`http://${HOST_IP}:8085/`), 'published on loopback alone');
    });

    it('row 8: -P publishes what the image exposes', async () => {
      const { cli, host } = stage;
      await cli('run', '-d', '--name', 'web', '-P', 'nginx');
      const port = /0\.0\.0\.0:(\d+)/.exec(await cli('port', 'web', '80'))?.[1];
      assert.match(await host.world.getSoon(`http://${HOST_IP}:${port}/`), /^hello/);
    });

    it('row 8: a udp port answers from outside and from localhost', async () => {
      const { cli, host } = stage;
      await cli('run', '-d', '--name', 'echo', '-p', '5000:5000/udp', 'busybox', 'sleep', '100');
      // busybox has no server for UDP: ours steps into the container's network.
      const server =
        "const s = require('dgram').createSocket('udp4'); let n = 0; s.bind(5000);" +
        's.on("message", (m, from) => s.send(m, from.port, from.address, () => ++n === 3 && process.exit()));';
      const pid = await pidOf(cli, 'echo');
      const serving = inNetworkOf(pid, 'timeout', '10', process.execPath, '-e', server);
      await soon(async () => assert.match(await inNetworkOf(pid, 'ss', '-Hlun'), /:5000/));
      const say = async (from: Netns, to: string) => {
        const script = `exec 3<>/dev/udp/${to}/5000; echo ping >&3; timeout 2 head -n 1 <&3`;
        assert.equal(await from.ok('bash', '-c', script), 'ping');
      };
      await say(host.world, HOST_IP);
      await say(host, '127.0.0.1');
      await say(host.world, HOST_IP6);
      await serving;
    });

    it('row 8: every address of the host is meant, also that of another LAN', async () => {
      const { host } = stage;
      await web();
      assert.match(await host.lan!.getSoon(`http://${SECOND_HOST_IP}:8080/`), /^hello/);
    });

    it('row 9: chain DOCKER of nat maps the port, chain DOCKER of filter lets it in', async () => {
      const { cli, host } = stage;
      await web();
      await cli('run', '--name', 'web2', '-p', '8081:80', '-d', 'nginx');
      const shown = await host.ok('iptables', '-t', 'nat', '-L', '-v', '-n');
      assert.match(shown, /Chain DOCKER \(2 references\)/);
      assert.match(
        shown,
        /DNAT +(tcp|6) +-- +!docker0 +\* +0\.0\.0\.0\/0 +0\.0\.0\.0\/0 +tcp dpt:8080 to:172\.17\.0\.2:80/,
      );
      assert.match(
        shown,
        /DNAT +(tcp|6) +-- +!docker0 +\* +0\.0\.0\.0\/0 +0\.0\.0\.0\/0 +tcp dpt:8081 to:172\.17\.0\.3:80/,
      );
      const filter = await host.rules('filter', 'DOCKER');
      assert.deepEqual(filter.slice(1), [
        '-A DOCKER -d 172.17.0.2/32 ! -i docker0 -o docker0 -p tcp -m tcp --dport 80 -j ACCEPT',
        '-A DOCKER -d 172.17.0.3/32 ! -i docker0 -o docker0 -p tcp -m tcp --dport 80 -j ACCEPT',
      ]);
    });

    it('row 9: who publishes nothing has no rule', async () => {
      const { cli, host } = stage;
      const before = await host.ok('iptables-save');
      await cli('run', '--name', 'plain', '-d', 'nginx');
      const rules = (text: string) => text.split('\n').filter((line) => line.startsWith('-A'));
      assert.deepEqual(rules(await host.ok('iptables-save')), rules(before));
    });

    it('row 9: nobody outside reaches a container by its address, whatever it publishes', async () => {
      const { cli, host } = stage;
      await web();
      await cli('run', '--name', 'plain', '-d', 'nginx');
      await host.world.ok('ip', 'route', 'add', '172.17.0.0/16', 'via', HOST_IP);
      try {
        assert.match(await host.getSoon('http://172.17.0.3/'), /^hello/, 'the host itself reaches it');
        const { stdout } = await host.world.run(['ping', '-c', '1', '-W', '1', '172.17.0.3']);
        assert.match(stdout, /100% packet loss/);
        assert.ok(await host.world.unanswered('http://172.17.0.3/'), 'publishes nothing');
        assert.ok(await host.world.unanswered('http://172.17.0.2/'), 'publishes, but not its own address');
      } finally {
        await host.world.ok('ip', 'route', 'del', '172.17.0.0/16');
      }
    });

    it('row 9: rules count what they let through', async () => {
      const { host } = stage;
      await web();
      await host.world.getSoon(`http://${HOST_IP}:8080/`);
      const shown = await host.ok('iptables', '-t', 'nat', '-L', 'DOCKER', '-v', '-n', '-x');
      const packets = Number(/^ *(\d+) .*dpt:8080/m.exec(shown)?.[1]);
      assert.ok(packets >= 1, shown);
    });

    it('row 10: FORWARD stands as in the document', async () => {
      const { host } = stage;
      assert.deepEqual(await host.rules('filter', 'FORWARD'), [
        '-P FORWARD DROP',
        '-A FORWARD -j DOCKER-USER',
        '-A FORWARD -j DOCKER-ISOLATION-STAGE-1',
        '-A FORWARD -o docker0 -m conntrack --ctstate RELATED,ESTABLISHED -j ACCEPT',
        '-A FORWARD -o docker0 -j DOCKER',
        '-A FORWARD -i docker0 ! -o docker0 -j ACCEPT',
        '-A FORWARD -i docker0 -o docker0 -j ACCEPT',
      ]);
      assert.deepEqual(await host.rules('filter', 'DOCKER-USER'), [
        '-N DOCKER-USER',
        '-A DOCKER-USER -j RETURN',
      ]);
      const nat = await host.rules('nat');
      assert.ok(nat.includes('-A PREROUTING -m addrtype --dst-type LOCAL -j DOCKER'), nat.join('\n'));
      assert.ok(
        nat.includes('-A OUTPUT ! -d 127.0.0.0/8 -m addrtype --dst-type LOCAL -j DOCKER'),
        nat.join('\n'),
      );
    });

    it('row 12: the listening port is held on the host', async () => {
      const { host } = stage;
      await web();
      const listening = await host.ok('ss', '-Hltnp', 'sport = :8080');
      assert.match(listening, /0\.0\.0\.0:8080.*"bridgeport-prox"/, 'by a program that says what it is');
      assert.match(listening, /\[::\]:8080/);
      const { code, stderr } = await host.run(['busybox', 'nc', '-l', '-p', '8080']);
      assert.notEqual(code, 0);
      assert.match(stderr, /in use/);
    });

    it('row 12: a second -p 8080:80 fails with the port named, and leaves nothing', async () => {
      const { cli, host, daemon } = stage;
      await web();
      const before = { rules: await host.ok('iptables', '-S'), veths: await host.veths() };
      const { code, stderr } = await cli.attempt(['run', '--name', 'second', '-p', '8080:80', '-d', 'nginx']);
      assert.equal(code, 125);
      assert.match(
        stderr,
        /: failed to set up container networking: driver failed programming external connectivity on endpoint second \([0-9a-f]{64}\): Bind for 0\.0\.0\.0:8080 failed: port is already allocated/,
      );
      assert.equal(await host.ok('iptables', '-S'), before.rules);
      assert.deepEqual(await host.veths(), before.veths);
      assert.equal(await inspect(cli, 'second', '{{.State.Status}}'), 'created');
      // Its address is free again, and it starts once the port is.
      await cli('run', '-d', '--name', 'third', 'busybox', 'sleep', '100');
      assert.equal(await addressOf(cli, 'third'), '172.17.0.3');
      await cli('rm', '-f', 'web', 'third');
      await daemon.expectNoResidue();
      await cli('start', 'second');
      assert.match(await host.world.getSoon(`http://${HOST_IP}:8080/`), /^hello/);
    });

    it('row 12: a port that another program holds is refused as well, and the rest of a range undone', async () => {
      const { cli, host, daemon } = stage;
      const other = host.run(['timeout', '20', 'busybox', 'nc', '-l', '-p', '9001']);
      await soon(async () => assert.match(await host.ok('ss', '-Hltn'), /:9001/));
      const { code, stderr } = await cli.attempt([
        'run',
        '--name',
        'web',
        '-p',
        '9000-9002:80-82',
        '-d',
        'nginx',
      ]);
      assert.equal(code, 125);
      assert.match(stderr, /9001/);
      assert.match(stderr, /address already in use/);
      assert.equal(await host.ok('ss', '-Hltn', 'sport = :9000 or sport = :9002'), '');
      await cli('rm', 'web');
      await daemon.expectNoResidue();
      await host.run(['sh', '-c', 'echo | busybox nc -w 1 127.0.0.1 9001']);
      await other;
    });

    it('row 12: the same port on two addresses of the host is no conflict', async () => {
      const { cli, host } = stage;
      await cli('run', '-d', '--name', 'web', '-p', `${HOST_IP}:8080:80`, 'nginx');
      await cli('run', '-d', '--name', 'web2', '-p', `${SECOND_HOST_IP}:8080:80`, 'nginx');
      const page = (name: string) => cli('exec', name, 'hostname').then((id) => `hello from ${id}`);
      assert.equal(await host.world.getSoon(`http://${HOST_IP}:8080/`), await page('web'));
      assert.equal(await host.lan!.getSoon(`http://${SECOND_HOST_IP}:8080/`), await page('web2'));
      const { stderr } = await cli.attempt(['run', '-d', '-p', '8080:80', 'nginx']);
      assert.match(stderr, /8080/);
    });

    it('row 13: a port with connections in TIME_WAIT is bound again at once', async () => {
      const { cli, host, daemon } = stage;
      await web();
      // Of localhost, the proxy serves ::1; the connections of 127.0.0.1 end in the container.
      await host.getSoon('http://[::1]:8080/');
      // nginx closes first when it is told to; then the side that holds 8080 is the one that has to wait.
      // Which side's FIN is first is a race between curl and nginx: ask until it was nginx.
      await soon(async () => {
        await host.ok('curl', '-sS', '-g', '-H', 'Connection: close', 'http://[::1]:8080/');
        const waiting = await host.ok('ss', '-Htan', 'state', 'time-wait', 'sport = :8080');
        assert.match(waiting, /\[::1\]:8080/, 'the case is the one that is meant');
      }, 20_000);
      await cli('restart', 'web');
      assert.match(await host.getSoon('http://[::1]:8080/'), /^hello/);
      await cli('rm', '-f', 'web');
      await web();
      assert.match(await host.getSoon('http://[::1]:8080/'), /^hello/);
      await daemon.restart();
      await cli('start', 'web');
      assert.match(await host.getSoon('http://[::1]:8080/'), /^hello/);
      assert.match(await host.world.getSoon(`http://${HOST_IP}:8080/`), /^hello/);
    });
  });

  describe(`C. Published ports without iptables, with ${client}`, () => {
    const stage = useStage({ client, images: ['nginx'], config: { iptables: false } });

    it('row 11: "iptables": false writes no rule, yet the port answers from everywhere', async () => {
      const { cli, host } = stage;
      await cli('run', '--name', 'web', '-p', '8080:80', '-d', 'nginx');
      assert.deepEqual(await everywhere(stage, 8080), ANSWERS);
      const rules = (await host.ok('iptables-save')).split('\n').filter((line) => /^-A|^:DOCKER/.test(line));
      assert.deepEqual(rules, []);
    });

    it('row 11: it is the proxy that answers: the container sees docker0, not the visitor', async () => {
      const { cli, host } = stage;
      await cli('run', '--name', 'web', '-p', '8080:80', '-d', 'nginx');
      await host.world.getSoon(`http://${HOST_IP}:8080/`);
      const log = await soon(async () => {
        const text = await cli('logs', 'web');
        assert.match(text, /GET \//);
        return text;
      });
      assert.match(log, /^172\.17\.0\.1 - - /m);
    });

    // The command line makes no difference to it: one of the two shows it with fewer connections, but with fewer ports.
    const [count, range] = client === 'docker' ? [100_000, undefined] : [10_000, '40000\t41023'];
    const title = `row 14: ${count.toLocaleString('en')} short connections in a row, none refused`;
    it(title, { timeout: 150_000 }, async (t) => {
      const { cli, host } = stage;
      await cli('run', '--name', 'web', '--log-driver', 'none', '-p', '8080:80', '-d', 'nginx');
      await host.getSoon('http://127.0.0.1:8080/');
      if (range !== undefined) await host.setSysctl('net/ipv4/ip_local_port_range', range);
      const before = await host.sysctl('net/ipv4/ip_local_port_range');
      // Keep every TIME_WAIT: a kernel that throws them away early would hide what is tested.
      await host.setSysctl('net/ipv4/tcp_max_tw_buckets', '500000');
      const result = await shortConnections(host, { port: 8080, count, concurrency: 32 });
      t.diagnostic(`${result.made} connections in ${result.seconds.toFixed(1)} s`);
      assert.deepEqual(result.failed, {});
      assert.equal(result.made, count);
      assert.equal(await host.sysctl('net/ipv4/ip_local_port_range'), before, 'the host keeps its settings');
    });
  });

  describe(`C. Published ports without iptables and forwarding, with ${client}`, () => {
    const stage = useStage({ client, images: ['nginx'], config: { iptables: false, 'ip-forward': false } });

    it('row 11: with "ip-forward": false too, the port answers from everywhere', async () => {
      const { cli, host } = stage;
      assert.equal(await host.sysctl('net/ipv4/ip_forward'), '0');
      await cli('run', '--name', 'web', '-p', '8080:80', '-d', 'nginx');
      assert.deepEqual(await everywhere(stage, 8080), ANSWERS);
    });
  });

  describe(`C. Published ports without the userland proxy, with ${client}`, () => {
    const stage = useStage({ client, images: ['nginx'], config: { 'userland-proxy': false } });

    it('row 11: "userland-proxy": false: localhost still answers, through the kernel', async () => {
      const { cli, host } = stage;
      await cli('run', '--name', 'web', '-p', '8080:80', '-d', 'nginx');
      assert.match(await host.getSoon('http://127.0.0.1:8080/'), /^hello/);
      assert.match(await host.getSoon(`http://${HOST_IP}:8080/`), /^hello/);
      assert.match(await host.world.getSoon(`http://${HOST_IP}:8080/`), /^hello/);
      assert.equal(await host.sysctl('net/ipv4/conf/docker0/route_localnet'), '1');
      const nat = await host.rules('nat');
      assert.ok(nat.includes('-A OUTPUT -m addrtype --dst-type LOCAL -j DOCKER'), nat.join('\n'));
      assert.ok(
        nat.some((rule) => /-A POSTROUTING .*-o docker0 .*-j MASQUERADE/.test(rule)),
        nat.join('\n'),
      );
    });

    it('row 11: route_localnet lets nobody else in to what is published on loopback', async () => {
      const { cli, host } = stage;
      await cli('run', '--name', 'web', '-p', '127.0.0.1:8080:80', '-d', 'nginx');
      assert.match(await host.getSoon('http://127.0.0.1:8080/'), /^hello/);
      // A neighbour that sends packets for 127.0.0.1 over the wire.
      await host.world.setSysctl('net/ipv4/conf/all/route_localnet', '1');
      await host.world.ok('ip', 'addr', 'del', '127.0.0.1/8', 'dev', 'lo');
      await host.world.ok('ip', 'route', 'add', '127.0.0.1', 'via', HOST_IP);
      try {
        assert.ok(await host.world.unanswered('http://127.0.0.1:8080/'));
      } finally {
        await host.world.ok('ip', 'route', 'del', '127.0.0.1');
        await host.world.ok('ip', 'addr', 'add', '127.0.0.1/8', 'dev', 'lo');
      }
    });

    it('row 11: the port is still held', async () => {
      const { cli } = stage;
      await cli('run', '--name', 'web', '-p', '8080:80', '-d', 'nginx');
      const { stderr } = await cli.attempt(['run', '--name', 'second', '-p', '8080:80', '-d', 'nginx']);
      assert.match(stderr, /Bind for 0\.0\.0\.0:8080 failed: port is already allocated/);
    });
  });
}
