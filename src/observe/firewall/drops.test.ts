import assert from 'node:assert/strict';
import { it } from 'node:test';
import { compileIptables } from '../../network/firewall/index.ts';
import { intentOf, network } from '../../network/firewall/iptables/scenarios.testing.ts';
import { readRuleDrops } from './drops.ts';

const intent = intentOf([network('br-a', '10.0.0.0/24'), network('br-b', '10.0.1.0/24')]);

it('`readRuleDrops()` finds the reason of our own rules, and tells the rules of others and policies too', async () => {
  const [ours] = compileIptables(intent).v4.rules.filter(({ args }) => args.endsWith('-j DROP'));
  assert.ok(ours);
  const saved = `*filter
:FORWARD DROP [4:160]
:INPUT ACCEPT [99:9999]
:${ours.chain} - [0:0]
[3:120] -A ${ours.chain} ${ours.args}
[8:1] -A ${ours.chain} -j RETURN
[2:80] -A INPUT -s 192.0.2.0/24 -j REJECT --reject-with icmp-port-unreachable
COMMIT
`;
  const drops = await readRuleDrops('iptables', intent, {
    saveIptables: async (family) => (family === 4 ? saved : ''),
    listNftables: () => undefined,
  });
  assert.deepEqual(
    drops.map(({ chain, rule, origin, packets, bytes }) => [chain, rule, origin?.key, packets, bytes]),
    [
      ['filter FORWARD', 'policy', undefined, 4, 160],
      ['filter INPUT', '-s 192.0.2.0/24 -j REJECT --reject-with icmp-port-unreachable', undefined, 2, 80],
      [`filter ${ours.chain}`, ours.args, ours.origin.key, 3, 120],
    ],
  );
});

it('`readRuleDrops()` tells rules of nftables that count and drop', async () => {
  const rule = (comment: string, ...expr: object[]) => ({
    rule: { table: 'docker-bridges', chain: 'c', comment, expr },
  });
  const drops = await readRuleDrops('nftables', intent, {
    saveIptables: async () => '',
    listNftables: (family) =>
      family === 4
        ? [
            { table: { name: 'docker-bridges' } },
            rule('mine', { counter: { packets: 5, bytes: 300 } }, { drop: null }),
            rule('lets in', { counter: { packets: 7, bytes: 1 } }, { accept: null }),
            rule('does not count', { drop: null }),
          ]
        : undefined,
  });
  assert.deepEqual(drops, [
    { family: 4, chain: 'ip docker-bridges c', rule: 'mine', origin: undefined, packets: 5, bytes: 300 },
  ]);
});
