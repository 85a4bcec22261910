/** The panel at the side: tabs, and what each shows. */

import type { Api } from '../api.ts';
import { h, part, show } from '../dom.ts';
import { LANGUAGES } from '../i18n/languages.ts';
import type { Picture } from '../picture.ts';
import type { State, Store, Tab } from '../state.ts';
import { detailsOf } from './details.ts';
import { portsTable } from './ports.ts';

const TABS: readonly Tab[] = ['details', 'ports', 'why', 'rules', 'health'];

export class Panel {
  readonly #store: Store;
  readonly #picture: Picture;

  constructor(store: Store, { picture }: { api: Api; picture: Picture }) {
    this.#store = store;
    this.#picture = picture;
    part('panel').tabIndex = 0;
    part('tabs').addEventListener('keydown', (event) => this.#onTabKey(event));
    store.onChange((state, before) => {
      if (state.chosen !== before.chosen && state.chosen !== undefined && state.tab !== 'why') {
        if (state.tab !== 'details') store.set({ tab: 'details' });
      }
      this.#draw(store.state);
    });
    this.#draw(store.state);
  }

  /** Fills in one end of a question. */
  ask(_end: 'from' | 'to', _name: string): void {
    this.#store.set({ tab: 'why' });
  }

  #onTabKey(event: KeyboardEvent): void {
    const step = { ArrowRight: 1, ArrowLeft: -1 }[event.key];
    if (step === undefined) return;
    event.preventDefault();
    const at = TABS.indexOf(this.#store.state.tab);
    const tab = TABS[(at + step + TABS.length) % TABS.length];
    this.#store.set({ tab });
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
    const { map, things, chosen, rates, tab } = state;
    const words = LANGUAGES[state.language];
    const panel = part('panel');
    if (map === undefined) return;
    const choose = (id: string) => this.#store.set({ chosen: id });
    if (tab === 'details') {
      const thing = chosen === undefined ? undefined : things.get(chosen);
      show(
        panel,
        ...detailsOf(thing, {
          map,
          words,
          rates,
          choose,
          ask: (end, name) => this.ask(end, name),
          show: (id) => this.#picture.view.show(id),
        }),
      );
    } else if (tab === 'ports') show(panel, ...portsTable(map, { words, choose }));
    else show(panel);
  }
}
