/** How often something took how long. */

import type { Labels, MetricFamily, Sample } from './exposition.ts';

export interface HistogramOptions {
  readonly name: string;
  readonly help: string;
  /** Upper bounds, ascending, in the unit of the name; one more for everything above is added. */
  readonly bounds: readonly number[];
}

/** What a series has counted; `counts[i]` are observations up to `bounds[i]` and above the one before: not cumulative. */
export interface HistogramCounts {
  readonly counts: readonly number[];
  readonly sum: number;
}

interface Series {
  labels: Labels;
  counts: number[];
  sum: number;
}

export class Histogram {
  readonly #options: HistogramOptions;
  readonly #series = new Map<string, Series>();

  constructor(options: HistogramOptions) {
    this.#options = options;
  }

  /** Labels name the series by their values: pass them in one order, and only ones of which there are few. */
  observe(labels: Labels, value: number): void {
    const { bounds } = this.#options;
    const key = Object.values(labels).join('\0');
    let series = this.#series.get(key);
    if (series === undefined) {
      series = { labels, counts: new Array<number>(bounds.length + 1).fill(0), sum: 0 };
      this.#series.set(key, series);
    }
    const bucket = bounds.findIndex((bound) => value <= bound);
    series.counts[bucket === -1 ? bounds.length : bucket]!++;
    series.sum += value;
  }

  family(): MetricFamily {
    return histogramFamily(this.#options, [...this.#series.values()]);
  }
}

/** A family of series that somebody else has counted. */
export function histogramFamily(
  { name, help, bounds }: HistogramOptions,
  series: ReadonlyArray<HistogramCounts & { labels: Labels }>,
): MetricFamily {
  return {
    name,
    help,
    type: 'histogram',
    samples: series.flatMap(({ labels, counts, sum }): Sample[] => {
      let total = 0;
      const buckets = [...bounds, Number.POSITIVE_INFINITY].map((bound, index): Sample => {
        total += counts[index] ?? 0;
        const le = bound === Number.POSITIVE_INFINITY ? '+Inf' : String(bound);
        return { suffix: '_bucket', labels: { ...labels, le }, value: total };
      });
      return [...buckets, { suffix: '_sum', labels, value: sum }, { suffix: '_count', labels, value: total }];
    }),
  };
}
