/** The list at the side: search, and choosing by keys. */

import { part } from '../dom.ts';
import { LANGUAGES } from '../i18n/languages.ts';
import type { Picture } from '../picture.ts';
import type { Store } from '../state.ts';
import { matches, showList } from './list.ts';

export class Things {
  readonly #store: Store;
  readonly #picture: Picture;

  constructor(store: Store, picture: Picture) {
    this.#store = store;
    this.#picture = picture;
    const list = part('list');
    const search = part<HTMLInputElement>('search');
    search.addEventListener('input', () => this.#onSearch());
    search.addEventListener('keydown', (event) => {
      if (event.key === 'ArrowDown') {
        event.preventDefault();
        list.focus();
        this.#move(1);
      }
    });
    list.addEventListener('click', (event) => {
      const option = (event.target as Element).closest<HTMLElement>('[role="option"]');
      if (option !== null) this.#choose(option);
    });
    list.addEventListener('keydown', (event) => this.#onKey(event));
    document.addEventListener('keydown', (event) => {
      const { target } = event;
      if (event.key !== '/' || (target instanceof Element && target.matches('input, select, textarea')))
        return;
      event.preventDefault();
      search.focus();
    });
    store.onChange((state, before) => {
      const same =
        state.map === before.map && state.chosen === before.chosen && state.language === before.language;
      if (!same) this.#draw();
    });
    this.#draw();
  }

  #draw(): void {
    const { things, chosen, language, map } = this.#store.state;
    const words = LANGUAGES[language];
    const search = part<HTMLInputElement>('search');
    search.placeholder = words.search;
    search.setAttribute('aria-label', words.search);
    part('list').setAttribute('aria-label', words.thingsLabel);
    part('things').setAttribute('aria-label', words.thingsLabel);
    if (map === undefined) return;
    const hueOf = (id: string) => this.#picture.hueOf(id);
    const count = showList(part('list'), things, { words, chosen, search: search.value, hueOf });
    const told = count === 0 ? words.nothingFound : words.found(count);
    if (part('found').textContent !== told) part('found').textContent = told;
  }

  #onSearch(): void {
    const { value } = part<HTMLInputElement>('search');
    const things = [...this.#store.state.things.values()];
    const found = value.trim() === '' ? undefined : things.filter((thing) => matches(thing, value));
    this.#picture.view.highlight(found && new Set(found.map(({ id }) => id)));
    this.#draw();
  }

  #choose({ id, dataset }: HTMLElement): void {
    // The thing may stand in several groups: this is where the next key goes on from.
    part('list').setAttribute('aria-activedescendant', id);
    this.#store.set({ chosen: dataset.id });
    document.getElementById(id)?.scrollIntoView({ block: 'nearest' });
  }

  #onKey(event: KeyboardEvent): void {
    const { key } = event;
    if (key === 'ArrowDown') this.#move(1);
    else if (key === 'ArrowUp') this.#move(-1);
    else if (key === 'Home') this.#move(Number.NEGATIVE_INFINITY);
    else if (key === 'End') this.#move(Number.POSITIVE_INFINITY);
    else if (key === 'Enter') part('panel').focus();
    else if (key === 'Escape') this.#store.set({ chosen: undefined });
    else return;
    event.preventDefault();
  }

  #move(by: number): void {
    const list = part('list');
    const options = [...list.querySelectorAll<HTMLElement>('[role="option"]')];
    const at = options.findIndex(({ id }) => id === list.getAttribute('aria-activedescendant'));
    const next = options[Math.min(Math.max(at + by, 0), options.length - 1)];
    if (next !== undefined) this.#choose(next);
  }
}
