/** The machine goes down as it is, and the daemon finds no process, no link and no rule, but what it has on disk. */

import assert from 'node:assert/strict';
import { describe, it } from 'node:test';
import { inspect } from '../harness/container.ts';
import { HOST_IP } from '../harness/host.ts';
import { useStage } from '../harness/stage.ts';

const SLEEP = ['busybox', 'sh', '-c', 'trap "exit 0" TERM; sleep 600 & wait'];

describe('After a power cut', () => {
  const stage = useStage({ name: 'power', images: ['busybox', 'web'] });

  it('who finds the daemon answering finds what its policies want, and those that others need came first', async () => {
    const { cli, daemon, host } = stage;
    await cli('network', 'create', '--subnet', '10.60.0.0/24', '--ipv6', 'net');
    const always = ['run', '-d', '--restart', 'always'];
    await cli(...always, '--name', 'web', '--network', 'net', '--ip', '10.60.0.77', '-p', '8080:80', 'web');
    await cli(...always, '--name', 'sidecar', '--network', 'container:web', ...SLEEP);
    await cli(...always, '--name', 'store', '-v', 'kept:/data', 'web');
    await cli('run', '-d', '--restart', 'on-failure:1', '--name', 'client', '--link', 'store:db', ...SLEEP);
    await cli('run', '-d', '--name', 'once', '-p', '8081:80', 'web');
    await cli(...always, '--name', 'stopped', ...SLEEP);
    await cli('run', '-d', '--restart', 'unless-stopped', '--name', 'off', ...SLEEP);
    await cli('stop', 'stopped', 'off');
    await cli('exec', 'store', 'sh', '-c', 'echo volume >/data/file; echo layer >/file');

    const before = daemon.log().length;
    await daemon.powerCut();
    const listed = await cli('ps', '-a', '--format', '{{.Names}} {{.State}}');
    assert.deepEqual(listed.split('\n').sort(), [
      'client running',
      'off exited',
      'once exited',
      'sidecar running',
      'stopped running',
      'store running',
      'web running',
    ]);
    assert.doesNotMatch(daemon.log().slice(before), /failed/, 'each at its first attempt');
    assert.equal(await inspect(cli, 'once', '{{.State.ExitCode}}'), '255');
    assert.match(await host.world.getSoon(`http://${HOST_IP}:8080/`), /^hello/);
    assert.match(await cli('exec', 'sidecar', 'ip', 'addr'), /inet 10\.60\.0\.77\/24/);
    assert.match(await cli('exec', 'client', 'wget', '-qO-', 'http://db/'), /^hello/);
    assert.equal(await cli('exec', 'store', 'cat', '/data/file', '/file'), 'volume\nlayer');
    assert.ok(await host.world.unanswered(`http://${HOST_IP}:8081/`));
  });

  it('what cannot start yet is tried again', async () => {
    const { cli, daemon, host } = stage;
    await host.ok('ip', 'address', 'add', '10.98.0.9/24', 'dev', 'eth0');
    await cli('run', '-d', '--restart', 'always', '--name', 'late', '-p', '10.98.0.9:8080:80', 'web');
    await daemon.powerCut(); // and the address, which DHCP gave it, is not there yet
    assert.equal(await inspect(cli, 'late', '{{.State.Status}}'), 'restarting');
    await host.ok('ip', 'address', 'add', '10.98.0.9/24', 'dev', 'eth0');
    assert.match(await host.getSoon('http://10.98.0.9:8080/'), /^hello/);
    assert.equal(await inspect(cli, 'late', '{{.State.Status}}'), 'running');
  });
});
