/** Collects chains, rules and elements while an intent is compiled. */

import { invalid } from '../../../base/errors.ts';
import { Ip, type IpFamily } from '../../../base/ip.ts';
import { Prefix } from '../../../base/prefix.ts';
import type { Origin } from '../origin.ts';
import { ruleComment } from './comment.ts';
import { type SetName, setDefinitions } from './layout.ts';
import {
  type NftChain,
  type NftElement,
  type NftHook,
  type NftPart,
  type NftRule,
  type NftTable,
  tableOf,
} from './ruleset.ts';

/** Parts of networks, kept from one compilation to the next by the network's intent, which is another object when anything is another. */
export type NetworkParts = WeakMap<object, NetworkPart>;

interface NetworkPart extends NftPart {
  /** `@filter-ports @bridges`: the sets and maps that its rules ask. */
  readonly asked: string;
}

interface MutablePart extends NftPart {
  readonly chains: Array<Omit<NftChain, 'rules'> & { rules: NftRule[] }>;
  readonly elements: Array<readonly [SetName, NftElement]>;
}

export class TableBuilder {
  readonly family: IpFamily;
  /** `ip` or `ip6`: how matches name the header. */
  readonly header: 'ip' | 'ip6';
  readonly #common: MutablePart = { chains: [], elements: [] };
  readonly #networks: NetworkPart[] = [];
  /** What is added to now, with the sets that its rules ask. */
  #part = this.#common;
  #asked = new Set<string>();
  /** `@filter-ports @bridges`: the sets that whole parts ask, which are few different ones. */
  readonly #askedByNetworks = new Set<string>();
  /** `nat-hairpin 172.17.0.2 . 172.17.0.2`: elements that were made in this compilation. */
  readonly #keys = new Set<string>();
  /** A container's address is asked for by each of its ports: read once. */
  readonly #addresses = new Map<string, Ip>();
  readonly #parts: NetworkParts;

  /** `parts` of earlier compilations with the same settings. */
  constructor(family: IpFamily, parts: NetworkParts = new WeakMap()) {
    this.#parts = parts;
    this.family = family;
    this.header = family === 4 ? 'ip' : 'ip6';
  }

  /** Declares a chain. Chains stand in the table in the order of their declarations, those of networks last. */
  chain(name: string, options: { hook?: NftHook; owner?: 'us' | 'user' } = {}): void {
    const { hook, owner = 'us' } = options;
    this.#part.chains.push({ name, owner, ...(hook === undefined ? {} : { hook }), rules: [] });
  }

  /**
   * What `add` adds for a network; of one whose part is known already nothing is made anew. Chains and elements of one network have names
   * and keys that no other's have, those of its bridge.
   */
  network(intent: object, add: () => void): void {
    const part = this.#parts.get(intent) ?? this.#record(add);
    this.#parts.set(intent, part);
    this.#networks.push(part);
    this.#askedByNetworks.add(part.asked);
  }

  #record(add: () => void): NetworkPart {
    const [common, asked] = [this.#part, this.#asked];
    const part: MutablePart = { chains: [], elements: [] };
    this.#part = part;
    this.#asked = new Set();
    add();
    const recorded = { ...part, asked: [...this.#asked].join(' ') };
    this.#part = common;
    this.#asked = asked;
    return recorded;
  }

  /** Adds a rule at the end of a declared chain. */
  rule(chain: string, text: string, origin: Origin): void {
    const target = this.#part.chains.findLast(({ name }) => name === chain);
    if (target === undefined) throw invalid(`compile firewall: rule ${JSON.stringify(text)} in no chain`);
    target.rules.push(ruleOf(text, origin));
    if (!text.includes('@')) return;
    for (const set of setsIn(text)) this.#asked.add(set);
  }

  /** Adds an element. A key that is there already stays as it is: whoever comes first has it, as in a list of rules. */
  element(set: SetName, key: string, origin: Origin, data?: string): void {
    const identity = `${set} ${key}`;
    if (this.#keys.has(identity)) return;
    this.#keys.add(identity);
    this.#part.elements.push([set, { key, ...(data === undefined ? {} : { data }), origin }]);
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
    const asked = new Set([...this.#asked, ...[...this.#askedByNetworks].flatMap((sets) => sets.split(' '))]);
    const parts = { common: this.#common, networks: this.#networks };
    const definitions = setDefinitions(this.family).filter(({ name }) => asked.has(`@${name}`));
    return tableOf(this.family, definitions, parts);
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
