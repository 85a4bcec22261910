/** `bridgeport why` with names of the outside: asked for as the asker asks, of real name servers, and what keeps an answer off. */

import assert from 'node:assert/strict';
import { before, describe, it } from 'node:test';
import type { WhyReport } from '../../src/base/wire/explain.ts';
import { dockerLike } from '../harness/docker-like.ts';
import { FAR_IP, WORLD_IP } from '../harness/host.ts';
import { nameServer } from '../harness/name-server.ts';
import { useStage } from '../harness/stage.ts';

/** Nobody is there; who asks gets no answer, nor that nobody is. */
const NOBODY = '10.99.0.99';

describe('why, of a name', () => {
  const stage = useStage({
    name: 'why-names',
    images: ['busybox'],
    resolvConf: `nameserver ${WORLD_IP}\n`,
  });

  before(() => nameServer(stage.host.world, { address: WORLD_IP, names: { 'far.example': FAR_IP } }));

  const ask = async (from: string, to: string): Promise<WhyReport> => {
    const query = new URLSearchParams({ from, to, service: 'tcp/443' });
    const answer = await stage.daemon.api('GET', `/bridgeport/why?${query}`);
    assert.equal(answer.status, 200, answer.text);
    return answer.json<WhyReport>();
  };
  const names = ({ legs }: WhyReport) =>
    legs.flatMap(({ steps }) => steps.filter(({ kind }) => kind === 'name').map(({ text }) => text));
  const run = (name: string, ...options: string[]) =>
    stage.cli('run', '-d', '--name', name, ...options, 'busybox', 'sleep', '600');

  it('asks as the container asks, or the host, and names what keeps the answer off', async () => {
    const { cli, host } = stage;
    await cli('network', 'create', 'back');
    await cli('network', 'create', '--internal', 'cellar');
    await Promise.all([
      run('plain', '--add-host', 'pinned:10.99.0.1'),
      run('app', '--network', 'back'),
      run('lost', '--network', 'back', '--dns', NOBODY),
      run('mole', '--network', 'cellar'),
      run('guest', '--network', 'host'),
    ]);
    // Each by its own way, and all of them to the same address.
    const ways: ReadonlyArray<readonly [from: string, said: RegExp]> = [
      ['plain', /^Container plain asks name server 10\.99\.0\.1 for far\.example: 203\.0\.113\.9\.$/],
      ['app', /^Container app asks the engine’s resolver \(127\.0\.0\.11, which asks 10\.99\.0\.1\)/],
      ['guest', /^Container guest asks name server 10\.99\.0\.1/],
    ];
    for (const [from, said] of ways) {
      const report = await ask(from, 'far.example');
      assert.deepEqual([report.answer, report.to.address], ['yes', FAR_IP], from);
      assert.match(names(report)[0] ?? '', said);
    }
    assert.match(names(await ask('plain', 'pinned'))[0] ?? '', /^In \/etc\/hosts of container plain/);

    const unknown = await ask('app', 'nosuch.example');
    assert.deepEqual([unknown.answer, unknown.cause?.kind], ['no', 'name-unknown']);
    assert.equal((await ask('mole', 'far.example')).cause?.kind, 'name-internal');
    const refused = await stage.daemon.api('GET', '/bridgeport/why?from=app&to=wbe');
    assert.equal(refused.status, 404);
    assert.match(
      refused.text,
      /No such container, network or address: wbe\. Container app asks .* no such name/,
    );

    // Somebody's rule: the container's own question is kept off on its way, the resolver's as it leaves the host.
    const drop = async (chain: string, from: string) => {
      const rule = `${chain} -p udp --dport 53 -j DROP`;
      await host.sh(`iptables -w -I ${rule}`);
      try {
        const { answer, cause } = await ask(from, 'other.example');
        assert.deepEqual([answer, cause?.kind, cause?.owner.kind], ['no', 'name-unasked', 'user'], from);
        assert.match(cause?.rule?.text ?? '', new RegExp(`-A ${chain} `));
      } finally {
        await host.sh(`iptables -w -D ${rule}`);
      }
    };
    await drop('FORWARD', 'plain');
    await drop('OUTPUT', 'app');
    const { cause, legs } = await ask('lost', 'far.example');
    assert.equal(cause?.kind, 'name-unanswered');
    assert.match(cause.text, /way to name server 10\.99\.0\.99\.$/);
    assert.match(legs[1]?.title ?? '', /from container lost to name server 10\.99\.0\.99$/);
  });

  it('asks the same with a Docker Engine, whose resolver answers in the container', async () => {
    await stage.cli('network', 'create', 'back');
    await Promise.all([run('app', '--network', 'back', '--dns', WORLD_IP), run('plain')]);
    await using docker = await dockerLike(stage.daemon);
    for (const from of ['app', 'plain']) {
      const { stdout, stderr } = await docker.run('why', '--json', from, 'far.example', 'tcp/443');
      assert.equal(stderr, '');
      const [seen, own] = [JSON.parse(stdout) as WhyReport, await ask(from, 'far.example')];
      assert.deepEqual(names(seen), names(own));
      assert.equal(seen.headline, own.headline);
    }
    const { stdout, code } = await docker.run('why', 'app', 'nosuch.example');
    assert.match(stdout, /There is no name nosuch\.example: so says the engine’s resolver/);
    assert.equal(code, 1);
  });

  it('says that a paused container asks nobody and answers nobody', async () => {
    const { cli } = stage;
    await Promise.all([run('one'), run('two')]);
    await cli('pause', 'one');
    const asking = await ask('one', 'far.example');
    assert.deepEqual([asking.cause?.kind, asking.cause?.owner.container?.name], ['paused', 'one']);
    assert.match(asking.cause?.text ?? '', /none can ask/);
    const { cause, remarks } = await ask('two', 'one');
    assert.equal(cause?.kind, 'no-socket');
    assert.ok(remarks.includes('Container one is paused as well.'));
    await cli('unpause', 'one');
  });
});
