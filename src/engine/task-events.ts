/** Listens to containerd and hands what happens to the containers it concerns; listens again when containerd was away. */

import { setTimeout as sleep } from 'node:timers/promises';
import { messageOf } from '../base/errors.ts';
import type { Log } from '../base/log.ts';
import type { Containerd, TaskEvent } from '../runtime/containerd/client.ts';

export interface TaskEventHandlers {
  onEvent(event: TaskEvent): void;
  /** The stream is open; whatever happened before may have been missed. Called again after each interruption. */
  onOpen(): void;
}

/** Milliseconds before listening again. */
const PAUSE = 100;

/** Runs until the signal is aborted. */
export async function followTaskEvents(
  containerd: Containerd,
  handlers: TaskEventHandlers,
  signal: AbortSignal,
  log: Log,
): Promise<void> {
  while (!signal.aborted) {
    try {
      for await (const event of containerd.events.subscribe({ signal, onOpen: () => handlers.onOpen() })) {
        if (event.type !== 'other') handlers.onEvent(event);
      }
    } catch (error) {
      if (!signal.aborted)
        log.warn({ error: messageOf(error) }, 'the event stream of containerd broke; listening again');
    }
    await sleep(PAUSE, undefined, { signal }).catch(() => {});
  }
}
