/** Collects rules while an intent is compiled. */

import { invalid } from '../../../base/errors.ts';
import { ADDRESS_BITS, Ip, type IpFamily } from '../../../base/ip.ts';
import { Prefix } from '../../../base/prefix.ts';
import type { Origin } from '../origin.ts';
import { baseChains, type ChainName, OCCASIONAL_CHAINS } from './chains.ts';
import type { ChainSpec, Rule, RuleSet, Table } from './rules.ts';

/** Writes rules of one family in the spelling of `iptables-save`. */
export class RuleBuilder {
  readonly family: IpFamily;
  readonly #rules: Rule[] = [];
  readonly #seen = new Set<string>();
  /** A container's address is asked for by several rules of each of its ports: read once. */
  readonly #addresses = new Map<string, Ip>();

  constructor(family: IpFamily) {
    this.family = family;
  }

  /**
   * Adds a rule at the end of its chain. A rule that is there already is not added again: it would never be reached,
   * and equal rules could not be told apart when one of them has to go.
   */
  add(table: Table, chain: ChainName, args: readonly string[], origin: Origin): void {
    const text = args.join(' ');
    const identity = `${table} ${chain} ${text}`;
    if (this.#seen.has(identity)) return;
    this.#seen.add(identity);
    this.#rules.push({ table, chain, args: text, origin });
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
    const used = new Set(this.#rules.map((rule) => `${rule.table} ${rule.chain}`));
    const stands = (chain: ChainSpec) => chain.owner !== 'kernel' && !OCCASIONAL_CHAINS.has(chain.name);
    const chains = baseChains(forwardDrop).filter(
      (chain) => stands(chain) || chain.policy !== undefined || used.has(`${chain.table} ${chain.name}`),
    );
    return { family: this.family, chains, rules: this.#rules };
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
