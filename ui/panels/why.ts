/** The question "why": two ends, and the answer as a verdict, a cause and the hops of the way. */

import type { WhyCause, WhyLeg, WhyReport, WhyStep } from '../../src/base/wire/index.ts';
import type { Answer } from '../answers.ts';
import { facts, h } from '../dom.ts';
import type { Messages } from '../i18n/en.ts';
import { nameOf, type Thing } from '../model/things.ts';
import type { QuestionEnd } from '../state.ts';
import { unready } from './unready.ts';

export interface Question {
  from: string;
  to: string;
  /** `tcp/80`, or empty. */
  port: string;
}

/** The form, made once: what is typed in it must not be lost when the picture changes. */
export class WhyForm {
  readonly element: HTMLFormElement;
  readonly #onAsk: (question: Question) => void;

  constructor(onAsk: (question: Question) => void) {
    this.#onAsk = onAsk;
    const field = (name: string) =>
      h('input', { id: `why-${name}`, name, list: 'why-names', autocomplete: 'off', spellcheck: 'false' });
    const label = (name: string) => h('label', { for: `why-${name}` });
    this.element = h(
      'form',
      { class: 'why' },
      label('from'),
      field('from'),
      label('to'),
      field('to'),
      label('port'),
      h('input', { id: 'why-port', name: 'port', autocomplete: 'off', spellcheck: 'false' }),
      h('datalist', { id: 'why-names' }),
      h(
        'div',
        { class: 'actions' },
        h('button', { type: 'submit', class: 'main' }),
        h('button', { type: 'button', class: 'swap', onclick: () => this.#swap() }),
      ),
    );
    this.element.addEventListener('submit', (event) => {
      event.preventDefault();
      this.submit();
    });
  }

  /** Words and names for a language and a map. */
  describe(words: Messages, things: Iterable<Thing>): void {
    const say = (selector: string, text: string) => {
      const element = this.element.querySelector(selector);
      if (element !== null && element.textContent !== text) element.textContent = text;
    };
    say('[for=why-from]', words.whyFrom);
    say('[for=why-to]', words.whyTo);
    say('[for=why-port]', words.whyPort);
    say('[type=submit]', words.whyAsk);
    say('.swap', words.whySwap);
    this.#field('port').placeholder = words.whyPortHint;
    const names = new Set(
      [...things].flatMap((thing) => (thing.kind === 'nic' ? [] : (nameOf(thing) ?? []))),
    );
    const list = this.element.querySelector('datalist');
    if (list?.childElementCount !== names.size) {
      list?.replaceChildren(...[...names].map((value) => h('option', { value })));
    }
  }

  set(end: QuestionEnd, name: string): void {
    if (end !== 'next') this.#field(end).value = name;
    else if (this.#field('from').value === '') this.#field('from').value = name;
    else if (this.#field('to').value === '') this.#field('to').value = name;
  }

  /** Asks when both ends are given. */
  submit(): void {
    const [from, to, port] = (['from', 'to', 'port'] as const).map((name) => this.#field(name).value.trim());
    if (from && to) this.#onAsk({ from, to, port: port ?? '' });
  }

  #swap(): void {
    const [from, to] = [this.#field('from'), this.#field('to')];
    [from.value, to.value] = [to.value, from.value];
    this.submit();
  }

  #field(name: 'from' | 'to' | 'port'): HTMLInputElement {
    return this.element.elements.namedItem(name) as HTMLInputElement;
  }
}

export function whyAnswer(answer: Answer<WhyReport> | undefined, words: Messages): Node[] {
  if (answer === undefined) return [h('p', { class: 'quiet' }, words.whyHelp)];
  if (answer.state !== 'ready') return unready(answer, words, words.whatWhy);
  const { value: report } = answer;
  return [
    h('p', { class: `verdict ${report.answer}`, role: 'status' }, report.headline),
    ...(report.cause === undefined ? [] : causeOf(report.cause, words)),
    ...(report.remarks.length > 0
      ? [h('ul', {}, ...report.remarks.map((remark) => h('li', {}, remark)))]
      : []),
    ...report.legs.flatMap((leg) => legOf(leg, words)),
  ];
}

function causeOf({ text, owner, rule, remedies }: WhyCause, words: Messages): Node[] {
  return [
    facts(
      [words.whyBecause, text],
      [words.whyOwner, owner.text],
      [words.rulesOf, rule && h('code', {}, rule.text)],
    ),
    ...(remedies.length > 0
      ? [h('h3', {}, words.whyRemedy), ...remedies.map((remedy) => h('code', { class: 'command' }, remedy))]
      : []),
  ];
}

function legOf({ direction, title, steps }: WhyLeg, words: Messages): Node[] {
  const hops = steps.map((step, at) => {
    // It is told where it has become another one.
    const packet = step.packet === steps[at - 1]?.packet ? undefined : step.packet;
    return stepOf({ ...step, packet }, `${direction}-${at}`, words);
  });
  return [h('h3', {}, title), h('ol', { class: 'hops' }, ...hops)];
}

function stepOf(
  step: Omit<WhyStep, 'packet'> & { packet: string | undefined },
  key: string,
  words: Messages,
): HTMLElement {
  const { ok, text, where, link, packet, rules = [] } = step;
  const state = ok === null ? 'unknown' : ok ? 'passed' : 'failed';
  const told = { unknown: words.hopUnknown, passed: words.hopPassed, failed: words.hopFailed }[state];
  const said = [h('span', { class: 'for-readers' }, `${told}: `), text];
  return h(
    'li',
    { class: state },
    ...(rules.length === 0
      ? said
      : [
          h(
            'details',
            { 'data-key': `${key} ${text}`, open: !ok },
            h('summary', {}, ...said),
            ...rules.map((rule) =>
              h('div', { class: 'rule' }, rule.sentence, h('div', { class: 'evidence' }, rule.text)),
            ),
          ),
        ]),
    h('div', { class: 'where' }, [where, link].filter(Boolean).join(' · ')),
    packet !== undefined && h('div', { class: 'mono' }, packet),
  );
}
