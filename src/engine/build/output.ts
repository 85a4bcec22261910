/** What a build says, in the words and pieces that Docker's clients print and parse. */

import { shortId } from '../images/digest.ts';
import type { Progress } from '../images/index.ts';

/** Characters of a quiet build's output that are kept for the case that it fails. */
const KEPT = 1 << 20;

export class BuildOutput {
  readonly #progress: Progress;
  readonly #room: () => Promise<void>;
  readonly #quiet: boolean;
  #kept = '';
  #hasBegun = false;

  /** `room` resolves when the client has taken what it was told. */
  constructor(progress: Progress, room: () => Promise<void>, quiet: boolean) {
    this.#progress = progress;
    this.#room = room;
    this.#quiet = quiet;
  }

  /** Something was said: what fails now is the last word, not the answer. */
  get hasBegun(): boolean {
    return this.#hasBegun;
  }

  /** A piece of text, as it is. */
  text(text: string): void {
    this.#hasBegun = true;
    if (this.#quiet) this.#kept = (this.#kept + text).slice(-KEPT);
    else this.#progress({ stream: text });
  }

  line(text: string): void {
    this.text(`${text}\n`);
  }

  /** What a command wrote to its standard error, in red as Docker has it. */
  error(text: string): void {
    this.text(`\u001b[91m${text}\u001b[0m`);
  }

  room(): Promise<void> {
    return this.#room();
  }

  /** The image that the present step has led to; `''`: none. */
  image(id: string): void {
    this.line(` ---> ${shortId(id)}`);
  }

  /** The image of a stage, for programs. */
  result(id: string): void {
    if (!this.#quiet) this.#progress({ aux: { ID: id } });
  }

  /** What a pull says. */
  get pull(): Progress {
    return this.#quiet ? () => {} : this.#progress;
  }

  done(id: string, names: readonly string[]): void {
    if (this.#quiet) this.#progress({ stream: `${id}\n` });
    this.line(`Successfully built ${shortId(id)}`);
    for (const name of names) this.line(`Successfully tagged ${name}`);
  }

  /** The last word. A quiet build tells now what it has kept to itself. */
  failed(message: string, code: number | undefined): void {
    if (this.#kept !== '') this.#progress({ stream: this.#kept });
    this.#progress({
      errorDetail: { ...(code === undefined ? {} : { code }), message },
      error: message,
    });
  }
}
