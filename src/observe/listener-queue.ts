/**
 * Between something that happens and a listener who may be slower: what does not fit any more is dropped and counted, since nothing here
 * may make the kernel or the daemon wait.
 */
export class ListenerQueue<T> {
  readonly #limit: number;
  readonly #weightOf: (item: T) => number;
  #weight = 0;
  readonly #items: T[] = [];
  #lost = 0;
  #wake: (() => void) | undefined;
  #closed = false;

  /**
   * @param limit what may wait at once
   * @param weightOf how much of it an item is; default 1
   */
  constructor(limit: number, weightOf: (item: T) => number = () => 1) {
    this.#limit = limit;
    this.#weightOf = weightOf;
  }

  /** @param isVital it is never dropped: what follows would mean nothing without it */
  push(item: T, isVital = false): void {
    if (this.#closed) return;
    if (!isVital && this.#weight >= this.#limit) {
      this.#lost++;
      return;
    }
    this.#weight += this.#weightOf(item);
    this.#items.push(item);
    this.#wake?.();
  }

  /** How many were dropped since the last call. */
  takeLost(): number {
    const lost = this.#lost;
    this.#lost = 0;
    return lost;
  }

  /** What waits is still given out; then the iteration ends. */
  close(): void {
    this.#closed = true;
    this.#wake?.();
  }

  /** Gives out everything that waits at once, until the queue is closed. One reader. */
  async *batches(): AsyncGenerator<T[]> {
    for (;;) {
      if (this.#items.length > 0) {
        this.#weight = 0;
        yield this.#items.splice(0);
      } else if (this.#closed) return;
      else {
        await new Promise<void>((resolve) => {
          this.#wake = resolve;
        });
        this.#wake = undefined;
      }
    }
  }
}
