/** Row 19: what people do with containers all day. */

import assert from 'node:assert/strict';
import { existsSync, mkdirSync, readFileSync, writeFileSync } from 'node:fs';
import { join } from 'node:path';
import { describe, it } from 'node:test';
import { background } from '../../harness/background.ts';
import type { ClientName } from '../../harness/client.ts';
import { inspect, pidOf, withBrackets } from '../../harness/container.ts';
import { HOST_IP } from '../../harness/host.ts';
import { soon } from '../../harness/netns.ts';
import { useStage } from '../../harness/stage.ts';
import { Terminal } from '../../harness/terminal.ts';

export function dayToDay(client: ClientName): void {
  describe(`E. Day to day, with ${client}`, () => {
    const stage = useStage({ client, images: ['ubuntu', 'nginx', 'busybox'] });
    const state = (name: string) => inspect(stage.cli, name, '{{.State.Status}} {{.State.ExitCode}}');
    const names = async (...options: string[]) =>
      (await stage.cli('ps', '--format', '{{.Names}}', ...options)).split('\n').filter(Boolean);

    it('row 19: run -it gives a shell on a terminal; exit ends it with its status', async () => {
      const { cli } = stage;
      const terminal = Terminal.open(cli, 'run', '-it', '--name', 'cc1', 'ubuntu');
      try {
        assert.match(await terminal.line('tty'), /^\/dev\/pts\/0\r$/m);
        assert.match(await terminal.line('echo $((6 * 7)) $PWD'), /^42 \/\r$/m);
        assert.match(await terminal.line('ps -o pid,args'), /^ +1 bash\r$/m);
        assert.deepEqual(await names(), ['cc1']);
        terminal.type('exit 3\r');
        assert.equal(await terminal.end(), 3);
      } finally {
        terminal.close();
      }
      assert.equal(await state('cc1'), 'exited 3');
      assert.deepEqual(await names(), []);
      assert.deepEqual(await names('-a'), ['cc1']);
      assert.match(await cli('ps', '-a', '--format', '{{.Status}}'), /^Exited \(3\) .*ago$/);
    });

    it('row 19: keys that make signals reach the terminal in the container', async () => {
      const terminal = Terminal.open(stage.cli, 'run', '-it', '--rm', 'ubuntu');
      try {
        await terminal.prompt();
        terminal.type('sleep 100\r');
        await terminal.see(/sleep 100\r\n/);
        await new Promise((resolve) => setTimeout(resolve, 300));
        terminal.type('\x03');
        assert.match(await terminal.line('echo status $?'), /status 130/);
        terminal.type('\x04');
        assert.equal(await terminal.end(), 0);
      } finally {
        terminal.close();
      }
    });

    it('row 19: --rm takes the container away when it ends', async () => {
      const { cli, daemon } = stage;
      assert.equal(await cli('run', '--rm', 'busybox', 'echo', 'hello'), 'hello');
      await soon(async () => assert.deepEqual(await names('-a'), []));
      await daemon.expectNoResidue();
      assert.deepEqual(
        existsSync(join(daemon.dataRoot, 'containers'))
          ? (await daemon.host.ok('ls', join(daemon.dataRoot, 'containers'))).trim()
          : '',
        '',
      );
    });

    it('row 19: standard output and standard error come apart, standard input goes in', async () => {
      const { cli } = stage;
      const both = await cli.attempt([
        'run',
        '--rm',
        'busybox',
        'sh',
        '-c',
        'echo out; echo err >&2; exit 4',
      ]);
      assert.deepEqual(both, { code: 4, stdout: 'out\n', stderr: 'err\n' });
      const text = 'x'.repeat(300_000);
      const echoed = await cli.attempt(['run', '-i', '--rm', 'busybox', 'cat'], { input: text });
      assert.equal(echoed.stdout.length, text.length);
      assert.equal(echoed.code, 0);
    });

    it('row 19: exit statuses 125, 126 and 127 are the ones users know', async () => {
      const { cli } = stage;
      const code = async (...args: string[]) => (await cli.attempt(args)).code;
      assert.equal(await code('run', '--no-such-flag', 'busybox'), 125);
      assert.equal(await code('run', '--rm', 'busybox', '/etc/passwd'), 126);
      assert.equal(await code('run', '--rm', 'busybox', 'nonesuch'), 127);
      assert.equal(await code('run', '--rm', 'busybox', 'sh', '-c', 'sh -c "kill -9 \\$\\$"; exit $?'), 137);
    });

    it('row 19: exec runs a command in a running container', async () => {
      const { cli } = stage;
      await cli('run', '-d', '--name', 'box', 'busybox', 'sleep', '1000');
      assert.equal(await cli('exec', 'box', 'hostname'), await inspect(cli, 'box', '{{.Config.Hostname}}'));
      const given = [
        'exec',
        '-e',
        'A=b',
        '-w',
        '/tmp',
        '-u',
        '65534',
        'box',
        'sh',
        '-c',
        'echo $A $PWD $(id -u)',
      ];
      assert.equal(await cli(...given), 'b /tmp 65534');
      assert.equal((await cli.attempt(['exec', 'box', 'sh', '-c', 'exit 9'])).code, 9);
      assert.equal((await cli.attempt(['exec', 'box', 'nonesuch'])).code, 127);
      const piped = await cli.attempt(['exec', '-i', 'box', 'wc', '-c'], { input: 'four' });
      assert.equal(piped.stdout.trim(), '4');
      await cli('exec', '-d', 'box', 'touch', '/made');
      await soon(() => cli('exec', 'box', 'test', '-e', '/made'));
      const terminal = Terminal.open(cli, 'exec', '-it', 'box', 'sh');
      try {
        assert.match(await terminal.line('tty'), /\/dev\/pts\//);
        terminal.type('exit\r');
        assert.equal(await terminal.end(), 0);
      } finally {
        terminal.close();
      }
      const { code, stderr } = await cli.attempt(['exec', 'nobody', 'true']);
      assert.equal(code, 1);
      assert.match(stderr, /No such container: nobody/);
    });

    it('row 19: logs shows what was written, with --tail, --timestamps and --since', async () => {
      const { cli } = stage;
      await cli(
        'run',
        '--name',
        'talker',
        'busybox',
        'sh',
        '-c',
        'for i in 1 2 3; do echo line $i; done; sleep 0.2; echo bad >&2',
      );
      const all = await cli.attempt(['logs', 'talker']);
      assert.deepEqual(all, { code: 0, stdout: 'line 1\nline 2\nline 3\n', stderr: 'bad\n' });
      assert.equal((await cli.attempt(['logs', '--tail', '2', 'talker'])).stdout, 'line 3\n');
      assert.match(await cli('logs', '-t', 'talker'), /^\d{4}-\d\d-\d\dT\d\d:\d\d:\d\d\.\d+Z line 1$/m);
      assert.equal((await cli.attempt(['logs', '--since', '2030-01-01T00:00:00', 'talker'])).stdout, '');
    });

    it('row 19: logs -f follows, and ends with the container', async () => {
      const { cli } = stage;
      await cli(
        'run',
        '-d',
        '--name',
        'talker',
        'busybox',
        'sh',
        '-c',
        'echo one; while [ ! -e /go ]; do sleep 0.1; done; echo two',
      );
      await using follower = background([...cli.command, 'logs', '-f', 'talker'], cli.env);
      await follower.see(/^one$/m);
      assert.equal(follower.ended, undefined);
      await cli('exec', 'talker', 'touch', '/go');
      await follower.see(/^two$/m);
      assert.equal(await follower.end(), 0);
    });

    it('row 19: attach joins a running terminal; ctrl-p ctrl-q leaves it running', async () => {
      const { cli } = stage;
      await cli('run', '-dit', '--name', 'shell', 'ubuntu');
      const first = Terminal.open(cli, 'attach', 'shell');
      try {
        first.type('\r');
        await first.line('echo kept > /kept');
        first.type('\x10\x11');
        await first.end();
        assert.match(first.screen, /read escape sequence/);
      } finally {
        first.close();
      }
      assert.equal(await state('shell'), 'running 0');
      const second = Terminal.open(cli, 'attach', 'shell');
      try {
        second.type('\r');
        assert.match(await second.line('cat /kept'), /^kept\r$/m);
        second.type('exit 5\r');
        assert.equal(await second.end(), 5);
      } finally {
        second.close();
      }
      assert.equal(await state('shell'), 'exited 5');
    });

    it('row 19: a signal to the command line of run goes on to the container', async () => {
      const { cli } = stage;
      await using runner = background(
        [
          ...cli.command,
          'run',
          '--name',
          'catcher',
          'busybox',
          'sh',
          '-c',
          'trap "echo caught; exit 6" TERM; echo ready; while :; do sleep 0.1; done',
        ],
        cli.env,
      );
      await runner.see(/ready/);
      runner.signal('SIGTERM');
      await runner.see(/caught/);
      assert.equal(await runner.end(), 6);
    });

    it('row 19: stop asks with SIGTERM, then kills; start and restart bring it back', async () => {
      const { cli, host } = stage;
      await cli('run', '-d', '--name', 'web', '-p', '8080:80', 'nginx');
      await host.world.getSoon(`http://${HOST_IP}:8080/`);
      const pid = await pidOf(cli, 'web');
      assert.equal(await cli('stop', 'web'), 'web');
      assert.equal(await state('web'), 'exited 0', 'nginx ends by itself on the signal that its image names');
      assert.ok(!existsSync(`/proc/${pid}`));
      assert.ok(await host.world.unanswered(`http://${HOST_IP}:8080/`));
      assert.equal(await cli('start', 'web'), 'web');
      assert.match(await host.world.getSoon(`http://${HOST_IP}:8080/`), /^hello/);
      const before = await pidOf(cli, 'web');
      await cli('restart', 'web');
      assert.notEqual(await pidOf(cli, 'web'), before);
      assert.match(await host.world.getSoon(`http://${HOST_IP}:8080/`), /^hello/);
      await cli('run', '-d', '--name', 'deaf', 'busybox', 'sleep', '1000');
      const from = performance.now();
      await cli('stop', '-t', '1', 'deaf');
      const took = performance.now() - from;
      assert.ok(took > 900 && took < 9000, `${took} ms`);
      assert.equal(await state('deaf'), 'exited 137');
    });

    it('row 19: what a container wrote is there after a restart, and not in a new one', async () => {
      const { cli } = stage;
      await cli('run', '-d', '--name', 'box', '--stop-signal', 'KILL', 'busybox', 'sleep', '1000');
      await cli('exec', 'box', 'sh', '-c', 'echo mine > /file');
      await cli('restart', 'box');
      assert.equal(await cli('exec', 'box', 'cat', '/file'), 'mine');
      assert.notEqual((await cli.attempt(['run', '--rm', 'busybox', 'cat', '/file'])).code, 0);
    });

    it('row 19: rm refuses a running container, rm -f does not', async () => {
      const { cli } = stage;
      await cli('run', '-d', '--name', 'box', 'busybox', 'sleep', '1000');
      const { code, stderr } = await cli.attempt(['rm', 'box']);
      assert.equal(code, 1);
      assert.match(stderr, /container is running|cannot remove/i);
      assert.equal(await state('box'), 'running 0');
      assert.equal(await cli('rm', '-f', 'box'), 'box');
      assert.deepEqual(await names('-a'), []);
    });

    it('row 19: top shows its processes as the host sees them', async () => {
      const { cli } = stage;
      await cli('run', '-d', '--name', 'web', 'nginx');
      await soon(async () => {
        const shown = await cli('top', 'web');
        assert.match(shown, /^UID +PID +PPID +C +STIME +TTY +TIME +CMD/);
        assert.match(shown, new RegExp(`^\\S+ +${await pidOf(cli, 'web')} .*nginx: master process`, 'm'));
        assert.match(shown, /nginx: worker process/);
      });
    });

    it('row 19: port names one mapping or all', async () => {
      const { cli } = stage;
      await cli('run', '-d', '--name', 'web', '-p', '127.0.0.1:8080:80', '-p', '8443:443', 'nginx');
      assert.equal(await cli('port', 'web', '80'), '127.0.0.1:8080');
      const all = withBrackets(await cli('port', 'web'))
        .split('\n')
        .sort();
      assert.deepEqual(all, ['443/tcp -> 0.0.0.0:8443', '443/tcp -> [::]:8443', '80/tcp -> 127.0.0.1:8080']);
      assert.notEqual((await cli.attempt(['port', 'web', '81'])).code, 0);
    });

    it('row 19: inspect shows what was asked for', async () => {
      const { cli } = stage;
      await cli(
        'run',
        '-d',
        '--name',
        'box',
        '-e',
        'A=b',
        '-l',
        'k=v',
        '-h',
        'hostess',
        '-w',
        '/tmp',
        'busybox',
        'sleep',
        '9',
      );
      const [shown] = JSON.parse(await cli('inspect', 'box')) as Array<{
        Name: string;
        Path: string;
        Args: string[];
        State: { Running: boolean; StartedAt: string };
        Config: {
          Hostname: string;
          Env: string[];
          Labels: Record<string, string>;
          WorkingDir: string;
          Image: string;
        };
        HostConfig: { NetworkMode: string };
      }>;
      assert.equal(shown?.Name, '/box');
      assert.deepEqual([shown?.Path, ...(shown?.Args ?? [])], ['sleep', '9']);
      assert.ok(shown?.State.Running);
      assert.ok(Date.parse(shown?.State.StartedAt ?? '') > Date.now() - 60_000);
      assert.equal(shown?.Config.Hostname, 'hostess');
      assert.ok(shown?.Config.Env.includes('A=b'));
      assert.deepEqual(shown?.Config.Labels, { k: 'v' });
      assert.equal(shown?.Config.WorkingDir, '/tmp');
      assert.equal(shown?.Config.Image, 'busybox');
      assert.match(shown?.HostConfig.NetworkMode ?? '', /^(bridge|default)$/);
    });

    it('row 19: volumes, binds and tmpfs', async () => {
      const { cli, daemon } = stage;
      const folder = join(daemon.root, 'bound');
      mkdirSync(folder, { recursive: true });
      writeFileSync(join(folder, 'note'), 'from the host');
      assert.equal(
        await cli('run', '--rm', '-v', `${folder}:/data`, 'busybox', 'cat', '/data/note'),
        'from the host',
      );
      await cli('run', '--rm', '-v', `${folder}:/data`, 'busybox', 'sh', '-c', 'echo back > /data/answer');
      assert.equal(readFileSync(join(folder, 'answer'), 'utf8'), 'back\n');
      assert.notEqual(
        (await cli.attempt(['run', '--rm', '-v', `${folder}:/data:ro`, 'busybox', 'touch', '/data/x'])).code,
        0,
      );
      await cli('run', '--rm', '-v', 'store:/data', 'busybox', 'sh', '-c', 'echo kept > /data/file');
      assert.equal(await cli('run', '--rm', '-v', 'store:/data', 'busybox', 'cat', '/data/file'), 'kept');
      const mounted = await cli(
        'run',
        '--rm',
        '--tmpfs',
        '/scratch',
        'busybox',
        'grep',
        ' /scratch ',
        '/proc/mounts',
      );
      assert.match(mounted, /^tmpfs \/scratch tmpfs/);
      const box = ['--name', 'box', '--tmpfs', '/scratch', '--mount', 'type=tmpfs,dst=/fast,readonly'];
      await cli('create', ...box, 'busybox');
      const shown = await inspect(cli, 'box', '{{range .Mounts}}{{.Type}} {{.Destination}} {{.RW}}{{end}}');
      assert.equal(shown, 'tmpfs /fast false');
    });

    it('row 19: --restart brings back who falls, and leaves who was stopped', async () => {
      const { cli } = stage;
      await cli('run', '-d', '--name', 'twice', '--restart', 'on-failure:2', 'busybox', 'false');
      await soon(async () => {
        assert.equal(await inspect(cli, 'twice', '{{.RestartCount}} {{.State.Status}}'), '2 exited');
      });
      await cli(
        'run',
        '-d',
        '--name',
        'always',
        '--restart',
        'always',
        '--stop-signal',
        'KILL',
        'busybox',
        'sleep',
        '1000',
      );
      const pid = await pidOf(cli, 'always');
      process.kill(pid, 'SIGKILL');
      await soon(async () => {
        assert.equal(await state('always'), 'running 0');
        assert.notEqual(await pidOf(cli, 'always'), pid);
      });
      await cli('stop', 'always');
      await new Promise((resolve) => setTimeout(resolve, 500));
      assert.match(await state('always'), /^exited/);
    });

    it('row 19: pause, kill -s, wait, rename and stats', async () => {
      const { cli } = stage;
      await cli(
        'run',
        '-d',
        '--name',
        'box',
        'busybox',
        'sh',
        '-c',
        'trap "exit 8" USR1; while :; do sleep 0.1; done',
      );
      await cli('pause', 'box');
      assert.equal(await state('box'), 'paused 0');
      assert.match(await cli('ps', '--format', '{{.Status}}'), /\(Paused\)$/);
      await cli('unpause', 'box');
      await cli('rename', 'box', 'crate');
      assert.deepEqual(await names(), ['crate']);
      assert.match(
        await cli('stats', '--no-stream', '--format', '{{.Name}} {{.MemUsage}}', 'crate'),
        /^crate [\d.]+[KM]iB \/ /,
      );
      const waiting = cli('wait', 'crate');
      await new Promise((resolve) => setTimeout(resolve, 300));
      await cli('kill', '-s', 'USR1', 'crate');
      assert.equal(await waiting, '8');
    });

    it('row 19: cp, both ways', async () => {
      const { cli, daemon } = stage;
      await cli('run', '-d', '--name', 'box', 'busybox', 'sleep', '1000');
      const file = join(daemon.root, 'file');
      writeFileSync(file, 'carried');
      await cli('cp', file, 'box:/tmp/there');
      assert.equal(await cli('exec', 'box', 'cat', '/tmp/there'), 'carried');
      await cli('exec', 'box', 'sh', '-c', 'mkdir /d && echo one > /d/a && ln -s a /d/b');
      await cli('cp', 'box:/d', join(daemon.root, 'copied'));
      assert.equal(readFileSync(join(daemon.root, 'copied/b'), 'utf8'), 'one\n');
      assert.match(await cli('diff', 'box'), /^A \/d\/a$/m);
    });

    it('row 19: events tell what happened', async () => {
      const { cli } = stage;
      const since = String(Math.floor(Date.now() / 1000) - 1);
      await cli('run', '--name', 'subject', 'busybox', 'true');
      await cli('rm', 'subject');
      const until = String(Math.ceil(Date.now() / 1000) + 1);
      const shown = await cli(
        'events',
        '--since',
        since,
        '--until',
        until,
        '--filter',
        'container=subject',
        '--format',
        '{{.Action}}',
      );
      assert.deepEqual(
        shown.split('\n').filter((action) => action !== 'attach'),
        ['create', 'start', 'die', 'destroy'],
      );
    });

    it('row 19: a container is locked in by default', async () => {
      const { cli } = stage;
      const run = (script: string) => cli.attempt(['run', '--rm', 'busybox', 'sh', '-c', script]);
      assert.match((await run('grep CapEff /proc/self/status')).stdout, /00000000a80425fb/);
      assert.match((await run('grep Seccomp: /proc/self/status')).stdout, /2/);
      assert.notEqual((await run('echo 1 > /proc/sys/kernel/domainname')).code, 0);
      assert.notEqual((await run('mount -t tmpfs none /mnt || mount -t tmpfs none /tmp')).code, 0);
      assert.equal((await run('cat /proc/kcore /proc/keys 2>/dev/null | wc -c')).stdout.trim(), '0');
      assert.notEqual((await run('mknod /tmp/sda b 8 0 && cat /tmp/sda')).code, 0);
    });
  });
}
