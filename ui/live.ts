/**
 * Keeps the picture true. Counters are read every second, which costs the daemon one look at the host's links; the whole map
 * when a link came or went, and every few seconds for what no link shows. A page that nobody looks at asks nothing.
 */

import type { NetworkMap, Traffic } from '../src/base/wire/index.ts';
import { type Api, Refusal } from './api.ts';
import { messageOf } from './errors.ts';
import { type Rate, ratesBetween } from './model/traffic.ts';

/** Milliseconds. */
const TICK = 1000;
/** Ticks between two readings of the map, when no link came or went. */
const MAP_EVERY = 5;
/** Ticks to wait after a failure. */
const AFTER_FAILURE = 3;

export interface LiveEvents {
  map(map: NetworkMap): void;
  rates(rates: ReadonlyMap<string, Rate>): void;
  /** `unauthorized` ends it. */
  failure(kind: 'unauthorized' | 'unreachable', why: string): void;
}

export class Live {
  readonly #api: Api;
  readonly #events: LiveEvents;
  #timer: ReturnType<typeof setTimeout> | undefined;
  #traffic: Traffic | undefined;
  #links = '';
  #untilMap = 0;
  #paused = false;
  #ended = false;

  constructor(api: Api, events: LiveEvents) {
    this.#api = api;
    this.#events = events;
    document.addEventListener('visibilitychange', () => this.#turn());
  }

  start(): void {
    this.#turn();
  }

  get paused(): boolean {
    return this.#paused;
  }

  set paused(paused: boolean) {
    this.#paused = paused;
    this.#turn();
  }

  #turn(): void {
    clearTimeout(this.#timer);
    this.#timer = undefined;
    if (this.#ended || this.#paused || document.hidden) return;
    // A rate over the time in which nobody looked would be a mean of it.
    this.#traffic = undefined;
    this.#untilMap = 0;
    this.#schedule(0);
  }

  #schedule(delay: number): void {
    const timer = setTimeout(async () => {
      const wait = await this.#tick();
      // Paused meanwhile, or turned on again.
      if (this.#timer === timer && !this.#ended) this.#schedule(wait * TICK);
    }, delay);
    this.#timer = timer;
  }

  /** @returns ticks until the next one */
  async #tick(): Promise<number> {
    try {
      const traffic = await this.#api.read<Traffic>('traffic');
      const links = traffic.links.map(({ name, index }) => `${name} ${index}`).join();
      if (links !== this.#links || this.#untilMap <= 0) {
        this.#events.map(await this.#api.read<NetworkMap>('map'));
        this.#links = links;
        this.#untilMap = MAP_EVERY;
      }
      this.#untilMap--;
      this.#events.rates(ratesBetween(this.#traffic, traffic));
      this.#traffic = traffic;
      return 1;
    } catch (error) {
      const unauthorized = error instanceof Refusal && error.status === 401;
      this.#ended ||= unauthorized;
      this.#traffic = undefined;
      this.#untilMap = 0;
      this.#events.failure(unauthorized ? 'unauthorized' : 'unreachable', messageOf(error));
      return AFTER_FAILURE;
    }
  }
}
