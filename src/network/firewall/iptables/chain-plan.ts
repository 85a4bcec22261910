/** The plan for one chain: which rules to remove, and where to put the new ones. */

import type { Rule } from './rules.ts';

export interface ChainQuestion {
  readonly chain: string;
  readonly placement: 'top' | 'end';
  readonly previous: readonly Rule[];
  readonly next: readonly Rule[];
  /** The chain as the kernel has it, in order. */
  readonly observed: readonly string[];
  /** Rules of ours that are not removed when they are no longer wanted. */
  readonly staying: readonly string[];
  /** False: a rule of `previous` that is wanted but not observed stays away. */
  readonly restoreMissing: boolean;
  /**
   * The lists above leave out that many rules at the chain's beginning, and (`isFollowed`) others at its end: rules of ours that stay
   * where they are. Default none.
   */
  readonly head?: number;
  readonly isFollowed?: boolean;
}

export interface ChainPlan {
  /** `-D` commands. By text and not by number: should the chain change meanwhile, no other rule is hit. */
  readonly remove: readonly string[];
  /**
   * `-I` and `-A` commands, to be run after all removals of the table. Only those with a number make `iptables-restore` of the nf_tables
   * variant read the chain: 5,000 rules of a chain FORWARD take it 30 ms.
   */
  readonly write: readonly string[];
  /** The chain as it will be. */
  readonly result: readonly string[];
}

export function planChain(question: ChainQuestion): ChainPlan {
  const { chain, placement, previous, next, observed, restoreMissing, head = 0 } = question;
  const present = new Set(observed);
  const written = new Set(previous.map((rule) => rule.args));
  const wanted = next
    .map((rule) => rule.args)
    .filter((args) => restoreMissing || present.has(args) || !written.has(args));

  // Ours, among what is there, in the order it is there. Of equal lines only the first is taken for ours: a rule set
  // holds no rule twice, and `-D` takes the first.
  const ours = new Set([...wanted, ...written].filter((args) => present.has(args)));
  const found = [...new Set(observed)].filter((args) => ours.has(args));
  const kept = new Set(longestCommonOrder(found, wanted));
  const stays = new Set(question.staying.filter((args) => !wanted.includes(args)));
  const removed = found.filter((args) => !kept.has(args) && !stays.has(args));
  const rest = withoutFirstOf(observed, removed);

  const write: string[] = [];
  const result: string[] = [];
  let read = 0;
  const takeUntil = (index: number) => {
    for (; read < index; read++) result.push(rest[read] ?? '');
  };
  // A new rule goes just after the rule of ours that comes before it, or else just before the first of ours.
  if (wanted.some((args) => !kept.has(args))) takeUntil(startingPoint(rest, kept, placement));
  /** New rules at the very beginning, each of which is put before the one that is to follow it. */
  let first: string[] = [];
  const writeFirst = () => {
    write.push(...first.reverse().map((args) => `-I ${chain} ${args}`));
    first = [];
  };
  for (const args of wanted) {
    if (kept.has(args)) {
      writeFirst();
      takeUntil(rest.indexOf(args, read) + 1);
      continue;
    }
    const isLast = read === rest.length && question.isFollowed !== true;
    if (isLast) write.push(`-A ${chain} ${args}`);
    else if (head === 0 && result.length === first.length) first.push(args);
    else write.push(`-I ${chain} ${head + result.length + 1} ${args}`);
    result.push(args);
  }
  writeFirst();
  takeUntil(rest.length);
  return { remove: removed.map((args) => `-D ${chain} ${args}`), write, result };
}

function withoutFirstOf(lines: readonly string[], removed: readonly string[]): string[] {
  const pending = new Set(removed);
  return lines.filter((line) => !pending.delete(line));
}

function startingPoint(rest: readonly string[], kept: ReadonlySet<string>, placement: 'top' | 'end'): number {
  const first = rest.findIndex((args) => kept.has(args));
  if (first >= 0) return first;
  return placement === 'top' ? 0 : rest.length;
}

/**
 * The longest selection of `found` that stands in the order of `wanted`: the rules that need not be moved. Neither
 * list holds a value twice, so this is the longest ascending run of positions (patience sorting, n log n).
 */
function longestCommonOrder(found: readonly string[], wanted: readonly string[]): string[] {
  const position = new Map(wanted.map((args, index) => [args, index]));
  const items = found.flatMap((args) => {
    const index = position.get(args);
    return index === undefined ? [] : [{ args, index }];
  });
  const before: number[] = [];
  /** `tails[n]`: which item ends the best run of length n + 1. */
  const tails: number[] = [];
  for (const [number, item] of items.entries()) {
    let low = 0;
    let high = tails.length;
    while (low < high) {
      const middle = (low + high) >> 1;
      if ((items[tails[middle] ?? 0]?.index ?? 0) < item.index) low = middle + 1;
      else high = middle;
    }
    before[number] = low > 0 ? (tails[low - 1] ?? -1) : -1;
    tails[low] = number;
  }
  const order: string[] = [];
  for (let number = tails.at(-1) ?? -1; number >= 0; number = before[number] ?? -1) {
    order.push(items[number]?.args ?? '');
  }
  return order.reverse();
}
