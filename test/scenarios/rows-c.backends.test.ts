/**
 * Rows 8 to 13 where they are a matter of the firewall, with nftables and without any. What `rows/c-ports.ts` reads in iptables'
 * own words, and row 14, which is the proxy's alone, are not here.
 */

import assert from 'node:assert/strict';
import { describe, it } from 'node:test';
import { background } from '../harness/background.ts';
import { withBrackets } from '../harness/container.ts';
import { HOST_IP, SECOND_HOST_IP } from '../harness/host.ts';
import { soon } from '../harness/netns.ts';
import { type Stage, useStage } from '../harness/stage.ts';
import { ANSWERS, everywhere } from './rows/c-ports.ts';

const web = (stage: Stage, name: string, ...ports: string[]) =>
  stage.cli('run', '-d', '--name', name, ...ports.flatMap((port) => ['-p', port]), 'nginx');

for (const [title, config] of [
  ['nftables', { 'firewall-backend': 'nftables' }],
  ['no firewall', { iptables: false }],
] as const) {
  describe(`C. Published ports with ${title}`, () => {
    const stage = useStage({ client: 'bridgeport', images: ['nginx'], secondLan: true, config });

    it('row 8: two nginx answer, from everywhere, and ps says where; ranges and loopback as asked', async () => {
      const { cli, host } = stage;
      await web(stage, 'web', '8080:80', '127.0.0.1:8085:80', '9000-9002:79-81');
      await web(stage, 'web2', '8081:80');
      assert.deepEqual(await everywhere(stage, 8080), ANSWERS);
      assert.deepEqual(await everywhere(stage, 8081), ANSWERS);
      const page = (port: number) => host.world.get(`http://${HOST_IP}:${port}/`);
      assert.equal(await page(8080), `hello from ${await cli('exec', 'web', 'hostname')}`);
      assert.equal(await page(8081), `hello from ${await cli('exec', 'web2', 'hostname')}`);
      assert.equal(await page(9001), await page(8080), 'a shifted range');
      assert.match(await host.lan!.getSoon(`http://${SECOND_HOST_IP}:8080/`), /^hello/);
      assert.match(await host.getSoon('http://127.0.0.1:8085/'), /^hello/);
      assert.ok(await host.world.unanswered(`http://${HOST_IP}:8085/`), 'published on loopback alone');
      assert.match(
        withBrackets(await cli('ps', '--format', '{{.Ports}}')),
        /^0\.0\.0\.0:8081->80\/tcp, \[::\]:8081->80\/tcp$/m,
      );
      for (const address of [HOST_IP, '172.17.0.1']) {
        assert.match(await cli('exec', 'web', 'curl', '-sS', '-m', '2', `http://${address}:8080/`), /^hello/);
        assert.match(
          await cli('exec', 'web2', 'curl', '-sS', '-m', '2', `http://${address}:8080/`),
          /^hello/,
        );
      }
    });

    it('row 12: ports are held, against containers and programs; a conflict names the port and undoes all', async () => {
      const { cli, daemon, host } = stage;
      await web(stage, 'web', '8080:80');
      const listening = await host.ok('ss', '-Hltn', 'sport = :8080');
      assert.match(listening, /0\.0\.0\.0:8080/);
      assert.match(listening, /\[::\]:8080/);
      const taken = await cli.attempt(['run', '--name', 'second', '-p', '8080:80', '-d', 'nginx']);
      assert.match(taken.stderr, /Bind for 0\.0\.0\.0:8080 failed: port is already allocated/);
      await using _other = background([...host.enter, 'socat', 'TCP-LISTEN:9001,reuseaddr', 'PIPE']);
      await soon(async () => assert.match(await host.ok('ss', '-Hltn'), /:9001/));
      const held = await cli.attempt(['run', '--name', 'third', '-p', '9000-9002:80-82', '-d', 'nginx']);
      assert.match(held.stderr, /9001.*address already in use/);
      assert.equal(await host.ok('ss', '-Hltn', 'sport = :9000 or sport = :9002'), '');
      await cli('rm', '-f', 'web', 'second', 'third');
      await daemon.expectNoResidue();
      const tables = await host.ok('nft', 'list', 'ruleset');
      assert.ok(!/8080|9000/.test(tables), tables);
    });

    it('row 13: a port with connections in TIME_WAIT is bound again at once', async () => {
      const { cli, host } = stage;
      await web(stage, 'web', '8080:80');
      await host.getSoon('http://[::1]:8080/');
      await soon(async () => {
        await host.ok('curl', '-sS', '-g', '-H', 'Connection: close', 'http://[::1]:8080/');
        assert.match(await host.ok('ss', '-Htan', 'state', 'time-wait', 'sport = :8080'), /\[::1\]:8080/);
      }, 20_000);
      await cli('restart', '-t', '1', 'web');
      for (const address of ['[::1]', '127.0.0.1']) {
        assert.match(await host.getSoon(`http://${address}:8080/`), /^hello/);
      }
    });
  });
}

describe('C. Published ports with nftables and without the userland proxy', () => {
  const stage = useStage({
    client: 'bridgeport',
    images: ['nginx'],
    config: { 'firewall-backend': 'nftables', 'userland-proxy': false },
  });

  it('rows 9 and 11: localhost answers through the kernel, the port is held, and nobody gets in by a container’s own address', async () => {
    const { cli, host } = stage;
    await web(stage, 'web', '8080:80');
    for (const url of ['http://127.0.0.1:8080/', `http://${HOST_IP}:8080/`]) {
      assert.match(await host.getSoon(url), /^hello/);
    }
    assert.match(await host.world.getSoon(`http://${HOST_IP}:8080/`), /^hello/);
    assert.match(await cli('exec', 'web', 'curl', '-sS', '-m', '2', `http://${HOST_IP}:8080/`), /^hello/);
    const { stderr } = await cli.attempt(['run', '--name', 'second', '-p', '8080:80', '-d', 'nginx']);
    assert.match(stderr, /Bind for 0\.0\.0\.0:8080 failed: port is already allocated/);
    await host.world.ok('ip', 'route', 'add', '172.17.0.0/16', 'via', HOST_IP);
    try {
      assert.ok(await host.world.unanswered('http://172.17.0.2/'));
    } finally {
      await host.world.ok('ip', 'route', 'del', '172.17.0.0/16');
    }
  });
});
