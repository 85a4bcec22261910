/**
 * Many sockets on Node's event loop, for the price of one watch: an epoll(7) set of ours, which Node watches as a whole.
 *
 * Node's `dgram` takes about as long to make a socket as a whole query does here, and each query has a socket of its own (a
 * port that cannot be guessed).
 */

import { check, lastErrno, libc } from '../../../kernel/ffi/libc.ts';
import { type PollWatch, watchReadable } from '../../../kernel/ffi/poll.ts';

/** `EPOLLIN = 0x001` (sys/epoll.h); errors and hang-ups are reported anyway. */
const EPOLLIN = 0x001;
/** `#define EPOLL_CTL_ADD 1` (linux/eventpoll.h) */
const EPOLL_CTL_ADD = 1;
/** `EPOLL_CLOEXEC = 02000000` */
const EPOLL_CLOEXEC = 0o2000000;
const EINTR = 4;
/** Taken in one turn of the loop: the daemon has other things to do as well. */
const MAX_EVENTS = 256;
/** `struct epoll_event { uint32_t events; uint64_t data; }` in 32-bit words: packed on x86-64 only. */
const WORDS_PER_EVENT = process.arch === 'x64' ? 3 : 4;
const DATA_WORD = process.arch === 'x64' ? 1 : 2;

export interface ReadinessOptions {
  /** Hears of what a callback throws; the others are called all the same. */
  onFault(error: unknown): void;
}

export class Readiness {
  readonly #onFault: ReadinessOptions['onFault'];
  readonly #libc = libc();
  readonly #epoll: number;
  readonly #watch: PollWatch;
  readonly #events = new Int32Array(MAX_EVENTS * WORDS_PER_EVENT);
  readonly #eventBytes = new Uint8Array(this.#events.buffer);
  readonly #request = new Int32Array(WORDS_PER_EVENT);
  readonly #requestBytes = new Uint8Array(this.#request.buffer);
  readonly #callbacks = new Map<number, { callback: () => void; generation: number }>();
  /** Tells a descriptor from an earlier one of the same number, whose event may be further down the batch. */
  #generation = 0;
  #closed = false;

  constructor(options: ReadinessOptions) {
    this.#onFault = options.onFault;
    this.#epoll = check(this.#libc.epoll_create1(EPOLL_CLOEXEC), 'create an epoll instance');
    this.#watch = watchReadable(this.#epoll, () => this.#dispatch());
    // What it serves does not keep the process alive; the daemon has its API for that.
    this.#watch.unref();
  }

  /** Calls `callback` whenever `fd`, which is non-blocking, has something to read or an error to tell. */
  add(fd: number, callback: () => void): void {
    this.#generation = (this.#generation + 1) | 0;
    this.#request[0] = EPOLLIN;
    this.#request[DATA_WORD] = fd;
    this.#request[DATA_WORD + 1] = this.#generation;
    check(
      this.#libc.epoll_ctl(this.#epoll, EPOLL_CTL_ADD, fd, this.#requestBytes),
      () => `watch descriptor ${fd}`,
    );
    this.#callbacks.set(fd, { callback, generation: this.#generation });
  }

  /** Forgets `fd` and closes it, which takes it out of the set (epoll(7), question 6: it was never duplicated). */
  close(fd: number): void {
    this.#callbacks.delete(fd);
    this.#libc.close(fd);
  }

  /** Closes the set, and every descriptor that is still in it. Idempotent. */
  [Symbol.dispose](): void {
    if (this.#closed) return;
    this.#closed = true;
    this.#watch.close();
    for (const fd of [...this.#callbacks.keys()]) this.close(fd);
    this.#libc.close(this.#epoll);
  }

  #dispatch(): void {
    if (this.#closed) return;
    const count = this.#libc.epoll_wait(this.#epoll, this.#eventBytes, MAX_EVENTS, 0);
    if (count < 0) {
      if (lastErrno() !== EINTR) check(count, 'wait for events');
      return;
    }
    for (let index = 0; index < count; index++) {
      const word = index * WORDS_PER_EVENT + DATA_WORD;
      const entry = this.#callbacks.get(this.#events[word]!);
      if (entry?.generation !== this.#events[word + 1]) continue;
      try {
        entry?.callback();
      } catch (error) {
        this.#onFault(error);
      }
    }
  }
}
