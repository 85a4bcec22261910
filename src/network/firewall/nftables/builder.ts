/** Collects chains, rules and elements while an intent is compiled. */

import { invalid } from '../../../base/errors.ts';
import { Ip, type IpFamily } from '../../../base/ip.ts';
import { Prefix } from '../../../base/prefix.ts';
import type { Origin } from '../origin.ts';
import { ruleComment } from './comment.ts';
import { type SetName, setDefinitions } from './layout.ts';
import type { NftChain, NftElement, NftHook, NftRule, NftTable } from './ruleset.ts';

/** What a network adds to a table by itself, kept from one compilation to the next. */
export interface NetworkPart {
  readonly chains: readonly MutableChain[];
  readonly elements: ReadonlyArray<readonly [SetName, NftElement]>;
  readonly asked: readonly string[];
}

/** By the network's intent, which is another object when anything about the network is another. */
export type NetworkParts = WeakMap<object, NetworkPart>;

type MutableChain = Omit<NftChain, 'rules'> & { rules: NftRule[] };

interface Recording {
  readonly chains: MutableChain[];
  readonly elements: Array<NetworkPart['elements'][number]>;
  readonly asked: string[];
}

export class TableBuilder {
  readonly family: IpFamily;
  /** `ip` or `ip6`: how matches name the header. */
  readonly header: 'ip' | 'ip6';
  readonly #chains: MutableChain[] = [];
  /** Those that were declared in this compilation, so that rules may still be added. */
  readonly #open = new Map<string, MutableChain>();
  readonly #elements = new Map<SetName, NftElement[]>();
  /** `nat-hairpin 172.17.0.2 . 172.17.0.2`: elements that were made in this compilation. */
  readonly #keys = new Set<string>();
  /** A container's address is asked for by each of its ports: read once. */
  readonly #addresses = new Map<string, Ip>();
  /** `@filter-ports`: the sets and maps that rules ask. */
  readonly #asked = new Set<string>();
  readonly #parts: NetworkParts;
  #recording: Recording | undefined;

  /** `parts` of earlier compilations with the same settings. */
  constructor(family: IpFamily, parts: NetworkParts = new WeakMap()) {
    this.#parts = parts;
    this.family = family;
    this.header = family === 4 ? 'ip' : 'ip6';
  }

  /** Declares a chain. Chains stand in the table in the order of their declarations. */
  chain(name: string, options: { hook?: NftHook; owner?: 'us' | 'user' } = {}): void {
    const { hook, owner = 'us' } = options;
    const chain = { name, owner, ...(hook === undefined ? {} : { hook }), rules: [] };
    this.#chains.push(chain);
    this.#open.set(name, chain);
    this.#recording?.chains.push(chain);
  }

  /**
   * What `add` adds for a network; of one whose part is known already nothing is made anew. Chains and elements of one network have names
   * and keys that no other's have, those of its bridge.
   */
  network(intent: object, add: () => void): void {
    const known = this.#parts.get(intent);
    if (known !== undefined) {
      this.#chains.push(...known.chains);
      for (const [set, element] of known.elements) this.#elementsOf(set).push(element);
      for (const set of known.asked) this.#asked.add(set);
      return;
    }
    const recording: Recording = { chains: [], elements: [], asked: [] };
    this.#recording = recording;
    add();
    this.#recording = undefined;
    // Whoever adds to them afterwards would add to every later table.
    for (const { rules } of recording.chains) Object.freeze(rules);
    this.#parts.set(intent, recording);
  }

  /** Adds a rule at the end of a declared chain. */
  rule(chain: string, text: string, origin: Origin): void {
    const target = this.#open.get(chain);
    if (target === undefined) throw invalid(`compile firewall: rule ${JSON.stringify(text)} in no chain`);
    target.rules.push(ruleOf(text, origin));
    if (!text.includes('@')) return;
    for (const set of setsIn(text)) {
      this.#asked.add(set);
      this.#recording?.asked.push(set);
    }
  }

  /** Adds an element. A key that is there already stays as it is: whoever comes first has it, as in a list of rules. */
  element(set: SetName, key: string, origin: Origin, data?: string): void {
    const identity = `${set} ${key}`;
    if (this.#keys.has(identity)) return;
    this.#keys.add(identity);
    const element = { key, ...(data === undefined ? {} : { data }), origin };
    this.#elementsOf(set).push(element);
    this.#recording?.elements.push([set, element]);
  }

  #elementsOf(set: SetName): NftElement[] {
    let elements = this.#elements.get(set);
    if (elements === undefined) {
      elements = [];
      this.#elements.set(set, elements);
    }
    return elements;
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
    const sets = setDefinitions(this.family)
      .filter(({ name }) => this.#asked.has(`@${name}`))
      .map((set) => ({ ...set, elements: this.#elements.get(set.name) ?? [] }));
    return { family: this.family, chains: this.#chains, sets };
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
