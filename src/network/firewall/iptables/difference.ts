/** Where two rule sets differ, chain by chain. What a chain has in common at its ends is only counted, for that is nearly all of it. */

import { type Rule, type RuleBlock, type RuleBlocks, type RuleSet, TABLES, type Table } from './rules.ts';

/** One chain that is not the same in both sets. */
export interface ChainDifference {
  readonly table: Table;
  readonly chain: string;
  /** How many rules are equal at its beginning, and at its end. */
  readonly head: number;
  readonly tail: number;
  /** What stands in between. */
  readonly before: readonly Rule[];
  readonly after: readonly Rule[];
}

/** The chains that differ, in the order of the tables. */
export function differences(before: RuleSet, after: RuleSet): ChainDifference[] {
  const [old, now] = [blocksOf(before), blocksOf(after)];
  const found: ChainDifference[] = [];
  for (const table of TABLES) {
    for (const chain of new Set([...old[table].keys(), ...now[table].keys()])) {
      const difference = compareBlocks(old[table].get(chain) ?? [], now[table].get(chain) ?? []);
      if (difference !== undefined) found.push({ table, chain, ...difference });
    }
  }
  return found;
}

/** The rules that are in one set and not in the other, wherever they stand. */
export function membership(found: readonly ChainDifference[]): { added: Rule[]; removed: Rule[] } {
  const without = (rules: readonly Rule[], others: readonly Rule[]) => {
    const texts = new Set(others.map(({ args }) => args));
    return rules.filter(({ args }) => !texts.has(args));
  };
  return {
    added: found.flatMap(({ before, after }) => without(after, before)),
    removed: found.flatMap(({ before, after }) => without(before, after)),
  };
}

type Difference = Pick<ChainDifference, 'head' | 'tail' | 'before' | 'after'>;

/** Looks at rules only between the blocks that are the same objects at either end. */
function compareBlocks(before: readonly RuleBlock[], after: readonly RuleBlock[]): Difference | undefined {
  const { head, tail } = commonEnds(before, after, (a, b) => a === b);
  const between = (blocks: readonly RuleBlock[]) => blocks.slice(head, blocks.length - tail).flat();
  const difference = compare(between(before), between(after));
  return (
    difference && {
      ...difference,
      head: lengthOf(after, 0, head) + difference.head,
      tail: lengthOf(after, after.length - tail, after.length) + difference.tail,
    }
  );
}

function compare(before: readonly Rule[], after: readonly Rule[]): Difference | undefined {
  const { head, tail } = commonEnds(before, after, (a, b) => a.args === b.args);
  if (head === before.length && head === after.length) return undefined;
  return {
    head,
    tail,
    before: before.slice(head, before.length - tail),
    after: after.slice(head, after.length - tail),
  };
}

/** How many items are equal at the beginning, and how many others at the end. */
function commonEnds<T>(
  before: readonly T[],
  after: readonly T[],
  isSame: (a: T, b: T) => boolean,
): { head: number; tail: number } {
  const shorter = Math.min(before.length, after.length);
  let head = 0;
  while (head < shorter && isSame(before[head] as T, after[head] as T)) head++;
  let tail = 0;
  while (
    tail < shorter - head &&
    isSame(before[before.length - 1 - tail] as T, after[after.length - 1 - tail] as T)
  ) {
    tail++;
  }
  return { head, tail };
}

function lengthOf(blocks: readonly RuleBlock[], start: number, end: number): number {
  let length = 0;
  for (let index = start; index < end; index++) length += blocks[index]?.length ?? 0;
  return length;
}

function blocksOf(set: RuleSet): RuleBlocks {
  // Not to be read as well where there are blocks: one list of all rules would have to be made.
  if (set.blocks !== undefined) return set.blocks;
  const inTable = (table: Table) => {
    const chains = Map.groupBy(
      set.rules.filter((rule) => rule.table === table),
      ({ chain }) => chain,
    );
    return new Map([...chains].map(([chain, found]) => [chain, [found]]));
  };
  return { raw: inTable('raw'), filter: inTable('filter'), nat: inTable('nat') };
}
