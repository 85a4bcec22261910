/** Rules that are not the daemon's and that a packet for a published port meets as well. Pure. */

import type { IptablesTables } from '../../kernel/iptables/index.ts';
import { NFT_TABLE } from '../../network/firewall/index.ts';

/** In words: `DOCKER-USER`, `chain forward of table inet firewalld`. */
export interface Deciders {
  /** Asked of what is forwarded to a container. */
  readonly forward: readonly string[];
  /** Asked of what the userland proxy receives. */
  readonly input: readonly string[];
}

/** Tables that iptables's nf_tables variant keeps; nft shows them as well. */
const OF_IPTABLES = /^(?:ip|ip6) (?:filter|nat|mangle|raw|security)$/;

/** @param tables as `iptables-save` tells of one family */
export function iptablesDeciders(tables: IptablesTables): Deciders {
  const filter = tables.get('filter');
  const specs = (chain: string) => filter?.chains.get(chain)?.rules.map(({ spec }) => spec) ?? [];
  const isOpen = (chain: string) => specs(chain).length === 0 && filter?.chains.get(chain)?.policy !== 'DROP';
  const forward = specs('FORWARD');
  const ours = forward.indexOf('-j DOCKER-USER');
  // Where the jump is missing our rules are in nftables, and any rule here is asked beside them.
  const ahead = ours < 0 ? !isOpen('FORWARD') : ours > 0;
  return {
    forward: [
      ...(specs('DOCKER-USER').some((spec) => spec !== '-j RETURN') ? ['DOCKER-USER'] : []),
      ...(ahead ? [ours < 0 ? 'FORWARD' : 'FORWARD (ahead of ours)'] : []),
    ],
    input: isOpen('INPUT') ? [] : ['INPUT'],
  };
}

/** @param listing what `nft list ruleset` prints */
export function nftDeciders(listing: string, family: 4 | 6): Deciders {
  const own = family === 4 ? 'ip' : 'ip6';
  const forward: string[] = [];
  const input: string[] = [];
  for (const [, tableFamily = '', table = '', body = ''] of listing.matchAll(
    /^table (\S+) (\S+) \{.*\n([\s\S]*?)^\}/gm,
  )) {
    if ((tableFamily !== own && tableFamily !== 'inet') || OF_IPTABLES.test(`${tableFamily} ${table}`))
      continue;
    for (const [, chain = '', text = ''] of body.matchAll(/^\tchain (\S+) \{(?:.*)\n([\s\S]*?)^\t\}/gm)) {
      const lines = text.split('\n').filter((line) => line.trim() !== '');
      const [, hook, policy] = /hook (\w+) .*policy (\w+);/.exec(lines[0] ?? '') ?? [];
      const decides = lines.length > (hook === undefined ? 0 : 1) || policy === 'drop';
      if (!decides) continue;
      if (table === NFT_TABLE) {
        if (chain === 'DOCKER-USER') forward.push(chain);
      } else if (hook === 'forward') forward.push(`chain ${chain} of table ${tableFamily} ${table}`);
      else if (hook === 'input') input.push(`chain ${chain} of table ${tableFamily} ${table}`);
    }
  }
  return { forward, input };
}

export function joinDeciders(...all: readonly Deciders[]): Deciders {
  return { forward: all.flatMap(({ forward }) => forward), input: all.flatMap(({ input }) => input) };
}
