/** Names of the world: whom the embedded resolver asks, as the host's resolv.conf and `--dns` say. */

import assert from 'node:assert/strict';
import { writeFileSync } from 'node:fs';
import { after, before, describe, it } from 'node:test';
import type { Background } from '../harness/background.ts';
import { WORLD_IP } from '../harness/host.ts';
import { nameServer } from '../harness/name-server.ts';
import { soon } from '../harness/netns.ts';
import { useStage } from '../harness/stage.ts';

/** Where systemd-resolved answers: on the host's loopback, which no container reaches by itself. */
const STUB = '127.0.0.53';
/** On the host's LAN, and nobody's. */
const DEAD = '10.99.0.250';

describe('the host’s resolver', () => {
  const stage = useStage({
    name: 'resolver',
    images: ['busybox'],
    resolvConf: `nameserver ${STUB}\nsearch lan.test\noptions edns0\n`,
  });
  const servers: Background[] = [];
  before(async () => {
    const stub = { address: STUB, names: { 'example.test': '192.0.2.53', 'printer.lan.test': '192.0.2.9' } };
    servers.push(await nameServer(stage.host, stub));
    const far = { address: WORLD_IP, names: { 'example.test': '192.0.2.1' } };
    servers.push(await nameServer(stage.host.world, far));
  });
  after(async () => {
    for (const server of servers) await server[Symbol.asyncDispose]();
  });
  const sleeper = (name: string, ...options: string[]) =>
    stage.cli('run', '-d', '--name', name, '--network', 'front', ...options, 'busybox', 'sleep', '600');
  const addresses = async (from: string, name: string) => {
    const { stdout } = await stage.cli.attempt(['exec', from, 'nslookup', '-type=a', name]);
    const answer = stdout.replace(/^Server:.*\nAddress:.*\n/m, '');
    return [...answer.matchAll(/^Address: (\S+)$/gm)].map(([, found]) => found).sort();
  };

  it('one on 127.0.0.53 is asked from the host, with its search list', async () => {
    await stage.cli('network', 'create', 'front');
    await sleeper('client');
    assert.match(
      await stage.cli('exec', 'client', 'cat', '/etc/resolv.conf'),
      /^nameserver 127\.0\.0\.11\nsearch lan\.test\noptions edns0 ndots:0$/m,
    );
    assert.deepEqual(await addresses('client', 'example.test'), ['192.0.2.53']);
    assert.deepEqual(await addresses('client', 'printer'), ['192.0.2.9']);
  });

  it('--dns is asked in its place, from the container’s own network', async () => {
    await stage.cli('network', 'create', 'front');
    await sleeper('client', '--dns', WORLD_IP);
    assert.deepEqual(await addresses('client', 'example.test'), ['192.0.2.1']);
    await sleeper('unlucky', '--dns', DEAD, '--dns', WORLD_IP);
    assert.deepEqual(await addresses('unlucky', 'example.test'), ['192.0.2.1']);
  });

  it('what the host’s file says anew holds for containers that run', async () => {
    const { cli, daemon } = stage;
    await cli('network', 'create', 'front');
    await sleeper('client');
    assert.deepEqual(await addresses('client', 'example.test'), ['192.0.2.53']);
    writeFileSync(daemon.resolvConf ?? '', `nameserver ${DEAD}\nnameserver ${WORLD_IP}\n`);
    await soon(async () => assert.deepEqual(await addresses('client', 'example.test'), ['192.0.2.1']));
    writeFileSync(daemon.resolvConf ?? '', `nameserver ${STUB}\n`);
    await soon(async () => assert.deepEqual(await addresses('client', 'example.test'), ['192.0.2.53']));
  });

  it('an internal network asks nobody, also not with --dns on the host', async () => {
    const { cli } = stage;
    await cli('network', 'create', '--internal', 'front');
    await sleeper('client');
    await sleeper('hopeful', '--dns', STUB);
    assert.deepEqual(await addresses('client', 'example.test'), []);
    assert.deepEqual(await addresses('hopeful', 'example.test'), []);
    assert.equal((await addresses('hopeful', 'client')).length, 1);
  });
});
