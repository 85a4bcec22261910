/** Rules of a real kernel deleted by their handles, and what others do meanwhile. Needs root and iptables's nf_tables variant. */

import assert from 'node:assert/strict';
import { after, before, describe, test } from 'node:test';
import { warmThreadPool } from '../netns/index.ts';
import { NftContext } from '../nft/index.ts';
import { type TestNetworks, testNetworks } from '../testing/netns.ts';
import { IptablesRunner, RuleHandles } from './index.ts';

const ADD = `*filter
-N DOCKER
-A FORWARD -o docker0 -j DOCKER
-I FORWARD -i docker0 -j ACCEPT
-A DOCKER -d 172.17.0.2/32 -p tcp -m tcp --dport 80 -j ACCEPT
COMMIT
*nat
-A POSTROUTING -s 172.17.0.0/16 ! -o docker0 -j MASQUERADE
COMMIT
`;
const REMOVE = `*filter
-D FORWARD -i docker0 -j ACCEPT
-D FORWARD -o docker0 -j DOCKER
-D DOCKER -d 172.17.0.2/32 -p tcp -m tcp --dport 80 -j ACCEPT
COMMIT
*nat
-D POSTROUTING -s 172.17.0.0/16 ! -o docker0 -j MASQUERADE
COMMIT
`;

describe('RuleHandles', () => {
  let networks: TestNetworks;
  let made = 0;
  before(async () => {
    await warmThreadPool();
    networks = testNetworks();
  });
  after(() => networks?.[Symbol.dispose]());

  async function stage() {
    const netns = networks.create(`rh${made++}`);
    const iptables = new IptablesRunner({ family: 4, netns, variant: 'nft' });
    const handles = new RuleHandles({ family: 4, netns });
    const rules = async () => (await iptables.save()).split('\n').filter((line) => line.startsWith('-A'));
    await handles.learn(ADD, () => iptables.restore(ADD));
    return { netns, iptables, handles, rules, [Symbol.dispose]: () => handles[Symbol.dispose]() };
  }

  test('deletes what was learnt, in both tables, and leaves the same text of somebody else', async () => {
    using host = await stage();
    assert.equal(host.handles.size, 4);
    await host.iptables.restore('*filter\n-A FORWARD -i docker0 -j ACCEPT\n-A FORWARD -j REJECT\nCOMMIT\n');
    assert.equal(host.handles.delete(REMOVE), true);
    assert.deepEqual(await host.rules(), [
      '-A FORWARD -i docker0 -j ACCEPT',
      '-A FORWARD -j REJECT --reject-with icmp-port-unreachable',
    ]);
    assert.equal(host.handles.delete(REMOVE), false, 'a second time they are not known');
    assert.equal(host.handles.size, 0);
  });

  test('a rule that somebody else took away, or more than deletions, are for `iptables-restore`', async () => {
    using host = await stage();
    const before = await host.rules();
    assert.equal(host.handles.delete(`${REMOVE}*raw\n-A OUTPUT -j ACCEPT\nCOMMIT\n`), false);
    assert.equal(host.handles.delete(`${REMOVE}*filter\n-X DOCKER\nCOMMIT\n`), false);
    assert.equal(host.handles.delete(`${REMOVE}*filter\n-D FORWARD -j REJECT\nCOMMIT\n`), false);
    assert.deepEqual(await host.rules(), before);
    await host.iptables.restore('*filter\n-D FORWARD -o docker0 -j DOCKER\nCOMMIT\n');
    assert.equal(host.handles.delete(REMOVE), false);
    assert.equal((await host.rules()).length, before.length - 1);
  });

  test('of a table that went and came nothing is known: its rules have the numbers of ours', async () => {
    using host = await stage();
    using nft = NftContext.open(host.netns);
    nft.run('delete table ip filter');
    await host.iptables.restore(ADD.replaceAll('docker0', 'theirs').split('*nat')[0] ?? '');
    const before = await host.rules();
    assert.equal(host.handles.delete(REMOVE), false);
    assert.deepEqual(await host.rules(), before);
    assert.equal(host.handles.size, 1, 'the rule in table nat is');
  });

  test('nothing is learnt where two transactions look alike', async () => {
    using host = await stage();
    const line = (name: string) => `*filter\n-A DOCKER -i ${name} -j ACCEPT\nCOMMIT\n`;
    await host.handles.learn(line('ours'), async () => {
      await host.iptables.restore(line('theirs'));
      await host.iptables.restore(line('ours'));
    });
    assert.equal(host.handles.delete(line('ours').replace('-A', '-D')), false);
  });

  test('IPv6 rules have handles of their own', async () => {
    using host = await stage();
    const ip6tables = new IptablesRunner({ family: 6, netns: host.netns, variant: 'nft' });
    using handles = new RuleHandles({ family: 6, netns: host.netns });
    const add = '*filter\n-A FORWARD -o docker0 -j ACCEPT\nCOMMIT\n';
    await handles.learn(add, () => ip6tables.restore(add));
    const before = await host.rules();
    assert.equal(handles.delete(add.replace('-A', '-D')), true);
    assert.doesNotMatch(await ip6tables.save(), /docker0/);
    assert.deepEqual(await host.rules(), before);
  });
});
