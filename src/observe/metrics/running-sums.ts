/** Sums of counters that come and go. Pure but for what it remembers. */

/** One counter, as it stands now. */
export interface CountedPart {
  /** Names it as long as it is there; equal ones are one. */
  readonly id: string;
  /** The sum it belongs to. */
  readonly sum: string;
  /** Counted together: when one of them went back, all began anew. */
  readonly values: readonly number[];
}

/**
 * To Prometheus a sum that goes back has begun anew, and all of it is counted once more: 3 packets that go with the rule that dropped them
 * would show as a burst of all that the other rules ever dropped. So a part (a rule, a name server of one container) leaves what it
 * has counted with its sum when it goes, and what it counts after it began anew is added.
 */
export class RunningSums {
  #parts: ReadonlyMap<string, CountedPart> = new Map();
  #sums: ReadonlyMap<string, readonly number[]> = new Map();

  /** @returns the sums that have a part now, by their names; a sum without one is forgotten */
  add(parts: readonly CountedPart[]): ReadonlyMap<string, readonly number[]> {
    const now = new Map<string, CountedPart>();
    for (const part of parts) {
      now.set(part.id, { ...part, values: plus(part.values, now.get(part.id)?.values) });
    }
    const sums = new Map<string, readonly number[]>();
    for (const { id, sum, values } of now.values()) {
      const grown = growth(this.#parts.get(id)?.values, values);
      sums.set(sum, plus(grown, sums.get(sum) ?? this.#sums.get(sum)));
    }
    this.#parts = now;
    this.#sums = sums;
    return sums;
  }
}

function growth(before: readonly number[] | undefined, now: readonly number[]): readonly number[] {
  const isAnew = before === undefined || now.some((value, index) => value < before[index]!);
  return isAnew ? now : now.map((value, index) => value - before[index]!);
}

function plus(values: readonly number[], base: readonly number[] | undefined): readonly number[] {
  return base === undefined ? values : values.map((value, index) => value + base[index]!);
}
