/**
 * What the nftables backend writes, as values: what a compiler makes, what is recorded as applied, what a plan compares.
 * Plain data that survives `JSON.stringify`.
 */

import type { IpFamily } from '../../../base/ip.ts';
import type { Origin } from '../origin.ts';
import { USER_CHAIN } from './layout.ts';

/** The name of our table, in family `ip` and in family `ip6`: that of Docker 29. */
export const NFT_TABLE = 'docker-bridges';

/** The nftables family whose hooks see packets of an address family. */
export const NFT_FAMILY = { 4: 'ip', 6: 'ip6' } as const;

/** One rule. */
export interface NftRule {
  /** As nft prints it, without the comment. */
  readonly text: string;
  /** `established 3f2a91c04b7d #9c1e0f52`: what the rule is known by when it is read back (see comment.ts). */
  readonly comment: string;
  readonly origin: Origin;
}

/** What makes a chain a base chain, which the kernel itself calls. */
export interface NftHook {
  readonly type: 'filter' | 'nat';
  readonly hook: 'prerouting' | 'forward' | 'output' | 'postrouting';
  /** -300 is `raw`, -100 `dstnat`, 0 `filter`, 100 `srcnat` (linux/netfilter_ipv4.h, NF_IP_PRI_*). */
  readonly priority: number;
  readonly policy: 'accept' | 'drop';
}

/**
 * A chain of the table.
 *
 * - owner `us`: its rules are ours. What others wrote into it stays where it is while the chain lives.
 * - owner `user`: made when missing, and from then on the user's: never changed, never removed while it holds a rule.
 */
export interface NftChain {
  readonly name: string;
  readonly owner: 'us' | 'user';
  readonly hook?: NftHook;
  readonly rules: readonly NftRule[];
}

/** An element of a set, or (with `data`) of a map. */
export interface NftElement {
  /** `"docker0"`, `tcp . 8080`, `10.9.0.1 . tcp . 8000-8010`. */
  readonly key: string;
  /** `172.17.0.2 . 80`, `jump filter-forward-in__docker0`. */
  readonly data?: string;
  readonly origin: Origin;
}

/** A set, or a map when `dataType` is there. Wholly ours: elements that we did not ask for are taken out. */
export interface NftSet {
  readonly name: string;
  /** `ipv4_addr . inet_proto . inet_service`. */
  readonly keyType: string;
  readonly dataType?: string;
  /** True: keys may be ranges. Looking up costs more then, and so does every change (the kernel copies the set). */
  readonly interval: boolean;
  readonly elements: readonly NftElement[];
}

/** The table of one address family. Without chains there is none. */
export interface NftTable {
  readonly family: IpFamily;
  readonly chains: readonly NftChain[];
  readonly sets: readonly NftSet[];
  /**
   * The same, as it was compiled: a part that is the same object in two tables has not changed, so that nobody need look into it.
   * Chains and elements of the table are gathered only when they are asked for.
   */
  readonly parts?: NftParts;
}

export interface NftParts {
  /** What there is once, and published ports. */
  readonly common: NftPart;
  /** What each network adds by itself. */
  readonly networks: readonly NftPart[];
}

export interface NftPart {
  readonly chains: readonly NftChain[];
  /** With the name of their set. */
  readonly elements: ReadonlyArray<readonly [string, NftElement]>;
}

/** Both families. */
export interface NftRuleset {
  readonly v4: NftTable;
  readonly v6: NftTable;
}

/** The ruleset of a daemon that writes none: before the first start, after teardown, and with another backend. */
export function emptyNftRuleset(): NftRuleset {
  return { v4: emptyNftTable(4), v6: emptyNftTable(6) };
}

export function emptyNftTable(family: IpFamily): NftTable {
  return { family, chains: [], sets: [] };
}

/** A table of parts; whoever wants all chains or elements in one list has it made. */
export function tableOf(
  family: IpFamily,
  definitions: ReadonlyArray<Omit<NftSet, 'elements'>>,
  parts: NftParts,
): NftTable {
  const all = () => [parts.common, ...parts.networks];
  let chains: readonly NftChain[] | undefined;
  let elements: ReadonlyMap<string, readonly NftElement[]> | undefined;
  const gather = () => {
    const found = new Map<string, NftElement[]>(definitions.map(({ name }) => [name, []]));
    for (const part of all()) for (const [set, element] of part.elements) found.get(set)?.push(element);
    return found;
  };
  return {
    family,
    parts,
    get chains() {
      chains ??= all().flatMap((part) => part.chains);
      return chains;
    },
    sets: definitions.map((definition) => ({
      ...definition,
      get elements() {
        elements ??= gather();
        return elements.get(definition.name) ?? [];
      },
    })),
  };
}

export function isEmptyTable(table: NftTable): boolean {
  return (table.parts?.common ?? table).chains.length === 0;
}

/** A ruleset of which no more is known than in which families there is a table of ours. To be planned from by reading. */
export function claimedNftRuleset(tables: { readonly v4: boolean; readonly v6: boolean }): NftRuleset {
  const claimed = (family: IpFamily): NftTable => ({
    ...emptyNftTable(family),
    chains: [{ name: USER_CHAIN, owner: 'user', rules: [] }],
  });
  return {
    v4: tables.v4 ? claimed(4) : emptyNftTable(4),
    v6: tables.v6 ? claimed(6) : emptyNftTable(6),
  };
}

/** `ip docker-bridges`: how commands name the table. */
export function tableName(family: IpFamily): string {
  return `${NFT_FAMILY[family]} ${NFT_TABLE}`;
}

/** The sets of both tables, by the table's name in commands and their own: what a change has to know of their types. */
export function setsByTable({ v4, v6 }: NftRuleset): ReadonlyMap<string, ReadonlyMap<string, NftSet>> {
  const entries = [v4, v6].map(
    ({ family, sets }) => [tableName(family), new Map(sets.map((set) => [set.name, set]))] as const,
  );
  return new Map(entries);
}
