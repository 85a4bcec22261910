/** The nftables backend: the difference in one transaction, through libnftables in this process. */

import { messageOf } from '../../base/errors.ts';
import type { Log } from '../../base/log.ts';
import type { NftContext } from '../../kernel/nft/index.ts';
import type { Table } from '../../store/store.ts';
import type { FirewallIntent } from '../firewall/index.ts';
import {
  compileNftables,
  emptyNftRuleset,
  type NftRuleset,
  type ObservedNft,
  observeNft,
  planNft,
} from '../firewall/nftables/index.ts';
import type { ApplyMode, FirewallBackend } from './firewall-backend.ts';

const RECORD = 'ruleset';

export interface NftablesBackendOptions {
  /** In the daemon's namespace; opened when it is first needed. */
  open: () => NftContext;
  /** The ruleset that was written: a crash must not forget it. */
  applied: Table<NftRuleset>;
  log: Log;
}

export class NftablesBackend implements FirewallBackend {
  readonly name = 'nftables';
  readonly #options: NftablesBackendOptions;
  #previous: NftRuleset;
  #context: NftContext | undefined;

  constructor(options: NftablesBackendOptions) {
    this.#options = options;
    this.#previous = options.applied.get(RECORD) ?? emptyNftRuleset();
  }

  async apply(intent: FirewallIntent, mode: ApplyMode): Promise<boolean> {
    return this.#write(compileNftables(intent), mode);
  }

  async clear(): Promise<void> {
    if (isEmpty(this.#previous)) return;
    this.#write(emptyNftRuleset(), 'repair');
    this.#options.applied.delete(RECORD);
  }

  /** Our tables are ours alone, so what the record missed after a crash is found by reading them. */
  #write(wanted: NftRuleset, mode: ApplyMode): boolean {
    this.#context ??= this.#options.open();
    const context = this.#context;
    const write = (observed: ObservedNft | undefined) => {
      const text = planNft(this.#previous, wanted, observed === undefined ? {} : { observed });
      if (text !== '') context.run(text);
      return text !== '';
    };
    this.#options.applied.put(RECORD, wanted);
    try {
      const written = mode === 'change' ? this.#believeFirst(write, context) : write(observe(context));
      this.#previous = wanted;
      return written;
    } catch (error) {
      this.#options.applied.put(RECORD, this.#previous);
      this.#options.log.error({ error: messageOf(error) }, 'firewall transaction failed');
      throw error;
    }
  }

  #believeFirst(write: (observed: ObservedNft | undefined) => boolean, context: NftContext): boolean {
    try {
      return write(undefined);
    } catch (error) {
      this.#options.log.info(
        { error: messageOf(error) },
        'the firewall is not as it was left; reading it and writing again',
      );
      return write(observe(context));
    }
  }
}

function isEmpty(ruleset: NftRuleset): boolean {
  return ruleset.v4.chains.length === 0 && ruleset.v6.chains.length === 0;
}

function observe(context: NftContext): ObservedNft {
  return observeNft((command) =>
    command === 'list tables' ? context.tables().map((table) => ({ table })) : context.list(command),
  );
}
