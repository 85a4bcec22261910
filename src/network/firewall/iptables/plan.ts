/**
 * From rules that are there to rules that shall be there: one `iptables-restore --noflush` transaction.
 *
 * What is ours is known by three lists: `previous` (what we recorded as applied), `next` (what is wanted) and `observed`
 * (what the kernel says). A rule in `next` that is observed is ours; a rule in `previous` that is observed is ours to
 * remove; everything else is somebody else's and is neither removed, changed nor moved. Where a chain holds the same text
 * twice, one of the two is ours.
 */

import { type ChainPlan, planChain } from './chain-plan.ts';
import type { ObservedTable, ObservedTables } from './observed.ts';
import { type ChainSpec, type Rule, type RuleSet, TABLES, type Table } from './rules.ts';

export interface PlanOptions {
  /**
   * The kernel's tables, just read. Without it the plan believes `previous` (and that nobody else has rules), and the
   * transaction fails when that is not so.
   */
  readonly observed?: ObservedTables;
  /**
   * What to do about a rule that we wrote and that is gone although it is still wanted.
   *
   * - `respect` (default): somebody took it away (`iptables -D DOCKER 1`), so it stays away until it is compiled anew, that
   *   is, after its container or network went and came. But where nothing of ours is left in a table, the table was flushed,
   *   and all of it comes back.
   * - `restore`: it comes back. For the start of the daemon, and for healing.
   *
   * The same goes for the policy of FORWARD.
   */
  readonly missing?: 'respect' | 'restore';
}

/** The text for `iptables-restore --noflush`; empty when there is nothing to do. */
export function planTransaction(previous: RuleSet, next: RuleSet, options: PlanOptions = {}): string {
  const observed = options.observed ?? assumeApplied(previous);
  return TABLES.map((table) => planTable(table, previous, next, observed, options.missing ?? 'respect'))
    .filter((lines) => lines.length > 0)
    .map((lines) => `${lines.join('\n')}\n`)
    .join('');
}

function planTable(
  table: Table,
  previous: RuleSet,
  next: RuleSet,
  observed: ObservedTables,
  missing: 'respect' | 'restore',
): string[] {
  const seen = observed.get(table);
  const before = rulesByChain(previous, table);
  const after = rulesByChain(next, table);
  const flushed = wasFlushed(before, seen);
  const specs = chainSpecs(previous, next, table);

  const create: string[] = [];
  const remove: string[] = [];
  const write: string[] = [];
  const drop: string[] = [];
  const plans = new Map<string, ChainPlan>();

  for (const spec of specs) {
    const found = seen?.get(spec.name);
    const wanted = after.get(spec.name) ?? [];
    const declared = next.chains.some((chain) => sameChain(chain, spec));
    if (spec.owner !== 'kernel' && found === undefined && declared) {
      create.push(`-N ${spec.name}`);
      for (const rule of spec.seed ?? []) write.push(`-A ${spec.name} ${rule.args}`);
    }
    if (spec.policy !== undefined && declared && found?.policy !== spec.policy) {
      const setBefore = previous.chains.some(
        (chain) => sameChain(chain, spec) && chain.policy === spec.policy,
      );
      if (!setBefore || missing === 'restore' || flushed) create.push(`:${spec.name} ${spec.policy} [0:0]`);
    }
    const plan = planChain({
      chain: spec.name,
      placement: spec.placement,
      previous: before.get(spec.name) ?? [],
      next: wanted,
      observed: found?.rules ?? [],
      staying: jumpsToUserChains(previous, table),
      restoreMissing: missing === 'restore' || flushed || found === undefined,
    });
    plans.set(spec.name, plan);
    remove.push(...plan.remove);
    write.push(...plan.write);
  }

  for (const spec of specs) {
    const found = seen?.get(spec.name);
    const declared = next.chains.some((chain) => sameChain(chain, spec));
    if (spec.owner !== 'us' || declared || found === undefined) continue;
    const empty = plans.get(spec.name)?.result.length === 0;
    if (empty && !isReferenced(spec.name, seen, plans)) drop.push(`-X ${spec.name}`);
  }

  const lines = [...create, ...remove, ...write, ...drop];
  return lines.length === 0 ? [] : [`*${table}`, ...lines, 'COMMIT'];
}

/** The kernel's tables as they would be if `previous` were all there is. */
function assumeApplied(previous: RuleSet): ObservedTables {
  return new Map(
    TABLES.map((table) => {
      const rules = rulesByChain(previous, table);
      const chains = previous.chains.filter((chain) => chain.table === table);
      return [
        table,
        new Map(
          chains.map((chain) => [
            chain.name,
            { policy: chain.policy, rules: (rules.get(chain.name) ?? []).map((rule) => rule.args) },
          ]),
        ),
      ];
    }),
  );
}

function rulesByChain(set: RuleSet, table: Table): Map<string, Rule[]> {
  return Map.groupBy(
    set.rules.filter((rule) => rule.table === table),
    (rule) => rule.chain,
  );
}

/** Chains of both sets, as the newer one declares them. */
function chainSpecs(previous: RuleSet, next: RuleSet, table: Table): ChainSpec[] {
  const newer = next.chains.filter((chain) => chain.table === table);
  const gone = previous.chains.filter(
    (chain) => chain.table === table && !newer.some((other) => sameChain(other, chain)),
  );
  return [...newer, ...gone];
}

function sameChain(a: ChainSpec, b: ChainSpec): boolean {
  return a.table === b.table && a.name === b.name;
}

/** Our jumps into chains that are the user's: they stay, as the chains do. */
function jumpsToUserChains(set: RuleSet, table: Table): string[] {
  return set.chains
    .filter((chain) => chain.owner === 'user' && chain.table === table)
    .map((chain) => `-j ${chain.name}`);
}

/** True when we had rules in this table and none of them is left. */
function wasFlushed(before: ReadonlyMap<string, readonly Rule[]>, seen: ObservedTable | undefined): boolean {
  let had = false;
  for (const [chain, rules] of before) {
    const found = new Set(seen?.get(chain)?.rules ?? []);
    for (const rule of rules) {
      had = true;
      if (found.has(rule.args)) return false;
    }
  }
  return had;
}

/** True when a rule that stays (somebody else's, then) jumps to the chain. */
function isReferenced(
  chain: string,
  seen: ObservedTable | undefined,
  plans: ReadonlyMap<string, ChainPlan>,
): boolean {
  const jump = new RegExp(`(?:^|\\s)-[jg] ${chain}(?:\\s|$)`);
  const names = new Set([...(seen?.keys() ?? []), ...plans.keys()]);
  return [...names].some((name) =>
    (plans.get(name)?.result ?? seen?.get(name)?.rules ?? []).some((args) => jump.test(args)),
  );
}
