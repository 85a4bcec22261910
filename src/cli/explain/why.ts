import type { WhyReport, WhyStep } from '../../base/wire/index.ts';
import { LABELS } from './labels.ts';
import type { Paint } from './paint.ts';

/** The answer as lines: what it is, why, and every step. */
export function renderWhy(report: WhyReport, paint: Paint): string {
  const labels = LABELS[report.language];
  const headline = { yes: paint.good, no: paint.bad, unknown: paint.unsure }[report.answer];
  const lines = [paint.strong(headline(report.headline))];
  const { cause } = report;
  if (cause !== undefined) {
    lines.push(`${labels.cause}: ${cause.text}`, `${labels.owner}: ${cause.owner.text}`);
    if (cause.rule !== undefined) lines.push(`${labels.rule}: ${cause.rule.text}`);
    for (const [index, remedy] of cause.remedies.entries()) {
      lines.push(index === 0 ? `${labels.remedy}: ${remedy}` : `${' '.repeat(4)}${remedy}`);
    }
  }
  for (const remark of report.remarks) lines.push(`${labels.remark}: ${remark}`);
  for (const { title, steps } of report.legs) {
    lines.push('', paint.strong(title));
    let packet: string | undefined;
    for (const step of steps) {
      if (step.packet !== undefined && step.packet !== packet)
        lines.push(paint.quiet(`      ${step.packet}`));
      packet = step.packet ?? packet;
      lines.push(...stepLines(step, paint));
    }
  }
  if (report.probe !== undefined) {
    lines.push('', `${labels.probe}: ${report.probe.text}`);
    for (const { text } of report.probe.events) lines.push(`      ${text}`);
  }
  return `${lines.join('\n')}\n`;
}

function stepLines({ ok, where, text, rules = [] }: WhyStep, paint: Paint): string[] {
  const mark = ok === null ? paint.unsure('?') : ok ? paint.good('✓') : paint.bad('✗');
  return [
    `  ${mark} ${where}  ${text}`,
    ...rules.map(
      (rule) => `        ${rule.text}\n${paint.quiet(`            ${rule.owner.text} · ${rule.sentence}`)}`,
    ),
  ];
}
