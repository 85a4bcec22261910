/** Rules of the user's that close what is published, on a host with ufw, and what `bridgeport ps --exposure` says of it. */

import assert from 'node:assert/strict';
import { describe, it } from 'node:test';
import { dockerLike } from '../harness/docker-like.ts';
import { HOST_IP } from '../harness/host.ts';
import { type Stage, useStage } from '../harness/stage.ts';
import { loadUfw } from '../harness/ufw.ts';

const URL = `http://${HOST_IP}:8080/`;
const OTHER = `http://${HOST_IP}:8081/`;
const LAN = 'LAN (10.99.0.0/24 on eth0), other networks';

const YOU = 'you, or a program that is not recognised';

/** Who reaches each port of IPv4, by the command line. */
async function exposure(stage: Stage): Promise<Record<string, string>> {
  const text = await stage.daemon.bridgeport('ps', '--exposure', '--format', '{{.Port}}\t{{.ReachedBy}}');
  const lines = text.split('\n').filter((line) => line !== '' && !line.startsWith('['));
  return Object.fromEntries(lines.map((line) => line.split('\t') as [string, string]));
}

async function publish({ cli, host }: Stage): Promise<void> {
  await cli('run', '-d', '--name', 'web', '-p', '8080:80', '-p', '8081:80', '-p', '127.0.0.1:8082:80', 'web');
  await host.getSoon('http://127.0.0.1:8082/');
}

describe('a host with ufw and the iptables backend', () => {
  const stage = useStage({ name: 'ufw', images: ['web'] });

  it('`deny incoming` closes no published port; DOCKER-USER with --ctorigdstport closes exactly the one', async () => {
    const { host } = stage;
    await loadUfw(host);
    await publish(stage);
    assert.ok(await host.world.unanswered(`http://${HOST_IP}:7000/`), 'ufw denies what comes to the host');
    assert.match(await host.world.getSoon(URL), /^hello/);
    assert.deepEqual(await exposure(stage), {
      '0.0.0.0:8080->80/tcp': LAN,
      '0.0.0.0:8081->80/tcp': LAN,
      '127.0.0.1:8082->80/tcp': 'this host only',
    });

    const rule = [
      'DOCKER-USER',
      '-i',
      'eth0',
      '-p',
      'tcp',
      '-m',
      'conntrack',
      '--ctorigdstport',
      '8080',
      '-j',
      'DROP',
    ];
    await host.ok('iptables', '-I', ...rule);
    assert.ok(await host.world.unanswered(URL), 'closed to the world');
    assert.match(await host.world.get(OTHER), /^hello/, 'the other port of the same container is open');
    assert.match(await host.get('http://127.0.0.1:8080/'), /^hello/, 'and the host itself is served');
    const inForce = '-A DOCKER-USER -i eth0 -p tcp -m conntrack --ctorigdstport 8080 -j DROP';
    const closed = `this host only; closed to 10.99.0.0/24 on eth0, the world by ${inForce} (${YOU})`;
    const before = await exposure(stage);
    assert.equal(before['0.0.0.0:8080->80/tcp'], closed);
    assert.equal(
      before['0.0.0.0:8081->80/tcp'],
      `${LAN}; rules in DOCKER-USER may decide otherwise for some`,
    );
    await using docker = await dockerLike(stage.daemon);
    const seen = await docker.run('ps', '--exposure', '--format', '{{.Port}}: {{.ReachedBy}}');
    assert.ok(seen.stdout.split('\n').includes(`0.0.0.0:8080->80/tcp: ${closed}`), seen.stdout + seen.stderr);

    // What ufw does on `ufw reload`: its chains are written anew, ours stay ahead of them.
    await loadUfw(host);
    assert.ok(await host.world.unanswered(URL));
    await host.ok('iptables', '-D', ...rule);
    assert.match(await host.world.get(URL), /^hello/);

    // For everybody but one network, as docs/networking.md has it.
    for (const [network, isOpen] of [
      ['10.99.0.0/24', true],
      ['10.98.0.0/24', false],
    ] as const) {
      const others = [...rule.slice(0, -2), '!', '-s', network, '-j', 'DROP'];
      await host.ok('iptables', '-I', ...others);
      assert.equal(await host.world.unanswered(URL), !isOpen, network);
      // The world is closed to either way; the neighbours are in one of the networks.
      const told = (await exposure(stage))['0.0.0.0:8080->80/tcp'] ?? '';
      assert.match(
        told,
        isOpen ? /^LAN .*; closed to the world by -A DOCKER-USER ! -s 10\.99/ : /^this host only/,
      );
      await host.ok('iptables', '-D', ...others);
    }
  });
});

describe('a host with ufw and the nftables backend', () => {
  const stage = useStage({ name: 'ufwnft', images: ['web'], args: ['--firewall-backend', 'nftables'] });

  it('`deny routed` closes everything until ufw lets it through; then DOCKER-USER closes exactly the one port', async () => {
    const { host } = stage;
    await publish(stage);
    await loadUfw(host);
    assert.ok(await host.world.unanswered(URL), 'a drop in another table is final');
    assert.match(
      (await exposure(stage))['0.0.0.0:8080->80/tcp'] ?? '',
      /^this host only; closed to .* \(ufw\)$/,
    );
    // `ufw route allow in on eth0 out on docker0`, and back.
    await host.sh(`
      iptables -A ufw-user-forward -i eth0 -o docker0 -j ACCEPT
      iptables -A ufw-user-forward -i docker0 -j ACCEPT`);
    assert.match(await host.world.getSoon(URL), /^hello/);

    const rule = 'iifname eth0 meta l4proto tcp ct original proto-dst 8080 drop';
    await host.ok('nft', `insert rule ip docker-bridges DOCKER-USER ${rule}`);
    assert.ok(await host.world.unanswered(URL));
    assert.match(await host.world.get(OTHER), /^hello/);
    assert.match(await host.get('http://127.0.0.1:8080/'), /^hello/);
    assert.match(
      (await exposure(stage))['0.0.0.0:8080->80/tcp'] ?? '',
      /^this host only; closed to .* by iifname "eth0" .* drop \(you, /,
    );
    assert.equal(
      (await exposure(stage))['0.0.0.0:8081->80/tcp'],
      `${LAN}; rules in FORWARD and DOCKER-USER may decide otherwise for some`,
    );
    await host.ok('nft', 'flush chain ip docker-bridges DOCKER-USER');
    assert.match(await host.world.get(URL), /^hello/);
  });
});
