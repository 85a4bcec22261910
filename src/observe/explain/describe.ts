/** One rule in one sentence: of the engine's by its origin, of others by what they ask and do. Pure. */

import { Ip } from '../../base/ip.ts';
import type { ExplainedRule } from '../../base/wire/index.ts';
import { explainOrigin } from '../../network/firewall/index.ts';
import { CT_STATE, CT_STATE_NAT, CT_STATUS, type FieldCondition, type Span } from '../packet/condition.ts';
import type { NatTarget, Rule, Step, Verdict } from '../packet/rulebook.ts';
import { PROTOCOL_NUMBERS } from '../packet/spans.ts';
import { LOSSES } from './losses.ts';
import type { Ownership } from './ownership.ts';
import type { Catalogue } from './text/index.ts';

/** @param warning why the rule deserves attention */
export function explainRule(
  rule: Rule,
  ownership: Ownership,
  text: Catalogue,
  warning?: string,
): ExplainedRule {
  const origin = ownership.originOf(rule);
  const { counters, table } = rule;
  return {
    id: rule.id,
    source: table.source,
    family: table.family,
    table: table.name,
    chain: rule.chain,
    number: rule.number,
    ...(rule.handle === undefined ? {} : { handle: rule.handle }),
    text: rule.text,
    ...(counters === undefined ? {} : { packets: counters.packets, bytes: counters.bytes }),
    owner: ownership.ownerOf(rule),
    sentence:
      origin === undefined
        ? describeRule(rule, text)
        : explainOrigin(origin, ownership.names, {
            sentences: text.sentences,
            everyAddress: text.words.everyAddress,
          }),
    ...(origin === undefined ? {} : { without: text.without[LOSSES[origin.key]] }),
    ...(warning === undefined ? {} : { warning }),
  };
}

/** What a rule asks and does, as far as it is understood. */
export function describeRule(rule: Rule, { foreign, words }: Catalogue): string {
  const conditions = rule.steps.flatMap((step) => (step.kind === 'match' ? [step.condition] : []));
  const phrases = conditions.map((condition) =>
    condition.kind === 'opaque'
      ? foreign.other(condition.text, condition.negated)
      : phraseOf(condition, rule.table.family === 'ip6' ? 6 : 4, foreign, words.or),
  );
  const packets = foreign.packets(phrases.filter((phrase) => phrase !== undefined));
  const acting = rule.steps.find(
    ({ kind }) => kind !== 'match' && kind !== 'note' && kind !== 'mark' && kind !== 'notrack',
  );
  const step = acting ?? rule.steps.find(({ kind }) => kind !== 'match');
  return step === undefined ? foreign.count(packets) : actOf(step, packets, foreign);
}

function actOf(step: Step, packets: string, foreign: Catalogue['foreign']): string {
  switch (step.kind) {
    case 'verdict':
      return verdictOf(step.verdict, packets, foreign);
    case 'verdict-map':
      return foreign.look(packets, step.set ?? '{ … }');
    case 'translate-map':
      return foreign.look(packets, step.set ?? '{ … }');
    case 'translate':
      if (step.how === 'masquerade') return foreign.masquerade(packets);
      if (step.how === 'redirect') return foreign.redirect(packets, `${step.to.port ?? ''}`);
      return step.how === 'dnat'
        ? foreign.destinationBecomes(packets, targetText(step.to))
        : foreign.sourceBecomes(packets, targetText(step.to));
    case 'rewrite': {
      const to = step.to.address ?? `:${step.to.port}`;
      return step.what === 'destination'
        ? foreign.destinationBecomes(packets, to)
        : foreign.sourceBecomes(packets, to);
    }
    case 'mark':
      return foreign.mark(packets);
    case 'notrack':
      return foreign.notrack(packets);
    case 'opaque':
      return foreign.unknown(step.text);
    default:
      return foreign.count(packets);
  }
}

function verdictOf(verdict: Verdict, packets: string, foreign: Catalogue['foreign']): string {
  switch (verdict.kind) {
    case 'jump':
    case 'goto':
      return foreign.ask(packets, verdict.chain);
    case 'return':
      return foreign.leave(packets);
    case 'continue':
      return foreign.count(packets);
    default:
      return foreign[verdict.kind](packets);
  }
}

/** `172.17.0.2:80`. */
export function targetText({ address, addressEnd, port, portEnd, prefix }: NatTarget): string {
  const ports = port === undefined ? '' : `${port}${portEnd === undefined ? '' : `-${portEnd}`}`;
  const host = prefix ?? (addressEnd === undefined ? (address ?? '') : `${address}-${addressEnd}`);
  if (ports === '') return host;
  return host.includes(':') ? `[${host}]:${ports}` : `${host}:${ports}`;
}

function phraseOf(
  condition: FieldCondition,
  family: 4 | 6,
  foreign: Catalogue['foreign'],
  or: string,
): string | undefined {
  const { fields, negated, test } = condition;
  if (fields.length !== 1)
    return foreign.other(condition.set === undefined ? condition.text : `@${condition.set}`, negated);
  const [field] = fields;
  const list = (show: (span: Span) => string) => {
    if (condition.set !== undefined) return `@${condition.set}`;
    if (test.kind !== 'in') return condition.text;
    const shown = test.entries.slice(0, 6).map(([span]) => (span === undefined ? '' : show(span)));
    return shown.join(` ${or} `) + (test.entries.length > 6 ? ' …' : '');
  };
  const address = list((span) => addressSpan(span, condition.only?.family ?? family));
  switch (field) {
    case 'source':
      return foreign.source(address, negated);
    case 'destination':
      return foreign.destination(address, negated);
    case 'source-port':
      return foreign.sourcePort(list(numberText), negated);
    case 'destination-port':
      return foreign.destinationPort(list(numberText), negated);
    case 'ct-destination-port':
      return foreign.originalPort(list(numberText), negated);
    case 'protocol':
      return foreign.protocol(list(protocolText), negated);
    case 'input':
      return foreign.input(list(textOf), negated);
    case 'output':
      return foreign.output(list(textOf), negated);
    case 'ct-state':
    case 'ct-state-or-nat':
    case 'ct-status': {
      const names = { ...(field === 'ct-status' ? CT_STATUS : CT_STATE), ...CT_STATE_NAT };
      const states = test.kind === 'bits' ? bitNames(test.mask, names).join(` ${or} `) : list(numberText);
      return foreign.state(states, negated);
    }
    case 'mark':
      return foreign.marked(condition.text, negated);
    default:
      return foreign.other(condition.text, false);
  }
}

function bitNames(mask: number, names: Readonly<Record<string, number>>): string[] {
  return Object.entries(names).flatMap(([name, bit]) => ((mask & bit) === 0 ? [] : [name.toUpperCase()]));
}

function textOf(span: Span): string {
  return span === 'any' ? '*' : 'text' in span ? span.text : numberText(span);
}

function numberText(span: Span): string {
  if (span === 'any' || 'text' in span) return textOf(span);
  return span.from === span.to ? `${span.from}` : `${span.from}-${span.to}`;
}

function protocolText(span: Span): string {
  const text = numberText(span);
  return Object.entries(PROTOCOL_NUMBERS).find(([, number]) => `${number}` === text)?.[0] ?? text;
}

/** A range that is a prefix is shown as one. */
function addressSpan(span: Span, family: 4 | 6): string {
  if (span === 'any' || 'text' in span) return textOf(span);
  const size = span.to - span.from + 1n;
  const bits = size.toString(2).length - 1;
  const whole = family === 4 ? 32 : 128;
  const first = new Ip(family, span.from).toString();
  if (size === 1n) return first;
  const isPrefix = (size & (size - 1n)) === 0n && span.from % size === 0n;
  return isPrefix ? `${first}/${whole - bits}` : `${first}-${new Ip(family, span.to)}`;
}
