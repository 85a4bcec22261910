/** What of ours is no longer there: for the log and the event that healing writes. */

import type { IpFamily } from '../../../base/ip.ts';
import type { Origin } from '../origin.ts';
import type { ObservedNft, ObservedNftTable } from './observed.ts';
import type { NftRuleset, NftTable } from './ruleset.ts';

/** One thing that is gone, or is not as we wrote it. */
export interface MissingNft {
  readonly family: IpFamily;
  readonly kind: 'table' | 'chain' | 'policy' | 'rule' | 'set' | 'element';
  /** `docker-bridges`; `filter-FORWARD`; `filter-FORWARD: jump DOCKER-USER`; `nat-ports: tcp . 8080`. */
  readonly name: string;
  /** What it was for; absent for tables, chains and sets. */
  readonly origin?: Origin;
}

/** What of `applied` the kernel does not have. Empty when all of it is there; what others added does not count. */
export function missingNft(applied: NftRuleset, observed: ObservedNft): MissingNft[] {
  return [...missingIn(applied.v4, observed.v4), ...missingIn(applied.v6, observed.v6)];
}

function missingIn(table: NftTable, found: ObservedNftTable | undefined): MissingNft[] {
  const { family } = table;
  if (table.chains.length === 0) return [];
  if (found === undefined) return [{ family, kind: 'table', name: 'docker-bridges' }];
  return [
    ...table.chains.flatMap((chain): MissingNft[] => {
      const { name } = chain;
      const there = found.chains.get(name);
      if (there === undefined) return [{ family, kind: 'chain', name }];
      const comments = new Set(there.rules.map(({ comment }) => comment));
      const rules = chain.rules
        .filter(({ comment }) => !comments.has(comment))
        .map(({ text, origin }): MissingNft => ({ family, kind: 'rule', name: `${name}: ${text}`, origin }));
      return there.hook?.policy === chain.hook?.policy ? rules : [{ family, kind: 'policy', name }, ...rules];
    }),
    ...table.sets.flatMap((set): MissingNft[] => {
      const { name } = set;
      const there = found.sets.get(name);
      if (there === undefined) return [{ family, kind: 'set', name }];
      return set.elements
        .filter(({ key, data }) => !there.elements.has(key) || there.elements.get(key) !== data)
        .map(({ key, origin }): MissingNft => ({ family, kind: 'element', name: `${name}: ${key}`, origin }));
    }),
  ];
}
