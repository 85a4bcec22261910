/** Collects rules while an intent is compiled. */

import { invalid } from '../../../base/errors.ts';
import { ADDRESS_BITS, Ip, type IpFamily } from '../../../base/ip.ts';
import { Prefix } from '../../../base/prefix.ts';
import type { Origin } from '../origin.ts';
import { baseChains, type ChainName, OCCASIONAL_CHAINS } from './chains.ts';
import type { ChainSpec, Rule, RuleBlock, RuleSet, Table } from './rules.ts';

/** Rules to be added together, for each chain in one block. */
export type Blocks = ReadonlyArray<readonly [Table, ChainName, RuleBlock]>;

/** Writes rules of one family in the spelling of `iptables-save`. */
export class RuleBuilder {
  readonly family: IpFamily;
  readonly #blocks = {
    raw: new Map<string, RuleBlock[]>(),
    filter: new Map<string, RuleBlock[]>(),
    nat: new Map<string, RuleBlock[]>(),
  };
  readonly #seen = new Set<string>();
  #collected: Map<string, [Table, ChainName, Rule[]]> | undefined;
  /** A container's address is asked for by several rules of each of its ports: read once. */
  readonly #addresses = new Map<string, Ip>();

  /** Rules that belong to no network, by their text: of earlier compilations too, so that they are the same blocks. */
  readonly #common: Map<string, RuleBlock>;

  constructor(family: IpFamily, common: Map<string, RuleBlock> = new Map()) {
    this.family = family;
    this.#common = common;
  }

  /**
   * Adds a rule at the end of its chain. A rule that this builder made already is not added again: it would never be reached,
   * and equal rules could not be told apart when one of them has to go.
   */
  add(table: Table, chain: ChainName, args: readonly string[], origin: Origin): void {
    const text = args.join(' ');
    const identity = `${table} ${chain} ${text}`;
    if (this.#seen.has(identity)) return;
    this.#seen.add(identity);
    const rule = { table, chain, args: text, origin };
    if (this.#collected === undefined) {
      const block = this.#common.get(identity) ?? [rule];
      this.#common.set(identity, block);
      this.#take(table, chain, block);
      return;
    }
    const key = `${table} ${chain}`;
    const block = this.#collected.get(key);
    if (block === undefined) this.#collected.set(key, [table, chain, [rule]]);
    else block[2].push(rule);
  }

  /** What `add` adds, to be taken into this set or a later one. */
  collect(add: () => void): Blocks {
    const collected = new Map<string, [Table, ChainName, Rule[]]>();
    this.#collected = collected;
    add();
    this.#collected = undefined;
    return [...collected.values()];
  }

  /** Adds what was collected, each block at the end of its chain. */
  take(blocks: Blocks): void {
    for (const [table, chain, block] of blocks) this.#take(table, chain, block);
  }

  #take(table: Table, chain: ChainName, block: RuleBlock): void {
    const blocks = this.#blocks[table].get(chain);
    if (blocks === undefined) this.#blocks[table].set(chain, [block]);
    else blocks.push(block);
  }

  /** Reads an address of either family. Throws `invalid` when it is none. */
  address(text: string): Ip {
    const known = this.#addresses.get(text);
    if (known !== undefined) return known;
    const ip = Ip.parse(text);
    this.#addresses.set(text, ip);
    return ip;
  }

  /** The canonical text of an address of this family. Throws `invalid` for others. */
  ownAddress(text: string): string {
    const ip = this.address(text);
    if (ip.family !== this.family) {
      throw invalid(`compile firewall: ${text} is not an IPv${this.family} address`);
    }
    return ip.toString();
  }

  /** `172.17.0.2/32`: a single address of this family, as iptables prints it. */
  host(text: string): string {
    return `${this.ownAddress(text)}/${ADDRESS_BITS[this.family]}`;
  }

  /** The finished set; only chains that are always there, or that a rule is in, are declared. */
  finish(forwardDrop: boolean): RuleSet {
    const blocks = this.#blocks;
    const stands = (chain: ChainSpec) => chain.owner !== 'kernel' && !OCCASIONAL_CHAINS.has(chain.name);
    const chains = baseChains(forwardDrop).filter(
      (chain) => stands(chain) || chain.policy !== undefined || blocks[chain.table].has(chain.name),
    );
    let rules: readonly Rule[] | undefined;
    return {
      family: this.family,
      chains,
      blocks,
      // Nobody asks as long as all is well.
      get rules() {
        rules ??= Object.values(blocks).flatMap((table) => [...table.values()].flat(2));
        return rules;
      },
    };
  }
}

/** A prefix as iptables prints it. */
export function prefixMatch(text: string, family: IpFamily): string {
  const prefix = Prefix.parse(text);
  if (prefix.family !== family) throw invalid(`compile firewall: ${text} is not an IPv${family} prefix`);
  return prefix.toString();
}

/**
 * The name of an interface, checked: it goes into rule text unquoted, and iptables reads a closing `+` as "any
 * interface whose name begins so".
 */
export function interfaceMatch(name: string): string {
  if (!/^[^\s"'\\/!+][^\s"'\\/]{0,14}$/.test(name) || name.endsWith('+') || name === '.' || name === '..') {
    throw invalid(`compile firewall: ${JSON.stringify(name)} cannot be an interface in a rule`);
  }
  return name;
}

/** `-p tcp -m tcp --dport 80` or `--dport 8000:8010`. */
export function portMatch(proto: string, side: '--dport' | '--sport', start: number, end: number): string[] {
  return ['-p', proto, '-m', proto, side, start === end ? `${start}` : `${start}:${end}`];
}
