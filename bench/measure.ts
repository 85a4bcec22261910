/** What a measurement is: rounds that take readings of a daemon, and goals that are checked on all of them. */

import type { Side, SideName } from './sides/side.ts';
import { median } from './stats.ts';

export type Unit = 'ms' | 'µs' | 'MB' | '/s' | 'Gbit/s' | 'count' | '×';

/** What is read, of both sides. */
export interface Series {
  label: string;
  unit: Unit;
  readings: Partial<Record<SideName, number[]>>;
}

export interface Goal {
  /** In the words of whoever set it. */
  text: string;
  /** Met when the value is at most this; with `atLeast`, when it is at least this. */
  bound: number;
  atLeast?: boolean;
  unit: Unit;
  /** Undefined when it cannot be told, as a ratio without a peer. */
  value(results: Results): number | undefined;
}

export interface Measure {
  name: string;
  /** The claim that is put to the test, one sentence. */
  claim: string;
  /** How many rounds when nobody says otherwise; each takes readings of every side. */
  rounds: number;
  /** Rounds before the first, whose readings are thrown away. Default 1. */
  warmUps?: number;
  /** One round of one side. Leaves the side as it was. */
  round(side: Side, read: Read): Promise<void>;
  goals: readonly Goal[];
  /** Where it is told what the time goes into, as seen from `docs/`. */
  profile?: string;
}

/** Takes a reading. */
export type Read = (label: string, value: number, unit?: Unit) => void;

/** All readings of a measurement. */
export class Results {
  readonly #series = new Map<string, Series>();

  add(side: SideName, label: string, value: number, unit: Unit): void {
    let series = this.#series.get(label);
    if (series === undefined) {
      series = { label, unit, readings: {} };
      this.#series.set(label, series);
    }
    series.readings[side] ??= [];
    series.readings[side].push(value);
  }

  /** In the order of their first readings. */
  all(): Series[] {
    return [...this.#series.values()];
  }

  readings(side: SideName, label: string): number[] {
    return this.#series.get(label)?.readings[side] ?? [];
  }

  median(side: SideName, label: string): number | undefined {
    return median(this.readings(side, label));
  }
}

/** Ours over the peer's, by medians. */
export function ratioGoal(label: string, bound: number, text: string): Goal {
  return {
    text,
    bound,
    unit: '×',
    value: (results) => {
      const [ours, theirs] = [results.median('ours', label), results.median('peer', label)];
      return ours === undefined || theirs === undefined ? undefined : ours / theirs;
    },
  };
}

/** The same where more is better. */
export function leastRatioGoal(label: string, bound: number, text: string): Goal {
  return { ...ratioGoal(label, bound, text), atLeast: true };
}

/** Our median of a series. */
export function medianGoal(label: string, bound: number, unit: Unit, text: string): Goal {
  return { text, bound, unit, value: (results) => results.median('ours', label) };
}

/** Milliseconds that something takes. */
export async function timed(work: () => Promise<unknown>): Promise<number> {
  const since = performance.now();
  await work();
  return performance.now() - since;
}

/** Time of `work` as `LABEL`, and what it cost the daemon and everything it started as `LABEL: CPU time`. */
export async function timedWithCpu(
  side: Side,
  read: Read,
  label: string,
  work: () => Promise<unknown>,
): Promise<void> {
  const before = side.cpuTime();
  read(label, await timed(work));
  read(`${label}: CPU time`, side.cpuTime() - before);
}
