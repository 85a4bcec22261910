/** What happened, for `GET /events`: a short memory and whoever listens. */

import { nowNanos } from '../../base/time.ts';
import type { EventMessage, Filters } from '../../base/wire/index.ts';
import { matchesEvent } from './filter.ts';

/** How many past events are kept, as in dockerd. */
const MEMORY = 256;
/** A listener that lags by more than this many events is dropped rather than let the daemon grow. */
const LISTENER_BACKLOG = 16_384;

/** Milliseconds; setTimeout takes no more. */
const LONGEST_TIMER = 2 ** 31 - 1;

export interface EventQuery {
  /** seconds since the epoch, with fraction */
  since: number | undefined;
  until: number | undefined;
  filters: Filters;
  signal: AbortSignal;
}

export class EventBus {
  readonly #past: EventMessage[] = [];
  readonly #listeners = new Set<(event: EventMessage) => void>();

  publish(type: EventMessage['Type'], action: string, id: string, attributes: Record<string, string>): void {
    const timeNano = nowNanos();
    const event: EventMessage = {
      Type: type,
      Action: action,
      Actor: { ID: id, Attributes: attributes },
      scope: 'local',
      time: Number(timeNano / 1_000_000_000n),
      timeNano,
    };
    if (type === 'container' || type === 'image') {
      event.status = action;
      event.id = id;
      const from = attributes.image;
      if (type === 'container' && from !== undefined) event.from = from;
    }
    this.#past.push(event);
    if (this.#past.length > MEMORY) this.#past.shift();
    for (const listener of this.#listeners) listener(event);
  }

  /** Past events from `since`, then, unless `until` has passed, those that come until `until` or the signal. */
  async *stream(query: EventQuery): AsyncGenerator<EventMessage> {
    const { since, until, filters, signal } = query;
    const queue: EventMessage[] = [];
    let wake: (() => void) | undefined;
    let timer: NodeJS.Timeout | undefined;
    let overrun = false;
    const listener = (event: EventMessage) => {
      if (!matchesEvent(event, filters)) return;
      if (queue.length >= LISTENER_BACKLOG) overrun = true;
      else queue.push(event);
      wake?.();
    };
    const end = until === undefined ? undefined : until * 1000;
    const onAbort = () => wake?.();
    signal.addEventListener('abort', onAbort);
    this.#listeners.add(listener);
    try {
      if (since !== undefined) {
        // As it is now: what happens while these are being taken is in the queue.
        for (const event of [...this.#past]) {
          const seconds = Number(event.timeNano) / 1e9;
          if (seconds >= since && (until === undefined || seconds <= until) && matchesEvent(event, filters)) {
            yield event;
          }
        }
      }
      for (;;) {
        while (queue.length > 0) yield queue.shift() as EventMessage;
        if (overrun || signal.aborted || (end !== undefined && Date.now() >= end)) return;
        await new Promise<void>((resolve) => {
          wake = resolve;
          // Rounded up: a timer that fires a fraction too early must not be the last one.
          if (end !== undefined) {
            timer = setTimeout(resolve, Math.min(Math.max(0, Math.ceil(end - Date.now())), LONGEST_TIMER));
          }
        });
        wake = undefined;
        clearTimeout(timer);
      }
    } finally {
      clearTimeout(timer);
      signal.removeEventListener('abort', onAbort);
      this.#listeners.delete(listener);
    }
  }
}
