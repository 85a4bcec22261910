import assert from 'node:assert/strict';
import { execFileSync } from 'node:child_process';
import { after, before, describe, it } from 'node:test';
import { type NetnsHandle, warmThreadPool, withNetns } from '../../kernel/netns/index.ts';
import { NftContext } from '../../kernel/nft/index.ts';
import { type TestNetworks, testNetworks } from '../../kernel/testing/netns.ts';
import { readRulebook } from './firewall.ts';

describe('`readRulebook()`', () => {
  let networks: TestNetworks;
  let netns: NetnsHandle;
  const run = (program: string, ...args: string[]) =>
    withNetns(netns, () => execFileSync(program, args, { encoding: 'utf8', timeout: 10_000, stdio: 'pipe' }));
  /** `iptables ip filter FORWARD: -A FORWARD -j DROP`, of every rule there is. */
  const read = async () => {
    const { tables, unread } = await readRulebook(netns);
    assert.deepEqual(unread, []);
    return tables.flatMap(({ source, family, name, chains }) =>
      [...chains.values()].flatMap((chain) =>
        chain.rules.map((rule) => `${source} ${family} ${name} ${chain.name}: ${rule.text}`),
      ),
    );
  };
  before(async () => {
    await warmThreadPool();
    networks = testNetworks();
    netns = networks.create('host');
  });
  after(() => networks?.[Symbol.dispose]());

  it('finds nothing where nothing is, and makes no table by looking', async () => {
    assert.deepEqual(await read(), []);
    assert.equal(run('nft', 'list', 'tables'), '');
  });

  it("reads iptables's rules in its words, and not a second time as nftables's", async () => {
    run('iptables', '-A', 'FORWARD', '-i', 'docker0', '-m', 'conntrack', '--ctstate', 'NEW', '-j', 'DROP');
    run('ip6tables', '-t', 'nat', '-A', 'POSTROUTING', '-j', 'MASQUERADE');
    assert.deepEqual(await read(), [
      'iptables ip filter FORWARD: -A FORWARD -i docker0 -m conntrack --ctstate NEW -j DROP',
      'iptables ip6 nat POSTROUTING: -A POSTROUTING -j MASQUERADE',
    ]);
    run('iptables', '-F');
    run('ip6tables', '-t', 'nat', '-F');
  });

  it('reads the legacy variant beside it, where the kernel has it', async (context) => {
    try {
      run('iptables-legacy', '-A', 'INPUT', '-s', '10.0.0.0/8', '-j', 'DROP');
    } catch {
      context.skip('no iptables-legacy here');
      return;
    }
    assert.deepEqual(await read(), ['iptables-legacy ip filter INPUT: -A INPUT -s 10.0.0.0/8 -j DROP']);
    run('iptables-legacy', '-F');
  });

  it('reads tables of nftables, those with flags too; a dormant one is not in force', async () => {
    using nft = NftContext.open(netns);
    nft.run(`table inet asleep {
  flags dormant;
  chain c {
    type filter hook input priority 0; policy drop;
    accept
  }
}
table inet owned {
  flags owner;
  set hosts {
    type ipv4_addr
    elements = { 10.0.0.1 }
  }
  chain c {
    type filter hook forward priority 0; policy accept;
    ip saddr @hosts counter drop comment "a \\# b"
  }
}
table ip plain {
  chain c {
    tcp dport { 22, 80-90 } accept
  }
}`);
    assert.deepEqual(await read(), [
      'nftables inet owned c: ip saddr @hosts counter drop',
      'nftables ip plain c: tcp dport { 22, 80-90 } accept',
    ]);
    const { tables } = await readRulebook(netns);
    const [rule] = tables.find(({ name }) => name === 'owned')?.chains.get('c')?.rules ?? [];
    assert.deepEqual(rule?.counters, { packets: 0, bytes: 0 });
    assert.deepEqual(
      rule?.steps.map(({ kind }) => kind),
      ['match', 'note', 'verdict'],
    );
    const [step] = rule?.steps ?? [];
    assert.equal(
      step?.kind === 'match' && step.condition.kind,
      'fields',
      'the set of a table with flags was read',
    );
  });
});
