/** What is said of many readings of the same thing. */

export interface Summary {
  count: number;
  min: number;
  p10: number;
  median: number;
  p90: number;
  max: number;
}

/** Undefined when there are no readings. */
export function summarize(readings: readonly number[]): Summary | undefined {
  if (readings.length === 0) return undefined;
  const sorted = [...readings].sort((a, b) => a - b);
  return {
    count: sorted.length,
    min: between(sorted, 0),
    p10: between(sorted, 0.1),
    median: between(sorted, 0.5),
    p90: between(sorted, 0.9),
    max: between(sorted, 1),
  };
}

export function median(readings: readonly number[]): number | undefined {
  return summarize(readings)?.median;
}

/** The reading that a share of them is not above, 0.99 for p99; undefined when there are none. */
export function quantile(readings: readonly number[], share: number): number | undefined {
  return readings.length === 0
    ? undefined
    : between(
        [...readings].sort((a, b) => a - b),
        share,
      );
}

/** Between two readings by their distance (Hyndman and Fan's type 7, the default of R and of NumPy). */
function between(sorted: readonly number[], share: number): number {
  const position = (sorted.length - 1) * share;
  const below = sorted[Math.floor(position)] as number;
  const above = sorted[Math.ceil(position)] as number;
  return below + (above - below) * (position - Math.floor(position));
}
