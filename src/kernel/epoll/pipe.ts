/** Pipes for splice(2), pooled: data moves between two sockets without passing through user space. */
import { libc } from '../ffi/libc.ts';

/** `O_CLOEXEC` and `O_NONBLOCK` of `<fcntl.h>`. */
const O_CLOEXEC = 0o2000000;
const O_NONBLOCK = 0o4000;
/** `F_SETPIPE_SZ` of `<linux/fcntl.h>`. */
const F_SETPIPE_SZ = 1031;

/** Two descriptors and the number of bytes that wait between them. */
export interface Pipe {
  readonly readFd: number;
  readonly writeFd: number;
  buffered: number;
}

export interface PipePoolOptions {
  /** Capacity asked of the kernel, bytes; what a pipe holds at most. Refused sizes leave the kernel's 64 KiB. */
  capacity: number;
  /** Empty pipes kept for the next taker. */
  spares: number;
  /** Most bytes that all pipes together may hold, as far as `PipePool.portion` is heeded. */
  budget: number;
}

/** What a pipe is filled with even when the budget is used up, bytes: less would cost more calls than it saves memory. */
const LEAST_PORTION = 64 << 10;

/** Lends pipes out and takes empty ones back. */
export class PipePool {
  readonly #libc = libc();
  readonly #options: PipePoolOptions;
  readonly #spares: Pipe[] = [];
  readonly #fds = new Int32Array(2);
  readonly #fdBytes = new Uint8Array(this.#fds.buffer);
  #open = 0;

  constructor(options: PipePoolOptions) {
    this.#options = options;
  }

  /** Descriptors held by pipes, lent or spare. */
  get descriptors(): number {
    return this.#open * 2;
  }

  /**
   * Bytes to put into one pipe at once: its capacity, or its share of the budget while many are lent. What a peer does not
   * take stays in its pipe, and thousands of slow readers must not pin a whole pipe of the kernel's memory each.
   */
  get portion(): number {
    const { capacity, budget } = this.#options;
    return Math.max(LEAST_PORTION, Math.min(capacity, Math.floor(budget / Math.max(1, this.#open))));
  }

  /** An empty pipe, or undefined when the system has none to give (EMFILE, ENFILE): the caller copies instead. */
  take(): Pipe | undefined {
    const spare = this.#spares.pop();
    if (spare !== undefined) return spare;
    if (this.#libc.pipe2(this.#fdBytes, O_CLOEXEC | O_NONBLOCK) < 0) return undefined;
    const pipe = { readFd: this.#fds[0]!, writeFd: this.#fds[1]!, buffered: 0 };
    this.#libc.fcntl(pipe.writeFd, F_SETPIPE_SZ, this.#options.capacity);
    this.#open++;
    return pipe;
  }

  /** Takes a pipe back; one that still holds data is closed, because the data is somebody's. */
  give(pipe: Pipe): void {
    if (pipe.buffered === 0 && this.#spares.length < this.#options.spares) this.#spares.push(pipe);
    else this.#close(pipe);
  }

  /** Closes the spare pipes: memory and descriptors go back to the system. */
  drain(): void {
    for (const pipe of this.#spares.splice(0)) this.#close(pipe);
  }

  #close(pipe: Pipe): void {
    this.#libc.close(pipe.readFd);
    this.#libc.close(pipe.writeFd);
    this.#open--;
  }
}
