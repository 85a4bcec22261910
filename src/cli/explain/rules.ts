import type { ExplainedChain, ExplainedRule, RulesReport } from '../../base/wire/index.ts';
import { LABELS, type Labels } from './labels.ts';
import type { Paint } from './paint.ts';

/** Every rule, hook by hook. */
export function renderRules(report: RulesReport, paint: Paint): string {
  const labels = LABELS[report.language];
  const lines: string[] = [];
  for (const { hook, sentence, chains } of report.hooks) {
    lines.push(paint.strong(hook.toUpperCase()), `  ${sentence}`);
    for (const chain of chains) lines.push('', ...chainLines(chain, labels, paint));
    lines.push('');
  }
  for (const { family, table, name, elements } of report.sets ?? []) {
    lines.push(`${paint.strong(name)}${paint.quiet(`  nftables ${family} ${table}`)}`);
    for (const { text, sentence, owner } of elements) {
      lines.push(`    ${sentence}`, paint.quiet(`       ${text}`), paint.quiet(`       ${owner.text}`));
    }
    lines.push('');
  }
  if (lines.length === 0) lines.push(labels.noRules, '');
  if (report.missing.length > 0) {
    lines.push(paint.bad(labels.missing));
    for (const { family, table, text, sentence, without } of report.missing) {
      lines.push(`  ${family} ${table} ${text}`, `      ${sentence} ${without ?? ''}`.trimEnd());
    }
    lines.push('');
  }
  for (const what of report.unread) lines.push(paint.unsure(`${labels.unread}: ${what}`));
  return `${lines.join('\n').trimEnd()}\n`;
}

function chainLines(chain: ExplainedChain, labels: Labels, paint: Paint): string[] {
  const { source, family, table, name, policy, priority, warning, rules } = chain;
  const base = policy === undefined ? '' : ` · ${priority} · ${labels.policy} ${policy}`;
  return [
    `  ${paint.strong(name)}${paint.quiet(`  ${source} ${family} ${table}${base}`)}`,
    ...(warning === undefined ? [] : [paint.bad(`    ! ${warning}`)]),
    ...rules.flatMap((rule) => ruleLines(rule, labels, paint)),
  ];
}

function ruleLines(rule: ExplainedRule, labels: Labels, paint: Paint): string[] {
  const { number, text, sentence, owner, packets, warning, without } = rule;
  const counted = packets === undefined ? '' : ` · ${labels.packets(packets)}`;
  return [
    `    ${number}. ${sentence}`,
    paint.quiet(`       ${text}`),
    paint.quiet(`       ${owner.text}${counted}`),
    ...(without === undefined ? [] : [paint.quiet(`       ${without}`)]),
    ...(warning === undefined ? [] : [paint.bad(`       ! ${warning}`)]),
  ];
}
