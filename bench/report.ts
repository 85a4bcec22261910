/** What was measured, as a table for people and as JSON for programs. */

import { readFileSync } from 'node:fs';
import { cpus, loadavg, release } from 'node:os';
import type { Goal, Measure, Results, Series, Unit } from './measure.ts';
import type { SideName } from './sides/side.ts';
import { type Summary, summarize } from './stats.ts';

export interface Verdict {
  text: string;
  bound: number;
  /** Met from `bound` upwards; otherwise up to it. */
  atLeast: boolean;
  unit: Unit;
  value: number | undefined;
  /** Undefined when it could not be told. */
  met: boolean | undefined;
}

export interface MeasureReport {
  name: string;
  claim: string;
  rounds: number;
  /** 1-minute load average when it began and when it ended: what else ran on the machine counts. */
  load: [before: number, after: number];
  series: Array<Series & { summary: Partial<Record<SideName, Summary>>; ratio: number | undefined }>;
  goals: Verdict[];
  profile: string | undefined;
}

export interface Report {
  date: string;
  /** `memory` in MB */
  machine: { cpu: string; cpus: number; memory: number; kernel: string };
  /** Names of the programs. */
  sides: Partial<Record<SideName, string>>;
  measures: MeasureReport[];
}

export function machine(): Report['machine'] {
  const memory = /^MemTotal: +(\d+) kB/m.exec(readFileSync('/proc/meminfo', 'utf8'))?.[1];
  return {
    cpu: cpus()[0]?.model ?? '',
    cpus: cpus().length,
    memory: Math.round((Number(memory ?? 0) * 1024) / 1e6),
    kernel: release(),
  };
}

export function report(
  measure: Measure,
  rounds: number,
  results: Results,
  loadBefore: number,
): MeasureReport {
  return {
    name: measure.name,
    claim: measure.claim,
    rounds,
    load: [loadBefore, loadavg()[0] ?? 0],
    series: results.all().map((series) => {
      const [ours, theirs] = [results.median('ours', series.label), results.median('peer', series.label)];
      const summary: Partial<Record<SideName, Summary>> = {};
      for (const [side, readings] of Object.entries(series.readings)) {
        const found = summarize(readings);
        if (found !== undefined) summary[side as SideName] = found;
      }
      return { ...series, summary, ratio: ours === undefined || !theirs ? undefined : ours / theirs };
    }),
    goals: measure.goals.map((goal) => judge(goal, results)),
    profile: measure.profile,
  };
}

function judge({ text, bound, atLeast = false, unit, value }: Goal, results: Results): Verdict {
  const found = value(results);
  const met = found === undefined ? undefined : atLeast ? found >= bound : found <= bound;
  return { text, bound, atLeast, unit, value: found, met };
}

const COLUMNS = ['', 'side', 'n', 'min', 'p10', 'median', 'p90', 'max', 'ours / peer'];

/** The table of one measure, and below it what became of its goals. */
export function print(found: MeasureReport, sides: Report['sides']): string {
  const rows = found.series.flatMap((series) =>
    Object.entries(series.summary).map(([side, summary], index) => [
      index === 0 ? series.label : '',
      sides[side as SideName] ?? side,
      `${summary.count}`,
      ...[summary.min, summary.p10, summary.median, summary.p90, summary.max].map((value) =>
        quantity(value, series.unit),
      ),
      index === 0 && series.ratio !== undefined ? series.ratio.toFixed(3) : '',
    ]),
  );
  const widths = COLUMNS.map((title, column) =>
    Math.max(title.length, ...rows.map((row) => row[column]?.length ?? 0)),
  );
  const line = (cells: string[]) =>
    cells
      .map((cell, column) =>
        column < 2 ? cell.padEnd(widths[column] ?? 0) : cell.padStart(widths[column] ?? 0),
      )
      .join('  ')
      .trimEnd();
  const [before, after] = found.load;
  return [
    `## ${found.name}: ${found.claim}`,
    `   ${found.rounds} rounds, load average ${before.toFixed(2)} → ${after.toFixed(2)}`,
    line(COLUMNS),
    ...rows.map(line),
    ...found.goals.map(
      ({ text, unit, value, met }) =>
        `${met === undefined ? '?' : met ? '✔ met' : '✖ NOT met'}: ${text}: ${value === undefined ? 'cannot be told without a peer' : quantity(value, unit)}`,
    ),
    '',
  ].join('\n');
}

/** `0.35 ×`, `54,582 /s`: as many digits as mean something. */
export function quantity(value: number, unit: Unit): string {
  const digits = Math.abs(value) >= 1000 ? 0 : Math.abs(value) >= 100 ? 1 : Math.abs(value) >= 0.1 ? 2 : 4;
  return unit === 'count' ? `${value}` : `${value.toFixed(digits)} ${unit}`;
}
