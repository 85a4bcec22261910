/** Nothing is lost: what a daemon that dies leaves running runs on, and the next one takes it over or cleans it up. */

import assert from 'node:assert/strict';
import { existsSync, readdirSync } from 'node:fs';
import { join } from 'node:path';
import { describe, it } from 'node:test';
import { background } from '../harness/background.ts';
import { addressOf, inspect, pidOf } from '../harness/container.ts';
import type { TestDaemon } from '../harness/daemon.ts';
import { ok } from '../harness/exec.ts';
import { HOST_IP } from '../harness/host.ts';
import { soon } from '../harness/netns.ts';
import { type Stage, useStage } from '../harness/stage.ts';
import { mounts } from '../harness/teardown.ts';

const PAGE = `http://${HOST_IP}:8080/`;
/** A container that counts, two times a second, and ends at once when it is told to. */
const COUNTER = [
  'busybox',
  'sh',
  '-c',
  'trap "exit 0" TERM; i=0; while :; do i=$((i+1)); echo tick $i; sleep 0.5 & wait $!; done',
];

const state = (stage: Stage, name: string) =>
  inspect(stage.cli, name, '{{.State.Status}} {{.State.ExitCode}}');

/** Processes of a daemon by a word of their command line. */
async function processesOf(daemon: TestDaemon, word: string): Promise<number[]> {
  const lines = (await ok(['ps', '-eo', 'pid=,args='])).split('\n');
  return lines
    .filter((line) => line.includes(daemon.root) && line.includes(word))
    .map((line) => Number.parseInt(line, 10));
}

describe('A daemon that is killed', () => {
  const stage = useStage({ images: ['busybox', 'nginx'] });

  it('leaves containers, published ports and the connections through them at work', async () => {
    const { cli, host, daemon } = stage;
    await cli('run', '-d', '--name', 'web', '-p', '8080:80', 'nginx');
    const page = await host.world.getSoon(PAGE);
    const pid = await pidOf(cli, 'web');
    // By the proxy: no rule leads from the host's own IPv6 to a container that has IPv4 alone.
    await using kept = background([...host.enter, 'socat', '-', 'TCP6:[::1]:8080']);
    const asksOnceMore = async (time: number) => {
      kept.write('HEAD / HTTP/1.1\r\nHost: x\r\n\r\n');
      await kept.see(new RegExp(`(HTTP/1.1 200[^]*){${time}}`));
    };
    await asksOnceMore(1);
    await daemon.kill();
    await asksOnceMore(2);
    assert.equal(await host.world.get(PAGE), page);
    assert.ok(existsSync(`/proc/${pid}`));
    await daemon.start();
    await asksOnceMore(3);
    assert.equal(await host.world.get(PAGE), page);
    assert.equal(await host.getSoon('http://127.0.0.1:8080/'), page);
    assert.equal(await host.getSoon('http://[::1]:8080/'), page);
  });

  it('is followed by one that adopts them: state, exec, ports, wait and stop', async () => {
    const { cli, host, daemon } = stage;
    await cli('run', '-d', '--name', 'web', '-p', '8080:80', 'nginx');
    const before = await inspect(
      cli,
      'web',
      '{{.State.Pid}} {{.State.StartedAt}} {{.NetworkSettings.IPAddress}}',
    );
    await daemon.kill();
    await daemon.start();
    assert.equal(
      await inspect(cli, 'web', '{{.State.Pid}} {{.State.StartedAt}} {{.NetworkSettings.IPAddress}}'),
      before,
    );
    assert.equal(await cli('exec', 'web', 'echo', 'here'), 'here');
    assert.match(await cli('port', 'web'), /80\/tcp -> 0\.0\.0\.0:8080/);
    const { stderr } = await cli.attempt(['run', '--name', 'second', '-d', '-p', '8080:80', 'nginx']);
    assert.match(stderr, /port is already allocated/);
    await cli('run', '-d', '--name', 'third', 'busybox', 'sleep', '100');
    assert.equal(await addressOf(cli, 'third'), '172.17.0.3', 'the addresses in use are known');
    const waiting = cli('wait', 'web');
    await cli('stop', 'web');
    assert.equal(await waiting, '0');
    assert.ok(await host.world.unanswered(PAGE));
    await cli('start', 'web');
    assert.match(await host.world.getSoon(PAGE), /^hello/);
  });

  it('loses no line of output that was written meanwhile', async () => {
    const { cli, daemon } = stage;
    await cli('run', '-d', '--name', 'counter', ...COUNTER);
    await soon(async () => assert.match(await cli('logs', 'counter'), /tick 2/));
    await daemon.kill();
    await new Promise((resolve) => setTimeout(resolve, 1500));
    await daemon.start();
    const seen = /tick (\d+)$/.exec(await cli('logs', 'counter'))?.[1] ?? '0';
    await soon(async () =>
      assert.match(await cli('logs', 'counter'), new RegExp(`tick ${Number(seen) + 2}`)),
    );
    await cli('stop', 'counter');
    const lines = (await cli('logs', 'counter')).split('\n');
    assert.deepEqual(
      lines,
      lines.map((_, index) => `tick ${index + 1}`),
      'each once, in order',
    );
  });

  it('has its followers told, and the next one’s logs -f goes on', async () => {
    const { cli, daemon } = stage;
    await cli('run', '-d', '--name', 'counter', ...COUNTER);
    await using follower = background([...cli.command, 'logs', '-f', 'counter'], cli.env);
    await follower.see(/tick 2/);
    await daemon.kill();
    await follower.end();
    await daemon.start();
    await using next = background([...cli.command, 'logs', '-f', '--tail', '1', 'counter'], cli.env);
    await next.see(/tick \d+\n.*tick \d+\n/s);
    await cli('stop', 'counter');
    assert.equal(await next.end(), 0);
  });

  it('is followed by one to whose containers people can attach again', async () => {
    const { cli, daemon } = stage;
    await cli('run', '-d', '-i', '--name', 'shell', 'busybox', 'sh');
    await daemon.kill();
    await daemon.start();
    const { code, stdout } = await cli.attempt(['attach', 'shell'], {
      input: 'echo typed $((6 * 7)); exit 4\n',
    });
    assert.match(stdout, /typed 42/);
    assert.equal(code, 4);
    assert.equal(await state(stage, 'shell'), 'exited 4');
    assert.equal(await cli('logs', 'shell'), 'typed 42');
  });

  it('may miss an end: the next one knows the status, the output, and clears the network', async () => {
    const { cli, host, daemon } = stage;
    const script = 'while [ ! -e /go ]; do sleep 0.1; done; echo last words; exit 23';
    await cli('run', '-d', '--name', 'box', '-p', '8080:80', 'busybox', 'sh', '-c', script);
    const pid = await pidOf(cli, 'box');
    await daemon.kill();
    await ok(['touch', `/proc/${pid}/root/go`]);
    await soon(() => assert.ok(!existsSync(`/proc/${pid}`)));
    await daemon.start();
    assert.equal(await state(stage, 'box'), 'exited 23');
    assert.equal(await cli('logs', 'box'), 'last words');
    assert.deepEqual(await host.veths(), []);
    await daemon.expectNoResidue();
    assert.equal(await cli('wait', 'box'), '23');
  });

  it('honours restart policies when it comes back', async () => {
    const { cli, daemon } = stage;
    const run = (name: string, policy: string) =>
      cli(
        'run',
        '-d',
        '--name',
        name,
        '--restart',
        policy,
        '--stop-signal',
        'KILL',
        'busybox',
        'sleep',
        '1000',
      );
    await run('always', 'always');
    await run('always-stopped', 'always');
    await run('unless', 'unless-stopped');
    await run('unless-stopped', 'unless-stopped');
    await run('never', 'no');
    await cli('stop', 'always-stopped', 'unless-stopped');
    const pids = await Promise.all(['always', 'unless', 'never'].map((name) => pidOf(cli, name)));
    await daemon.kill();
    for (const pid of pids) process.kill(pid, 'SIGKILL');
    await soon(() =>
      assert.deepEqual(
        pids.filter((pid) => existsSync(`/proc/${pid}`)),
        [],
      ),
    );
    await daemon.start();
    await soon(async () => {
      assert.equal(await state(stage, 'always'), 'running 0');
      assert.equal(await state(stage, 'unless'), 'running 0');
      assert.equal(
        await state(stage, 'always-stopped'),
        'running 0',
        'always means at the daemon’s start too',
      );
    });
    assert.match(await state(stage, 'unless-stopped'), /^exited/);
    assert.equal(await state(stage, 'never'), 'exited 137');
    // The same after a start in good order.
    await daemon.restart();
    await soon(async () => {
      assert.equal(await state(stage, 'always'), 'running 0');
      assert.equal(await state(stage, 'unless'), 'running 0');
    });
    assert.match(await state(stage, 'unless-stopped'), /^exited/);
    assert.match(await state(stage, 'never'), /^exited/);
  });

  it('restores rules that somebody flushed while it was away', async () => {
    const { cli, host, daemon } = stage;
    await cli('run', '-d', '--name', 'web', '-p', '8080:80', 'nginx');
    await host.world.getSoon(PAGE);
    await daemon.kill();
    await host.sh('iptables -F; iptables -t nat -F; iptables -X; iptables -t nat -X');
    await daemon.start();
    assert.match(await host.world.getSoon(PAGE), /^hello/);
    assert.match((await host.rules('nat', 'DOCKER')).join('\n'), /dport 8080 -j DNAT/);
  });

  it('gets its containerd again when that dies, and containers do not notice', async () => {
    const { cli, daemon } = stage;
    await cli('run', '-d', '--name', 'counter', ...COUNTER);
    const pid = await pidOf(cli, 'counter');
    const [containerd = 0] = await processesOf(daemon, 'containerd --config');
    assert.ok(containerd > 0);
    process.kill(containerd, 'SIGKILL');
    await soon(async () => assert.notDeepEqual(await processesOf(daemon, 'containerd --config'), []), 10_000);
    await soon(async () => assert.equal(await cli('exec', 'counter', 'echo', 'here'), 'here'), 10_000);
    assert.equal(await pidOf(cli, 'counter'), pid);
    await cli('stop', 'counter');
    assert.equal(await state(stage, 'counter'), 'exited 0');
    await cli('run', '--rm', 'busybox', 'true');
  });

  it('gets its proxy again when that dies', async () => {
    const { cli, host, daemon } = stage;
    await cli('run', '-d', '--name', 'web', '-p', '8080:80', 'nginx');
    const page = await host.getSoon('http://127.0.0.1:8080/');
    const [proxy = 0] = await processesOf(daemon, '/proxy/');
    assert.ok(proxy > 0, 'there is a proxy');
    process.kill(proxy, 'SIGKILL');
    assert.equal(await host.getSoon('http://127.0.0.1:8080/'), page);
    assert.equal(await host.world.getSoon(PAGE), page);
    const { stderr } = await cli.attempt(['run', '--name', 'second', '-d', '-p', '8080:80', 'nginx']);
    assert.match(stderr, /8080/);
  });

  it('learns of a container whose shim was killed', async () => {
    const { cli, daemon } = stage;
    await cli('run', '-d', '--name', 'box', 'busybox', 'sleep', '1000');
    const [shim = 0] = await processesOf(daemon, 'containerd-shim');
    process.kill(shim, 'SIGKILL');
    await soon(async () => assert.equal(await state(stage, 'box'), 'exited 137'), 10_000);
    await daemon.expectNoResidue();
  });
});

describe('A daemon with "icc": false that is killed', () => {
  const stage = useStage({ images: ['nginx', 'ubuntu'], config: { icc: false } });

  it('keeps links: rules, names and addresses', async () => {
    const { cli, host, daemon } = stage;
    await cli('run', '-d', '--name', 'web', 'nginx');
    await cli('run', '-d', '--name', 'client', '--link', 'web:web', 'ubuntu', 'sleep', '1000');
    const rules = await host.rules('filter', 'DOCKER');
    assert.equal(rules.length, 3);
    await daemon.kill();
    await daemon.start();
    assert.deepEqual(await host.rules('filter', 'DOCKER'), rules);
    assert.match(await soon(() => cli('exec', 'client', 'curl', '-sS', '-m', '2', 'web')), /^hello/);
    await cli('stop', 'web');
    assert.deepEqual((await host.rules('filter', 'DOCKER')).slice(1), []);
    await cli('start', 'web');
    assert.deepEqual((await host.rules('filter', 'DOCKER')).sort(), rules.sort());
  });
});

describe('A daemon that is stopped', () => {
  const stage = useStage({ images: ['busybox', 'nginx'] });

  it('stops its containers in good order and leaves no process and no mount behind', async () => {
    const { cli, host, daemon } = stage;
    await cli('run', '-d', '--name', 'web', '-p', '8080:80', 'nginx');
    await cli('run', '-d', '--name', 'counter', ...COUNTER);
    // Both have to know what to do with a signal.
    await host.world.getSoon(PAGE);
    await soon(async () => assert.match(await cli('logs', 'counter'), /tick 1/));
    assert.equal(await daemon.stop(), 0);
    assert.deepEqual(await processesOf(daemon, ''), []);
    await daemon.expectNoResidue();
    assert.deepEqual(mounts(daemon.root), [], 'not even the folder of namespaces');
    assert.equal(await host.ok('ss', '-Hltn'), '');
    await daemon.start();
    assert.equal(await state(stage, 'web'), 'exited 0');
    assert.equal(await state(stage, 'counter'), 'exited 0');
    await cli('start', 'web');
    assert.match(await host.world.getSoon(PAGE), /^hello/);
  });

  it('is ready again soon, with what it had', async () => {
    const { cli, daemon } = stage;
    await cli('create', '--name', 'box', '-v', 'store:/data', 'busybox', 'true');
    const before = [await cli('images', '-q'), await cli('volume', 'ls', '-q'), await cli('ps', '-aq')];
    await daemon.restart();
    assert.deepEqual(
      [await cli('images', '-q'), await cli('volume', 'ls', '-q'), await cli('ps', '-aq')],
      before,
    );
    assert.equal(await cli('start', '-a', 'box'), '');
  });
});

describe('With live-restore', () => {
  const stage = useStage({ images: ['busybox', 'nginx'], config: { 'live-restore': true } });

  it('a stop of the daemon leaves containers, ports and output at work', async () => {
    const { cli, host, daemon } = stage;
    await cli('run', '-d', '--name', 'web', '-p', '8080:80', 'nginx');
    await cli('run', '-d', '--name', 'counter', ...COUNTER);
    const pids = [await pidOf(cli, 'web'), await pidOf(cli, 'counter')];
    const page = await host.world.getSoon(PAGE);
    assert.equal(await daemon.stop(), 0);
    assert.equal(await host.world.get(PAGE), page);
    assert.equal(await host.get('http://127.0.0.1:8080/'), page);
    await new Promise((resolve) => setTimeout(resolve, 1000));
    await daemon.start();
    assert.deepEqual([await pidOf(cli, 'web'), await pidOf(cli, 'counter')], pids);
    assert.equal(await host.get('http://127.0.0.1:8080/'), page);
    await cli('stop', 'counter');
    const lines = (await cli('logs', 'counter')).split('\n');
    assert.deepEqual(
      lines,
      lines.map((_, index) => `tick ${index + 1}`),
    );
    assert.match(await cli('info', '--format', '{{.LiveRestoreEnabled}}'), /true/);
  });
});

describe('A daemon that is killed at any moment', () => {
  const stage = useStage({ images: ['busybox'] });

  /** What the kernel holds must be what the containers that run account for, and nothing else. */
  const agrees = async () => {
    const { host, daemon } = stage;
    type Listed = { Id: string; State: string; Ports: Array<{ PublicPort?: number; IP?: string }> };
    const running = (await daemon.api('GET', '/containers/json')).json<Listed[]>();
    const published = running.flatMap(({ Ports }) => Ports.filter(({ IP }) => IP === '0.0.0.0'));
    const count = (lines: string[], what: RegExp) => lines.filter((line) => what.test(line)).length;
    const nat = await host.rules('nat');
    const netns = readdirSync(join(daemon.execRoot, 'netns')).filter((name) => name !== 'default');
    assert.deepEqual(
      {
        veths: (await host.veths()).length,
        netns: netns.length,
        dnat: count(nat, /^-A DOCKER .*-j DNAT/),
        localhost: count(nat, /^-A DOCKER-LOCALHOST .*-j DNAT/),
        accepts: count(await host.rules('filter', 'DOCKER'), /-j ACCEPT/),
        listening: (await host.ok('ss', '-Hltn', 'src 0.0.0.0')).split('\n').filter(Boolean).length,
      },
      {
        veths: running.length,
        netns: running.length,
        dnat: published.length,
        localhost: published.length,
        accepts: published.length,
        listening: published.length,
      },
    );
  };

  it('leaves nothing stray after the next start', { timeout: 150_000 }, async (t) => {
    const { cli, daemon } = stage;
    const rounds = 10;
    for (let round = 0; round < rounds; round++) {
      // Something that is there already, so that stop and rm have something to do.
      const old = `old${round}`;
      await cli(
        'run',
        '-d',
        '--name',
        old,
        '-p',
        '8000:80',
        '--stop-signal',
        'KILL',
        'busybox',
        'sleep',
        '1000',
      );
      const work = [
        cli.attempt([
          'run',
          '-d',
          '--name',
          `new${round}`,
          '-p',
          `${8100 + round}:80`,
          'busybox',
          'sleep',
          '1000',
        ]),
        cli.attempt(round % 2 === 0 ? ['rm', '-f', old] : ['stop', old]),
        cli.attempt(['create', '--name', `made${round}`, '-v', `volume${round}:/data`, 'busybox', 'true']),
      ];
      // Spread over the time that these take.
      const moment = 20 + Math.random() * 400;
      await new Promise((resolve) => setTimeout(resolve, moment));
      await daemon.kill();
      await Promise.all(work);
      await daemon.start();
      try {
        await soon(agrees, 5000);
      } catch (error) {
        throw new Error(`killed after ${moment.toFixed(0)} ms in round ${round}: ${String(error)}`, {
          cause: error,
        });
      }
      // Whatever is there can be looked at and removed.
      const all = (await cli('ps', '-aq')).split('\n').filter(Boolean);
      if (all.length > 0) await cli('inspect', ...all);
      await daemon.removeContainers();
      await daemon.expectNoResidue();
      const folder = join(daemon.dataRoot, 'containers');
      assert.deepEqual(existsSync(folder) ? readdirSync(folder) : [], [], `round ${round}`);
    }
    t.diagnostic(`${rounds} rounds`);
    // No snapshot stays for a container that is not.
    const snapshots = join(daemon.dataRoot, 'containerd/io.containerd.snapshotter.v1.overlayfs/snapshots');
    const images = 1;
    await soon(() => assert.equal(readdirSync(snapshots).length, images), 10_000);
  });
});
