/** A namespace's nftables, for tests that apply plans. Needs root. */

import { NftContext } from '../../../kernel/nft/index.ts';
import type { TestNetworks } from '../../../kernel/testing/netns.ts';
import { type ObservedNft, observeNft } from './observed.ts';
import { planNft } from './plan.ts';
import { type NftRuleset, setsByTable, tableName } from './ruleset.ts';

export class TestTables implements Disposable {
  readonly nft: NftContext;

  constructor(networks: TestNetworks, name: string) {
    this.nft = NftContext.open(networks.create(name));
  }

  observe(): ObservedNft {
    return observeNft((command) => this.nft.list(command));
  }

  /** Our tables as the kernel has them, without counters and handles. */
  list(): string {
    const { v4, v6 } = this.observe();
    const show = (family: 4 | 6) =>
      this.nft.run(`list table ${tableName(family)}`, { output: ['stateless'] });
    return (v4 === undefined ? '' : show(4)) + (v6 === undefined ? '' : show(6));
  }

  /** From `previous` to `next` with the kernel read first; the text that it took. */
  apply(previous: NftRuleset, next: NftRuleset): string {
    return this.#run(planNft(previous, next, { observed: this.observe() }));
  }

  /** From `previous` to `next`, believing the record, as the daemon does all day. */
  applyBelieved(previous: NftRuleset, next: NftRuleset): string {
    const text = planNft(previous, next);
    if (text !== '') this.nft.change(text, setsByTable(next));
    return text;
  }

  #run(text: string): string {
    if (text !== '') this.nft.run(text);
    return text;
  }

  [Symbol.dispose](): void {
    this.nft.close();
  }
}
