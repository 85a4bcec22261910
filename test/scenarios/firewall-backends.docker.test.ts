/** The two firewall backends: the same behaviour, healing, and nothing of the one after a change to the other. */

import assert from 'node:assert/strict';
import { describe, it } from 'node:test';
import { type Background, background } from '../harness/background.ts';
import { inNetworkOf, inspect, pidOf } from '../harness/container.ts';
import { run } from '../harness/exec.ts';
import { HOST_IP, HOST_IP6, WORLD_IP } from '../harness/host.ts';
import { soon } from '../harness/netns.ts';
import { type Stage, useStage } from '../harness/stage.ts';

const BACKENDS = ['iptables', 'nftables'] as const;
/** What others do to the rules of a host. A reload of firewalld's takes all away and writes its own, ahead of ours and behind. */
const FLUSHES = {
  iptables: {
    '`nft flush ruleset`': 'nft flush ruleset',
    '`iptables -F`': 'iptables -F; iptables -t nat -F',
    '`iptables -F FORWARD`': 'iptables -F FORWARD',
    'a reload as of firewalld': `
      iptables -F; iptables -X; iptables -t nat -F; iptables -t nat -X; iptables -P FORWARD ACCEPT
      iptables -N FOREIGN_pre; iptables -A FOREIGN_pre -s 192.0.2.1 -j DROP; iptables -I FORWARD -j FOREIGN_pre
      iptables -A FORWARD -m comment --comment FOREIGN -j REJECT`,
  },
  nftables: {
    '`nft flush ruleset`': 'nft flush ruleset',
    'a reload as of firewalld': `nft '
      flush ruleset
      table inet FOREIGN { chain FOREIGN_forward { type filter hook forward priority filter + 10; policy accept;
        ip saddr 192.0.2.1 drop comment "FOREIGN"; }; }'`,
  },
} as const;
const UNDO = {
  iptables: `
    iptables -D FORWARD -j FOREIGN_pre; iptables -F FOREIGN_pre; iptables -X FOREIGN_pre
    iptables -D FORWARD -m comment --comment FOREIGN -j REJECT`,
  nftables: 'nft delete table inet FOREIGN',
} as const;
/** Milliseconds that rules which somebody flushed may be away. */
const HEAL = 1000;

const web = (stage: Stage, name: string, network: string, ...more: string[]) =>
  stage.cli('run', '-d', '--name', name, '--network', network, ...more, 'web');

const idle = (stage: Stage, name: string, network: string, ...more: string[]) =>
  stage.cli('run', '-d', '--name', name, '--network', network, ...more, 'busybox', 'sleep', '600');

/** socat(1) in a container's network namespace, as a server that is nowhere in its image. */
async function within(stage: Stage, name: string, ...addresses: string[]): Promise<Background> {
  const pid = await pidOf(stage.cli, name);
  return background(['nsenter', `--net=/proc/${pid}/ns/net`, '--', 'socat', ...addresses]);
}

const address = (stage: Stage, name: string, network: string) =>
  inspect(stage.cli, name, `{{(index .NetworkSettings.Networks "${network}").IPAddress}}`);

async function reaches(stage: Stage, from: string, ip: string): Promise<boolean> {
  const pid = await pidOf(stage.cli, from);
  const curl = ['curl', '-sS', '--noproxy', '*', '--max-time', '1', '-o', '/dev/null', `http://${ip}/`];
  return (await run(['nsenter', `--net=/proc/${pid}/ns/net`, '--', ...curl])).code === 0;
}

/** What each backend's own tools show of it: rules of the one, tables of the other. `DOCKER-USER` is the user's, and stays. */
async function traces(stage: Stage) {
  const { host } = stage;
  const [filter, nat, tables] = [
    await host.rules('filter'),
    await host.rules('nat'),
    await host.ok('nft', 'list', 'tables'),
  ];
  return {
    iptables: [...filter, ...nat].filter(
      (line) => /DOCKER|docker0|br-|MASQUERADE/.test(line) && !/DOCKER-USER/.test(line),
    ),
    nftables: tables.split('\n').filter((line) => line.includes('docker-bridges')),
  };
}

for (const backend of BACKENDS) {
  describe(`--firewall-backend ${backend}`, () => {
    const stage = useStage({
      name: backend,
      images: ['busybox', 'web'],
      args: ['--firewall-backend', backend],
    });

    it('published ports answer, networks are isolated, enable_icc=false holds, and the way out is open', async () => {
      const { cli, host } = stage;
      await cli('network', 'create', 'a');
      await cli('network', 'create', '-o', 'com.docker.network.bridge.enable_icc=false', 'quiet');
      await Promise.all([
        web(stage, 'a1', 'a', '-p', '8080:80'),
        web(stage, 'a2', 'a'),
        web(stage, 'q1', 'quiet', '-p', '127.0.0.1:8081:80'),
        web(stage, 'q2', 'quiet'),
      ]);
      assert.match(await host.world.getSoon(`http://${HOST_IP}:8080/`), /^hello/);
      assert.match(await host.world.getSoon(`http://[${HOST_IP6}]:8080/`), /^hello/);
      assert.match(await host.getSoon('http://127.0.0.1:8080/'), /^hello/);
      assert.match(await host.getSoon('http://127.0.0.1:8081/'), /^hello/);
      assert.ok(await host.world.unanswered(`http://${HOST_IP}:8081/`));
      const [a1, q1] = [await address(stage, 'a1', 'a'), await address(stage, 'q1', 'quiet')];
      assert.ok(await reaches(stage, 'a2', a1), 'the same network');
      assert.ok(await reaches(stage, 'a1', `${HOST_IP}:8080`), 'its own published port');
      assert.ok(await reaches(stage, 'q2', `${HOST_IP}:8080`), 'another’s published port');
      assert.ok(!(await reaches(stage, 'q2', a1)), 'another network');
      assert.ok(!(await reaches(stage, 'q2', q1)), 'a quiet network');
      const pid = await pidOf(cli, 'a2');
      assert.match(await inNetworkOf(pid, 'ping', '-c1', '-W2', WORLD_IP), /1 received/);
      const { iptables, nftables } = await traces(stage);
      assert.deepEqual(
        [iptables.length > 0, nftables.length > 0],
        [backend === 'iptables', backend === 'nftables'],
      );
    });

    for (const [name, flush] of Object.entries(FLUSHES[backend])) {
      it(`after ${name} the rules are back within a second, and connections live on`, async () => {
        const { cli, host } = stage;
        await cli('network', 'create', 'a');
        await cli('network', 'create', 'b');
        await Promise.all([
          web(stage, 'a1', 'a', '-p', '8080:80'),
          idle(stage, 'echo', 'a', '-p', '9000:9000'),
          web(stage, 'b1', 'b'),
        ]);
        const ip = await address(stage, 'a1', 'a');
        await host.world.getSoon(`http://${HOST_IP}:8080/`);
        await using _echo = await within(stage, 'echo', 'TCP-LISTEN:9000,fork,reuseaddr', 'PIPE');
        const retry = `TCP:${HOST_IP}:9000,retry=20,interval=0.1`;
        await using talk = background([...host.world.enter, 'socat', '-', retry]);
        talk.write('before\n');
        await talk.see(/before/);
        const whole = await ruleset(stage);
        assert.match(whole, /br-[0-9a-f]{12}/);
        assert.match(whole, /8080/);
        await host.sh(flush);
        const from = performance.now();
        await soon(async () => assert.equal(await ruleset(stage), whole), HEAL);
        if (/FOREIGN/.test(flush))
          assert.match(await host.ok('nft', 'list', 'ruleset'), /192\.0\.2\.1.* drop/);
        assert.ok(performance.now() - from < 2 * HEAL);
        assert.match(await host.world.get(`http://${HOST_IP}:8080/`), /^hello/);
        assert.ok(!(await reaches(stage, 'b1', ip)), 'and isolation is back');
        talk.write('after\n');
        await talk.see(/after/);
        if (/FOREIGN/.test(flush)) await host.sh(UNDO[backend]);
      });
    }

    it('UDP: a port that goes from one container to another takes its flows along', async () => {
      const { cli, host } = stage;
      await cli('network', 'create', 'a');
      // Always the same port, so that it is always the same flow.
      const ask = () =>
        soon(async () => {
          const address = `UDP4:${HOST_IP}:5000,sourceport=6000,reuseaddr`;
          const { stdout } = await host.world.run(['socat', '-T1', '-', address], { input: 'hi\n' });
          assert.notEqual(stdout, '');
          return stdout.trim();
        }, 8000);
      for (const word of ['first', 'second']) {
        await idle(stage, word, 'a', '-p', '5000:5000/udp');
        await using _server = await within(
          stage,
          word,
          'UDP4-LISTEN:5000,fork,reuseaddr',
          `SYSTEM:echo ${word}`,
        );
        assert.equal(await ask(), word);
        await cli('rm', '-f', word);
      }
    });
  });
}

/**
 * Rules and elements as the kernel has them, in no order. Empty chains and tables are not among them, nor the last rule
 * of the user's own chain, which says nothing, nor what is marked as others'.
 */
async function ruleset(stage: Stage): Promise<string> {
  const text = await stage.host.ok('nft', '-s', 'list', 'ruleset');
  const says = /\b(accept|drop|jump|goto|dnat|redirect|masquerade|vmap|map|tcp|udp)\b|br-|docker0/;
  return text
    .split(/\n|, | }$|elements = { /m)
    .map((line) => line.trim())
    .filter(
      (line) => says.test(line) && !/FOREIGN|192\.0\.2\.1 |policy accept|^\s*(chain|map|set) /.test(line),
    )
    .sort()
    .join('\n');
}

describe('a change of the firewall backend', () => {
  const stage = useStage({ name: 'switch', images: ['web'] });

  it('leaves nothing of the other, and published ports answer throughout', async () => {
    const { cli, daemon, host } = stage;
    await cli('network', 'create', 'a');
    await web(stage, 'a1', 'a', '-p', '8080:80', '--restart', 'always');
    await host.ok('iptables', '-A', 'INPUT', '-s', '192.0.2.1', '-j', 'DROP');
    for (const backend of ['nftables', 'iptables', 'nftables', 'iptables'] as const) {
      daemon.configure({ 'firewall-backend': backend });
      // A daemon that was killed could not clean up: the next one does.
      await (backend === 'nftables' ? daemon.kill() : daemon.stop());
      await daemon.start();
      assert.match(await host.world.getSoon(`http://${HOST_IP}:8080/`), /^hello/, backend);
      const { iptables, nftables } = await traces(stage);
      if (backend === 'nftables') assert.deepEqual(iptables, []);
      else assert.deepEqual(nftables, []);
      assert.ok((backend === 'nftables' ? nftables : iptables).length > 0);
      const own = await host.rules('filter', 'INPUT');
      assert.ok(own.includes('-A INPUT -s 192.0.2.1/32 -j DROP'), 'other people’s rules stay');
    }
    const policy = async () => (await host.rules('filter', 'FORWARD'))[0];
    assert.equal(await policy(), '-P FORWARD DROP');
    const answer = await daemon.api('GET', '/info');
    assert.equal(
      answer.json<{ FirewallBackend?: { Driver?: string } }>().FirewallBackend?.Driver,
      'iptables',
    );
  });
});
