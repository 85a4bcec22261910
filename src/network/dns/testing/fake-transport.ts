/** Time and name servers of a test's own making: no sockets, no waiting. */

import type { Clock, Timer } from '../forward/clock.ts';
import type { Exchange, ExchangeEvents, Transport } from '../forward/transport.ts';
import type { Upstream } from '../forward/upstream.ts';

/** Stands still until it is told to go on. */
export class FakeClock implements Clock {
  #now = 1_000;
  #timers: Array<{ due: number; callback: () => void }> = [];

  now(): number {
    return this.#now;
  }

  after(delay: number, callback: () => void): Timer {
    const timer = { due: this.#now + delay, callback };
    this.#timers.push(timer);
    return {
      cancel: () => {
        this.#timers = this.#timers.filter((other) => other !== timer);
      },
    };
  }

  /** Lets milliseconds pass; what is due on the way is called at its time. */
  advance(milliseconds: number): void {
    const end = this.#now + milliseconds;
    for (;;) {
      const next = this.#timers.toSorted((one, other) => one.due - other.due)[0];
      if (next === undefined || next.due > end) break;
      this.#timers = this.#timers.filter((other) => other !== next);
      this.#now = Math.max(this.#now, next.due);
      next.callback();
    }
    this.#now = end;
  }

  /** Time passes, but nothing is called until `advance()`: the event loop is kept by something else. */
  stall(milliseconds: number): void {
    this.#now += milliseconds;
  }

  get timers(): number {
    return this.#timers.length;
  }
}

export interface Sent {
  readonly protocol: 'udp' | 'tcp';
  readonly server: string;
  readonly message: Buffer;
  /** Milliseconds of the clock. */
  readonly at: number;
  /** Lets a message arrive, unless the exchange is closed. */
  reply(message: Buffer): void;
  /** Lets the kernel report a failure. */
  fail(): void;
  readonly isOpen: boolean;
}

/** Remembers what is sent. */
export class FakeTransport implements Transport {
  readonly sent: Sent[] = [];
  /** Servers that cannot even be sent to. */
  readonly unreachable = new Set<string>();
  readonly #clock: Clock;

  constructor(clock: Clock) {
    this.#clock = clock;
  }

  udp(server: Upstream, message: Buffer, events: ExchangeEvents): Exchange {
    return this.#send('udp', server, message, events);
  }

  tcp(server: Upstream, message: Buffer, events: ExchangeEvents): Exchange {
    return this.#send('tcp', server, message, events);
  }

  /** `192.0.2.1 udp`, in the order of sending. */
  get log(): string[] {
    return this.sent.map(({ server, protocol }) => `${server} ${protocol}`);
  }

  get open(): number {
    return this.sent.filter((sent) => sent.isOpen).length;
  }

  #send(protocol: 'udp' | 'tcp', server: Upstream, message: Buffer, events: ExchangeEvents): Exchange {
    if (this.unreachable.has(server.address)) throw new Error(`${server.address} is unreachable`);
    let isOpen = true;
    this.sent.push({
      protocol,
      server: server.address,
      message: Buffer.from(message),
      at: this.#clock.now(),
      reply: (reply) => {
        if (isOpen) events.onMessage(reply);
      },
      fail: () => {
        if (!isOpen) return;
        isOpen = false;
        events.onFailure(new Error('connection refused'));
      },
      get isOpen() {
        return isOpen;
      },
    });
    return {
      close: () => {
        isOpen = false;
      },
    };
  }
}
