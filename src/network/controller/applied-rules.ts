/**
 * The rules of iptables that may be ours, on disk, a row for each: a change costs what it changes, not what is there. After a crash in
 * the middle of a transaction, what the kernel has of ours is among them.
 */

import type { Store, Table as StoredTable } from '../../store/store.ts';
import {
  type ChainDifference,
  type ChainSpec,
  emptyRuleSet,
  membership,
  type Rule,
  type RuleSet,
  ruleLine,
} from '../firewall/index.ts';

export type Family = 'v4' | 'v6';

export class AppliedRules {
  readonly #store: Store;
  readonly #chains: StoredTable<readonly ChainSpec[]>;
  readonly #rules: StoredTable<Rule>;

  constructor(store: Store) {
    this.#store = store;
    this.#chains = store.table<readonly ChainSpec[]>('firewall_chains');
    this.#rules = store.table<Rule>('firewall_rules');
  }

  /** What an earlier daemon left. The order within a chain is not kept: it is the kernel's to tell. */
  load(family: Family): RuleSet {
    const rules = this.#rules.all().flatMap(([id, rule]) => (id.startsWith(`${family} `) ? [rule] : []));
    return { ...emptyRuleSet(family === 'v4' ? 4 : 6), chains: this.#chains.get(family) ?? [], rules };
  }

  /** Before a transaction: from now on these are ours as well. */
  expect(family: Family, changes: readonly ChainDifference[], chains: readonly ChainSpec[]): void {
    this.#store.transaction(() => {
      for (const rule of membership(changes).added) this.#rules.put(idOf(family, rule), rule);
      this.#chains.put(family, chains);
    });
  }

  /** After it: what it took away is ours no more. */
  settle(family: Family, changes: readonly ChainDifference[], chains: readonly ChainSpec[]): void {
    this.#store.transaction(() => {
      for (const rule of membership(changes).removed) this.#rules.delete(idOf(family, rule));
      this.#chains.put(family, chains);
    });
  }
}

function idOf(family: Family, rule: Rule): string {
  return `${family} ${rule.table} ${ruleLine(rule)}`;
}
