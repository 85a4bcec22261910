/** What the daemon is asked beside the map, when a part of the page wants it; asked again as long as that part is looked at. */

import { type Api, Refusal } from './api.ts';
import { messageOf } from './errors.ts';

export type Answer<T> =
  | { state: 'loading' }
  | { state: 'ready'; value: T }
  /** The daemon does not have it. */
  | { state: 'absent' }
  | { state: 'failed'; why: string };

interface Entry {
  answer: Answer<unknown>;
  name: string;
  query: Record<string, string>;
  /** Refreshes between two questions. */
  every: number;
  /** Refreshes since it was asked. */
  age: number;
  /** Wanted since the last refresh. */
  wanted: boolean;
  asking: boolean;
}

export class Answers {
  readonly #api: Pick<Api, 'read'>;
  readonly #onAnswer: () => void;
  readonly #entries = new Map<string, Entry>();

  /** @param onAnswer called when something new is known */
  constructor(api: Pick<Api, 'read'>, onAnswer: () => void) {
    this.#api = api;
    this.#onAnswer = onAnswer;
  }

  /**
   * What is known now. What is not is asked for.
   *
   * @param every after how many refreshes it is asked again: for what costs the daemon more. Default 1.
   */
  get<T>(name: string, query: Record<string, string> = {}, every = 1): Answer<T> {
    const key = `${name}?${new URLSearchParams(query)}`;
    let entry = this.#entries.get(key);
    if (entry === undefined) {
      entry = { answer: { state: 'loading' }, name, query, every, age: 0, wanted: true, asking: false };
      this.#entries.set(key, entry);
      void this.#ask(entry);
    }
    entry.wanted = true;
    return entry.answer as Answer<T>;
  }

  /** Asks again what was wanted since the last refresh, and forgets the rest. What the daemon does not have is not asked again. */
  refresh(): void {
    for (const [key, entry] of this.#entries) {
      if (entry.answer.state === 'absent') continue;
      if (!entry.wanted) this.#entries.delete(key);
      else {
        entry.age++;
        if (entry.age < entry.every) continue;
        entry.wanted = false;
        void this.#ask(entry);
      }
    }
  }

  async #ask(entry: Entry): Promise<void> {
    if (entry.asking) return;
    entry.asking = true;
    entry.age = 0;
    entry.answer = await this.#read(entry);
    entry.asking = false;
    this.#onAnswer();
  }

  async #read({ name, query }: Entry): Promise<Answer<unknown>> {
    try {
      return { state: 'ready', value: await this.#api.read(name, query) };
    } catch (error) {
      if (error instanceof Refusal && error.isAbsent) return { state: 'absent' };
      return { state: 'failed', why: messageOf(error) };
    }
  }
}
