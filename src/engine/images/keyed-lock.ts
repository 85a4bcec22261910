/** Serialises work on the same key and lets work on different keys run side by side. */
export class KeyedLock {
  readonly #tails = new Map<string, Promise<void>>();

  /**
   * Runs `work` when all earlier work on `key` has ended, however it ended. Who gives up while waiting is let go at once;
   * work that has begun looks at the signal itself.
   */
  async run<T>(key: string, work: () => Promise<T>, signal?: AbortSignal): Promise<T> {
    signal?.throwIfAborted();
    const before = this.#tails.get(key) ?? Promise.resolve();
    let begun = false;
    const result = before.then(() => {
      signal?.throwIfAborted();
      begun = true;
      return work();
    });
    const tail = result.then(
      () => undefined,
      () => undefined,
    );
    this.#tails.set(key, tail);
    tail.then(() => {
      if (this.#tails.get(key) === tail) this.#tails.delete(key);
    });
    if (signal === undefined) return result;
    const { promise: left, reject } = Promise.withResolvers<never>();
    const leave = () => {
      if (!begun) reject(signal.reason);
    };
    signal.addEventListener('abort', leave, { once: true });
    try {
      return await Promise.race([result, left]);
    } finally {
      signal.removeEventListener('abort', leave);
    }
  }
}
