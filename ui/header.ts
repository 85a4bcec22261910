/** The bar at the top: which host this is, whether it is live, language and colours. */

import { h, part, show } from './dom.ts';
import { LANGUAGES, type Language } from './i18n/languages.ts';
import type { Store, Theme } from './state.ts';

const THEMES: readonly Theme[] = ['auto', 'light', 'dark'];

export class Header {
  readonly #store: Store;
  #state: 'live' | 'paused' | 'lost' | undefined;
  #paused = false;
  onPause: (paused: boolean) => void = () => {};

  constructor(store: Store) {
    this.#store = store;
    part<HTMLSelectElement>('language').addEventListener('change', (event) => {
      const language = (event.target as HTMLSelectElement).value as Language;
      localStorage.setItem('language', language);
      store.set({ language });
    });
    part<HTMLSelectElement>('theme').addEventListener('change', (event) => {
      store.set({ theme: (event.target as HTMLSelectElement).value as Theme });
    });
    part('pause').addEventListener('click', () => {
      this.#paused = !this.#paused;
      this.onPause(this.#paused);
      this.state = this.#paused ? 'paused' : 'live';
    });
    store.onChange((state, before) => {
      if (state.language !== before.language || state.map !== before.map) this.#draw();
    });
    this.#draw();
  }

  set state(state: 'live' | 'paused' | 'lost') {
    this.#state = this.#paused ? 'paused' : state;
    this.#draw();
  }

  #draw(): void {
    const { map, language, theme } = this.#store.state;
    const words = LANGUAGES[language];
    document.documentElement.lang = language;
    document.title = map?.host.name === undefined ? 'Bridgeport' : `${map.host.name} · Bridgeport`;
    part('skip').textContent = words.skip;
    part('where').textContent =
      map === undefined ? '' : [words.title, map.host.name].filter(Boolean).join(' · ');
    const status = part('status');
    const text = this.#state === undefined ? words.loading : words[this.#state];
    if (status.textContent !== text) status.textContent = text;
    status.dataset.state = this.#state ?? '';
    const pause = part('pause');
    pause.textContent = this.#paused ? words.resume : words.pause;
    pause.setAttribute('aria-pressed', String(this.#paused));
    part('language-label').textContent = words.languageSwitch;
    part('theme-label').textContent = words.themeSwitch;
    const option = (value: string, label: string, selected: boolean) =>
      h('option', { value, selected }, label);
    show(
      part('language'),
      ...Object.entries(LANGUAGES).map(([value, spoken]) =>
        option(value, spoken.language, value === language),
      ),
    );
    show(part('theme'), ...THEMES.map((value) => option(value, words.themes[value], value === theme)));
  }
}
