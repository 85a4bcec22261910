/** containerd.services.events.v1: what happened, as it happens. */

import { randomUUID } from 'node:crypto';
import { setTimeout as sleep } from 'node:timers/promises';
import type { Any, ContainerdEvent, Events, OtherEvent, TaskEvent } from './api.ts';
import { type Caller, service } from './caller.ts';
import { any, empty, field, int, message, type Of, repeated, string, sub, timestamp } from './protobuf.ts';
import { ContainerdError } from './status.ts';
import { toDate } from './types.ts';

const envelope = message({
  timestamp: field(1, timestamp),
  namespace: field(2, string),
  topic: field(3, string),
  event: sub(4, any),
});

const method = service('containerd.services.events.v1.Events');
const Subscribe = method('Subscribe', message({ filters: repeated(1, string) }), envelope);
const Publish = method('Publish', message({ topic: field(1, string), event: sub(2, any) }), empty);

// containerd.events, by message name.
const container = message({ containerId: field(1, string) });
const create = message({ containerId: field(1, string), bundle: field(2, string), pid: field(6, int) });
const start = message({ containerId: field(1, string), pid: field(2, int) });
const exit = message({
  containerId: field(1, string),
  id: field(2, string),
  pid: field(3, int),
  exitStatus: field(4, int),
  exitedAt: field(5, timestamp),
});
const deleted = message({
  containerId: field(1, string),
  pid: field(2, int),
  exitStatus: field(3, int),
  exitedAt: field(4, timestamp),
  id: field(5, string),
});
const execAdded = message({ containerId: field(1, string), execId: field(2, string) });
const execStarted = message({ containerId: field(1, string), execId: field(2, string), pid: field(3, int) });

const DECODERS: Readonly<Record<string, (value: Uint8Array) => TaskEvent>> = {
  'containerd.events.TaskCreate': (value) => ({ type: 'task-create', ...create.decode(value) }),
  'containerd.events.TaskStart': (value) => ({ type: 'task-start', ...start.decode(value) }),
  'containerd.events.TaskExit': (value) => ({ type: 'task-exit', ...toEnd(exit.decode(value)) }),
  'containerd.events.TaskDelete': (value) => ({ type: 'task-delete', ...toEnd(deleted.decode(value)) }),
  'containerd.events.TaskOOM': (value) => ({ type: 'task-oom', ...container.decode(value) }),
  'containerd.events.TaskExecAdded': (value) => ({ type: 'task-exec-added', ...execAdded.decode(value) }),
  'containerd.events.TaskExecStarted': (value) => ({
    type: 'task-exec-started',
    ...execStarted.decode(value),
  }),
  'containerd.events.TaskPaused': (value) => ({ type: 'task-paused', ...container.decode(value) }),
  'containerd.events.TaskResumed': (value) => ({ type: 'task-resumed', ...container.decode(value) }),
};

/** Milliseconds between two marks while a subscription opens. */
const MARK_INTERVAL = 5;

export class EventsService implements Events {
  readonly #caller: Caller;

  constructor(caller: Caller) {
    this.#caller = caller;
  }

  async *subscribe(
    options: { filters?: string[]; signal?: AbortSignal; onOpen?: () => void } = {},
  ): AsyncGenerator<ContainerdEvent, void, undefined> {
    const { signal, onOpen } = options;
    // Commas inside one filter are AND, several filters are OR.
    const wanted = options.filters ?? [`namespace==${this.#caller.namespace},topic~="^/tasks/"`];
    const mark = `/bridgeport/subscribed/${randomUUID()}`;
    const filters = [...wanted, `topic=="${mark}"`];
    const done = new AbortController();
    let open = false;
    try {
      const stream = this.#caller.stream(Subscribe, 'subscribe to events', { filters }, { signal });
      const failed = this.#mark(mark, done.signal);
      failed.catch(() => {});
      for await (const received of stream) {
        if (received.topic !== mark) yield toEvent(received);
        else if (!open) {
          open = true;
          done.abort();
          onOpen?.();
        }
      }
      throw new ContainerdError('subscribe to events', 'UNAVAILABLE', 'containerd ended the stream');
    } catch (error) {
      if (!signal?.aborted) throw error;
    } finally {
      done.abort();
    }
  }

  /**
   * containerd sends nothing, not even headers, before the first event. So we publish one of our own until it comes
   * back: from then on the subscription is known to be in place.
   */
  async #mark(topic: string, signal: AbortSignal): Promise<void> {
    const event: Any = { typeUrl: 'containerd.events.TaskResumed', value: new Uint8Array() };
    while (!signal.aborted) {
      await this.#caller.call(Publish, 'publish event', { topic, event }, { signal });
      await sleep(MARK_INTERVAL, undefined, { signal });
    }
  }
}

function toEvent(received: Of<typeof envelope>): ContainerdEvent {
  const event = received.event ?? { typeUrl: '', value: new Uint8Array() };
  const decoded: TaskEvent | OtherEvent = DECODERS[event.typeUrl]?.(event.value) ?? { type: 'other', event };
  return {
    timestamp: toDate(received.timestamp),
    namespace: received.namespace,
    topic: received.topic,
    ...decoded,
  };
}

/** The init process's events carry the container's id (or nothing) where an exec's carry the exec id. */
function toEnd(event: Of<typeof exit> | Of<typeof deleted>) {
  const { containerId, id, pid, exitStatus, exitedAt } = event;
  const execId = id === '' || id === containerId ? undefined : id;
  return { containerId, execId, pid, exitStatus, exitedAt: toDate(exitedAt) };
}
