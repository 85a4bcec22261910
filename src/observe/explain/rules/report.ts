/** `GET /bridgeport/rules`: every rule in force, in the order in which a packet meets them. Pure. */

import type {
  ExplainedChain,
  ExplainedHook,
  ExplainedSet,
  ExplainLanguage,
  ExplainOwner,
  RulesReport,
} from '../../../base/wire/index.ts';
import { explainOrigin, NFT_TABLE } from '../../../network/firewall/index.ts';
import type { Hook, Rule, Rulebook, RuleChain, Verdict } from '../../packet/rulebook.ts';
import { explainRule } from '../describe.ts';
import { LOSSES } from '../losses.ts';
import { missingRules, Ownership } from '../ownership.ts';
import type { ExplainRecords, ExplainSettings } from '../records.ts';
import { CATALOGUES, type Catalogue } from '../text/index.ts';

const HOOKS: readonly Hook[] = ['ingress', 'prerouting', 'input', 'forward', 'output', 'postrouting'];

export function rulesReport(
  book: Rulebook,
  records: ExplainRecords,
  settings: ExplainSettings,
  language: ExplainLanguage,
): RulesReport {
  const text = CATALOGUES[language];
  const ownership = new Ownership(records, settings, text.words);
  const sentences = { sentences: text.sentences, everyAddress: text.words.everyAddress };
  return {
    language,
    hooks: HOOKS.map(
      (hook): ExplainedHook => ({
        hook,
        sentence: text.hooks[hook],
        chains: chainsOf(book, hook).map((chain) => explainChain(chain, hook, ownership, text)),
      }),
    ).filter(({ chains }) => chains.length > 0),
    ...setsOf(book, ownership, text),
    missing: missingRules(ownership, book).map(({ text: rule, family, table, origin }) => ({
      text: rule,
      family,
      table,
      owner: ownership.ofOrigin(origin),
      sentence: explainOrigin(origin, ownership.names, sentences),
      without: text.without[LOSSES[origin.key]],
    })),
    unread: [...book.unread],
  };
}

/** Elements of the engine's sets that are there. Without nftables there are none. */
function setsOf({ engine }: Rulebook, ownership: Ownership, text: Catalogue): { sets?: ExplainedSet[] } {
  const { ruleset } = ownership;
  if (engine === undefined || ruleset === undefined) return {};
  const sentences = { sentences: text.sentences, everyAddress: text.words.everyAddress };
  const sets = (['v4', 'v6'] as const).flatMap((key) =>
    ruleset[key].sets.map(({ name, elements }): ExplainedSet => {
      const there = engine[key]?.sets.get(name)?.elements;
      return {
        family: key === 'v4' ? 'ip' : 'ip6',
        table: NFT_TABLE,
        name,
        elements: elements
          .filter(({ key: element, data }) => there?.has(element) === true && there.get(element) === data)
          .map(({ key: element, data, origin }) => ({
            text: data === undefined ? element : `${element} : ${data}`,
            owner: ownership.ofOrigin(origin),
            sentence: explainOrigin(origin, ownership.names, sentences),
            without: text.without[LOSSES[origin.key]],
          })),
      };
    }),
  );
  return { sets: sets.filter(({ elements }) => elements.length > 0) };
}

/** Base chains by priority, IPv4 first, each followed by the chains that it leads to; those that hold nothing and accept are left out. */
function chainsOf(book: Rulebook, hook: Hook): RuleChain[] {
  const rank = { ip: 0, inet: 1, ip6: 2 } as Readonly<Record<string, number>>;
  const bases = book.tables
    .flatMap(({ chains }) => [...chains.values()])
    .filter(({ base }) => base?.hook === hook)
    .sort(
      (a, b) =>
        (rank[a.table.family] ?? 3) - (rank[b.table.family] ?? 3) ||
        (a.base?.priority ?? 0) - (b.base?.priority ?? 0),
    )
    .filter(({ rules, base }) => rules.length > 0 || base?.policy === 'drop');
  return bases.flatMap((base) => withCalled(base));
}

/** The chain and everything that it leads to, each once, in the order of the first jump. */
function withCalled(base: RuleChain): RuleChain[] {
  const found = new Set<RuleChain>();
  const visit = (chain: RuleChain) => {
    if (found.has(chain)) return;
    found.add(chain);
    for (const rule of chain.rules) {
      for (const name of targetsOf(rule)) {
        const target = chain.table.chains.get(name);
        if (target !== undefined) visit(target);
      }
    }
  };
  visit(base);
  return [...found];
}

function targetsOf({ steps }: Rule): string[] {
  const named = (verdict: Verdict) => ('chain' in verdict ? [verdict.chain] : []);
  return steps.flatMap((step) => {
    if (step.kind === 'verdict') return named(step.verdict);
    return step.kind === 'verdict-map' ? step.verdicts.flatMap(named) : [];
  });
}

function explainChain(chain: RuleChain, hook: Hook, ownership: Ownership, text: Catalogue): ExplainedChain {
  const { table, base } = chain;
  const owner = ownership.ownerOfChain(chain);
  const warning = policyWarning(chain, hook, owner, text);
  return {
    source: table.source,
    family: table.family,
    table: table.name,
    name: chain.name,
    ...(base === undefined ? {} : { priority: base.priority, policy: base.policy }),
    owner,
    ...(warning === undefined ? {} : { warning }),
    rules: chain.rules.map((rule) =>
      explainRule(rule, ownership, text, ruleWarning(rule, chain, hook, ownership, text)),
    ),
  };
}

/** A FORWARD that drops what nobody accepts, and is not the engine's own doing. */
function policyWarning(
  { base }: RuleChain,
  hook: Hook,
  owner: ExplainOwner,
  { warnings }: Catalogue,
): string | undefined {
  if (base?.policy !== 'drop' || owner.kind === 'engine') return undefined;
  return hook === 'forward' || hook === 'input' ? warnings.policyDrop(owner.text) : undefined;
}

/** Somebody else's rule that decides about packets of containers before the engine's rules are asked. */
function ruleWarning(
  rule: Rule,
  chain: RuleChain,
  hook: Hook,
  ownership: Ownership,
  { warnings }: Catalogue,
): string | undefined {
  if (hook !== 'forward' || ownership.originOf(rule) !== undefined) return undefined;
  const kind = finalKind(rule);
  if (kind === undefined) return undefined;
  if (chain.name === 'DOCKER-USER') return warnings.userFirst();
  const ours = chain.rules.findIndex((other) => ownership.originOf(other) !== undefined);
  if (chain.base !== undefined && ours >= 0) {
    if (rule.number - 1 > ours) return undefined;
    return kind === 'accept' ? warnings.acceptsBefore() : warnings.dropsBefore();
  }
  const owner = ownership.ownerOf(rule);
  if (owner.kind === 'engine' || kind === 'accept') return undefined;
  return chain.table.source === 'nftables' ? warnings.foreignDrop(owner.text) : undefined;
}

function finalKind({ steps }: Rule): 'accept' | 'drop' | undefined {
  for (const step of steps) {
    if (step.kind !== 'verdict') continue;
    if (step.verdict.kind === 'accept') return 'accept';
    if (step.verdict.kind === 'drop' || step.verdict.kind === 'reject') return 'drop';
  }
  return undefined;
}
