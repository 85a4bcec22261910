/** The firewall in sentences: hook by hook, chain by chain, in the order in which a packet meets them. */

import type { ExplainedChain, ExplainedRule, RulesReport } from '../../src/base/wire/index.ts';
import type { Answer } from '../answers.ts';
import { h } from '../dom.ts';
import type { Messages } from '../i18n/en.ts';
import { amount } from '../model/traffic.ts';
import { unready } from './unready.ts';

export function rulesPanel(answer: Answer<RulesReport>, words: Messages): Node[] {
  if (answer.state !== 'ready') return unready(answer, words, words.whatRules);
  const { hooks, missing, unread } = answer.value;
  return [
    h('p', { class: 'quiet' }, words.rulesLabel),
    ...unread.map((what) => h('p', { class: 'flag' }, what)),
    ...(missing.length > 0
      ? [
          h('h3', { class: 'flag' }, words.rulesMissing),
          h(
            'ul',
            { class: 'rules' },
            ...missing.map(({ text, sentence, without }) =>
              h(
                'li',
                {},
                sentence,
                h('div', { class: 'raw' }, text),
                without && h('div', { class: 'flag' }, without),
              ),
            ),
          ),
        ]
      : []),
    ...hooks.flatMap(({ hook, sentence, chains }) => {
      const said = chains.filter(
        ({ rules, warning, policy }) => rules.length > 0 || warning || policy === 'drop',
      );
      return said.length === 0
        ? []
        : [
            h('h3', {}, hook),
            h('p', { class: 'quiet' }, sentence),
            ...said.map((chain) => chainOf(chain, words)),
          ];
    }),
  ];
}

function chainOf(
  { family, table, name, policy, warning, rules }: ExplainedChain,
  words: Messages,
): HTMLElement {
  const title = `${family} ${table} ${name}${policy === undefined ? '' : ` · ${policy}`} (${rules.length})`;
  // Open are those with something to look at, so that a page of rules is not the first thing one sees.
  const open = warning !== undefined || rules.some((rule) => rule.warning !== undefined);
  return h(
    'details',
    { 'data-key': `${family} ${table} ${name}`, open },
    h('summary', {}, title),
    warning && h('p', { class: 'flag' }, warning),
    h('ol', { class: 'rules' }, ...rules.map((rule) => ruleOf(rule, words))),
  );
}

export function ruleOf(
  { sentence, text, owner, packets, bytes, without, warning }: ExplainedRule,
  words: Messages,
): HTMLElement {
  const counted = packets === undefined ? undefined : words.counted(packets, amount(bytes ?? 0));
  return h(
    'li',
    {},
    sentence,
    h('div', { class: 'raw' }, text),
    h('div', { class: 'quiet' }, [owner.text, counted].filter(Boolean).join(' · ')),
    without && h('div', { class: 'quiet' }, without),
    warning && h('div', { class: 'flag' }, warning),
  );
}

/** The rules that a container or a network owns, in order. A chain that two hooks ask is told once. */
export function rulesOwnedBy({ hooks }: RulesReport, id: string): ExplainedRule[] {
  const owned = hooks
    .flatMap(({ chains }) => chains)
    .flatMap(({ rules }) => rules)
    .filter(({ owner }) => (owner.container ?? owner.network)?.id === id);
  return [...new Map(owned.map((rule) => [rule.id, rule])).values()];
}
