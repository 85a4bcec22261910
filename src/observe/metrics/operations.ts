/** What the API was asked, and how long the answers took. */

import { family, type MetricFamily } from './exposition.ts';
import { Histogram } from './histogram.ts';

/** One request that has been answered. */
export interface Operation {
  readonly method: string;
  /** The pattern of its path: `/containers/{name}/start`. */
  readonly route: string;
  readonly status: number;
  /** Undefined for answers that last as long as somebody listens (logs, events, attach): they tell nothing of us. */
  readonly seconds: number | undefined;
}

/** From a look at a list to an image that is pulled. */
const BOUNDS = [0.001, 0.005, 0.01, 0.025, 0.05, 0.1, 0.25, 0.5, 1, 2.5, 5, 10, 30, 120];

/** Two increments per request; the text is made when somebody asks for it. */
export class OperationCounters {
  readonly #requests = new Map<string, { operation: Operation; count: number }>();
  readonly #durations = new Histogram({
    name: 'bridgeport_api_request_duration_seconds',
    help: 'Time from a request to the end of its answer, by method and route: the durations of operations.',
    bounds: BOUNDS,
  });

  count(operation: Operation): void {
    const { method, route, status, seconds } = operation;
    const key = `${method} ${route} ${status}`;
    const entry = this.#requests.get(key) ?? { operation, count: 0 };
    this.#requests.set(key, entry);
    entry.count++;
    if (seconds !== undefined) this.#durations.observe({ method, route }, seconds);
  }

  families(): MetricFamily[] {
    return [
      family(
        'counter',
        'bridgeport_api_requests_total',
        'Requests that the API answered.',
        [...this.#requests.values()],
        ({ operation: { method, route, status }, count }) => ({
          labels: { method, route, code: String(status) },
          value: count,
        }),
      ),
      this.#durations.family(),
    ];
  }
}
