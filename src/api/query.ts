/** Query parameters, read as leniently as Docker reads them: `1 true True yes` are true, an empty number is no number. */

import { invalid } from '../base/errors.ts';

/** Bounds of Go's int on 64-bit machines; JavaScript's numbers are exact only to 2^53, which is enough for every parameter. */
const MAX_INT = 2 ** 63;

export class Query {
  readonly #values: URLSearchParams;

  constructor(search: string) {
    this.#values = new URLSearchParams(search);
  }

  has(name: string): boolean {
    return this.#values.has(name);
  }

  /** The first value, or the empty string. */
  text(name: string): string {
    return this.#values.get(name) ?? '';
  }

  /** The first value; undefined when missing or empty. */
  optional(name: string): string | undefined {
    return this.#values.get(name) || undefined;
  }

  all(name: string): string[] {
    return this.#values.getAll(name);
  }

  /** Docker's rule: everything but the empty string, `0`, `no`, `false` and `none` is true, in any case. */
  flag(name: string, byDefault = false): boolean {
    const value = this.#values.get(name);
    if (value === null) return byDefault;
    return !['', '0', 'no', 'false', 'none'].includes(value.trim().toLowerCase());
  }

  /** A decimal integer; undefined when missing or empty. */
  integer(name: string): number | undefined {
    const value = this.#values.get(name);
    if (value === null || value === '') return undefined;
    if (!/^[+-]?\d+$/.test(value)) {
      throw invalid(
        `invalid value for '${name}': strconv.Atoi: parsing ${JSON.stringify(value)}: invalid syntax`,
      );
    }
    const number = Number(value);
    if (Math.abs(number) >= MAX_INT) {
      throw invalid(`invalid value for '${name}': strconv.Atoi: parsing "${value}": value out of range`);
    }
    return number;
  }

  /** Seconds since the epoch with an optional fraction; undefined when missing or empty. */
  timestamp(name: string): number | undefined {
    const value = this.#values.get(name);
    if (value === null || value === '') return undefined;
    if (!/^-?\d{1,12}(\.\d{1,9})?$/.test(value)) {
      throw invalid(
        `invalid value for "${name}": ${JSON.stringify(value)} is not a Unix timestamp in seconds`,
      );
    }
    return Number(value);
  }
}
