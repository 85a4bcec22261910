import assert from 'node:assert/strict';
import { after, before, describe, it } from 'node:test';
import { RouteClient } from '../netlink/index.ts';
import { currentNetnsInode, type NetnsHandle, warmThreadPool } from '../netns/index.ts';
import { type TestNetworks, testNetworks } from '../testing/netns.ts';
import { NftContext } from './index.ts';

describe('nftables', () => {
  let networks: TestNetworks;
  let netns: NetnsHandle;
  let nft: NftContext;
  before(async () => {
    await warmThreadPool();
    networks = testNetworks();
    netns = networks.create('host');
    nft = NftContext.open(netns);
  });
  after(() => {
    nft?.close();
    networks?.[Symbol.dispose]();
  });

  it('`run()` applies commands in its own namespace, and `list()` reads them back as values', () => {
    const home = currentNetnsInode();
    nft.run(
      'add table ip t\nadd chain ip t c { type filter hook forward priority 0; policy drop; }\nadd rule ip t c iifname "docker0" counter accept',
    );
    assert.equal(currentNetnsInode(), home);
    const elements = nft.list('list table ip t', { output: ['handles'] });
    assert.deepEqual(
      elements.map((element) => Object.keys(element)[0]),
      ['table', 'chain', 'rule'],
    );
    assert.match(nft.run('list ruleset', { output: ['stateless'] }), /iifname "docker0" counter accept/);
    using other = NftContext.open(networks.create('other').path);
    assert.deepEqual(other.list('list ruleset'), []);
  });

  it('interfaces by index are those of the namespace', () => {
    using client = RouteClient.open(netns);
    client.addLink({ kind: 'bridge', name: 'onlyhere0' });
    nft.run('add rule ip t c iif onlyhere0 accept');
    assert.match(nft.run('list chain ip t c'), /iif "onlyhere0" accept/);
    const elsewhere = networks.create('elsewhere');
    using second = RouteClient.open(elsewhere);
    second.addLink({ kind: 'bridge', name: 'onlythere0' });
    using nftElsewhere = NftContext.open(elsewhere);
    nftElsewhere.run('add table ip t; add chain ip t c; add rule ip t c iif onlythere0 accept');
    assert.match(nftElsewhere.run('list chain ip t c'), /iif "onlythere0" accept/);
    assert.match(nft.run('list chain ip t c'), /iif "onlyhere0" accept/);
  });

  it('an error undoes the whole text, and quotes words and line', () => {
    const before = nft.run('list ruleset');
    assert.throws(
      () => nft.run('add chain ip t fresh\nadd rule ip t nosuchchain accept'),
      /^BridgeportError: nft: Could not process rule: No such file or directory \(line 2: "add rule ip t nosuchchain accept"\)$/,
    );
    assert.throws(
      () => nft.run('add rule ip t c nonsense'),
      /nft: syntax error.*line 1: "add rule ip t c nonsense"/,
    );
    assert.equal(nft.run('list ruleset'), before);
    nft.run('add chain ip t fresh', { dryRun: true });
    assert.equal(nft.run('list ruleset'), before);
    assert.deepEqual(nft.list('list chains'), nft.list('list chains'));
  });

  it('`echo` tells the handle of what was added', () => {
    const text = nft.run('add rule ip t c oifname "x" drop', { output: ['echo', 'handles'] });
    assert.match(text, /oifname "x" drop # handle \d+/);
  });

  it('a thousand elements fit in one transaction', () => {
    const ports = Array.from({ length: 1000 }, (_, index) => `${1000 + index} : 172.17.0.2 . ${index}`);
    nft.run(
      `add map ip t m { type inet_service : ipv4_addr . inet_service; }\nadd element ip t m { ${ports.join(', ')} }`,
    );
    const [map] = nft.list('list map ip t m') as Array<{ map?: { elem?: unknown[] } }>;
    assert.equal(map?.map?.elem?.length, 1000);
  });

  it('a closed context says so', () => {
    const closed = NftContext.open(netns);
    closed.close();
    closed.close();
    assert.throws(() => closed.run('list ruleset'), /the context is closed/);
  });
});
