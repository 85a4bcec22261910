/**
 * An event loop of its own on epoll(7), for a process whose data path must not go through Node's streams.
 *
 * `run()` blocks the thread in epoll_wait(2); Node's own loop (timers, promises, signal handlers) stands still
 * meanwhile. Level-triggered: a watcher that leaves something unread is simply called again.
 */
import { check, lastErrno, libc } from '../ffi/libc.ts';

/** `EPOLLIN`, … of `<sys/epoll.h>`. `EPOLLERR` and `EPOLLHUP` are reported even when nobody asks. */
export const EPOLLIN = 0x001;
export const EPOLLOUT = 0x004;
export const EPOLLERR = 0x008;
export const EPOLLHUP = 0x010;
/** Report changes instead of states, for this descriptor. */
export const EPOLLET = 1 << 31;

/** `EPOLL_CTL_*` of `<sys/epoll.h>`. */
const EPOLL_CTL_ADD = 1;
const EPOLL_CTL_DEL = 2;
const EPOLL_CTL_MOD = 3;
/** `EPOLL_CLOEXEC` = `O_CLOEXEC`. */
const EPOLL_CLOEXEC = 0o2000000;
const EINTR = 4;

/**
 * `struct epoll_event { uint32_t events; epoll_data_t data; }` in 32-bit words. It is packed on x86-64 only
 * (`EPOLL_PACKED` in `<sys/epoll.h>`); elsewhere the 64-bit `data` is aligned.
 */
const WORDS_PER_EVENT = process.arch === 'x64' ? 3 : 4;
const DATA_WORD = process.arch === 'x64' ? 1 : 2;
/** Events taken in one call: enough that a busy loop spends little on epoll_wait, few enough to stay fair. */
const MAX_EVENTS = 512;

export interface Watcher {
  /** Called with the `EPOLL*` bits that are ready. */
  onReady(fd: number, events: number): void;
  /** Called after `onReady()` has thrown. What is still ready would be reported for ever, so it closes what it watches. */
  abort?(): void;
}

/** A call that is due once; `cancel()` is idempotent. */
export interface Timer {
  cancel(): void;
}

interface PendingTimer {
  due: number;
  callback: (() => void) | undefined;
}

export interface EpollLoopOptions {
  /** Hears of an exception of a watcher or timer; the loop goes on afterwards. */
  onFault(error: unknown): void;
}

export class EpollLoop {
  readonly #epfd: number;
  readonly #libc = libc();
  readonly #onFault: EpollLoopOptions['onFault'];
  readonly #events = new Int32Array(MAX_EVENTS * WORDS_PER_EVENT);
  readonly #eventBytes = new Uint8Array(this.#events.buffer);
  readonly #request = new Int32Array(WORDS_PER_EVENT);
  readonly #requestBytes = new Uint8Array(this.#request.buffer);
  /** By descriptor. */
  readonly #watchers: Array<Watcher | undefined> = [];
  /**
   * By descriptor; travels in the upper half of `data`. A watcher may close a descriptor whose event stands further
   * down the same batch, and the number may already belong to a new socket: the generation tells them apart.
   */
  readonly #generations: number[] = [];
  /** Ascending by `due`. */
  readonly #timers: PendingTimer[] = [];
  #stopped = false;

  constructor(options: EpollLoopOptions) {
    this.#onFault = options.onFault;
    this.#epfd = check(this.#libc.epoll_create1(EPOLL_CLOEXEC), 'create an epoll instance');
  }

  /** Watches `fd` for `events`; it must not be watched already. */
  add(fd: number, events: number, watcher: Watcher): void {
    const generation = ((this.#generations[fd] ?? 0) + 1) | 0;
    this.#generations[fd] = generation;
    this.#control(EPOLL_CTL_ADD, fd, events, generation);
    this.#watchers[fd] = watcher;
  }

  /** Changes the events of a watched `fd`; 0 leaves errors and hang-ups only. */
  modify(fd: number, events: number): void {
    this.#control(EPOLL_CTL_MOD, fd, events, this.#generations[fd]!);
  }

  /**
   * Forgets `fd`, which the caller closes right after. The kernel drops a closed descriptor from the set by itself
   * (epoll(7), question 6), unless it was duplicated; ours never are, so that system call is saved.
   */
  forget(fd: number): void {
    this.#watchers[fd] = undefined;
  }

  /** Stops watching `fd`, which stays open. */
  remove(fd: number): void {
    this.#watchers[fd] = undefined;
    this.#control(EPOLL_CTL_DEL, fd, 0, 0);
  }

  /** Calls `callback` once, `delay` milliseconds from now. */
  after(delay: number, callback: () => void): Timer {
    const timer: PendingTimer = { due: performance.now() + delay, callback };
    const at = this.#timers.findIndex((other) => other.due > timer.due);
    this.#timers.splice(at === -1 ? this.#timers.length : at, 0, timer);
    return {
      cancel: () => {
        timer.callback = undefined;
        const index = this.#timers.indexOf(timer);
        if (index !== -1) this.#timers.splice(index, 1);
      },
    };
  }

  /** Blocks until `stop()`. */
  run(): void {
    while (!this.#stopped) {
      const count = this.#libc.epoll_wait(this.#epfd, this.#eventBytes, MAX_EVENTS, this.#timeout());
      if (count < 0) {
        const errno = lastErrno();
        if (errno === EINTR) continue;
        check(count, 'wait for events');
      }
      for (let index = 0; index < count; index++) this.#dispatch(index * WORDS_PER_EVENT);
      if (this.#timers.length > 0) this.#runTimers();
    }
  }

  /** Lets `run()` return after the batch at hand. */
  stop(): void {
    this.#stopped = true;
  }

  close(): void {
    this.#libc.close(this.#epfd);
  }

  #dispatch(word: number): void {
    const fd = this.#events[word + DATA_WORD]!;
    const watcher = this.#watchers[fd];
    if (watcher === undefined || this.#generations[fd] !== this.#events[word + DATA_WORD + 1]) return;
    try {
      watcher.onReady(fd, this.#events[word]!);
    } catch (error) {
      this.#onFault(error);
      watcher.abort?.();
    }
  }

  /** Milliseconds until the first timer, rounded up so that it is due then; -1 (for ever) without one. */
  #timeout(): number {
    const first = this.#timers[0];
    return first === undefined ? -1 : Math.max(0, Math.ceil(first.due - performance.now()));
  }

  #runTimers(): void {
    const now = performance.now();
    while (this.#timers[0] !== undefined && this.#timers[0].due <= now) {
      const timer = this.#timers.shift()!;
      try {
        timer.callback?.();
      } catch (error) {
        this.#onFault(error);
      }
    }
  }

  #control(operation: number, fd: number, events: number, generation: number): void {
    this.#request[0] = events;
    this.#request[DATA_WORD] = fd;
    this.#request[DATA_WORD + 1] = generation;
    check(
      this.#libc.epoll_ctl(this.#epfd, operation, fd, this.#requestBytes),
      () => `watch descriptor ${fd} (epoll_ctl ${operation})`,
    );
  }
}
