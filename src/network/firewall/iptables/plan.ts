/**
 * From rules that are there to rules that shall be there: one `iptables-restore --noflush` transaction.
 *
 * What is ours is known by three lists: `previous` (what we recorded as applied), `next` (what is wanted) and `observed`
 * (what the kernel says). A rule in `next` that is observed is ours; a rule in `previous` that is observed is ours to
 * remove; everything else is somebody else's and is neither removed, changed nor moved. Where a chain holds the same text
 * twice, one of the two is ours.
 */

import { type ChainPlan, planChain } from './chain-plan.ts';
import { differences } from './difference.ts';
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
   *   is, after its container or network went and came. But where nothing of ours is left in a table, or of several
   *   rules in a chain of the kernel (`iptables -F FORWARD`), it was flushed, and all of it comes back.
   * - `restore`: it comes back. For the start of the daemon, and for healing.
   *
   * The same goes for the policy of FORWARD.
   */
  readonly missing?: 'respect' | 'restore';
}

export interface TransactionPlan {
  /** For `iptables-restore --noflush`; empty when there is nothing to do. */
  readonly text: string;
  /**
   * Chains (`filter FORWARD`) that will not hold just the rules of `next`, in their order, when the text is applied: others have rules
   * there too, or took some of ours away. Whoever changes one of them has to read it first, to find the place of a new rule.
   */
  readonly shared: ReadonlySet<string>;
}

/** The text for `iptables-restore --noflush`; empty when there is nothing to do. */
export function planTransaction(previous: RuleSet, next: RuleSet, options: PlanOptions = {}): string {
  if (options.observed === undefined && declareTheSame(previous, next)) return planBelieved(previous, next);
  return planByTables(previous, next, options.observed ?? assumeApplied(previous), options.missing).text;
}

/** The same from what the kernel has, and what can be said of the chains afterwards. */
export function planByTables(
  previous: RuleSet,
  next: RuleSet,
  observed: ObservedTables,
  missing: PlanOptions['missing'] = 'respect',
): TransactionPlan {
  const plans = TABLES.map((table) => planTable(tableView(table, previous, next, observed), missing));
  return {
    text: plans
      .filter(({ lines }) => lines.length > 0)
      .map(({ lines }) => `${lines.join('\n')}\n`)
      .join(''),
    shared: new Set(plans.flatMap(({ shared }) => shared)),
  };
}

function declareTheSame(previous: RuleSet, next: RuleSet): boolean {
  return JSON.stringify(previous.chains) === JSON.stringify(next.chains);
}

/**
 * The same for what happens all day: rules come and go in chains that stay, and the record is believed. Costs little more than what
 * changes, however many rules there are.
 */
function planBelieved(previous: RuleSet, next: RuleSet): string {
  const found = Map.groupBy(differences(previous, next), ({ table, chain }) => `${table} ${chain}`);
  return TABLES.map((table) => {
    const plans = next.chains
      .filter((spec) => spec.table === table)
      .flatMap(({ name, placement }) =>
        (found.get(`${table} ${name}`) ?? []).map(({ head, tail, before, after }) =>
          planChain({
            chain: name,
            placement,
            previous: before,
            next: after,
            observed: before.map(({ args }) => args),
            staying: [],
            restoreMissing: false,
            head,
            isFollowed: tail > 0,
          }),
        ),
      );
    const lines = [...plans.flatMap(({ remove }) => remove), ...plans.flatMap(({ write }) => write)];
    return lines.length === 0 ? '' : `*${table}\n${lines.join('\n')}\nCOMMIT\n`;
  }).join('');
}

/** Everything about one table. */
interface TableView {
  readonly table: Table;
  readonly seen: ObservedTable;
  readonly before: ReadonlyMap<string, readonly Rule[]>;
  readonly after: ReadonlyMap<string, readonly Rule[]>;
  /** Chains as they were declared, by name. */
  readonly chainsBefore: ReadonlyMap<string, ChainSpec>;
  readonly chainsAfter: ReadonlyMap<string, ChainSpec>;
}

function tableView(table: Table, previous: RuleSet, next: RuleSet, observed: ObservedTables): TableView {
  return {
    table,
    seen: observed.get(table) ?? new Map(),
    before: rulesByChain(previous, table),
    after: rulesByChain(next, table),
    chainsBefore: chainsByName(previous, table),
    chainsAfter: chainsByName(next, table),
  };
}

function planTable(
  view: TableView,
  missing: 'respect' | 'restore',
): { readonly lines: readonly string[]; readonly shared: readonly string[] } {
  const restoreAll = missing === 'restore' || wasFlushed(view);
  const plans = planChains(view, restoreAll);
  const declared = [...view.chainsAfter.values()];
  const lines = [
    ...declared.flatMap((spec) => setPolicy(view, spec, restoreAll)),
    ...declared.flatMap((spec) => (isMissing(view, spec) ? [`-N ${spec.name}`] : [])),
    ...[...plans.values()].flatMap((plan) => plan.remove),
    ...declared.flatMap((spec) => (isMissing(view, spec) ? seedLines(spec) : [])),
    ...[...plans.values()].flatMap((plan) => plan.write),
    ...[...view.chainsBefore.values()].flatMap((spec) =>
      isLeft(view, spec, plans) ? [`-X ${spec.name}`] : [],
    ),
  ];
  return {
    lines: lines.length === 0 ? [] : [`*${view.table}`, ...lines, 'COMMIT'],
    shared: [...plans].flatMap(([name, { result }]) =>
      isJustOurs(result, view.after.get(name) ?? []) ? [] : [`${view.table} ${name}`],
    ),
  };
}

function isJustOurs(result: readonly string[], wanted: readonly Rule[]): boolean {
  return result.length === wanted.length && wanted.every(({ args }, index) => args === result[index]);
}

function planChains(view: TableView, restoreAll: boolean): ReadonlyMap<string, ChainPlan> {
  const specs = [...new Map([...view.chainsBefore, ...view.chainsAfter]).values()];
  const planAll = (staying: readonly string[]) =>
    new Map(specs.map((spec) => [spec.name, planRules(view, spec, restoreAll, staying)]));
  // Which chains will stay is known when all is planned; which jumps into them then stay too, a second time.
  return planAll(stayingJumps(view, planAll([])));
}

function planRules(
  view: TableView,
  spec: ChainSpec,
  restoreAll: boolean,
  staying: readonly string[],
): ChainPlan {
  const found = view.seen.get(spec.name);
  return planChain({
    chain: spec.name,
    placement: spec.placement,
    previous: view.before.get(spec.name) ?? [],
    next: view.after.get(spec.name) ?? [],
    observed: found?.rules ?? [],
    staying,
    restoreMissing: restoreAll || found === undefined || wasChainFlushed(view, spec),
  });
}

/**
 * Jumps of ours that stay although all else of ours goes: those that lead everything into a chain in which others (the
 * user, or a Docker beside us) have rules. Without the jump their rules would be switched off.
 */
function stayingJumps(view: TableView, plans: ReadonlyMap<string, ChainPlan>): string[] {
  const leaving = [...view.chainsBefore.values()].filter(
    (chain) => chain.owner !== 'kernel' && !view.chainsAfter.has(chain.name),
  );
  const others = leaving.filter(
    ({ name, owner }) => owner === 'user' || plans.get(name)?.result.length !== 0,
  );
  return [...view.before.values()]
    .flat()
    .filter(
      ({ args, origin }) =>
        origin.networkId === undefined && others.some(({ name }) => args.endsWith(`-j ${name}`)),
    )
    .map((rule) => rule.args);
}

function setPolicy(view: TableView, spec: ChainSpec, restoreAll: boolean): string[] {
  const { name, policy } = spec;
  if (policy === undefined || view.seen.get(name)?.policy === policy) return [];
  const setBefore = view.chainsBefore.get(name)?.policy === policy;
  return !setBefore || restoreAll ? [`:${name} ${policy} [0:0]`] : [];
}

function isMissing(view: TableView, spec: ChainSpec): boolean {
  return spec.owner !== 'kernel' && !view.seen.has(spec.name);
}

function seedLines(spec: ChainSpec): string[] {
  return (spec.seed ?? []).map((rule) => `-A ${spec.name} ${rule.args}`);
}

/** True for a chain of ours that is no longer declared, in which nobody else has a rule and to which nobody jumps. */
function isLeft(view: TableView, spec: ChainSpec, plans: ReadonlyMap<string, ChainPlan>): boolean {
  if (spec.owner !== 'us' || view.chainsAfter.has(spec.name) || !view.seen.has(spec.name)) return false;
  const jump = new RegExp(`(?:^|\\s)-[jg] ${spec.name}(?:\\s|$)`);
  const isReferenced = [...view.seen].some(([name, chain]) =>
    (plans.get(name)?.result ?? chain.rules).some((args) => jump.test(args)),
  );
  return plans.get(spec.name)?.result.length === 0 && !isReferenced;
}

/**
 * True when we had several rules in a chain of the kernel and none of them is left. In chains of ours people take rules away one by one,
 * so that an empty one says nothing; and one rule alone may have been deleted as well as flushed.
 */
function wasChainFlushed(view: TableView, { name, owner }: ChainSpec): boolean {
  const before = view.before.get(name) ?? [];
  const found = new Set(view.seen.get(name)?.rules);
  return owner === 'kernel' && before.length > 1 && !before.some(({ args }) => found.has(args));
}

/** True when we had rules in this table and none of them is left. */
function wasFlushed(view: TableView): boolean {
  let had = false;
  for (const [chain, rules] of view.before) {
    const found = new Set(view.seen.get(chain)?.rules);
    for (const rule of rules) {
      if (found.has(rule.args)) return false;
      had = true;
    }
  }
  return had;
}

/** The kernel's tables as they would be if `previous` were all there is. */
function assumeApplied(previous: RuleSet): ObservedTables {
  return new Map(
    TABLES.map((table) => {
      const rules = rulesByChain(previous, table);
      const chains = [...chainsByName(previous, table).values()].map(
        ({ name, policy }) =>
          [name, { policy, rules: (rules.get(name) ?? []).map((rule) => rule.args) }] as const,
      );
      return [table, new Map(chains)];
    }),
  );
}

function rulesByChain(set: RuleSet, table: Table): Map<string, Rule[]> {
  return Map.groupBy(
    set.rules.filter((rule) => rule.table === table),
    (rule) => rule.chain,
  );
}

function chainsByName(set: RuleSet, table: Table): Map<string, ChainSpec> {
  return new Map(set.chains.filter((chain) => chain.table === table).map((chain) => [chain.name, chain]));
}
