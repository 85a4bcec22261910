/** A result as a page of Markdown: what was claimed, its picture, and what became of the goals. Pure. */

import { type MeasureReport, quantity, type Report, type Verdict } from '../report.ts';

/**
 * @param folder of the pictures, as seen from the page
 * @param command that makes the result and this page again
 */
export function page(report: Report, folder: string, command: string): string {
  const { machine, date, sides } = report;
  const load = report.measures.map((measure) => measure.load[0]);
  return `# Performance

Generated from what the bench has found ([how it measures](../bench/README.md)); do not edit. Bars are medians, dots are readings,
lines go from the least to the greatest. Both daemons are up at once and take turns.

- ${date.slice(0, 10)}: ${sides.ours ?? ''}${sides.peer === undefined ? ' alone' : ` beside ${sides.peer}`}
- ${machine.cpu}, ${machine.cpus} processors, ${(machine.memory / 1000).toFixed(0)} GB; Linux ${machine.kernel}
- load average before each measure: ${Math.min(...load).toFixed(1)} to ${Math.max(...load).toFixed(1)}
- made by \`${command}\`

${summary(report.measures)}

${report.measures.map((measure) => section(measure, folder)).join('\n\n')}
`;
}

function summary(measures: readonly MeasureReport[]): string {
  const rows = measures.flatMap(({ name, goals }) =>
    goals.map((goal) => `| [${name}](#${name}) | ${goal.text} | ${found(goal)} | ${verdict(goal)} |`),
  );
  return ['| measure | goal | found | |', '|---|---|---|---|', ...rows].join('\n');
}

function section({ name, claim, rounds, load, profile }: MeasureReport, folder: string): string {
  return `## ${name}

${claim[0]?.toUpperCase()}${claim.slice(1)}.

![${name}](${folder}/${name}.svg)

${rounds} ${rounds === 1 ? 'round' : 'rounds'}, load average ${load[0].toFixed(1)} before and ${load[1].toFixed(1)} after.${profile === undefined ? '' : ` [What it is spent on](${profile}).`}`;
}

function found({ value, unit }: Verdict): string {
  return value === undefined ? '–' : quantity(value, unit);
}

function verdict({ met }: Verdict): string {
  return met === undefined ? 'not told' : met ? '✔ met' : '✖ missed';
}
