/**
 * Between something that happens and a listener who may be slower: what does not fit any more is dropped and counted, since nothing here
 * may make the kernel or the daemon wait.
 */
export class ListenerQueue<T> {
  readonly #limit: number;
  readonly #items: T[] = [];
  #lost = 0;
  #wake: (() => void) | undefined;
  #closed = false;

  /** @param limit items that wait at once */
  constructor(limit: number) {
    this.#limit = limit;
  }

  push(item: T): void {
    if (this.#closed) return;
    if (this.#items.length >= this.#limit) {
      this.#lost++;
      return;
    }
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
      if (this.#items.length > 0) yield this.#items.splice(0);
      else if (this.#closed) return;
      else {
        await new Promise<void>((resolve) => {
          this.#wake = resolve;
        });
        this.#wake = undefined;
      }
    }
  }
}
