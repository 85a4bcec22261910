/**
 * Keeps the kernel's firewall equal to the intent. `sync()` is declarative: it compiles the intent of that moment and writes the
 * difference in one transaction per family. Callers that come while a transaction runs share the next one.
 */

import { messageOf } from '../../base/errors.ts';
import type { Log } from '../../base/log.ts';
import type { Table } from '../../store/store.ts';
import {
  compileIptables,
  emptyRuleSet,
  type FirewallIntent,
  type ObservedTables,
  parseSaved,
  planTransaction,
  type RuleSet,
  unionRuleSet,
} from '../firewall/index.ts';

/** Runs `iptables-restore --noflush` and `iptables-save` of one family. */
export interface FirewallRunner {
  restore(text: string): Promise<void>;
  save(): Promise<string>;
}

export interface FirewallSyncOptions {
  /** Undefined: that family is not ours to write. */
  v4: FirewallRunner | undefined;
  v6: FirewallRunner | undefined;
  /** The rules that were written, by family: a crash must not forget them. */
  applied: Table<RuleSet>;
  intent: () => FirewallIntent;
  log: Log;
}

type Family = 'v4' | 'v6';

export class FirewallSync {
  readonly #options: FirewallSyncOptions;
  readonly #previous: Record<Family, RuleSet>;
  /** The transaction that has not begun yet: whoever comes now is served by it. */
  #next: Promise<void> | undefined;
  #running: Promise<void> = Promise.resolve();

  constructor(options: FirewallSyncOptions) {
    this.#options = options;
    this.#previous = {
      v4: options.applied.get('v4') ?? emptyRuleSet(4),
      v6: options.applied.get('v6') ?? emptyRuleSet(6),
    };
  }

  /** Resolves when the kernel has what the intent says now. */
  sync(): Promise<void> {
    this.#next ??= this.#running.then(() => {
      this.#next = undefined;
      const run = this.#apply('respect');
      this.#running = run.catch(() => {});
      return run;
    });
    return this.#next;
  }

  /** As `sync()`, and rules of ours that somebody took away come back: for the start of the daemon. */
  async repair(): Promise<void> {
    await this.#running;
    const run = this.#apply('restore');
    this.#running = run.catch(() => {});
    await run;
  }

  async #apply(missing: 'respect' | 'restore'): Promise<void> {
    const wanted = compileIptables(this.#options.intent());
    await Promise.all([
      this.#applyFamily('v4', wanted.v4, missing),
      this.#applyFamily('v6', wanted.v6, missing),
    ]);
  }

  async #applyFamily(family: Family, wanted: RuleSet, missing: 'respect' | 'restore'): Promise<void> {
    const runner = this.#options[family];
    const previous = this.#previous[family];
    if (runner === undefined || (missing === 'respect' && isSame(previous, wanted))) return;
    if (previous.rules.length === 0 && wanted.rules.length === 0) return;
    // Recorded before it is written: after a crash in between, these are the rules that may be ours.
    this.#options.applied.put(family, unionRuleSet(previous, wanted));
    try {
      await this.#write(runner, previous, wanted, missing);
    } catch (error) {
      this.#options.log.error({ family, error: messageOf(error) }, 'firewall transaction failed');
      throw error;
    }
    this.#previous[family] = wanted;
    this.#options.applied.put(family, wanted);
  }

  /** Believes the record first, which costs one program; reads the kernel when that fails or a repair is asked for. */
  async #write(
    runner: FirewallRunner,
    previous: RuleSet,
    wanted: RuleSet,
    missing: 'respect' | 'restore',
  ): Promise<void> {
    const write = async (observed: ObservedTables | undefined) => {
      const text = planTransaction(previous, wanted, {
        missing,
        ...(observed === undefined ? {} : { observed }),
      });
      if (text !== '') await runner.restore(text);
    };
    if (missing === 'respect' && previous.rules.length > 0) {
      try {
        await write(undefined);
        return;
      } catch (error) {
        this.#options.log.info(
          { error: messageOf(error) },
          'the firewall is not as it was left; reading it and writing again',
        );
      }
    }
    await write(parseSaved(await runner.save()));
  }
}

function isSame(a: RuleSet, b: RuleSet): boolean {
  return (
    a.rules.length === b.rules.length &&
    a.rules.every((rule, index) => {
      const other = b.rules[index];
      return rule.table === other?.table && rule.chain === other.chain && rule.args === other.args;
    })
  );
}
