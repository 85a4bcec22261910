/** `--network container:X`: what becomes of those that joined when X stops, comes back, or is removed, and when the daemon is killed. */

import assert from 'node:assert/strict';
import { describe, it } from 'node:test';
import { inNetworkOf, inspect, pidOf } from '../harness/container.ts';
import { FAR_IP, HOST_IP } from '../harness/host.ts';
import { soon } from '../harness/netns.ts';
import { useStage } from '../harness/stage.ts';

const PAGE = `http://${HOST_IP}:8080/`;
const SLEEP = ['busybox', 'sh', '-c', 'trap "exit 0" TERM; sleep 600 & wait'];

describe('a network namespace that containers share', () => {
  const stage = useStage({ name: 'shared', images: ['busybox', 'web'] });
  const address = (name: string) =>
    inspect(stage.cli, name, '{{range .NetworkSettings.Networks}}{{.IPAddress}}{{end}}');
  /** `owner` has the network; `app`, a web server, joined it. */
  const makePair = async (...more: string[]) => {
    const { cli, host } = stage;
    await cli('network', 'create', '--subnet', '10.61.0.0/24', 'a');
    await cli('run', '-d', '--name', 'owner', '--network', 'a', '-p', '8080:80', ...more, ...SLEEP);
    await cli('run', '-d', '--name', 'app', '--network', 'container:owner', 'web');
    assert.match(await host.world.getSoon(PAGE), /^hello/);
    return { pid: await pidOf(cli, 'app'), ip: await address('owner') };
  };
  const appReachesWorld = async (pid: number) =>
    assert.match(await inNetworkOf(pid, 'ping', '-c1', '-W2', FAR_IP), /1 received/);

  it('stays while the owner is stopped, and is the owner’s again with the same address', async () => {
    const { cli, host, daemon } = stage;
    const { pid, ip } = await makePair('--network-alias', 'svc');
    await cli('run', '-d', '--name', 'other', '--network', 'a', ...SLEEP);
    for (const end of [
      ['stop', 'owner'],
      ['kill', 'owner'],
    ] as const) {
      await cli(...end);
      assert.match(await host.world.get(PAGE), /^hello/, 'the published port');
      await appReachesWorld(pid);
      for (const name of ['owner', 'svc']) {
        assert.match(await cli('exec', 'other', 'nslookup', name), new RegExp(ip), 'its name');
      }
      assert.equal(await cli('network', 'inspect', '-f', '{{len .Containers}}', 'a'), '2');
      assert.match(await daemon.bridgeport('network', 'ls', '--veth'), /^a .* owner +eth0 +veth/m);
      const { code, stderr } = await cli.attempt(['network', 'rm', 'a']);
      assert.notEqual(code, 0);
      assert.match(stderr, /has active endpoints/);
      // Docker's words: whoever comes now, comes too late or too early.
      const late = await cli.attempt(['run', '--rm', '--network', 'container:owner', 'busybox', 'true']);
      assert.match(late.stderr, /cannot join network of a non running container/);
      await cli('start', 'owner');
      assert.equal(await address('owner'), ip);
      assert.match(await cli('exec', 'owner', 'ip', 'addr'), new RegExp(ip));
      assert.equal(await pidOf(cli, 'app'), pid);
    }
    await cli('restart', '-t', '1', 'owner');
    assert.match(await host.world.get(PAGE), /^hello/);
    assert.equal((await host.veths()).length, 2);
  });

  it('goes with the last that leaves it', async () => {
    const { cli, host } = stage;
    await makePair();
    await cli('run', '-d', '--name', 'third', '--network', 'container:app', ...SLEEP);
    await cli('stop', 'owner', 'app');
    assert.equal((await host.veths()).length, 1);
    await cli('stop', 'third');
    assert.deepEqual(await host.veths(), []);
    assert.equal(await cli('network', 'inspect', '-f', '{{len .Containers}}', 'a'), '0');
    assert.ok(await host.world.unanswered(PAGE));
  });

  it('networks come and go while the owner is stopped', async () => {
    const { cli, host } = stage;
    const { pid } = await makePair();
    await cli('network', 'create', '--subnet', '10.62.0.0/24', 'b');
    await cli('stop', 'owner');
    await cli('network', 'connect', '--ip', '10.62.0.9', 'b', 'owner');
    assert.match(await inNetworkOf(pid, 'ip', 'addr'), /10\.62\.0\.9\/24/);
    await cli('network', 'disconnect', 'a', 'owner');
    assert.doesNotMatch(await inNetworkOf(pid, 'ip', 'addr'), /10\.61\./);
    await appReachesWorld(pid);
    assert.match(await host.world.getSoon(PAGE), /^hello/);
    await cli('network', 'rm', 'a');
    await cli('start', 'owner');
    assert.match(await cli('exec', 'owner', 'ip', 'addr'), /10\.62\.0\.9/);
    assert.match(await inNetworkOf(pid, 'ip', 'addr'), /10\.62\.0\.9/, 'still the same');
  });

  it('removing the owner gives its address, port and name to a successor; those that joined are left with loopback', async () => {
    const { cli, host } = stage;
    const { pid, ip } = await makePair('--ip', '10.61.0.9');
    await cli('rm', '-f', 'owner');
    assert.deepEqual(await host.veths(), []);
    assert.doesNotMatch(await inNetworkOf(pid, 'ip', 'addr'), /10\.61\./);
    assert.match(await inNetworkOf(pid, 'wget', '-qO-', 'http://127.0.0.1/'), /^hello/);
    await cli('run', '-d', '--name', 'owner', '--network', 'a', '--ip', ip, '-p', '8080:80', 'web');
    assert.match(await host.world.getSoon(PAGE), /^hello/);
    await cli('rm', '-f', 'app');
  });

  it('a successor that names the port or the address of a stopped owner gets it; one that does not leaves it alone', async () => {
    const { cli, host } = stage;
    for (const claim of [
      ['-p', '8080:80'],
      ['--ip', '10.61.0.9'],
    ]) {
      const { pid } = await makePair('--ip', '10.61.0.9');
      await cli('stop', 'owner');
      await cli('run', '-d', '--name', 'else', '--network', 'a', '-p', '80', '-p', '8081:80', 'web');
      assert.match(await host.world.get(PAGE), /^hello/, 'still the first');
      await cli('run', '-d', '--name', 'next', '--network', 'a', ...claim, 'web');
      assert.doesNotMatch(await inNetworkOf(pid, 'ip', 'addr'), /10\.61\./);
      const { code, stderr } = await cli.attempt(['start', 'owner']);
      assert.notEqual(code, 0);
      assert.match(stderr, /port is already allocated|Address already in use/);
      await cli('rm', '-f', 'owner', 'app', 'else', 'next');
      await cli('network', 'rm', 'a');
    }
  });

  it('outlives a daemon that is killed, whoever is stopped then', async () => {
    const { cli, host, daemon } = stage;
    const { pid, ip } = await makePair();
    await cli('stop', 'owner');
    await daemon.kill();
    assert.match(await host.world.getSoon(PAGE), /^hello/);
    await daemon.start();
    assert.match(await host.world.getSoon(PAGE), /^hello/);
    await appReachesWorld(pid);
    await cli('start', 'owner');
    assert.equal(await address('owner'), ip);
    // The owner ends while no daemon sees it.
    const owner = await pidOf(cli, 'owner');
    await daemon.kill();
    process.kill(owner, 'SIGKILL');
    await daemon.start();
    assert.equal(await inspect(cli, 'owner', '{{.State.Status}}'), 'exited');
    assert.match(await host.world.getSoon(PAGE), /^hello/);
    await cli('stop', 'app');
    await soon(async () => assert.deepEqual(await host.veths(), []));
  });
});
