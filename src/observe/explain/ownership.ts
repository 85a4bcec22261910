/** Whose a rule is: one of the engine's (and then for which network, container, port or link), the user's, or another program's. */

import type { ExplainOwner } from '../../base/wire/index.ts';
import {
  compileIptables,
  compileNftables,
  type FirewallIntent,
  missingNft,
  NFT_TABLE,
  type NftRuleset,
  type ObservedNft,
  type Origin,
  type OriginNames,
  ruleLine,
} from '../../network/firewall/index.ts';
import type { Rule, Rulebook, RuleChain } from '../packet/rulebook.ts';
import { programOfChain, programOfRule } from './programs.ts';
import type { ExplainRecords, ExplainSettings } from './records.ts';
import type { Catalogue } from './text/index.ts';

/** A rule that the engine wants to be there. */
export interface ExpectedRule {
  readonly family: 'ip' | 'ip6';
  /** The table's name. */
  readonly table: string;
  readonly chain: string;
  /** As the tool prints it. */
  readonly text: string;
  /** nftables: what the rule is known by. */
  readonly comment?: string;
  readonly origin: Origin;
}

const USER_CHAIN = 'DOCKER-USER';

export class Ownership {
  readonly names: OriginNames;
  readonly engine: ExplainSettings['engine'];
  readonly expected: readonly ExpectedRule[];
  /** What the nftables backend wants; undefined for the other. */
  readonly ruleset: NftRuleset | undefined;
  readonly #records: ExplainRecords;
  readonly #settings: ExplainSettings;
  readonly #words: Catalogue['words'];
  readonly #byText = new Map<string, Origin>();

  constructor(records: ExplainRecords, settings: ExplainSettings, words: Catalogue['words']) {
    this.#records = records;
    this.#settings = settings;
    this.#words = words;
    this.names = namesOf(records);
    this.engine = settings.engine;
    const intent = settings.firewall === 'none' ? undefined : records.intent();
    this.ruleset =
      intent === undefined || settings.firewall === 'iptables' ? undefined : compileNftables(intent);
    this.expected = intent === undefined ? [] : expectedRules(intent, this.ruleset);
    for (const rule of this.expected) this.#byText.set(keyOf(rule), rule.origin);
    // The first content of the user's chain is known, and not missed when the user took it out.
    for (const family of ['ip', 'ip6']) {
      this.#byText.set(`${family} filter -A ${USER_CHAIN} -j RETURN`, { key: 'user-return' });
    }
  }

  /** What a rule of the engine is for; undefined for everybody else's. */
  originOf(rule: Rule): Origin | undefined {
    const { family, name, source } = rule.table;
    if (source === 'nftables') {
      return rule.comment === undefined
        ? undefined
        : this.#byText.get(`${family} ${name} ${rule.chain} #${rule.comment}`);
    }
    return this.#byText.get(`${family} ${name} ${rule.text}`);
  }

  ownerOf(rule: Rule): ExplainOwner {
    const origin = this.originOf(rule);
    if (origin !== undefined) return this.ofOrigin(origin);
    const program = programOfRule(rule);
    // Bridgeport knows its own: what else stands in its chains, somebody put there.
    const isStranger = program === 'Docker' && this.engine === 'Bridgeport';
    if (rule.chain === USER_CHAIN || isStranger) return { kind: 'user', text: this.#words.user };
    return this.#foreign(program);
  }

  /** Who decides about a base chain: whose its policy is, or who made it. */
  ownerOfChain(chain: RuleChain): ExplainOwner {
    const { table } = chain;
    if (chain.name === USER_CHAIN) return { kind: 'user', text: this.#words.user };
    if (this.#isOursToDrop(chain)) return this.#engine();
    const program = programOfChain(chain, table);
    if (program !== undefined) return this.#foreign(program);
    // A built-in chain is whoever's who jumps from it and keeps such policies.
    if (chain.base?.policy === 'drop') return this.#foreign(this.#programIn(chain));
    if (table.source !== 'nftables' && chain.base !== undefined) {
      return { kind: 'host', text: this.#words.kernelDefault() };
    }
    return this.#foreign(undefined);
  }

  ofOrigin(origin: Origin): ExplainOwner {
    const { networkId, endpointId, port, link } = origin;
    const words = this.#words;
    const network = this.#records.networks().find(({ id }) => id === networkId);
    const container = endpointId === undefined ? undefined : this.#containerOf(endpointId);
    const portText = port && portsText(port.containerPort, port.containerPortEnd, port.proto);
    const server = link && this.names.endpoint(link.serverEndpointId);
    const text =
      server !== undefined && container !== undefined
        ? words.linkOf(container.name, server)
        : portText !== undefined && container !== undefined
          ? words.portOf(portText, container.name)
          : container !== undefined
            ? words.container(container.name)
            : network === undefined
              ? words.everyNetwork
              : words.network(network.name);
    return {
      ...this.#engine(),
      ...(network === undefined ? {} : { network: { id: network.id, name: network.name } }),
      ...(container === undefined ? {} : { container }),
      ...(portText === undefined ? {} : { port: portText }),
      ...(link === undefined ? {} : { link: link.alias }),
      text: `${this.#settings.engine}, ${text}`,
    };
  }

  #containerOf(endpointId: string): { id: string; name: string } | undefined {
    const found = this.#records
      .containers()
      .find(({ sandbox }) => sandbox?.endpoints.some(({ id }) => id === endpointId));
    return found && { id: found.id, name: found.name };
  }

  #engine(): ExplainOwner {
    const { engine } = this.#settings;
    return { kind: 'engine', program: engine, text: engine };
  }

  #foreign(program: string | undefined): ExplainOwner {
    if (program === undefined) return { kind: 'user', text: this.#words.user };
    // In the well-known layout, the engine that is asked is the one that writes it.
    if (program === 'Docker' || program === 'Bridgeport') return this.#engine();
    return { kind: 'program', program, text: program };
  }

  #programIn({ rules }: RuleChain): string | undefined {
    return rules
      .map(programOfRule)
      .filter((name) => name !== 'Docker')
      .find((name) => name !== undefined);
  }

  /** The engine sets FORWARD's policy where it turned forwarding on itself: that of the chain that its own rules are in. */
  #isOursToDrop({ name, table, base }: RuleChain): boolean {
    if (base?.policy !== 'drop' || base.hook !== 'forward') return false;
    const drop = this.#records.intent()?.forwardDrop;
    const wanted = table.family === 'ip6' ? drop?.v6 : drop?.v4;
    if (wanted !== true) return false;
    if (this.#settings.firewall === 'nftables')
      return table.source === 'nftables' && table.name === NFT_TABLE;
    return table.source !== 'nftables' && name === 'FORWARD' && table.name === 'filter';
  }
}

function portsText(start: number, end: number, proto: string): string {
  return `${start === end ? start : `${start}-${end}`}/${proto}`;
}

function namesOf(records: ExplainRecords): OriginNames {
  const networks = new Map(records.networks().map(({ id, name }) => [id, name]));
  const endpoints = new Map(
    records
      .containers()
      .flatMap(({ name, sandbox }) => (sandbox?.endpoints ?? []).map(({ id }) => [id, name])),
  );
  return {
    network: (id) => networks.get(id) ?? id.slice(0, 12),
    endpoint: (id) => endpoints.get(id) ?? id.slice(0, 12),
  };
}

function keyOf({ family, table, chain, text, comment }: ExpectedRule): string {
  return comment === undefined ? `${family} ${table} ${text}` : `${family} ${table} ${chain} #${comment}`;
}

const FAMILIES = [
  ['v4', 'ip'],
  ['v6', 'ip6'],
] as const;

function expectedRules(intent: FirewallIntent, ruleset: NftRuleset | undefined): ExpectedRule[] {
  if (ruleset === undefined) {
    const sets = compileIptables(intent);
    return FAMILIES.flatMap(([key, family]) =>
      sets[key].rules.map((rule) => ({
        family,
        table: rule.table,
        chain: rule.chain,
        text: ruleLine(rule),
        origin: rule.origin,
      })),
    );
  }
  return FAMILIES.flatMap(([key, family]) =>
    ruleset[key].chains.flatMap(({ name, rules }) =>
      rules.map(({ text, comment, origin }) => ({
        family,
        table: NFT_TABLE,
        chain: name,
        text,
        comment,
        origin,
      })),
    ),
  );
}

/** Expected rules, and elements of the engine's sets, that the kernel does not have. */
export function missingRules(ownership: Ownership, book: Rulebook): ExpectedRule[] {
  // Of Docker it is only guessed what it wants: enough to know its rules by, and not to miss one.
  if (ownership.engine === 'Docker') return [];
  const there = new Set(
    book.tables.flatMap((table) =>
      [...table.chains.values()].flatMap(({ rules }) =>
        rules.map((rule) =>
          table.source === 'nftables'
            ? `${table.family} ${table.name} ${rule.chain} #${rule.comment ?? ''}`
            : `${table.family} ${table.name} ${rule.text}`,
        ),
      ),
    ),
  );
  return [
    ...ownership.expected.filter((rule) => !there.has(keyOf(rule))),
    ...missingElements(ownership.ruleset, book.engine),
  ];
}

function missingElements(ruleset: NftRuleset | undefined, observed: ObservedNft | undefined): ExpectedRule[] {
  if (ruleset === undefined || observed === undefined) return [];
  return missingNft(ruleset, observed).flatMap(({ family, kind, name, origin }) => {
    if (kind !== 'element' || origin === undefined) return [];
    const [set = '', element = ''] = name.split(': ');
    const table = family === 4 ? ('ip' as const) : ('ip6' as const);
    return [{ family: table, table: NFT_TABLE, chain: set, text: `${set} { ${element} }`, origin }];
  });
}
