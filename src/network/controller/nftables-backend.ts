/** The nftables backend: the difference in one transaction, through libnftables in this process. */

import { messageOf } from '../../base/errors.ts';
import type { Log } from '../../base/log.ts';
import type { NftContext } from '../../kernel/nft/index.ts';
import type { Table } from '../../store/store.ts';
import type { FirewallIntent } from '../firewall/index.ts';
import {
  claimedNftRuleset,
  emptyNftRuleset,
  isEmptyTable,
  NftCompiler,
  type NftRuleset,
  type ObservedNft,
  observeNft,
  planNft,
  setsByTable,
} from '../firewall/nftables/index.ts';
import type { ApplyMode, FirewallBackend } from './firewall-backend.ts';

const RECORD = 'tables';
/** How often to read and write: in between somebody else may write as well. */
const ATTEMPTS = 3;

/**
 * In which families we have a table. That is all that has to outlive the daemon: a table says itself what is in it, and what a
 * crash left half-told is found by reading it. The whole ruleset, written at each change, would make a change cost what all
 * ports together cost.
 */
export interface NftTables {
  readonly v4: boolean;
  readonly v6: boolean;
}

export interface NftablesBackendOptions {
  /** In the daemon's namespace; opened when it is first needed. */
  open: () => NftContext;
  /** The tables that are ours: a crash must not forget them. */
  applied: Table<NftTables>;
  log: Log;
}

export class NftablesBackend implements FirewallBackend {
  readonly name = 'nftables';
  readonly #options: NftablesBackendOptions;
  #recorded: NftTables;
  /** What was written last; undefined when that was an earlier daemon's doing, or a transaction failed: then it has to be read. */
  #previous: NftRuleset | undefined;
  #context: NftContext | undefined;
  readonly #compiler = new NftCompiler();

  constructor(options: NftablesBackendOptions) {
    this.#options = options;
    this.#recorded = options.applied.get(RECORD) ?? { v4: false, v6: false };
  }

  async apply(intent: FirewallIntent, mode: ApplyMode): Promise<boolean> {
    return this.#write(this.#compiler.compile(intent), mode);
  }

  async clear(): Promise<void> {
    if (!this.#recorded.v4 && !this.#recorded.v6) return;
    this.#write(emptyNftRuleset(), 'repair');
    this.#record(emptyNftRuleset());
  }

  #write(wanted: NftRuleset, mode: ApplyMode): boolean {
    this.#context ??= this.#options.open();
    const context = this.#context;
    const before = this.#recorded;
    const known = this.#previous ?? claimedNftRuleset(before);
    const isBelieved = mode === 'change' && this.#previous !== undefined;
    // Recorded before it is written: after a crash in between, the table may be there.
    this.#record(wanted, before);
    try {
      const written = isBelieved
        ? believe(known, wanted, context, this.#options.log)
        : read(known, wanted, context);
      this.#previous = wanted;
      return written;
    } catch (error) {
      // A transaction is written as a whole or not at all: what was not ours before is not ours now.
      this.#recorded = before;
      this.#options.applied.put(RECORD, before);
      this.#previous = undefined;
      this.#options.log.error({ error: messageOf(error) }, 'firewall transaction failed');
      throw error;
    }
  }

  /** The families of `wanted`, and those that are still ours from before. */
  #record({ v4, v6 }: NftRuleset, before: NftTables = { v4: false, v6: false }): void {
    const next = { v4: before.v4 || !isEmptyTable(v4), v6: before.v6 || !isEmptyTable(v6) };
    if (next.v4 === this.#recorded.v4 && next.v6 === this.#recorded.v6) return;
    this.#recorded = next;
    this.#options.applied.put(RECORD, next);
  }
}

/** From what is known to be there, without looking; with a look when that turns out wrong. True when there was something to do. */
function believe(known: NftRuleset, wanted: NftRuleset, context: NftContext, log: Log): boolean {
  try {
    return run(planNft(known, wanted), wanted, context);
  } catch (error) {
    log.info({ error: messageOf(error) }, 'the firewall is not as it was left; reading it and writing again');
    return read(known, wanted, context);
  }
}

function read(known: NftRuleset, wanted: NftRuleset, context: NftContext): boolean {
  for (let attempt = 1; ; attempt++) {
    const text = planNft(known, wanted, { observed: observe(context) });
    try {
      return run(text, wanted, context);
    } catch (error) {
      if (attempt === ATTEMPTS) throw error;
    }
  }
}

function run(text: string, wanted: NftRuleset, context: NftContext): boolean {
  if (text !== '') context.change(text, setsByTable(wanted));
  return text !== '';
}

function observe(context: NftContext): ObservedNft {
  return observeNft((command) =>
    command === 'list tables' ? context.tables().map((table) => ({ table })) : context.list(command),
  );
}
