/**
 * Rules of iptables as values: what a compiler makes, what is recorded as applied, what a plan compares. Plain data
 * that survives `JSON.stringify`.
 */

import type { IpFamily } from '../../../base/ip.ts';
import type { Origin } from '../origin.ts';

/** Tables in the order in which a transaction writes them: what protects comes before what opens. */
export const TABLES = ['raw', 'filter', 'nat'] as const;

export type Table = (typeof TABLES)[number];

/** One rule. */
export interface Rule {
  readonly table: Table;
  readonly chain: string;
  /**
   * The rule as `iptables-save` prints it, without `-A CHAIN`. This exact spelling is what makes our rules
   * recognisable without comments, so compilers must write as the tool reads back.
   */
  readonly args: string;
  readonly origin: Origin;
}

/**
 * A chain that rules of ours are in.
 *
 * - owner `kernel`: built in (`FORWARD`); never created or removed.
 * - owner `us`: created when missing, removed when we have no rule in it and nobody else has either.
 * - owner `user`: created when missing, with `seed` in it, and from then on the user's: never changed, never removed.
 *
 * Our general jumps into a chain that stays, stay too: removing them would switch other people's rules off.
 */
export interface ChainSpec {
  readonly table: Table;
  readonly name: string;
  readonly owner: 'kernel' | 'us' | 'user';
  /** Where our rules go when none of ours is there yet: before or after everybody else's. */
  readonly placement: 'top' | 'end';
  /** Policy to set; only for owner `kernel`. Never set back, as in Docker. */
  readonly policy?: 'DROP';
  /** First content; only for owner `user`. */
  readonly seed?: readonly Rule[];
}

/** Rules that stand together in a chain. */
export type RuleBlock = readonly Rule[];

/** By table and chain, in order. */
export type RuleBlocks = Readonly<Record<Table, ReadonlyMap<string, readonly RuleBlock[]>>>;

/** All rules of one address family, in order within each chain. */
export interface RuleSet {
  readonly family: IpFamily;
  readonly chains: readonly ChainSpec[];
  readonly rules: readonly Rule[];
  /**
   * The same rules, as they were compiled: a block that is the same object in two sets has not changed, so that nobody need look
   * into it. Default: one block for each chain.
   */
  readonly blocks?: RuleBlocks;
}

/** The rule set of a daemon that writes none: before the first start, after teardown, and with the firewall off. */
export function emptyRuleSet(family: IpFamily): RuleSet {
  return { family, chains: [], rules: [] };
}

/**
 * Both sets in one: what to record before a transaction is run. After a crash in the middle, the rules that are there are
 * among these, whichever tables had been written.
 */
export function unionRuleSet(a: RuleSet, b: RuleSet): RuleSet {
  const rules = new Map([...a.rules, ...b.rules].map((rule) => [`${rule.table} ${ruleLine(rule)}`, rule]));
  return { family: b.family, chains: unionChains(a.chains, b.chains), rules: [...rules.values()] };
}

/** The chains of both, those of `b` where both have one. */
export function unionChains(a: readonly ChainSpec[], b: readonly ChainSpec[]): ChainSpec[] {
  return [...new Map([...a, ...b].map((chain) => [`${chain.table} ${chain.name}`, chain])).values()];
}

/** `-A DOCKER -d 172.17.0.2/32 …`: the line of `iptables -S`. */
export function ruleLine(rule: Rule): string {
  return `-A ${rule.chain} ${rule.args}`;
}

/** The rules as `iptables-save` lays them out, without the built-in chains' counters: for people and golden tests. */
export function formatRuleSet(set: RuleSet): string {
  const lines: string[] = [];
  for (const table of TABLES) {
    const chains = set.chains.filter((chain) => chain.table === table);
    if (chains.length === 0) continue;
    lines.push(`*${table}`);
    for (const chain of chains) {
      if (chain.policy !== undefined) lines.push(`-P ${chain.name} ${chain.policy}`);
      if (chain.owner !== 'kernel') lines.push(`-N ${chain.name}`);
    }
    for (const chain of chains) {
      const own = set.rules.filter((rule) => rule.table === table && rule.chain === chain.name);
      for (const rule of [...(chain.seed ?? []), ...own]) lines.push(ruleLine(rule));
    }
  }
  return lines.map((line) => `${line}\n`).join('');
}
