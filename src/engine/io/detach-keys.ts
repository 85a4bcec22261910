/** `--detach-keys`: `ctrl-p,ctrl-q`, `a`, `ctrl-[`. */

import { invalid } from '../../base/errors.ts';

export const DEFAULT_DETACH_KEYS = 'ctrl-p,ctrl-q';

const CONTROL: Record<string, number> = { '@': 0, '[': 27, '\\': 28, ']': 29, '^': 30, _: 31 };

/** The bytes that detach. Throws `invalid` quoting the key. */
export function parseDetachKeys(text: string): Buffer {
  const bytes = text.split(',').map((key) => {
    if (key.length === 1) return key.charCodeAt(0);
    const control = /^ctrl-(.)$/.exec(key)?.[1];
    const code =
      control === undefined
        ? undefined
        : /[a-z]/.test(control)
          ? control.charCodeAt(0) - 96
          : CONTROL[control];
    if (code === undefined) throw invalid(`Invalid detach keys (${text}) provided: unknown key "${key}"`);
    return code;
  });
  return Buffer.from(bytes);
}

/** Watches what is typed for the sequence; a begun sequence is held back until it is clear what it becomes. */
export class DetachWatcher {
  readonly #keys: Buffer;
  #matched = 0;

  constructor(keys: Buffer) {
    this.#keys = keys;
  }

  /** What to hand on, and whether the sequence is complete. */
  push(chunk: Buffer): { data: Buffer; detached: boolean } {
    const out: number[] = [];
    for (const byte of chunk) {
      if (byte === this.#keys[this.#matched]) {
        this.#matched++;
        if (this.#matched === this.#keys.length) return { data: Buffer.from(out), detached: true };
        continue;
      }
      out.push(...this.#keys.subarray(0, this.#matched));
      this.#matched = byte === this.#keys[0] ? 1 : 0;
      if (this.#matched === 0) out.push(byte);
    }
    return { data: Buffer.from(out), detached: false };
  }
}
