/** Collects chains, rules and elements while an intent is compiled. */

import { invalid } from '../../../base/errors.ts';
import { Ip, type IpFamily } from '../../../base/ip.ts';
import { Prefix } from '../../../base/prefix.ts';
import type { Origin } from '../origin.ts';
import { ruleComment } from './comment.ts';
import { type SetName, setDefinitions } from './layout.ts';
import type { NftChain, NftElement, NftHook, NftRule, NftTable } from './ruleset.ts';

export class TableBuilder {
  readonly family: IpFamily;
  /** `ip` or `ip6`: how matches name the header. */
  readonly header: 'ip' | 'ip6';
  readonly #chains = new Map<string, Omit<NftChain, 'rules'> & { rules: NftRule[] }>();
  readonly #elements = new Map<SetName, Map<string, NftElement>>();
  /** A container's address is asked for by each of its ports: read once. */
  readonly #addresses = new Map<string, Ip>();

  constructor(family: IpFamily) {
    this.family = family;
    this.header = family === 4 ? 'ip' : 'ip6';
  }

  /** Declares a chain. Chains stand in the table in the order of their declarations. */
  chain(name: string, options: { hook?: NftHook; owner?: 'us' | 'user' } = {}): void {
    const { hook, owner = 'us' } = options;
    this.#chains.set(name, { name, owner, ...(hook === undefined ? {} : { hook }), rules: [] });
  }

  /** Adds a rule at the end of a declared chain. */
  rule(chain: string, text: string, origin: Origin): void {
    const target = this.#chains.get(chain);
    if (target === undefined) throw invalid(`compile firewall: rule ${JSON.stringify(text)} in no chain`);
    target.rules.push(ruleOf(text, origin));
  }

  /** Adds an element. A key that is there already stays as it is: whoever comes first has it, as in a list of rules. */
  element(set: SetName, key: string, origin: Origin, data?: string): void {
    const elements = this.#elements.get(set) ?? new Map<string, NftElement>();
    this.#elements.set(set, elements);
    if (!elements.has(key)) elements.set(key, { key, ...(data === undefined ? {} : { data }), origin });
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

  /** `172.17.0.0/16`; `{ … }` when there are several. */
  prefixes(texts: readonly string[]): string {
    const prefixes = texts.map((text) => {
      const prefix = Prefix.parse(text);
      if (prefix.family !== this.family) {
        throw invalid(`compile firewall: ${text} is not an IPv${this.family} prefix`);
      }
      return prefix.toString();
    });
    return oneOf(prefixes);
  }

  /** The table, with the sets that a rule asks. */
  finish(): NftTable {
    const chains = [...this.#chains.values()];
    const asked = new Set(
      chains.flatMap(({ rules }) => rules.flatMap(({ text }) => (text.includes('@') ? setsIn(text) : []))),
    );
    const sets = setDefinitions(this.family)
      .filter(({ name }) => asked.has(`@${name}`))
      .map((set) => ({ ...set, elements: [...(this.#elements.get(set.name)?.values() ?? [])] }));
    return { family: this.family, chains, sets };
  }
}

/** One value, or an anonymous set of several. */
export function oneOf(values: readonly string[]): string {
  return values.length === 1 ? (values[0] ?? '') : `{ ${values.join(', ')} }`;
}

/** A rule with the comment that it is known by. */
export function ruleOf(text: string, origin: Origin): NftRule {
  return { text, comment: ruleComment(text, origin), origin };
}

/** `@filter-ports`: the sets and maps that a rule asks. */
function setsIn(text: string): string[] {
  return text.match(/@[\w-]+/g) ?? [];
}
