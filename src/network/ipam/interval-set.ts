/**
 * A set of whole numbers kept as sorted, disjoint intervals: what is taken of a subnet or of the whole address space.
 * Its size grows with the number of gaps and not with the number of addresses, so a /8 or an IPv6 /64 costs no more than a
 * /24, and the lowest free number is found by one binary search.
 */

/** Both ends belong to the interval. */
export interface Interval {
  readonly start: bigint;
  readonly end: bigint;
}

export class IntervalSet {
  /** Ascending; neighbours are joined, so there is a gap between each two. */
  readonly #intervals: Interval[] = [];
  #size = 0n;

  /** How many numbers are in the set. */
  get size(): bigint {
    return this.#size;
  }

  /** How many intervals the set consists of. */
  get intervalCount(): number {
    return this.#intervals.length;
  }

  has(value: bigint): boolean {
    return this.overlapping(value, value) !== undefined;
  }

  /** The lowest interval that has a number from `start` to `end` in it. */
  overlapping(start: bigint, end: bigint): Interval | undefined {
    const interval = this.#intervals[this.#firstEndingFrom(start)];
    return interval !== undefined && interval.start <= end ? interval : undefined;
  }

  /** The lowest number not below `from` that is not in the set. */
  nextFree(from: bigint): bigint {
    const interval = this.overlapping(from, from);
    return interval === undefined ? from : interval.end + 1n;
  }

  /** Adds `start` to `end`; what is there already stays. */
  add(start: bigint, end: bigint = start): void {
    if (end < start) return;
    // Joins with whatever overlaps or touches.
    const first = this.#firstEndingFrom(start - 1n);
    let past = first;
    const joined = { start, end };
    for (; past < this.#intervals.length; past++) {
      const other = this.#intervals[past];
      if (other === undefined || other.start > end + 1n) break;
      if (other.start < joined.start) joined.start = other.start;
      if (other.end > joined.end) joined.end = other.end;
      this.#size -= sizeOf(other);
    }
    this.#intervals.splice(first, past - first, joined);
    this.#size += sizeOf(joined);
  }

  /** Takes `start` to `end` out; what is not there is no matter. */
  remove(start: bigint, end: bigint = start): void {
    if (end < start) return;
    const first = this.#firstEndingFrom(start);
    let past = first;
    const left: Interval[] = [];
    for (; past < this.#intervals.length; past++) {
      const other = this.#intervals[past];
      if (other === undefined || other.start > end) break;
      this.#size -= sizeOf(other);
      if (other.start < start) left.push({ start: other.start, end: start - 1n });
      if (other.end > end) left.push({ start: end + 1n, end: other.end });
    }
    for (const interval of left) this.#size += sizeOf(interval);
    this.#intervals.splice(first, past - first, ...left);
  }

  [Symbol.iterator](): IterableIterator<Interval> {
    return this.#intervals.values();
  }

  /** Index of the first interval that ends at `value` or later. */
  #firstEndingFrom(value: bigint): number {
    let low = 0;
    let high = this.#intervals.length;
    while (low < high) {
      const middle = (low + high) >> 1;
      const interval = this.#intervals[middle];
      if (interval !== undefined && interval.end < value) low = middle + 1;
      else high = middle;
    }
    return low;
  }
}

function sizeOf(interval: Interval): bigint {
  return interval.end - interval.start + 1n;
}
