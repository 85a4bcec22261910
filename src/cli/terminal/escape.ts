/** Ctrl-P Ctrl-Q: leaves a container without stopping it. */
export const DEFAULT_DETACH_KEYS = 'ctrl-p,ctrl-q';

/** Keys that may follow `ctrl-` besides the letters, with their control codes. */
const CONTROL: Record<string, number> = { '@': 0, '[': 27, '\\': 28, ']': 29, '^': 30, _: 31 };

/**
 * The bytes of a detach sequence: keys separated by commas, each one character or `ctrl-` and a letter or one of
 * `@ [ \ ] ^ _`.
 *
 * Throws an `Error` quoting a key that is none.
 */
export function detachKeyBytes(keys: string): number[] {
  return keys.split(',').map((key) => {
    const control = /^ctrl-(.)$/i.exec(key)?.[1]?.toLowerCase();
    if (control === undefined) {
      if ([...key].length === 1 && key.charCodeAt(0) < 128) return key.charCodeAt(0);
    } else if (control >= 'a' && control <= 'z') return control.charCodeAt(0) - 96;
    else if (CONTROL[control] !== undefined) return CONTROL[control]!;
    throw new Error(`unknown character: ${JSON.stringify(key)}`);
  });
}

/**
 * Looks for a detach sequence in what is typed. Bytes that may be its beginning are held back until it is clear that
 * they are not.
 */
export class EscapeFilter {
  readonly #keys: readonly number[];
  #matched = 0;

  constructor(keys: readonly number[]) {
    this.#keys = keys;
  }

  /** What is to be passed on, and whether the sequence is complete (then the rest of `input` is dropped). */
  push(input: Buffer): { output: Buffer; detached: boolean } {
    const output: number[] = [];
    for (const byte of input) {
      if (byte === this.#keys[this.#matched]) {
        this.#matched++;
        if (this.#matched === this.#keys.length) {
          this.#matched = 0;
          return { output: Buffer.from(output), detached: true };
        }
        continue;
      }
      output.push(...this.#keys.slice(0, this.#matched));
      this.#matched = 0;
      if (byte === this.#keys[0]) this.#matched = 1;
      else output.push(byte);
    }
    return { output: Buffer.from(output), detached: false };
  }
}
