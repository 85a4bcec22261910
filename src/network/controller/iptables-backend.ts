/** The iptables backend: remembers what it wrote, and writes the difference with one `iptables-restore` per family. */

import { messageOf } from '../../base/errors.ts';
import type { Log } from '../../base/log.ts';
import {
  type ChainDifference,
  differences,
  emptyRuleSet,
  type FirewallIntent,
  IptablesCompiler,
  type ObservedTables,
  parseSaved,
  planByTables,
  planTransaction,
  type RuleSet,
  unionChains,
  unionRuleSet,
} from '../firewall/index.ts';
import type { AppliedRules, Family } from './applied-rules.ts';
import type { ApplyMode, FirewallBackend } from './firewall-backend.ts';

/** Runs `iptables-restore --noflush` and `iptables-save` of one family. */
export interface IptablesPrograms {
  restore(text: string): Promise<void>;
  save(): Promise<string>;
}

export interface IptablesBackendOptions {
  programs: Record<Family, IptablesPrograms>;
  /** The rules that were written: a crash must not forget them. */
  applied: AppliedRules;
  log: Log;
}

/** How often to read and write: in between somebody else may write as well, as a reload of firewalld does many times over. */
const ATTEMPTS = 5;

export class IptablesBackend implements FirewallBackend {
  readonly name = 'iptables';
  readonly #options: IptablesBackendOptions;
  readonly #compiler = new IptablesCompiler();
  readonly #previous: Record<Family, RuleSet>;
  /**
   * Chains in which others have rules too, as of the last reading (see `TransactionPlan`). Undefined before this daemon's first: until
   * then the order of the rules is not known.
   */
  readonly #shared: Partial<Record<Family, ReadonlySet<string>>> = {};
  /** What transactions that failed wanted: each table is written for itself, so that some of it may be there. */
  readonly #unfinished: Partial<Record<Family, RuleSet>> = {};

  constructor(options: IptablesBackendOptions) {
    this.#options = options;
    this.#previous = {
      v4: options.applied.load('v4'),
      v6: options.applied.load('v6'),
    };
  }

  async apply(intent: FirewallIntent, mode: ApplyMode): Promise<boolean> {
    const wanted = this.#compiler.compile(intent);
    const written = await Promise.all([
      this.#applyFamily('v4', wanted.v4, mode),
      this.#applyFamily('v6', wanted.v6, mode),
    ]);
    return written.includes(true);
  }

  async clear(): Promise<void> {
    await Promise.all([this.#clearFamily('v4', emptyRuleSet(4)), this.#clearFamily('v6', emptyRuleSet(6))]);
  }

  /** The policy of FORWARD goes too, where it was ours: it would stand in the way of whatever firewall comes next. */
  async #clearFamily(family: Family, empty: RuleSet): Promise<void> {
    const setPolicy = this.#previous[family].chains.some(({ policy }) => policy === 'DROP');
    await this.#applyFamily(family, empty, 'change');
    if (setPolicy) await this.#options.programs[family].restore('*filter\n:FORWARD ACCEPT [0:0]\nCOMMIT\n');
  }

  async #applyFamily(family: Family, wanted: RuleSet, mode: ApplyMode): Promise<boolean> {
    const { applied, log } = this.#options;
    const previous = this.#previous[family];
    const unfinished = this.#unfinished[family];
    const known = unfinished === undefined ? previous : unionRuleSet(previous, unfinished);
    const changes = differences(known, wanted);
    if (mode === 'change' && unfinished === undefined && changes.length === 0) return false;
    if (changes.length === 0 && wanted.rules.length === 0) return false;
    // Recorded before it is written: after a crash in between, these are the rules that may be ours.
    applied.expect(family, changes, unionChains(known.chains, wanted.chains));
    let written: boolean;
    try {
      written = await this.#write(family, wanted, mode, changes);
    } catch (error) {
      this.#unfinished[family] = unfinished === undefined ? wanted : unionRuleSet(unfinished, wanted);
      log.error({ family, error: messageOf(error) }, 'firewall transaction failed');
      throw error;
    }
    delete this.#unfinished[family];
    this.#previous[family] = wanted;
    applied.settle(family, changes, wanted.chains);
    return written;
  }

  /**
   * Believes the record first, which costs one program; reads the kernel when that fails, when it may, when the change is in a chain
   * that others use as well, and in the other modes.
   */
  async #write(
    family: Family,
    wanted: RuleSet,
    mode: ApplyMode,
    changes: readonly ChainDifference[],
  ): Promise<boolean> {
    const programs = this.#options.programs[family];
    const previous = this.#previous[family];
    const unfinished = this.#unfinished[family];
    const shared = this.#shared[family];
    const restore = async (text: string) => {
      if (text !== '') await programs.restore(text);
      return text !== '';
    };
    const isAlone = changes.every(({ table, chain }) => shared?.has(`${table} ${chain}`) === false);
    if (mode === 'change' && unfinished === undefined && isAlone) {
      try {
        return await restore(planTransaction(previous, wanted));
      } catch (error) {
        this.#options.log.info(
          { error: messageOf(error) },
          'the firewall is not as it was left; reading it and writing again',
        );
      }
    }
    for (let attempt = 1; ; attempt++) {
      const observed = parseSaved(await programs.save());
      const before =
        unfinished === undefined ? previous : unionRuleSet(previous, presentOf(unfinished, observed));
      const plan = planByTables(before, wanted, observed, mode === 'repair' ? 'restore' : 'respect');
      try {
        const written = await restore(plan.text);
        this.#shared[family] = plan.shared;
        return written;
      } catch (error) {
        if (attempt === ATTEMPTS) throw error;
        this.#options.log.info({ error: messageOf(error) }, 'the firewall cannot be written as it was read');
      }
    }
  }
}

/** Those of the rules that the kernel has. */
function presentOf({ family, chains, rules }: RuleSet, observed: ObservedTables): RuleSet {
  const isThere = ({ table, chain, args }: RuleSet['rules'][number]) =>
    observed.get(table)?.get(chain)?.rules.includes(args) === true;
  return { family, chains, rules: rules.filter(isThere) };
}
