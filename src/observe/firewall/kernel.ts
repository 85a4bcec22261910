/** The rules in force, of the namespace that the thread is in, through the tools that print them. */

import { readFileSync } from 'node:fs';
import { isKind } from '../../base/errors.ts';
import { IptablesRunner, type IptablesTables, parseIptablesSave } from '../../kernel/iptables/index.ts';
import { NftContext } from '../../kernel/nft/index.ts';
import { NFT_TABLE, type ObservedNft, observeNft } from '../../network/firewall/index.ts';
import type { RuleCounterSources } from './drops.ts';

export const kernelCounters: RuleCounterSources = {
  saveIptables: (family) => new IptablesRunner({ family }).save(undefined, { counters: true }),
  listNftables(family) {
    using context = NftContext.open();
    const header = family === 4 ? 'ip' : 'ip6';
    // Asking for a table that is not there would be an error.
    if (!context.tables().some((table) => table.family === header && table.name === NFT_TABLE))
      return undefined;
    return context.list(`list table ${header} ${NFT_TABLE}`, { output: ['terse'] });
  },
};

export async function readIptables(family: 4 | 6): Promise<IptablesTables> {
  return parseIptablesSave(await new IptablesRunner({ family }).save());
}

/** What stands in the tables of the older kernel interface, which iptables's nf_tables variant does not see; empty when nothing does. */
export async function readLegacyIptables(family: 4 | 6): Promise<IptablesTables> {
  if (!hasLegacyTables(family)) return new Map();
  try {
    const { backend } = await new IptablesRunner({ family }).version();
    // Then `iptables` itself shows them.
    if (backend === 'legacy') return new Map();
    return parseIptablesSave(await new IptablesRunner({ family, variant: 'legacy' }).save());
  } catch (error) {
    // Not installed: nobody can have written anything by it but another namespace's program.
    if (isKind(error, 'unavailable')) return new Map();
    throw error;
  }
}

/** The names of the tables that were ever used in this namespace, a line each. */
function hasLegacyTables(family: 4 | 6): boolean {
  try {
    return readFileSync(`/proc/thread-self/net/${family === 4 ? 'ip' : 'ip6'}_tables_names`, 'utf8') !== '';
  } catch {
    return false;
  }
}

/** Our own tables of nftables. */
export function readOwnNftables(): ObservedNft {
  using context = NftContext.open();
  return observeNft((command) =>
    command === 'list tables'
      ? context.tables().map((table) => ({ table }))
      : context.list(command, { output: ['stateless'] }),
  );
}

/** Tables that iptables's nf_tables variant keeps. */
const IPTABLES_TABLES = ['raw', 'mangle', 'nat', 'filter', 'security'];

/**
 * The tables of nftables that belong to others, as text, without the elements of sets. Those that iptables keeps are not among them:
 * libnftables cannot print their rules, and iptables itself can.
 */
export function readForeignNftables(): { text: string; iptables: ReadonlySet<4 | 6> } {
  using context = NftContext.open();
  const iptables = new Set<4 | 6>();
  const texts = context.tables().map(({ family, name }) => {
    const isIptables = (family === 'ip' || family === 'ip6') && IPTABLES_TABLES.includes(name);
    if (isIptables) iptables.add(family === 'ip' ? 4 : 6);
    if (isIptables || name === NFT_TABLE) return '';
    return context.run(`list table ${family} ${name}`, { output: ['terse', 'stateless'] });
  });
  return { text: texts.join(''), iptables };
}
