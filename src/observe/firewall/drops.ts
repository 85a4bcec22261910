/** Packets that rules have dropped, by rule: what the kernel counts, with the reason that the rule was written for. */

import { type IptablesTables, parseIptablesSave } from '../../kernel/iptables/index.ts';
import type { FirewallIntent, Origin } from '../../network/firewall/index.ts';
import { compileIptables, compileNftables } from '../../network/firewall/index.ts';

/** Which firewall the daemon writes. */
export type FirewallName = 'iptables' | 'nftables' | 'none';

export interface RuleDrops {
  readonly family: 4 | 6;
  /** `filter FORWARD`, `ip docker-bridges filter-FORWARD`. */
  readonly chain: string;
  /** As the kernel's tool prints it; `policy` for what no rule accepted. */
  readonly rule: string;
  /** Why the rule is there; undefined for rules that somebody else wrote. */
  readonly origin: Origin | undefined;
  readonly packets: number;
  readonly bytes: number;
}

/** The programs and libraries that tell counters; each is asked only for the firewall that needs it. */
export interface RuleCounterSources {
  /** The text of `iptables-save -c` or `ip6tables-save -c`. */
  saveIptables(family: 4 | 6): Promise<string>;
  /** The JSON of `nft list table ip docker-bridges` (or `ip6`); undefined when there is no such table. */
  listNftables(family: 4 | 6): readonly unknown[] | undefined;
}

/**
 * Of iptables every rule that drops or rejects is told, whoever wrote it, and the policy of FORWARD. Of nftables those of our own tables
 * (all that drop count): rules of others are not read, since libnftables 1.0.6 may crash over tables with flags, and a policy does
 * not count.
 */
export async function readRuleDrops(
  firewall: FirewallName,
  intent: FirewallIntent,
  sources: RuleCounterSources,
): Promise<RuleDrops[]> {
  if (firewall === 'none') return [];
  if (firewall === 'iptables') {
    const [v4, v6] = await Promise.all([sources.saveIptables(4), sources.saveIptables(6)]);
    const compiled = compileIptables(intent);
    return [
      ...iptablesDrops(4, parseIptablesSave(v4), origins(compiled.v4.rules)),
      ...iptablesDrops(6, parseIptablesSave(v6), origins(compiled.v6.rules)),
    ];
  }
  const compiled = compileNftables(intent);
  return ([4, 6] as const).flatMap((family) => {
    const table = family === 4 ? compiled.v4 : compiled.v6;
    const known = new Map(
      table.chains.flatMap(({ name, rules }) =>
        rules.map(({ comment, origin }) => [`${name} ${comment}`, origin]),
      ),
    );
    return nftablesDrops(family, sources.listNftables(family) ?? [], known);
  });
}

function origins(
  rules: ReadonlyArray<{ table: string; chain: string; args: string; origin: Origin }>,
): ReadonlyMap<string, Origin> {
  return new Map(rules.map(({ table, chain, args, origin }) => [`${table} ${chain} ${args}`, origin]));
}

/** Pure. */
export function iptablesDrops(
  family: 4 | 6,
  tables: IptablesTables,
  known: ReadonlyMap<string, Origin>,
): RuleDrops[] {
  const drops: RuleDrops[] = [];
  for (const [table, { chains }] of tables) {
    for (const [name, { policy, counters, rules }] of chains) {
      const chain = `${table} ${name}`;
      for (const { spec, counters: counted } of rules) {
        if (!/(^| )-j (DROP|REJECT)( |$)/.test(spec) || counted === undefined) continue;
        drops.push({ family, chain, rule: spec, origin: known.get(`${chain} ${spec}`), ...counted });
      }
      if (policy === 'DROP') drops.push({ family, chain, rule: 'policy', origin: undefined, ...counters });
    }
  }
  return drops;
}

interface NftRuleJson {
  chain?: string;
  table?: string;
  comment?: string;
  expr?: Array<Record<string, unknown>>;
}

/** Pure. */
export function nftablesDrops(
  family: 4 | 6,
  objects: readonly unknown[],
  known: ReadonlyMap<string, Origin>,
): RuleDrops[] {
  return objects.flatMap((object): RuleDrops[] => {
    const { rule } = object as { rule?: NftRuleJson };
    const expressions = rule?.expr ?? [];
    const counted = expressions.find((part) => 'counter' in part)?.counter as
      | { packets: number; bytes: number }
      | undefined;
    if (rule === undefined || counted === undefined || !expressions.some((part) => 'drop' in part)) return [];
    const { chain = '', table = '', comment = '' } = rule;
    return [
      {
        family,
        chain: `${family === 4 ? 'ip' : 'ip6'} ${table} ${chain}`,
        rule: comment,
        origin: known.get(`${chain} ${comment}`),
        packets: counted.packets,
        bytes: counted.bytes,
      },
    ];
  });
}
