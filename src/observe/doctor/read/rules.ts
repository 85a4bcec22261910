/** The firewall as it stands, against what it should be. */

import type { IptablesTables } from '../../../kernel/iptables/index.ts';
import {
  compileIptables,
  compileNftables,
  type FirewallIntent,
  missingNft,
  type RuleSet,
} from '../../../network/firewall/index.ts';
import type { FirewallName } from '../../firewall/drops.ts';
import {
  readForeignNftables,
  readIptables,
  readLegacyIptables,
  readOwnNftables,
} from '../../firewall/kernel.ts';
import type { ForeignChain, MissingRule, RuleFacts } from '../snapshot.ts';

export async function readRules(
  firewall: FirewallName,
  intent: FirewallIntent | undefined,
): Promise<RuleFacts> {
  const other = readForeignNftables();
  const foreign = parseForeignChains(other.text);
  const read = async (reader: (family: 4 | 6) => Promise<IptablesTables>, families: Iterable<4 | 6>) =>
    new Map(await Promise.all([...families].map(async (family) => [family, await reader(family)] as const)));
  const legacy = await read(readLegacyIptables, [4, 6]);
  if (firewall !== 'iptables') {
    const own = firewall === 'nftables' && intent ? nftablesFacts(intent) : { missing: [], wanted: 0 };
    return { ...own, tables: await read(readIptables, other.iptables), legacy, foreign, ours: new Set() };
  }
  const tables = await read(readIptables, [4, 6]);
  const compiled = intent && compileIptables(intent);
  const sets = compiled === undefined ? [] : [compiled.v4, compiled.v6];
  return {
    missing: sets.flatMap((set) => missingIptables(set, tables.get(set.family))),
    wanted: sets.reduce((sum, { rules }) => sum + rules.length, 0),
    tables,
    legacy,
    foreign,
    ours: new Set(
      sets.flatMap(({ rules }) => rules.map(({ table, chain, args }) => `${table} ${chain} ${args}`)),
    ),
  };
}

function missingIptables({ family, rules }: RuleSet, tables: IptablesTables | undefined): MissingRule[] {
  const present = new Set(
    [...(tables ?? [])].flatMap(([table, { chains }]) =>
      [...chains.values()].flatMap(({ name, rules: found }) =>
        found.map(({ spec }) => `${table} ${name} ${spec}`),
      ),
    ),
  );
  return rules
    .filter(({ table, chain, args }) => !present.has(`${table} ${chain} ${args}`))
    .map(({ table, chain, args, origin }) => ({
      family,
      text: `${family === 4 ? 'iptables' : 'ip6tables'} -t ${table} -A ${chain} ${args}`,
      origin,
    }));
}

function nftablesFacts(intent: FirewallIntent): Pick<RuleFacts, 'missing' | 'wanted'> {
  const wanted = compileNftables(intent);
  return {
    missing: missingNft(wanted, readOwnNftables()).map(({ family, kind, name, origin }) => ({
      family,
      text: `nft ${family === 4 ? 'ip' : 'ip6'} docker-bridges: ${kind} ${name}`,
      origin,
    })),
    wanted: [wanted.v4, wanted.v6].reduce(
      (sum, { chains, sets }) =>
        sum +
        chains.reduce((rules, chain) => rules + chain.rules.length, 0) +
        sets.reduce((elements, set) => elements + set.elements.length, 0),
      0,
    ),
  };
}

/** The chains that the kernel asks about forwarded packets, out of what `nft list table` prints of each table. Pure. */
export function parseForeignChains(text: string): ForeignChain[] {
  return text
    .split(/^(?=table )/m)
    .filter((table) => table.startsWith('table '))
    .flatMap((tableText) => {
      const [, family = '', name = ''] = /^table (\S+) (\S+) \{/.exec(tableText) ?? [];
      if (!['ip', 'ip6', 'inet'].includes(family)) return [];
      return [...tableText.matchAll(/^\tchain (\S+) \{\n((?:\t\t.*\n)*)\t\}/gm)].flatMap(
        ([, chain = '', body = '']) => {
          const [head = '', ...rules] = body
            .split('\n')
            .map((line) => line.trim())
            .filter((line) => line !== '');
          if (!/^type filter hook forward /.test(head)) return [];
          const policy = /policy drop;/.test(head) ? ('drop' as const) : ('accept' as const);
          return [{ table: `${family} ${name}`, chain, policy, rules, tableText }];
        },
      );
    });
}
