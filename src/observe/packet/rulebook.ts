/** The rules of one namespace in a form that does not depend on which firewall they were written for. */

import type { ObservedNft } from '../../network/firewall/index.ts';
import type { Condition, Field, Span } from './condition.ts';

/** Whose tables these are: the two variants of iptables, or nftables of its own. */
export type RuleSource = 'iptables' | 'iptables-legacy' | 'nftables';

/** Points where the kernel asks a namespace's chains. */
export type Hook = 'ingress' | 'prerouting' | 'input' | 'forward' | 'output' | 'postrouting';

export type Verdict =
  | { readonly kind: 'accept' | 'drop' | 'return' | 'queue' | 'continue' }
  | { readonly kind: 'reject'; readonly with: string }
  | { readonly kind: 'jump' | 'goto'; readonly chain: string };

/** An address and a port that a translation may set; what is absent stays as it is. Texts of one address family. */
export interface NatTarget {
  readonly address?: string;
  /** Last address of a range. */
  readonly addressEnd?: string;
  readonly port?: number;
  readonly portEnd?: number;
  /** Keeps the host part: `address` is a prefix then. */
  readonly prefix?: string;
}

export type Step =
  | { readonly kind: 'match'; readonly condition: Condition }
  | { readonly kind: 'verdict'; readonly verdict: Verdict }
  /** A verdict map: without an entry for the packet, the rule does not match. */
  | {
      readonly kind: 'verdict-map';
      readonly fields: readonly Field[];
      readonly entries: ReadonlyArray<readonly Span[]>;
      readonly verdicts: readonly Verdict[];
      readonly only?: { readonly family?: 4 | 6 };
      readonly set?: string;
    }
  | {
      readonly kind: 'translate';
      readonly what: 'destination' | 'source';
      readonly how: 'dnat' | 'snat' | 'masquerade' | 'redirect';
      readonly to: NatTarget;
      readonly only?: { readonly family?: 4 | 6 };
    }
  /** As `translate`, with the target found by a look-up. */
  | {
      readonly kind: 'translate-map';
      readonly what: 'destination' | 'source';
      readonly how: 'dnat' | 'snat';
      readonly fields: readonly Field[];
      readonly entries: ReadonlyArray<readonly Span[]>;
      readonly targets: readonly NatTarget[];
      readonly only?: { readonly family?: 4 | 6 };
      readonly set?: string;
    }
  | {
      readonly kind: 'mark';
      readonly what: 'packet' | 'connection';
      readonly value: number;
      readonly mask: number;
    }
  /** Without connection tracking: the packet itself is written over, and nothing undoes it for the answer. */
  | {
      readonly kind: 'rewrite';
      readonly what: 'destination' | 'source';
      readonly to: Pick<NatTarget, 'address' | 'port'>;
    }
  | { readonly kind: 'notrack' }
  /** Counters, logs and the like: they decide nothing. */
  | { readonly kind: 'note'; readonly text: string }
  /** A statement that the model does not know; it may decide. */
  | { readonly kind: 'opaque'; readonly text: string };

export interface RuleCounters {
  readonly packets: number;
  readonly bytes: number;
}

export interface Rule {
  /** Unique in the namespace: `iptables/4/filter/FORWARD/3`. */
  readonly id: string;
  readonly table: RuleTable;
  readonly chain: string;
  /** Place in its chain, from 1. */
  readonly number: number;
  /** nftables only. */
  readonly handle?: number;
  /** As the tool prints it: `-A FORWARD -o docker0 -j DOCKER`; of nftables without the comment. */
  readonly text: string;
  readonly comment?: string;
  readonly counters?: RuleCounters;
  readonly steps: readonly Step[];
}

/** What makes the kernel itself ask a chain. */
export interface BaseChain {
  readonly type: 'filter' | 'nat' | 'route';
  readonly hook: Hook;
  /** -300 raw, -200 connection tracking, -100 dstnat, 0 filter, 100 srcnat (NF_IP_PRI_*). */
  readonly priority: number;
  readonly policy: 'accept' | 'drop';
  readonly counters?: RuleCounters;
}

export interface RuleChain {
  readonly name: string;
  readonly table: RuleTable;
  readonly base?: BaseChain;
  readonly rules: readonly Rule[];
}

export interface RuleTable {
  readonly source: RuleSource;
  /** `ip` and `ip6` see one address family, `inet` both. */
  readonly family: 'ip' | 'ip6' | 'inet' | 'arp' | 'bridge' | 'netdev';
  readonly name: string;
  readonly chains: ReadonlyMap<string, RuleChain>;
}

/** Everything in force in one namespace. */
export interface Rulebook {
  readonly tables: readonly RuleTable[];
  /** The engine's own tables of nftables, with the elements of their sets. */
  readonly engine?: ObservedNft;
  /** What could not be read, in sentences: the model's answers are not the whole truth then. */
  readonly unread: readonly string[];
}

export const EMPTY_RULEBOOK: Rulebook = { tables: [], unread: [] };

/** Base chains of a hook that see packets of a family, in the order in which the kernel asks them. */
export function chainsAt(book: Rulebook, hook: Hook, family: 4 | 6): Array<RuleChain & { base: BaseChain }> {
  return book.tables
    .filter((table) => table.family === 'inet' || table.family === (family === 4 ? 'ip' : 'ip6'))
    .flatMap((table) => [...table.chains.values()])
    .filter((chain): chain is RuleChain & { base: BaseChain } => chain.base?.hook === hook)
    .sort((a, b) => a.base.priority - b.base.priority);
}
