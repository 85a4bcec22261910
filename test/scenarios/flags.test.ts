/** The daemon's own words: flags and daemon.json, under dockerd's names. */

import assert from 'node:assert/strict';
import { existsSync, writeFileSync } from 'node:fs';
import { describe, it } from 'node:test';
import { background } from '../harness/background.ts';
import { addressOf, inspect } from '../harness/container.ts';
import { type DaemonOptions, startDaemon, TestDaemon } from '../harness/daemon.ts';
import { run } from '../harness/exec.ts';
import { createHost, HOST_IP, WORLD_IP } from '../harness/host.ts';
import { soon } from '../harness/netns.ts';

describe('The daemon’s flags and its daemon.json', () => {
  /** Starts a daemon that is expected not to. */
  const fails = async (options: DaemonOptions, what: RegExp) => {
    await using host = await createHost();
    const daemon = new TestDaemon(host, options);
    const { code, stderr, stdout } = await run(daemon.command, { timeout: 15_000 });
    assert.equal(code, 1, stdout + stderr);
    assert.match(stderr, what);
    assert.equal(await host.link('docker0'), undefined, 'and nothing was made');
    assert.ok(!existsSync(daemon.socket));
  };

  it('an unknown key, a bad value, or one given twice: an error that names it, and exit 1', async () => {
    await fails({ config: { nonesuch: true } }, /nonesuch/);
    await fails({ config: { icc: 'maybe' } }, /icc/);
    await fails({ config: { bip: '300.1.1.1/24' } }, /bip.*300\.1\.1\.1\/24/);
    await fails({ config: '{' }, /daemon\.json/);
    await fails({ args: ['--nonesuch'] }, /nonesuch/);
    await fails({ args: ['--mtu', 'x'] }, /mtu/);
    await fails({ args: ['--icc=false'], config: { icc: true } }, /icc/);
    await fails({ config: { 'fixed-cidr': '10.0.0.0/33' } }, /fixed-cidr/);
  });

  it('a second daemon on the roots of one that runs is refused, and does the first no harm', async () => {
    await using host = await createHost();
    const daemon = await startDaemon(host, { images: ['busybox'] });
    await daemon.docker('run', '-d', '--name', 'box', 'busybox', 'sleep', '600');
    for (const [root, flag] of [
      [daemon.dataRoot, '--data-root'],
      [daemon.execRoot, '--exec-root'],
    ] as const) {
      const other = new TestDaemon(host, { args: [flag, root] });
      const { code, stderr } = await run(other.command, { timeout: 15_000 });
      assert.equal(code, 1, stderr);
      assert.match(stderr, new RegExp(`${flag}.*is in use by another daemon`));
    }
    assert.equal(await inspect(daemon.docker, 'box', '{{.State.Status}}'), 'running');
  });

  it('--validate checks and exits', async () => {
    await using host = await createHost();
    const daemon = new TestDaemon(host, { args: ['--validate'] });
    const good = await run(daemon.command, { timeout: 15_000 });
    assert.equal(good.code, 0, good.stderr);
    assert.match(good.stderr + good.stdout, /configuration OK/);
    daemon.configure({ nonesuch: 1 });
    const bad = await run(daemon.command, { timeout: 15_000 });
    assert.equal(bad.code, 1);
    assert.match(bad.stderr, /nonesuch/);
    assert.equal(await host.link('docker0'), undefined);
  });

  it('--bip, --fixed-cidr, --mtu, --default-gateway and --dns', async () => {
    await using host = await createHost();
    const args = [
      '--bip',
      '192.168.77.1/24',
      '--fixed-cidr',
      '192.168.77.128/25',
      '--mtu',
      '1400',
      '--dns',
      '9.9.9.9',
    ];
    const daemon = await startDaemon(host, { args, images: ['busybox'] });
    const { docker } = daemon;
    assert.deepEqual(await host.addresses('docker0'), ['192.168.77.1/24']);
    await docker('run', '-d', '--name', 'box', 'busybox', 'sleep', '100');
    assert.equal(await addressOf(docker, 'box'), '192.168.77.128');
    assert.match(await docker('exec', 'box', 'ip', 'route'), /^default via 192\.168\.77\.1 dev eth0/m);
    assert.match(await docker('exec', 'box', 'ip', 'link', 'show', 'eth0'), /mtu 1400/);
    assert.match(await docker('exec', 'box', 'cat', '/etc/resolv.conf'), /^nameserver 9\.9\.9\.9$/m);
    const shown = JSON.parse(await docker('network', 'inspect', 'bridge', '--format', '{{json .}}')) as {
      IPAM: { Config: unknown };
      Options: Record<string, string>;
    };
    assert.deepEqual(shown.IPAM.Config, [
      { Subnet: '192.168.77.0/24', IPRange: '192.168.77.128/25', Gateway: '192.168.77.1' },
    ]);
    assert.equal(shown.Options['com.docker.network.driver.mtu'], '1400');
  });

  it('--fixed-cidr with room for two gives two addresses, and says when there is none left', async () => {
    await using host = await createHost();
    const daemon = await startDaemon(host, {
      config: { bip: '10.55.0.1/24', 'fixed-cidr': '10.55.0.4/31' },
      images: ['busybox'],
    });
    const { docker } = daemon;
    await docker('run', '-d', '--name', 'one', 'busybox', 'sleep', '100');
    await docker('run', '-d', '--name', 'two', 'busybox', 'sleep', '100');
    assert.deepEqual(
      [await addressOf(docker, 'one'), await addressOf(docker, 'two')],
      ['10.55.0.4', '10.55.0.5'],
    );
    const { code, stderr } = await docker.attempt(['run', '--name', 'three', 'busybox', 'true']);
    assert.equal(code, 125);
    assert.match(stderr, /no available IPv4 addresses/);
    assert.equal((await host.veths()).length, 2);
    await docker('rm', '-f', 'one');
    await docker('start', 'three');
  });

  it('--bridge br7 uses a bridge that is there, and leaves it', async () => {
    await using host = await createHost();
    await host.sh('ip link add br7 type bridge; ip addr add 10.7.0.1/24 dev br7; ip link set br7 up');
    const daemon = await startDaemon(host, { args: ['--bridge', 'br7'], images: ['nginx'] });
    const { docker } = daemon;
    assert.equal(await host.link('docker0'), undefined);
    await docker('run', '-d', '--name', 'web', '-p', '8080:80', 'nginx');
    assert.equal(await addressOf(docker, 'web'), '10.7.0.2');
    assert.equal((await host.bridgePorts('br7')).length, 1);
    assert.match(await host.world.getSoon(`http://${HOST_IP}:8080/`), /^hello/);
    assert.ok((await host.rules('filter')).includes('-A FORWARD -o br7 -j DOCKER'));
    await docker('rm', '-f', 'web');
    await daemon.stop();
    assert.deepEqual(await host.addresses('br7'), ['10.7.0.1/24']);
  });

  it('--bridge br7 that is not there is an error that names it', async () => {
    await using host = await createHost();
    const daemon = new TestDaemon(host, { args: ['--bridge', 'br7'] });
    const { code, stderr } = await run(daemon.command, { timeout: 15_000 });
    assert.equal(code, 1);
    assert.match(stderr, /br7/);
    assert.ok(!existsSync(`${daemon.root}/pid`), 'no pidfile of a daemon that never ran');
  });

  it('--bridge none has no bridge', async () => {
    await using host = await createHost();
    const daemon = await startDaemon(host, { args: ['--bridge', 'none'], images: ['busybox'] });
    assert.equal(await host.link('docker0'), undefined);
    assert.equal(await daemon.docker('run', '--rm', '--network', 'none', 'busybox', 'echo', 'ok'), 'ok');
  });

  it('docker0 with addresses that are already there is respected', async () => {
    await using host = await createHost();
    await host.sh(
      'ip link add docker0 type bridge; ip addr add 10.20.0.1/16 dev docker0; ip link set docker0 up',
    );
    const mac = (await host.link('docker0'))?.address;
    const daemon = await startDaemon(host, { images: ['busybox'] });
    const { docker } = daemon;
    assert.deepEqual(await host.addresses('docker0'), ['10.20.0.1/16']);
    assert.equal((await host.link('docker0'))?.address, mac);
    await docker('run', '-d', '--name', 'box', 'busybox', 'sleep', '100');
    assert.equal(await addressOf(docker, 'box'), '10.20.0.2');
    await docker('exec', 'box', 'ping', '-c', '1', '-W', '2', WORLD_IP);
  });

  it('a network that the host is in is not taken for docker0', async () => {
    await using host = await createHost();
    await host.ok('ip', 'addr', 'add', '172.17.5.5/16', 'dev', 'eth0');
    const daemon = await startDaemon(host, { images: [] });
    const [address = ''] = await host.addresses('docker0');
    assert.doesNotMatch(address, /^172\.17\./);
    assert.match(address, /^172\.18\.0\.1\/16$/);
    await daemon.stop();
  });

  it('"ip-forward": false, "ip-masq": false and "ip" do as they say', async () => {
    await using host = await createHost();
    const config = { 'ip-forward': false, 'ip-masq': false, ip: HOST_IP };
    const daemon = await startDaemon(host, { config, images: ['nginx'] });
    const { docker } = daemon;
    assert.equal(await host.sysctl('net/ipv4/ip_forward'), '0');
    assert.deepEqual(
      (await host.rules('nat')).filter((rule) => rule.includes('MASQUERADE')),
      [],
    );
    await docker('run', '-d', '--name', 'web', '-p', '8080:80', 'nginx');
    assert.equal(await docker('port', 'web'), `80/tcp -> ${HOST_IP}:8080`);
    assert.match(await host.getSoon(`http://${HOST_IP}:8080/`), /^hello/);
    assert.ok(await host.unanswered('http://127.0.0.1:8080/'));
    const shown =
      '{{index .Options "com.docker.network.bridge.host_binding_ipv4"}} {{index .Options "com.docker.network.bridge.enable_ip_masquerade"}}';
    assert.equal(await docker('network', 'inspect', '--format', shown, 'bridge'), `${HOST_IP} false`);
  });

  it('two daemons side by side do not disturb each other', async () => {
    await using left = await createHost({ name: 'left' });
    await using right = await createHost({ name: 'right' });
    const [one, two] = await Promise.all([
      startDaemon(left, { images: ['nginx'] }),
      startDaemon(right, { images: ['nginx'] }),
    ]);
    await Promise.all(
      [one, two].map(({ docker }) => docker('run', '-d', '--name', 'web', '-p', '8080:80', 'nginx')),
    );
    const pages = await Promise.all(
      [left, right].map((host) => host.world.getSoon(`http://${HOST_IP}:8080/`)),
    );
    assert.notEqual(pages[0], pages[1]);
    await one.docker('rm', '-f', 'web');
    await one.stop();
    assert.equal(await right.world.get(`http://${HOST_IP}:8080/`), pages[1]);
    assert.equal(await inspect(two.docker, 'web', '{{.State.Status}}'), 'running');
  });

  it('SIGTERM and SIGINT end it with 0, and its pidfile and socket go', async () => {
    await using host = await createHost();
    const daemon = await startDaemon(host);
    for (const signal of ['SIGTERM', 'SIGINT'] as const) {
      assert.equal(await host.ok('cat', `${daemon.root}/pid`), String(daemon.pid));
      assert.equal(await daemon.stop(signal), 0);
      assert.ok(!existsSync(`${daemon.root}/pid`));
      assert.ok(!existsSync(daemon.socket));
      await daemon.start();
    }
    // A pidfile that outlived its daemon, and whose number another program has by now.
    await daemon.kill();
    await using other = background(['bash', '-c', 'echo $$; exec -a avahi-daemon sleep 60']);
    writeFileSync(`${daemon.root}/pid`, await other.see(/\d+\n/));
    await daemon.start();
  });

  it('a second daemon on the same roots is refused, and harms nothing', async () => {
    await using host = await createHost();
    const daemon = await startDaemon(host, { images: ['busybox'] });
    await daemon.docker('run', '-d', '--name', 'box', 'busybox', 'sleep', '100');
    const { code, stderr } = await run(daemon.command, { timeout: 15_000 });
    assert.equal(code, 1);
    assert.match(stderr, /already|running|in use|pid/i);
    assert.equal(await daemon.docker('exec', 'box', 'echo', 'alive'), 'alive');
    assert.match(await daemon.docker('ps'), /box/);
  });

  it('SIGHUP reloads what can be, and tells it as an event', async () => {
    await using host = await createHost();
    const daemon = await startDaemon(host, { config: { labels: ['a=1'] } });
    const since = String(Math.floor(Date.now() / 1000) - 1);
    daemon.configure({ labels: ['b=2'], debug: true });
    process.kill(daemon.pid, 'SIGHUP');
    await soon(async () => assert.match(daemon.log(), /reload/));
    await soon(async () => {
      const until = String(Math.ceil(Date.now() / 1000));
      const events = await daemon.docker(
        'events',
        '--since',
        since,
        '--until',
        until,
        '--filter',
        'type=daemon',
      );
      assert.match(events, /daemon reload/);
    });
    assert.match(await daemon.docker('info', '--format', '{{.Labels}} {{.Debug}}'), /\[b=2\] true/);
    daemon.configure('{');
    process.kill(daemon.pid, 'SIGHUP');
    await soon(async () => assert.match(daemon.log(), /refused/));
    assert.equal((await daemon.api('GET', '/_ping')).text, 'OK');
  });

  it('-H tcp:// is for loopback only, unless TLS is on', async () => {
    await fails({ args: ['-H', 'tcp://0.0.0.0:2375'] }, /tls|TLS/);
    await using host = await createHost();
    await startDaemon(host, { args: ['-H', 'tcp://127.0.0.1:2375'] });
    assert.equal(await host.get('http://127.0.0.1:2375/_ping'), 'OK');
  });
});
