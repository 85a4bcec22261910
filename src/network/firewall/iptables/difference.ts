/** Where two rule sets differ, chain by chain. What a chain has in common at its ends is only counted, for that is nearly all of it. */

import { type Rule, type RuleSet, TABLES, type Table } from './rules.ts';

/** One chain that is not the same in both sets. */
export interface ChainDifference {
  readonly table: Table;
  readonly chain: string;
  /** How many rules are equal at its beginning, and at its end. */
  readonly head: number;
  readonly tail: number;
  /** What stands in between. */
  readonly before: readonly Rule[];
  readonly after: readonly Rule[];
}

/** The chains that differ, in the order of the tables. */
export function differences(before: RuleSet, after: RuleSet): ChainDifference[] {
  const [old, now] = [byChain(before), byChain(after)];
  const found: ChainDifference[] = [];
  for (const table of TABLES) {
    for (const chain of new Set([...old[table].keys(), ...now[table].keys()])) {
      const difference = compare(old[table].get(chain) ?? [], now[table].get(chain) ?? []);
      if (difference !== undefined) found.push({ table, chain, ...difference });
    }
  }
  return found;
}

/** The rules that are in one set and not in the other, wherever they stand. */
export function membership(found: readonly ChainDifference[]): { added: Rule[]; removed: Rule[] } {
  const without = (rules: readonly Rule[], others: readonly Rule[]) => {
    const texts = new Set(others.map(({ args }) => args));
    return rules.filter(({ args }) => !texts.has(args));
  };
  return {
    added: found.flatMap(({ before, after }) => without(after, before)),
    removed: found.flatMap(({ before, after }) => without(before, after)),
  };
}

function compare(
  before: readonly Rule[],
  after: readonly Rule[],
): Pick<ChainDifference, 'head' | 'tail' | 'before' | 'after'> | undefined {
  const shorter = Math.min(before.length, after.length);
  let head = 0;
  while (head < shorter && before[head]?.args === after[head]?.args) head++;
  if (head === before.length && head === after.length) return undefined;
  let tail = 0;
  while (
    tail < shorter - head &&
    before[before.length - 1 - tail]?.args === after[after.length - 1 - tail]?.args
  ) {
    tail++;
  }
  return {
    head,
    tail,
    before: before.slice(head, before.length - tail),
    after: after.slice(head, after.length - tail),
  };
}

function byChain(set: RuleSet): Record<Table, Map<string, Rule[]>> {
  const chains = { raw: new Map(), filter: new Map(), nat: new Map() } as Record<Table, Map<string, Rule[]>>;
  for (const rule of set.rules) {
    const rules = chains[rule.table].get(rule.chain);
    if (rules === undefined) chains[rule.table].set(rule.chain, [rule]);
    else rules.push(rule);
  }
  return chains;
}
