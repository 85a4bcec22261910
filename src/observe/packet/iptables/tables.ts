/** What iptables-save printed, as tables of the model. */

import { type IptablesTables, parseIptablesSave } from '../../../kernel/iptables/index.ts';
import type { BaseChain, Hook, Rule, RuleChain, RuleSource, RuleTable } from '../rulebook.ts';
import { readIptablesRule } from './rule.ts';

const HOOKS: Readonly<Record<string, Hook>> = {
  PREROUTING: 'prerouting',
  INPUT: 'input',
  FORWARD: 'forward',
  OUTPUT: 'output',
  POSTROUTING: 'postrouting',
};

/** `NF_IP_PRI_*` of linux/netfilter_ipv4.h; table nat is asked at 100 where sources are translated. */
const PRIORITIES: Readonly<Record<string, number>> = { raw: -300, mangle: -150, filter: 0, security: 50 };

/** @param text of `iptables-save -c` (family 4) or `ip6tables-save -c` */
export function readIptables(text: string, source: RuleSource, family: 4 | 6): RuleTable[] {
  return tablesOf(parseIptablesSave(text), source, family);
}

function tablesOf(saved: IptablesTables, source: RuleSource, family: 4 | 6): RuleTable[] {
  return [...saved.values()].map(({ name, chains: savedChains }) => {
    const chains = new Map<string, RuleChain>();
    const table: RuleTable = { source, family: family === 4 ? 'ip' : 'ip6', name, chains };
    for (const chain of savedChains.values()) {
      const base = baseChain(name, chain.name, chain.policy);
      chains.set(chain.name, {
        name: chain.name,
        table,
        ...(base === undefined ? {} : { base: { ...base, counters: chain.counters } }),
        rules: chain.rules.map(
          ({ text, spec, counters }, index): Rule => ({
            id: `${source}/${family}/${name}/${chain.name}/${index + 1}`,
            table,
            chain: chain.name,
            number: index + 1,
            text,
            ...(counters === undefined ? {} : { counters }),
            ...readIptablesRule(spec, (target) => savedChains.has(target)),
          }),
        ),
      });
    }
    return table;
  });
}

function baseChain(table: string, chain: string, policy: string | undefined): BaseChain | undefined {
  const hook = HOOKS[chain];
  if (policy === undefined || hook === undefined) return undefined;
  const isNat = table === 'nat';
  const translatesSource = hook === 'postrouting' || hook === 'input';
  return {
    type: isNat ? 'nat' : table === 'mangle' && hook === 'output' ? 'route' : 'filter',
    hook,
    priority: isNat ? (translatesSource ? 100 : -100) : (PRIORITIES[table] ?? 0),
    policy: policy === 'DROP' ? 'drop' : 'accept',
  };
}
