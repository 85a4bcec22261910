/** Which processes write the firewall for us, so that their transactions are told from those of others. */

/** Ended programs to remember: what one did is announced a moment after it has ended. */
const REMEMBERED = 64;

export class OwnWriters {
  readonly #self: number;
  readonly #programs: number[] = [];

  /** @param self the daemon's own process id */
  constructor(self: number) {
    this.#self = self;
  }

  /** A program that the daemon has started. */
  add(pid: number): void {
    this.#programs.push(pid);
    if (this.#programs.length > REMEMBERED) this.#programs.shift();
  }

  has(pid: number): boolean {
    return pid === this.#self || this.#programs.includes(pid);
  }
}
