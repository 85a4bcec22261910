/** What Docker's own users and tools take for granted, here and there: found by running Docker's test suite against this daemon. */

import assert from 'node:assert/strict';
import { mkdtempSync, rmSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { after, describe, it } from 'node:test';
import { inspect } from '../harness/container.ts';
import { useStage } from '../harness/stage.ts';

describe('habits of Docker', () => {
  const stage = useStage({ name: 'habits', images: ['busybox'] });
  const folder = mkdtempSync(join(tmpdir(), 'habits-'));
  after(() => rmSync(folder, { recursive: true }));
  const refused = async (pattern: RegExp, ...args: string[]) => {
    const { code, stderr } = await stage.cli.attempt(args);
    assert.notEqual(code, 0, args.join(' '));
    assert.match(stderr, pattern);
  };

  it('a link on a network of one’s own is a name, also of a container that is not there', async () => {
    const { cli } = stage;
    await cli('network', 'create', 'front');
    await cli('run', '-d', '--network', 'front', '--name', 'first', 'busybox', 'sleep', '600');
    const links = ['--link', 'first:known', '--link', 'third:unknown'];
    await cli('run', '-d', '--network', 'front', '--name', 'second', ...links, 'busybox', 'sleep', '600');
    assert.match(await cli('exec', 'second', 'ping', '-c', '1', '-W', '2', 'known'), /1 packets received/);
    assert.notEqual((await cli.attempt(['exec', 'second', 'nslookup', 'unknown'])).code, 0);
    await refused(/could not get container for third/, 'run', '--link', 'third', 'busybox', 'true');
  });

  it('nobody links to the network of the host, nor joins a network through another’s namespace', async () => {
    const { cli } = stage;
    await cli('run', '-d', '--network', 'host', '--name', 'hosted', 'busybox', 'sleep', '600');
    await refused(
      /host type networking can't be used with links/,
      'run',
      '--link',
      'hosted',
      'busybox',
      'true',
    );
    await cli('run', '-d', '--name', 'first', 'busybox', 'sleep', '600');
    await cli('run', '-d', '--network', 'container:first', '--name', 'second', 'busybox', 'sleep', '600');
    await cli('network', 'create', 'front');
    await refused(
      /sharing network namespace with another container/,
      'network',
      'connect',
      'front',
      'second',
    );
  });

  it('a container may be made before the one whose network it shares', async () => {
    const { cli } = stage;
    await cli('create', '--name', 'late', '--network', 'container:early', 'busybox', 'hostname');
    await refused(/early/, 'start', '-a', 'late');
    await cli('run', '-d', '--name', 'early', 'busybox', 'sleep', '600');
    await cli('start', '-a', 'late');
    await refused(/invalid container format/, 'run', '--network', 'container:', 'busybox', 'true');
  });

  it('an execution has a terminal’s TERM when it has a terminal, and ends with the run it was made for', async () => {
    const { cli, daemon } = stage;
    await cli('run', '-dt', '--name', 'box', 'busybox', 'sleep', '600');
    const term = ['sh', '-c', 'echo "[$TERM]"'];
    assert.equal((await cli('exec', 'box', ...term)).trim(), '[]');
    assert.equal((await cli('exec', '-t', 'box', ...term)).trim(), '[xterm]');
    assert.equal((await cli('exec', '-e', 'TERM=dumb', 'box', ...term)).trim(), '[dumb]');
    const post = (path: string, body: object) => daemon.api('POST', path, body);
    const made = await post('/containers/box/exec', { Cmd: ['true'] });
    assert.equal(made.status, 201);
    await cli('restart', '-t', '0', 'box');
    const { Id: id } = made.json<{ Id: string }>();
    assert.equal((await post(`/exec/${id}/start`, { Detach: true })).status, 404);
  });

  it('`docker ps` lists what runs, also among the newer and older; ports are of a protocol, and of a way in', async () => {
    const { cli } = stage;
    await cli('run', '-d', '--name', 'old', 'busybox', 'sleep', '600');
    await cli('run', '--name', 'ended', 'busybox', 'true');
    await cli('run', '-d', '--name', 'new', '-p', '1090:90', 'busybox', 'sleep', '600');
    const names = (...args: string[]) => cli('ps', '--format', '{{.Names}}', ...args);
    assert.equal(await names('--filter', 'since=old'), 'new');
    assert.equal(await names('-a', '--filter', 'since=old'), 'new\nended');
    assert.equal(await names('--filter', 'publish=1000-2000'), 'new');
    assert.equal(await names('--filter', 'publish=1000-2000/udp'), '');
    await cli('network', 'create', '--internal', 'inside');
    const portsOn = async (network: string) => {
      const id = await cli('run', '-d', '--network', network, '--expose', '70', 'busybox', 'sleep', '600');
      return cli('ps', '--filter', `id=${id}`, '--format', '{{.Ports}}');
    };
    const ports = await Promise.all(['bridge', 'host', 'none', 'inside'].map(portsOn));
    assert.deepEqual(ports, ['70/tcp', '', '', '']);
  });

  it('a seccomp profile of one’s own is kept to: rules by name, and under conditions', async () => {
    const { cli } = stage;
    const run = (syscalls: object[], ...command: string[]) => {
      const path = join(folder, 'profile.json');
      writeFileSync(path, JSON.stringify({ defaultAction: 'SCMP_ACT_ALLOW', syscalls }));
      return cli.attempt(['run', '--rm', '--security-opt', `seccomp=${path}`, 'busybox', ...command]);
    };
    const deny = (name: string, more: object = {}) => ({ name, action: 'SCMP_ACT_ERRNO', ...more });
    const chmod = ['chmod', '700', '/tmp'];
    const calls = ['chmod', 'fchmodat', 'fchmodat2'];
    assert.match(
      (
        await run(
          calls.map((name) => deny(name)),
          ...chmod,
        )
      ).stderr,
      /Operation not permitted/,
    );
    const forAdmins = { includes: { caps: ['CAP_SYS_ADMIN'] } };
    assert.equal(
      (
        await run(
          calls.map((name) => deny(name, forAdmins)),
          ...chmod,
        )
      ).code,
      0,
    );
    const forOthers = { excludes: { caps: ['CAP_SYS_ADMIN'] } };
    assert.notEqual(
      (
        await run(
          calls.map((name) => deny(name, forOthers)),
          ...chmod,
        )
      ).code,
      0,
    );
  });

  it('limits, users, devices and volumes that cannot be are refused in Docker’s words', async () => {
    await refused(/CPU cfs period can not be less than 1ms/, 'run', '--cpu-period', '-3', 'busybox', 'true');
    await refused(/Invalid value 1-9,, for cpuset cpus/, 'run', '--cpuset-cpus', '1-9,,', 'busybox', 'true');
    await refused(/uids and gids must be in range 0-2147483647/, 'run', '-u', '-1', 'busybox', 'true');
    await refused(/"\/etc": not a device node/, 'run', '--device', '/etc', 'busybox', 'true');
    await stage.cli('create', '--name', 'parent', 'busybox');
    await refused(/invalid mode: bar/, 'run', '--volumes-from', 'parent:bar', 'busybox', 'true');
    assert.equal(await inspect(stage.cli, 'parent', '{{.State.Status}}'), 'created');
  });

  it('`docker rm --link` makes two containers strangers, and both run on', async () => {
    const { cli } = stage;
    await cli('run', '-d', '--name', 'server', 'busybox', 'sleep', '600');
    await cli('run', '-d', '--name', 'client', '--link', 'server:db', 'busybox', 'sleep', '600');
    assert.match(await cli('exec', 'client', 'cat', '/etc/hosts'), /\bdb\b/);
    await refused(/Could not get parent name/, 'rm', '--link', 'client/nobody');
    await cli('rm', '--link', 'client/db');
    assert.doesNotMatch(await cli('exec', 'client', 'cat', '/etc/hosts'), /\bdb\b/);
    assert.equal(await inspect(cli, 'client', '{{json .HostConfig.Links}}'), 'null');
    assert.equal(
      await cli('ps', '-q', '--filter', 'status=running').then((ids) => ids.split('\n').length),
      2,
    );
  });

  it('who finds the daemon answering finds what it was to start running', async () => {
    const { cli, daemon } = stage;
    await cli(
      'run',
      '-d',
      '--name',
      'kept',
      '--restart',
      'always',
      '--stop-signal',
      'KILL',
      'busybox',
      'sleep',
      '600',
    );
    await daemon.stop();
    await daemon.start();
    assert.equal(await inspect(cli, 'kept', '{{.State.Status}}'), 'running');
  });
});
