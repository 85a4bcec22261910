/**
 * Holds listeners back while there are no descriptors to accept with. With level-triggered epoll a listener that cannot
 * accept would be reported over and over, and the loop would spin.
 */
import type { EpollLoop, Timer } from '../kernel/epoll/loop.ts';
import type { Counters } from './counters.ts';

/** Something that accepts connections and can be told not to. */
export interface Acceptor {
  accepting(yes: boolean): void;
}

/** Another process may be the one that frees what is missing (ENFILE, ENOMEM), so look again after this, milliseconds. */
const RETRY = 100;

export class AcceptGate {
  readonly #loop: EpollLoop;
  readonly #counters: Counters;
  readonly #paused = new Set<Acceptor>();
  #retry: Timer | undefined;

  constructor(loop: EpollLoop, counters: Counters) {
    this.#loop = loop;
    this.#counters = counters;
  }

  pause(acceptor: Acceptor): void {
    if (this.#paused.has(acceptor)) return;
    this.#counters.tcp.acceptPaused++;
    this.#paused.add(acceptor);
    acceptor.accepting(false);
    this.#retry ??= this.#loop.after(RETRY, () => {
      this.#retry = undefined;
      this.resume();
    });
  }

  /** Lets all of them accept again. */
  resume(): void {
    if (this.#paused.size === 0) return;
    this.#retry?.cancel();
    this.#retry = undefined;
    const acceptors = [...this.#paused];
    this.#paused.clear();
    for (const acceptor of acceptors) acceptor.accepting(true);
  }

  /** Drops an acceptor that is being closed. */
  forget(acceptor: Acceptor): void {
    this.#paused.delete(acceptor);
  }
}
