/** What the kernel serves and what the proxy: whose address the container sees, and which way localhost goes. */

import assert from 'node:assert/strict';
import { readdirSync, readFileSync } from 'node:fs';
import { join } from 'node:path';
import { describe, it } from 'node:test';
import type { PortKeeperState } from '../../src/base/wire/index.ts';
import { background } from '../harness/background.ts';
import { pidOf } from '../harness/container.ts';
import { HOST_IP, HOST_IP6, WORLD_IP, WORLD_IP6 } from '../harness/host.ts';
import { type Netns, soon } from '../harness/netns.ts';
import { type Stage, useStage } from '../harness/stage.ts';

/** The port keeper, by its control socket, which is named on its command line. */
function keeperOf(stage: Stage): number {
  const socket = join(stage.daemon.execRoot, 'ports.sock');
  const found = readdirSync('/proc').find((name) => {
    if (!/^\d+$/.test(name)) return false;
    try {
      return readFileSync(`/proc/${name}/cmdline`, 'utf8').split('\0').includes(socket);
    } catch {
      return false; // it has ended
    }
  });
  assert.ok(found, 'the keeper runs');
  return Number(found);
}

/** Runs `work` while the keeper cannot: what answers now is the kernel's doing. */
async function withoutProxy<T>(stage: Stage, work: () => Promise<T>): Promise<T> {
  const keeper = keeperOf(stage);
  process.kill(keeper, 'SIGSTOP');
  try {
    return await work();
  } finally {
    process.kill(keeper, 'SIGCONT');
  }
}

/** Servers inside a container that answer with the address of whoever asks. */
async function tellers(stage: Stage, name: string) {
  const pid = await pidOf(stage.cli, name);
  return ['TCP6-LISTEN:7000', 'UDP6-RECVFROM:7000'].map((listen) =>
    background([
      ...['nsenter', '-t', `${pid}`, '-n', '-p', '--', 'socat', `${listen},ipv6only=0,fork,reuseaddr`],
      'SYSTEM:echo $SOCAT_PEERADDR',
    ]),
  );
}

/** What a teller answers: `10.99.0.1`, without what IPv6 writes around it. */
async function told(from: Netns, target: string): Promise<string> {
  return soon(async () => {
    const { stdout } = await from.run(['socat', '-T1', '-', target], { input: 'who am I?\n' });
    assert.notEqual(stdout, '');
    return stdout
      .trim()
      .replace(/^\[|\]$/g, '')
      .replace(/^0000:0000:0000:0000:0000:ffff:/, '::ffff:');
  });
}

for (const backend of ['iptables', 'nftables'] as const) {
  describe(`who serves published ports, with ${backend}`, () => {
    const stage = useStage({ images: ['busybox', 'web'], config: { 'firewall-backend': backend } });

    it('other hosts are never served by the proxy: their address reaches the container, TCP and UDP, IPv4 and IPv6', async () => {
      const { cli, host } = stage;
      await cli('network', 'create', '--ipv6', '--subnet', 'fd00:77::/64', 'six');
      await cli(
        'run',
        '-d',
        '--name',
        'teller',
        '--network',
        'six',
        '-p',
        '7000:7000',
        '-p',
        '7000:7000/udp',
        'busybox',
        'sleep',
        '100',
      );
      const servers = await tellers(stage, 'teller');
      try {
        await withoutProxy(stage, async () => {
          const { world } = host;
          const hex = (address: string) =>
            address.split('.').map((part) => Number(part).toString(16).padStart(2, '0'));
          const [a, b, c, d] = hex(WORLD_IP);
          const mapped = new RegExp(`^(::ffff:)?(${WORLD_IP.replaceAll('.', '\\.')}|${a}${b}:${c}${d})$`);
          assert.match(await told(world, `TCP4:${HOST_IP}:7000`), mapped);
          assert.match(await told(world, `UDP4:${HOST_IP}:7000`), mapped);
          const six = (text: string) =>
            text
              .replace(/\b0+(?=\w)/g, '')
              .replace(/(^|:)(0:)+/, '::')
              .replace(':::', '::');
          assert.equal(six(await told(world, `TCP6:[${HOST_IP6}]:7000`)), WORLD_IP6);
          assert.equal(six(await told(world, `UDP6:[${HOST_IP6}]:7000`)), WORLD_IP6);
        });
      } finally {
        await cli('rm', '-f', 'teller');
        for (const server of servers) await server[Symbol.asyncDispose]();
      }
    });

    it('localhost is served by the kernel, and by the proxy where the kernel cannot', async () => {
      const { cli, host } = stage;
      await cli('run', '-d', '--name', 'web', '-p', '8080:80', '-p', '127.0.0.1:8081:80', 'web');
      for (const address of ['127.0.0.1', '[::1]']) await host.getSoon(`http://${address}:8080/`);
      await withoutProxy(stage, async () => {
        assert.match(await host.get('http://127.0.0.1:8080/'), /^hello/);
        assert.match(await host.get('http://127.0.0.1:8081/'), /^hello/);
        assert.ok(await host.unanswered('http://[::1]:8080/'), 'IPv6 is the proxy’s');
      });
      assert.match(await host.get('http://[::1]:8080/'), /^hello/);
      assert.equal(await host.sysctl('net/ipv4/conf/docker0/route_localnet'), '1');
      await cli('rm', '-f', 'web');
      assert.equal(
        await host.sysctl('net/ipv4/conf/docker0/route_localnet'),
        '0',
        'it goes with the last port',
      );
    });

    it('nobody else gets to the host’s loopback, not even by its own published ports', async () => {
      const { cli, host } = stage;
      await cli('run', '-d', '--name', 'web', '-p', '127.0.0.1:8080:80', 'web');
      await cli('run', '-d', '--name', 'thief', '--cap-add', 'NET_ADMIN', 'busybox', 'sleep', '100');
      await using _private = background([
        ...host.enter,
        'socat',
        'TCP-LISTEN:6000,bind=127.0.0.1,fork,reuseaddr',
        'SYSTEM:echo secret',
      ]);
      await soon(async () => assert.match(await host.ok('socat', '-', 'TCP:127.0.0.1:6000'), /secret/));
      assert.match(await host.getSoon('http://127.0.0.1:8080/'), /^hello/);
      const pid = await pidOf(cli, 'thief');
      const inside = ['nsenter', '-t', `${pid}`, '-n', '--'];
      const forge = (gateway: string) =>
        `echo 1 >/proc/sys/net/ipv4/conf/all/route_localnet
        ip route del local 127.0.0.0/8 dev lo table local; ip route del local 127.0.0.1 dev lo table local
        ip route add 127.0.0.0/8 via ${gateway}`;
      await host.run([...inside, 'sh', '-c', forge('172.17.0.1')]);
      await host.world.run(['sh', '-c', forge(HOST_IP)]);
      try {
        for (const [words, source] of [
          [inside, '172.17.0.3'],
          [host.world.enter, WORLD_IP],
        ] as const) {
          for (const port of [6000, 8080]) {
            const target = `TCP:127.0.0.1:${port},bind=${source},connect-timeout=1`;
            const { code } = await host.run([...words, 'socat', '-u', target, '-']);
            assert.notEqual(code, 0, `${source} reaches 127.0.0.1:${port}`);
          }
        }
      } finally {
        await host.world.run(['ip', 'addr', 'add', '127.0.0.1/8', 'dev', 'lo']);
        await host.world.run(['ip', 'route', 'del', '127.0.0.0/8', 'via', HOST_IP]);
      }
    });
  });
}

describe('who serves localhost with --localhost-nat=false', () => {
  const stage = useStage({ images: ['web'], config: { 'localhost-nat': false } });

  it('is the proxy, which tells what it holds, and route_localnet is left alone', async () => {
    const { cli, daemon, host } = stage;
    await cli('run', '-d', '--name', 'web', '-p', '8080:80', 'web');
    assert.match(await host.getSoon('http://127.0.0.1:8080/'), /^hello/);
    await withoutProxy(stage, async () => assert.ok(await host.unanswered('http://127.0.0.1:8080/')));
    await using _held = background([...host.enter, 'socat', '-', 'TCP:127.0.0.1:8080']);
    await soon(async () => {
      const state = (await daemon.api('GET', '/bridgeport/ports')).json<PortKeeperState>();
      assert.equal(state.keeper?.ports, 2);
      const use = state.targets.find(({ connections }) => connections > 0);
      assert.ok(use !== undefined);
      assert.deepEqual([use.target, use.connections, use.exhausted], ['172.17.0.2:80', 1, 0]);
      const { start, end } = state.localPorts;
      assert.equal(use.free, end - start + 1 - 1 - use.timeWait);
    });
    assert.equal(await host.sysctl('net/ipv4/conf/docker0/route_localnet'), '0');
    assert.ok(!(await host.rules('nat')).some((rule) => rule.includes('DOCKER-LOCALHOST')));
  });

  it('goes from one to the other with the option, also past a killed daemon, and what was set is taken back', async () => {
    const { cli, daemon, host } = stage;
    const restartWith = async (config: Record<string, unknown>) => {
      daemon.configure(config);
      await daemon.kill();
      await daemon.start();
    };
    await cli('run', '-d', '--name', 'web', '-p', '8080:80', 'web');
    for (const [config, routed] of [
      [{}, '1'],
      [{ 'localhost-nat': false }, '0'],
      [{ 'userland-proxy': false }, '1'],
      [{ 'localhost-nat': false }, '0'],
      [{ 'firewall-backend': 'nftables' }, '1'],
      [{ iptables: false }, '0'],
    ] as const) {
      await restartWith(config);
      assert.match(await host.getSoon('http://127.0.0.1:8080/'), /^hello/, JSON.stringify(config));
      assert.equal(await host.sysctl('net/ipv4/conf/docker0/route_localnet'), routed, JSON.stringify(config));
    }
    await restartWith({ 'localhost-nat': false });
  });
});

for (const [title, config] of [
  ['with rules', {}],
  ['without', { iptables: false }],
] as const) {
  describe(`the PROXY protocol, ${title}`, () => {
    const stage = useStage({ images: ['busybox', 'web'], config });

    it('tells a labelled port its client’s address, and no other port anything', async () => {
      const { cli, host } = stage;
      await cli(
        ...['run', '-d', '--name', 'app', '--label', 'bridgeport.port.7000/tcp.proxy-protocol=v2'],
        ...['-p', '8080:7000', '-p', '8081:80', 'web'],
      );
      const pid = await pidOf(cli, 'app');
      await using _server = background([
        ...['nsenter', '-t', `${pid}`, '-n', '-p', '--', 'socat', 'TCP-LISTEN:7000,fork,reuseaddr'],
        'SYSTEM:head -c 28 | od -An -v -tx1',
      ]);
      // Signature, version 2 PROXY, TCP over IPv4, 12 bytes, 10.99.0.1, 10.99.0.2, a port, 8080.
      const header = /^0d0a0d0a000d0a515549540a2111000c0a6300010a630002[0-9a-f]{4}1f90$/;
      await soon(async () => {
        const { stdout } = await host.world.run(['socat', '-T2', '-u', `TCP:${HOST_IP}:8080`, '-']);
        assert.match(stdout.replace(/\s/g, ''), header);
      });
      assert.match(await host.world.getSoon(`http://${HOST_IP}:8081/`), /^hello/);
      await cli('rm', '-f', 'app');
    });

    it('is refused for what it is not made for', async () => {
      const { stderr } = await stage.cli.attempt([
        'create',
        '--label',
        'bridgeport.port.80.proxy-protocol=v1',
        'web',
      ]);
      assert.match(stderr, /label bridgeport\.port\.80\.proxy-protocol=v1: the version has to be v2/);
    });
  });
}
