/** The requests of the control protocol, carried out one after the other, a little at a time: traffic does not wait for thousands of ports. */
import { BridgeportError, invalid, messageOf } from '../base/errors.ts';
import type { ProxyFailure, ProxyReply, ProxyRequest } from '../base/proxy-control.ts';
import type { EpollLoop } from '../kernel/epoll/loop.ts';
import { PortError } from './port-table.ts';

/**
 * Carries out one request, step by step: between two steps traffic has its turn, but no other request. What it throws becomes the
 * reply's error.
 */
export type ControlHandler = (request: ProxyRequest) => Generator<void, unknown>;

/** Milliseconds of a request's work at a time. */
const SLICE = 4;
/** Steps between two looks at the clock. */
const STEPS = 16;

/** The requests of all connections, one after the other. */
export class RequestQueue {
  readonly #loop: EpollLoop;
  readonly #handler: ControlHandler;
  readonly #waiting: Array<{ line: string; onReply: (reply: ProxyReply) => void }> = [];
  #current:
    | { seq: number; steps: Generator<void, unknown>; onReply: (reply: ProxyReply) => void }
    | undefined;

  constructor(loop: EpollLoop, handler: ControlHandler) {
    this.#loop = loop;
    this.#handler = handler;
  }

  push(line: string, onReply: (reply: ProxyReply) => void): void {
    this.#waiting.push({ line, onReply });
    if (this.#current === undefined) this.#work();
  }

  #work(): void {
    const end = performance.now() + SLICE;
    for (this.#begin(); this.#current !== undefined; this.#begin()) {
      const { seq, steps, onReply } = this.#current;
      let reply: ProxyReply | undefined;
      try {
        for (let count = 0; reply === undefined; count++) {
          if (count % STEPS === STEPS - 1 && performance.now() > end) {
            this.#loop.after(0, () => this.#work());
            return;
          }
          const step = steps.next();
          if (step.done) reply = { seq, ok: true, result: (step.value ?? {}) as never };
        }
      } catch (error) {
        reply = { seq, ok: false, error: failureOf(error) };
      }
      this.#current = undefined;
      onReply(reply);
    }
  }

  /** The next request becomes the current one, if there is none; one that cannot be read is answered at once. */
  #begin(): void {
    while (this.#current === undefined) {
      const next = this.#waiting.shift();
      if (next === undefined) return;
      const { line, onReply } = next;
      let seq = 0;
      try {
        const request = JSON.parse(line);
        if (typeof request?.seq !== 'number') throw invalid('a request needs a number "seq"');
        seq = request.seq;
        this.#current = { seq, steps: this.#handler(request), onReply };
      } catch (error) {
        onReply({ seq, ok: false, error: failureOf(error) });
      }
    }
  }
}

function failureOf(error: unknown): ProxyFailure {
  const failure: ProxyFailure = { kind: 'internal', message: messageOf(error) };
  if (error instanceof SyntaxError) failure.kind = 'invalid';
  if (!(error instanceof BridgeportError)) return failure;
  if (error.kind === 'conflict' || error.kind === 'invalid') failure.kind = error.kind;
  if (error.errno !== undefined) failure.errno = error.errno;
  if (error instanceof PortError) {
    failure.port = error.port;
    if (error.taken.length > 1) failure.taken = [...error.taken];
  }
  return failure;
}
