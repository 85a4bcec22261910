/** The host's own routes, as VPNs make them: subnets keep away from them, and one that gets into a network's way is told. */

import assert from 'node:assert/strict';
import { describe, it } from 'node:test';
import { soon } from '../harness/netns.ts';
import { useStage } from '../harness/stage.ts';

describe('routes of the host', () => {
  const stage = useStage({
    name: 'routes',
    images: [],
    config: { 'default-address-pools': [{ base: '10.200.0.0/16', size: 24 }], bip: '172.17.0.1/16' },
  });
  const ip = (...words: string[]) => stage.host.ok('ip', ...words);
  const create = async (name: string, ...options: string[]) => {
    await stage.cli('network', 'create', ...options, name);
    return stage.cli('network', 'inspect', '-f', '{{(index .IPAM.Config 0).Subnet}}', name);
  };
  /** Makes links that stand for VPNs, and takes them away again. */
  const withLink = async (name: string, work: () => Promise<void>) => {
    await ip('link', 'add', name, 'type', 'bridge');
    await ip('link', 'set', name, 'up');
    try {
      await work();
    } finally {
      await stage.host.run(['ip', 'link', 'del', name]);
    }
  };
  /** What was told of a network's conflicts, as `action route loser`. */
  const told = async (name: string) => {
    const until = `${Math.ceil(Date.now() / 1000) + 1}`;
    const format = '{{.Action}} {{.Actor.Attributes.route}} {{.Actor.Attributes.loser}}';
    const options = ['--since', '0', '--until', until, '--filter', `network=${name}`, '--format', format];
    return (await stage.cli('events', ...options)).split('\n').filter((line) => line.startsWith('conflict'));
  };

  it('a subnet is chosen away from routes of any table, the host’s addresses and blackholes', async () => {
    await withLink('tun0', async () => {
      await ip('route', 'add', '10.200.0.0/23', 'dev', 'tun0');
      await ip('route', 'add', '10.200.2.0/24', 'dev', 'tun0', 'table', '52');
      await ip('addr', 'add', '10.200.3.9/32', 'dev', 'lo');
      await ip('route', 'add', 'blackhole', '10.200.4.0/24');
      assert.equal(await create('away'), '10.200.5.0/24');
      await ip('route', 'del', '10.200.2.0/24', 'dev', 'tun0', 'table', '52');
      assert.equal(await create('freed'), '10.200.2.0/24');
      await ip('addr', 'del', '10.200.3.9/32', 'dev', 'lo');
      await ip('route', 'del', 'blackhole', '10.200.4.0/24');
    });
    // With the link its routes went, which IPv4 does not announce.
    assert.equal(await create('low'), '10.200.0.0/24');
    assert.equal(await create('next'), '10.200.1.0/24');
  });

  it('routes that lead everywhere leave the pools as they are', async () => {
    await withLink('tun0', async () => {
      for (const half of ['0.0.0.0/1', '128.0.0.0/1']) await ip('route', 'add', half, 'dev', 'tun0');
      await ip('-6', 'route', 'add', '2000::/3', 'dev', 'tun0');
      assert.equal(await create('one', '--ipv6'), '10.200.0.0/24');
    });
  });

  it('a route that comes over a network is told in log and events, once, and again when it goes', async () => {
    const { cli, daemon } = stage;
    const subnet = await create('under', '--ipv6', '--subnet', 'fd77::/64', '--subnet', '10.210.0.0/24');
    assert.equal(subnet, '10.210.0.0/24');
    assert.deepEqual(await told('under'), []);
    await withLink('tun0', async () => {
      await ip('route', 'add', '10.210.0.0/25', 'dev', 'tun0');
      await ip('route', 'add', '10.208.0.0/12', 'dev', 'tun0', 'metric', '50');
      await ip('route', 'replace', '10.208.0.0/12', 'dev', 'tun0', 'metric', '50');
      await ip('-6', 'route', 'add', 'fd77::/96', 'dev', 'tun0');
      await ip('route', 'add', 'unreachable', '10.192.0.0/10');
      await soon(async () =>
        assert.deepEqual((await told('under')).sort(), [
          'conflict 10.208.0.0/12 route',
          'conflict 10.210.0.0/25 network',
          'conflict fd77::/96 network',
        ]),
      );
      assert.match(
        daemon.log(),
        /the host's route to 10\.210\.0\.0\/25 \(by tun0\) takes packets for containers of network under \(10\.210\.0\.0\/24\) elsewhere/,
      );
      assert.match(
        daemon.log(),
        /network under \(10\.210\.0\.0\/24\) hides what the host's route to 10\.208\.0\.0\/12/,
      );
      await ip('route', 'del', '10.208.0.0/12', 'dev', 'tun0', 'metric', '50');
      await soon(async () =>
        assert.equal((await told('under')).at(-1), 'conflict-resolved 10.208.0.0/12 route'),
      );
    });
    await soon(async () =>
      assert.deepEqual((await told('under')).slice(4).sort(), [
        'conflict-resolved 10.210.0.0/25 network',
        'conflict-resolved fd77::/96 network',
      ]),
    );
    await ip('route', 'del', 'unreachable', '10.192.0.0/10');
    // Its members' links, its own routes and its going are no conflicts.
    await cli('network', 'rm', 'under');
    assert.equal((await told('under')).length, 6);
  });

  it('who names a subnet that a route leads to gets it, with a warning; a new daemon tells again', async () => {
    const { daemon } = stage;
    await withLink('tun0', async () => {
      await ip('route', 'add', '10.220.0.0/16', 'dev', 'tun0');
      const body = { Name: 'over', IPAM: { Config: [{ Subnet: '10.220.7.0/24' }] } };
      const answer = await daemon.api('POST', '/networks/create', body);
      assert.equal(answer.status, 201, answer.text);
      assert.match(
        answer.json<{ Warning: string }>().Warning,
        /^network over \(10\.220\.7\.0\/24\) hides what the host's route to 10\.220\.0\.0\/16 \(by tun0\) leads to$/,
      );
      const again = await daemon.bridgeport.attempt([
        'network',
        'create',
        '--subnet',
        '10.220.8.0/24',
        'too',
      ]);
      assert.match(again.stderr, /^WARNING: network too \(10\.220\.8\.0\/24\) hides /);
      await daemon.restart();
      await soon(async () => assert.deepEqual(await told('over'), ['conflict 10.220.0.0/16 route']));
    });
  });

  it('a pool of /24s gives each network its own, and passes over the host’s LAN', async () => {
    const { daemon } = stage;
    const pools = ['10.98.254.0/23', '10.99.0.0/16'].map((base) => ({ base, size: 24 }));
    daemon.configure({ 'default-address-pools': pools, bip: '10.98.254.1/24' });
    await daemon.restart();
    const subnets: string[] = [];
    for (let number = 0; number < 40; number++) {
      const { text } = await daemon.api('POST', '/networks/create', { Name: `n${number}`, Internal: true });
      const { Id } = JSON.parse(text) as { Id: string };
      const found = (await daemon.api('GET', `/networks/${Id}`)).json<NetworkAnswer>();
      subnets.push(found.IPAM.Config[0]?.Subnet ?? '');
    }
    // The LAN is 10.99.0.0/24.
    const expected = Array.from({ length: 39 }, (_, index) => `10.99.${index + 1}.0/24`);
    assert.deepEqual(subnets, ['10.98.255.0/24', ...expected]);
  });
});

interface NetworkAnswer {
  IPAM: { Config: Array<{ Subnet: string }> };
}
