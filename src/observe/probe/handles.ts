/** Rules by the handles that traces name: of nftables they are the model's own, of iptables they are counted off. */

import type { TraceEvent } from '../../kernel/netlink/index.ts';
import type { NftContext } from '../../kernel/nft/index.ts';

export class RuleHandles {
  /** Handles of the rules of a chain in order, by `ip filter FORWARD`. */
  readonly #chains = new Map<string, readonly number[]>();

  /** Lists the chains that the events name. */
  static read(nft: NftContext, events: readonly TraceEvent[]): RuleHandles {
    const handles = new RuleHandles();
    for (const { family, table, chain } of events) {
      const key = `${family} ${table} ${chain}`;
      if (handles.#chains.has(key)) continue;
      handles.#chains.set(key, listHandles(nft, key));
    }
    return handles;
  }

  /** Place of a rule in its chain, from 1; undefined when it is gone. */
  numberOf({ family, table, chain, handle }: TraceEvent): number | undefined {
    const at = this.#chains.get(`${family} ${table} ${chain}`)?.indexOf(handle ?? -1) ?? -1;
    return at < 0 ? undefined : at + 1;
  }
}

/** As text: libnftables 1.0.6 must not print tables with flags as JSON, and a chain's listing names its table. */
function listHandles(nft: NftContext, chain: string): number[] {
  try {
    const listing = nft.run(`list chain ${chain}`, { output: ['stateless', 'handles', 'terse'] });
    return [...listing.matchAll(/^\t\t.* # handle (\d+)$/gm)].map(([, handle]) => Number(handle));
  } catch {
    // It was there a moment ago; what is gone cannot be compared.
    return [];
  }
}
