/** A namespace's nftables, for tests that apply plans. Needs root. */

import { NftContext } from '../../../kernel/nft/index.ts';
import type { TestNetworks } from '../../../kernel/testing/netns.ts';
import { type ObservedNft, observeNft } from './observed.ts';
import { planNft } from './plan.ts';
import { type NftRuleset, tableName } from './ruleset.ts';

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

  /** From `previous` to `next`, believing the record. */
  applyBelieved(previous: NftRuleset, next: NftRuleset): string {
    return this.#run(planNft(previous, next));
  }

  #run(text: string): string {
    if (text !== '') this.nft.run(text);
    return text;
  }

  [Symbol.dispose](): void {
    this.nft.close();
  }
}

/**
 * A listing without what says nothing: nft's names for priorities, and the order of chains and of elements, which is that
 * in which they came.
 */
export function normalListing(text: string): string {
  const listing = text
    .replaceAll(/elements = \{([^}]*)\}/g, (_, elements: string) => {
      const sorted = elements.split(',').map((element) => element.trim());
      return `elements = { ${sorted.toSorted().join(', ')} }`;
    })
    .replaceAll(/priority (?:raw|-300);/g, 'priority raw;')
    .replaceAll(/priority (?:dstnat|-100);/g, 'priority dstnat;')
    .replaceAll(/priority (?:filter|0);/g, 'priority filter;')
    .replaceAll(/priority (?:srcnat|100);/g, 'priority srcnat;')
    .replaceAll('meta l4proto icmpv6', 'meta l4proto ipv6-icmp');
  return listing
    .split(/^(?=table )/m)
    .map((table) => {
      const [head = '', ...parts] = table.replace(/^\}\n/m, '').split(/^\t(?=set|map|chain)/m);
      return (
        head +
        parts
          .map((part) => `\t${part.trimEnd()}\n`)
          .toSorted()
          .join('')
      );
    })
    .join('');
}
