/** Time, so that tests can make their own. */

export interface Timer {
  /** Idempotent. */
  cancel(): void;
}

export interface Clock {
  /** Milliseconds since any moment; never goes back. */
  now(): number;
  /** Calls back once, `delay` milliseconds from now. Does not keep the process alive. */
  after(delay: number, callback: () => void): Timer;
}

export const systemClock: Clock = {
  now: () => performance.now(),
  after(delay, callback) {
    // Whole milliseconds: Node keeps one list of timers per length.
    const timer = setTimeout(callback, Math.max(1, Math.ceil(delay))).unref();
    return { cancel: () => clearTimeout(timer) };
  },
};
