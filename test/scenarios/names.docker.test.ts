/** Names on the networks that people make: what the embedded resolver answers inside containers. */

import assert from 'node:assert/strict';
import { after, before, describe, it } from 'node:test';
import type { Background } from '../harness/background.ts';
import { inspect } from '../harness/container.ts';
import { WORLD_IP } from '../harness/host.ts';
import { nameServer } from '../harness/name-server.ts';
import { soon } from '../harness/netns.ts';
import { useStage } from '../harness/stage.ts';

describe('names of containers', () => {
  const stage = useStage({
    name: 'names',
    images: ['busybox', 'web', 'ubuntu'],
    config: { dns: [WORLD_IP] },
  });
  let upstream: Background | undefined;
  before(async () => {
    const names = { 'example.test': '192.0.2.7' };
    upstream = await nameServer(stage.host.world, { address: WORLD_IP, names });
  });
  after(() => upstream?.[Symbol.asyncDispose]());
  const sleeper = (name: string, network: string, ...more: string[]) =>
    stage.cli('run', '-d', '--name', name, '--network', network, ...more, 'busybox', 'sleep', '600');
  const address = (name: string, network: string, field = 'IPAddress') =>
    inspect(stage.cli, name, `{{(index .NetworkSettings.Networks "${network}").${field}}}`);
  /** What busybox's nslookup prints in a container, its own server's lines not among it. */
  const ask = async (from: string, name: string) => {
    const { stdout, stderr } = await stage.cli.attempt(['exec', from, 'nslookup', name]);
    const answer = stdout.replace(/^Server:.*\nAddress:.*\n/m, '');
    assert.notEqual(answer, stdout, `127.0.0.11 answers: ${stdout}${stderr}`);
    return answer;
  };
  const addresses = async (from: string, name: string) =>
    [...(await ask(from, name)).matchAll(/^Address: (\S+)$/gm)].map(([, found]) => found).sort();
  const nobody = async (from: string, name: string) => {
    const answer = await ask(from, name);
    assert.match(answer, /NXDOMAIN|SERVFAIL/);
    assert.doesNotMatch(answer, /^Address/m);
  };

  it('name, alias, name.network, short id, host name and address lead to a container, in both families', async () => {
    const { cli } = stage;
    await cli('network', 'create', '--ipv6', 'front');
    const id = await sleeper('server', 'front', '--network-alias', 'db', '--hostname', 'hosty');
    await sleeper('client', 'front');
    const both = [
      await address('server', 'front'),
      await address('server', 'front', 'GlobalIPv6Address'),
    ].sort();
    for (const name of ['server', 'db', 'server.front', 'db.front', id.slice(0, 12), 'hosty', 'SERVER']) {
      assert.deepEqual(await addresses('client', name), both, name);
    }
    for (const ip of both) assert.match(await ask('client', ip), /name = server\.front\b/);
    assert.match(await cli('exec', 'client', 'cat', '/etc/resolv.conf'), /^nameserver 127\.0\.0\.11$/m);
    await nobody('client', 'nobody');
    await cli('stop', '-t', '0', 'server');
    await nobody('client', 'server');
    await cli('start', 'server');
    assert.equal((await addresses('client', 'server')).length, 2);
  });

  it('curl finds a server by its name, on the container’s own resolver settings', async () => {
    const { cli } = stage;
    await cli('network', 'create', '--ipv6', 'front');
    await cli('run', '-d', '--name', 'server', '--network', 'front', 'web');
    await cli('run', '-d', '--name', 'client', '--network', 'front', 'ubuntu', 'sleep', '600');
    for (const flags of ['-sS4', '-sS6', '-sS']) {
      const page = () => cli('exec', 'client', 'curl', flags, '--max-time', '3', 'http://server/');
      assert.match(await soon(page), /^hello from/);
    }
  });

  it('an alias of several containers has all their addresses, and not always in the same order', async () => {
    const { cli } = stage;
    await cli('network', 'create', 'front');
    await Promise.all(
      ['one', 'two', 'three'].map((name) => sleeper(name, 'front', '--network-alias', 'all')),
    );
    await sleeper('client', 'front');
    const expected = await Promise.all(['one', 'two', 'three'].map((name) => address(name, 'front')));
    assert.deepEqual(await addresses('client', 'all'), expected.sort());
    const script = 'for i in $(seq 12); do nslookup -type=a all | grep "^Address: " | head -1; done';
    const firsts = await cli('exec', 'client', 'sh', '-c', script);
    assert.ok(new Set(firsts.split('\n')).size > 1, firsts);
  });

  it('names hold on their own network only; a container on two asks in both', async () => {
    const { cli } = stage;
    await cli('network', 'create', 'a');
    await cli('network', 'create', 'b');
    await Promise.all([sleeper('a1', 'a'), sleeper('b1', 'b'), sleeper('both', 'a')]);
    await nobody('a1', 'b1');
    await nobody('a1', 'b1.b');
    await cli('network', 'connect', '--alias', 'visitor', 'b', 'both');
    assert.deepEqual(await addresses('both', 'a1'), [await address('a1', 'a')]);
    assert.deepEqual(await addresses('both', 'b1'), [await address('b1', 'b')]);
    assert.deepEqual(await addresses('b1', 'both'), [await address('both', 'b')]);
    assert.deepEqual(await addresses('b1', 'visitor'), [await address('both', 'b')]);
    await nobody('a1', 'visitor');
    await cli('network', 'disconnect', 'b', 'both');
    await nobody('b1', 'both');
    await nobody('both', 'b1');
  });

  it('--link on such a network is a name of the one who asked for it alone', async () => {
    const { cli } = stage;
    await cli('network', 'create', 'front');
    await sleeper('server', 'front');
    await sleeper('linked', 'front', '--link', 'server:backend');
    await sleeper('other', 'front');
    assert.deepEqual(await addresses('linked', 'backend'), [await address('server', 'front')]);
    await nobody('other', 'backend');
  });

  it('rename: the new name at once, the old one no more', async () => {
    const { cli } = stage;
    await cli('network', 'create', 'front');
    await sleeper('before', 'front');
    await sleeper('client', 'front');
    await cli('rename', 'before', 'after');
    assert.deepEqual(await addresses('client', 'after'), [await address('after', 'front')]);
    assert.deepEqual(await addresses('client', 'after.front'), [await address('after', 'front')]);
    await nobody('client', 'before');
    assert.match(await ask('client', await address('after', 'front')), /name = after\.front/);
  });

  it('after kill -9 and a new start of the daemon containers that ran on have their names again', async () => {
    const { cli, daemon } = stage;
    await cli('network', 'create', 'front');
    await sleeper('server', 'front', '--network-alias', 'db');
    await sleeper('client', 'front');
    const expected = [await address('server', 'front')];
    await daemon.kill();
    await daemon.start();
    assert.deepEqual(await addresses('client', 'server'), expected);
    assert.deepEqual(await addresses('client', 'db'), expected);
    await sleeper('later', 'front');
    assert.deepEqual(await addresses('later', 'server'), expected);
    assert.deepEqual(await addresses('client', 'later'), [await address('later', 'front')]);
  });

  it('other names go to --dns, and not from an internal network', async () => {
    const { cli } = stage;
    await cli('network', 'create', 'front');
    await cli('network', 'create', '--internal', 'inner');
    await sleeper('client', 'front');
    await sleeper('prisoner', 'inner');
    assert.deepEqual(await addresses('client', 'example.test'), ['192.0.2.7']);
    await nobody('client', 'example.invalid');
    await nobody('prisoner', 'example.test');
    assert.match(upstream?.output ?? '', /^example\.invalid$/m);
  });

  it('a name of a container never leaks to the servers of the world, whether it runs or not', async () => {
    const { cli } = stage;
    await cli('network', 'create', 'front');
    await cli('network', 'create', 'back');
    await sleeper('client', 'front', '--network-alias', 'secret');
    await sleeper('hidden', 'back', '--network-alias', 'database');
    await cli('create', '--name', 'asleep', '--network', 'front', '--network-alias', 'pillow', 'busybox');
    assert.equal((await addresses('client', 'secret')).length, 1);
    assert.equal((await addresses('client', 'client')).length, 1);
    assert.match(await ask('client', await address('client', 'front')), /name = client\.front/);
    for (const name of ['hidden', 'database', 'asleep', 'pillow']) await nobody('client', name);
    await cli('rename', 'asleep', 'awake');
    await nobody('client', 'awake');
    await cli('rm', 'awake');
    await nobody('client', 'pillow');
    const leaks = /^(secret|client|hidden|database|asleep|awake)|arpa/m;
    assert.doesNotMatch(upstream?.output ?? '', leaks);
    assert.match(upstream?.output ?? '', /^pillow$/m, 'nobody’s name any more');
  });

  it('with ndots above 0 names without a dot are a matter of the search list: they are not asked as they are', async () => {
    const { cli } = stage;
    await cli('network', 'create', 'front');
    await sleeper('plain', 'front');
    await sleeper('dotted', 'front', '--dns-option', 'ndots:1');
    assert.match(await cli('exec', 'dotted', 'cat', '/etc/resolv.conf'), /^options ndots:1$/m);
    await nobody('plain', 'lonely');
    await nobody('dotted', 'lonelier');
    assert.match(upstream?.output ?? '', /^lonely$/m);
    assert.doesNotMatch(upstream?.output ?? '', /^lonelier$/m);
  });

  it('the container’s own port 53 is its own', async () => {
    const { cli } = stage;
    await cli('network', 'create', 'front');
    await cli(
      ...['run', '-d', '--name', 'server', '--network', 'front', 'busybox'],
      ...['httpd', '-f', '-p', '53', '-h', '/etc'],
    );
    await cli('run', '-d', '--name', 'client', '--network', 'front', 'ubuntu', 'sleep', '600');
    const page = () => cli('exec', 'client', 'curl', '-sS', '--max-time', '3', 'http://server:53/passwd');
    assert.match(await soon(page), /^root:/);
    assert.deepEqual(await addresses('server', 'client'), [await address('client', 'front')]);
  });
});
