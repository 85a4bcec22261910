/** Reads the rules of a namespace: iptables of both variants, and every table of nftables. Changes nothing. */

import { readFileSync } from 'node:fs';
import { messageOf } from '../../base/errors.ts';
import { IptablesRunner } from '../../kernel/iptables/index.ts';
import { type NetnsHandle, withNetns } from '../../kernel/netns/index.ts';
import { NftContext } from '../../kernel/nft/index.ts';
import { NFT_TABLE, type ObservedNftTable, parseNftTable } from '../../network/firewall/index.ts';
import { readIptables } from '../packet/iptables/tables.ts';
import { readNftTable, readRuleTexts } from '../packet/nft/tables.ts';
import type { Rulebook, RuleSource, RuleTable } from '../packet/rulebook.ts';

/** Tables that iptables-nft keeps in nftables; what it says of them is in iptables's own words. */
const IPTABLES_TABLES = new Set(['raw', 'mangle', 'nat', 'filter', 'security']);

type NftFamily = RuleTable['family'];

/** Every program and table that cannot be read is named in `unread`; nothing is thrown for it. */
export async function readRulebook(netns: NetnsHandle): Promise<Rulebook> {
  const tables: RuleTable[] = [];
  const unread: string[] = [];
  const engine: { v4: ObservedNftTable | undefined; v6: ObservedNftTable | undefined } = {
    v4: undefined,
    v6: undefined,
  };
  const attempt = async <T>(what: string, action: () => T | Promise<T>): Promise<T | undefined> => {
    try {
      return await action();
    } catch (error) {
      unread.push(`${what}: ${messageOf(error)}`);
      return undefined;
    }
  };
  const save = async (source: RuleSource, variant: 'nft' | 'legacy', family: 4 | 6) => {
    const runner = new IptablesRunner({ family, netns, variant });
    const text = await runner.save(undefined, { counters: true });
    tables.push(...readIptables(text, source, family));
  };

  for (const family of [4, 6] as const) {
    if (legacyTables(netns, family).length > 0) {
      await attempt(`iptables-legacy, IPv${family}`, () => save('iptables-legacy', 'legacy', family));
    }
  }
  await attempt('nftables', async () => {
    using nft = NftContext.open(netns);
    const listed = listTables(nft);
    for (const family of [4, 6] as const) {
      const name = family === 4 ? 'ip' : 'ip6';
      if (!listed.some((table) => table.family === name && IPTABLES_TABLES.has(table.name))) continue;
      await attempt(`iptables-nft, IPv${family}`, () => save('iptables', 'nft', family));
    }
    const known = new Set(
      tables.filter(({ source }) => source === 'iptables').map(({ family, name }) => `${family} ${name}`),
    );
    for (const { family, name } of listed) {
      if (known.has(`${family} ${name}`)) continue;
      const table = await attempt(`nftables, table ${family} ${name}`, () => readTable(nft, family, name));
      if (table !== undefined) tables.push(table);
      if (name !== NFT_TABLE || (family !== 'ip' && family !== 'ip6')) continue;
      engine[family === 'ip' ? 'v4' : 'v6'] = parseNftTable(nft.list(`list table ${family} ${name}`));
    }
  });
  return { tables, engine, unread };
}

/** Of the legacy variant: the kernel lists the tables that are in use, and only for a table that is in use is its program asked. */
function legacyTables(netns: NetnsHandle, family: 4 | 6): string[] {
  const path = `/proc/thread-self/net/${family === 4 ? 'ip' : 'ip6'}_tables_names`;
  try {
    return withNetns(netns, () => readFileSync(path, 'utf8'))
      .split('\n')
      .filter((line) => line !== '');
  } catch {
    // The kernel has no such tables.
    return [];
  }
}

/** Read as text: libnftables 1.0.6 reads freed memory when it prints a table that has flags as JSON. */
function listTables(nft: NftContext): Array<{ family: NftFamily; name: string }> {
  return nft
    .run('list tables')
    .split('\n')
    .flatMap((line) => {
      const [, family, name] = /^table (\S+) (\S+)/.exec(line) ?? [];
      return family === undefined || name === undefined ? [] : [{ family: family as NftFamily, name }];
    });
}

function readTable(nft: NftContext, family: NftFamily, name: string): RuleTable | undefined {
  const listing = nft.run(`list table ${family} ${name}`, { output: ['stateless', 'handles'] });
  const flags = /^\tflags (.+?)(?: #.*)?$/m.exec(listing.slice(0, listing.indexOf('{\n\t\t')))?.[1];
  if (flags?.includes('dormant')) return undefined;
  const objects =
    flags === undefined ? nft.list(`list table ${family} ${name}`) : readParts(nft, family, name, listing);
  return readNftTable(family, name, objects, readRuleTexts(listing));
}

/** A table with flags, part by part, so that the table itself is not printed. */
function readParts(nft: NftContext, family: NftFamily, name: string, listing: string): unknown[] {
  return [...listing.matchAll(/^\t(set|map|chain) (\S+) \{/gm)].flatMap(([, kind, part]) =>
    nft.list(`list ${kind} ${family} ${name} ${part}`).filter((entry) => !('table' in entry)),
  );
}
