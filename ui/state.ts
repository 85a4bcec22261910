/** What the page knows and what its reader has chosen; the parts of the page are told when it changes. */

import type { NetworkMap } from '../src/base/wire/index.ts';
import type { Language } from './i18n/languages.ts';
import { nameOf, type Thing, thingsOf } from './model/things.ts';
import type { Rate } from './model/traffic.ts';

export type Tab = 'details' | 'ports' | 'why' | 'rules' | 'health';
/** `next`: the one that is not given yet. */
export type QuestionEnd = 'from' | 'to' | 'next';
export type Theme = 'auto' | 'light' | 'dark';

export interface State {
  map: NetworkMap | undefined;
  /** Of `map`, by their ids. */
  things: ReadonlyMap<string, Thing>;
  /** By the names of the host's links. */
  rates: ReadonlyMap<string, Rate>;
  chosen: string | undefined;
  /** The name of what was chosen and has been removed; until something else is chosen. */
  gone: string | undefined;
  tab: Tab;
  language: Language;
  theme: Theme;
}

export class Store {
  #state: State;
  readonly #listeners: Array<(state: State, before: State) => void> = [];

  constructor(initial: Pick<State, 'language' | 'theme'>) {
    this.#state = {
      map: undefined,
      things: new Map(),
      rates: new Map(),
      chosen: undefined,
      gone: undefined,
      tab: 'details',
      ...initial,
    };
  }

  get state(): State {
    return this.#state;
  }

  set(patch: Partial<Omit<State, 'things' | 'gone'>>): void {
    const before = this.#state;
    const next = { ...before, ...patch };
    if (next.map !== before.map && next.map !== undefined) next.things = thingsOf(next.map);
    if ('chosen' in patch) next.gone = undefined;
    // What is chosen may have been removed.
    if (next.chosen !== undefined && !next.things.has(next.chosen)) {
      const thing = before.things.get(next.chosen);
      next.gone = thing && nameOf(thing);
      next.chosen = undefined;
    }
    this.#state = next;
    for (const listener of this.#listeners) listener(next, before);
  }

  onChange(listener: (state: State, before: State) => void): void {
    this.#listeners.push(listener);
  }
}
