/** The panel at the side: tabs, and what each shows. */

import type {
  DoctorReport,
  FlowLine,
  PortExposure,
  RulesReport,
  WhyReport,
} from '../../src/base/wire/index.ts';
import { type Answer, Answers } from '../answers.ts';
import type { Api } from '../api.ts';
import { h, part, show } from '../dom.ts';
import { LANGUAGES } from '../i18n/languages.ts';
import { marksOf } from '../model/path.ts';
import type { Picture } from '../picture.ts';
import type { QuestionEnd, State, Store, Tab } from '../state.ts';
import { detailsOf } from './details.ts';
import { healthPanel } from './health.ts';
import { portsTable } from './ports.ts';
import { rulesPanel } from './rules.ts';
import { type Question, WhyForm, whyAnswer } from './why.ts';

const TABS: readonly Tab[] = ['details', 'ports', 'why', 'rules', 'health'];

/** Maps between two questions: for the rules everything is read, for the health packets are sent. */
const RULES_EVERY = 3;
const HEALTH_EVERY = 6;

export class Panel {
  readonly #store: Store;
  readonly #picture: Picture;
  readonly #answers: Answers;
  readonly #form: WhyForm;
  /** Below the form. */
  readonly #verdict = h('div', {});
  #question: Question | undefined;
  /** The answer that the picture shows. */
  #marked: WhyReport | undefined;

  constructor(store: Store, { api, picture }: { api: Api; picture: Picture }) {
    this.#store = store;
    this.#picture = picture;
    this.#answers = new Answers(api, () => this.#drawTab(store.state));
    this.#form = new WhyForm((question) => {
      this.#question = question;
      this.#drawTab(store.state);
    });
    part('panel').tabIndex = 0;
    part('tabs').addEventListener('keydown', (event) => this.#onTabKey(event));
    part('clear-path').addEventListener('click', () => {
      this.#question = undefined;
      this.#drawTab(store.state);
    });
    store.onChange((state, before) => {
      if (state.map !== before.map) this.#answers.refresh();
      const chosen = state.chosen !== before.chosen && state.chosen !== undefined;
      // A question has two ends, which are chosen one after the other.
      if (chosen && state.tab !== 'why' && state.tab !== 'details') store.set({ tab: 'details' });
      else this.#draw(state);
    });
    this.#draw(store.state);
  }

  /** Fills in one end of a question, and asks it when the other is there. */
  ask(end: QuestionEnd, name: string): void {
    this.#form.set(end, name);
    this.#store.set({ tab: 'why' });
    this.#form.submit();
  }

  #onTabKey(event: KeyboardEvent): void {
    const step = { ArrowRight: 1, ArrowLeft: -1 }[event.key];
    if (step === undefined) return;
    event.preventDefault();
    const at = TABS.indexOf(this.#store.state.tab);
    this.#store.set({ tab: TABS[(at + step + TABS.length) % TABS.length] ?? 'details' });
    part('tabs').querySelector<HTMLElement>('[aria-selected="true"]')?.focus();
  }

  #draw(state: State): void {
    const words = LANGUAGES[state.language];
    part('tabs').setAttribute('aria-label', words.tabsLabel);
    show(
      part('tabs'),
      ...TABS.map((tab) =>
        h(
          'button',
          {
            type: 'button',
            role: 'tab',
            id: `tab-${tab}`,
            'data-key': `tab-${tab}`,
            'aria-selected': tab === state.tab ? 'true' : 'false',
            'aria-controls': 'panel',
            tabindex: tab === state.tab ? 0 : -1,
            onclick: () => this.#store.set({ tab }),
          },
          words.tabs[tab],
        ),
      ),
    );
    part('panel').setAttribute('aria-labelledby', `tab-${state.tab}`);
    this.#drawTab(state);
  }

  #drawTab(state: State): void {
    const { map, things, chosen, gone, rates, tab, language } = state;
    const words = LANGUAGES[language];
    const panel = part('panel');
    if (map === undefined) return;
    const why = this.#why(language);
    this.#mark(why);
    const choose = (id: string) => this.#store.set({ chosen: id });
    switch (tab) {
      case 'details': {
        const thing = chosen === undefined ? undefined : things.get(chosen);
        show(
          panel,
          ...detailsOf(thing, {
            map,
            words,
            gone,
            rates,
            exposure: () => this.#answers.get<PortExposure[]>('exposure', { lang: language }, RULES_EVERY),
            rules: () => this.#answers.get<RulesReport>('rules', { lang: language }, RULES_EVERY),
            flows: (container) => this.#answers.get<FlowLine[]>('flows', { container, drops: '0' }),
            choose,
            ask: (end, name) => this.ask(end, name),
            show: (id) => this.#picture.view.show(id),
          }),
        );
        return;
      }
      case 'ports': {
        const exposure = this.#answers.get<PortExposure[]>('exposure', { lang: language }, RULES_EVERY);
        show(panel, ...portsTable(map, { exposure, words, choose }));
        return;
      }
      case 'why':
        this.#drawWhy(state, why);
        return;
      case 'rules': {
        const rules = this.#answers.get<RulesReport>('rules', { lang: language }, RULES_EVERY);
        show(panel, ...rulesPanel(rules, words));
        return;
      }
      case 'health': {
        const report = this.#answers.get<DoctorReport>('doctor', { lang: language }, HEALTH_EVERY);
        show(panel, ...healthPanel(report, { words, choose }));
      }
    }
  }

  #drawWhy({ map, things, language }: State, answer: Answer<WhyReport> | undefined): void {
    const words = LANGUAGES[language];
    const panel = part('panel');
    if (map === undefined) return;
    this.#form.describe(words, things.values());
    if (this.#form.element.parentElement !== panel) panel.replaceChildren(this.#form.element, this.#verdict);
    show(this.#verdict, ...whyAnswer(answer, words));
  }

  #why(lang: string): Answer<WhyReport> | undefined {
    if (this.#question === undefined) return undefined;
    const { from, to, port } = this.#question;
    return this.#answers.get<WhyReport>('why', { from, to, ...(port === '' ? {} : { service: port }), lang });
  }

  /** The picture shows the way as long as nobody clears it, on whichever tab: it must be the present one. */
  #mark(answer: Answer<WhyReport> | undefined): void {
    const { map } = this.#store.state;
    if (answer?.state === 'loading' || map === undefined) return;
    const report = answer?.state === 'ready' ? answer.value : undefined;
    if (report === this.#marked) return;
    this.#marked = report;
    this.#picture.mark(report && marksOf(report, map, this.#picture.scene.edges));
  }
}
