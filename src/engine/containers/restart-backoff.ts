/** The waits of a restart policy: the first is short, each further one twice as long, until a run has lasted. */

/** Milliseconds: the first wait, the longest, and how long a run must last so that the next wait is the first again. Docker's. */
const FIRST = 100;
const LONGEST = 60_000;
const GOOD_RUN = 10_000;

export class RestartBackoff {
  #delay = 0;
  #timer: NodeJS.Timeout | undefined;

  /** A start is planned. */
  get isWaiting(): boolean {
    return this.#timer !== undefined;
  }

  /** Plans the next start of a container whose last run lasted `ranFor` milliseconds. A plan that was there is replaced. */
  plan(ranFor: number, start: () => void): void {
    clearTimeout(this.#timer);
    this.#delay = ranFor >= GOOD_RUN || this.#delay === 0 ? FIRST : Math.min(this.#delay * 2, LONGEST);
    this.#timer = setTimeout(() => {
      this.#timer = undefined;
      start();
    }, this.#delay);
  }

  /** Nothing is planned any more. */
  cancel(): void {
    clearTimeout(this.#timer);
    this.#timer = undefined;
  }

  /** The user starts the container: the next wait is the first again. */
  reset(): void {
    this.cancel();
    this.#delay = 0;
  }
}
