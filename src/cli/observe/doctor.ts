import type { DoctorFinding, DoctorReport } from '../../base/wire/doctor.ts';
import type { Language } from './language.ts';

const WORDS = {
  en: {
    healthy: (checks: number) => `All is well: ${checks} checks found nothing.`,
    found: (findings: number, checks: number) =>
      `${findings} finding${findings === 1 ? '' : 's'} in ${checks} checks.`,
    unknown: 'could not be looked at',
    severity: { error: 'ERROR', warning: 'WARNING' },
    owner: { host: 'host', network: 'network', container: 'container', daemon: 'daemon', program: 'program' },
    evidence: 'seen',
    remedy: 'help',
  },
  ko: {
    healthy: (checks: number) => `이상이 없습니다. 검사 ${checks}가지에서 아무것도 발견되지 않았습니다.`,
    found: (findings: number, checks: number) => `검사 ${checks}가지에서 ${findings}건이 발견되었습니다.`,
    unknown: '살펴볼 수 없었습니다',
    severity: { error: '오류', warning: '경고' },
    owner: {
      host: '호스트',
      network: '네트워크',
      container: '컨테이너',
      daemon: '데몬',
      program: '프로그램',
    },
    evidence: '근거',
    remedy: '조치',
  },
} as const;

const STYLES = { error: '\x1b[1;31m', warning: '\x1b[1;33m', ok: '\x1b[32m', dim: '\x1b[2m', off: '\x1b[0m' };

/** The report as people read it: a line for each check when `all` is asked for, each finding with evidence and remedy, a summary. */
export function drawReport(
  report: DoctorReport,
  { language, all, color }: { language: Language; all: boolean; color: boolean },
): string {
  const words = WORDS[language];
  const style = (name: keyof typeof STYLES, text: string) =>
    color ? `${STYLES[name]}${text}${STYLES.off}` : text;
  const marks = { ok: style('ok', '✓'), finding: style('error', '✗'), unknown: style('warning', '?') };
  const checks = report.checks
    .filter(({ status }) => all || status === 'unknown')
    .map(({ status, title, reason }) =>
      status === 'unknown'
        ? `${marks[status]} ${title}: ${words.unknown} (${reason})\n`
        : `${marks[status]} ${title}\n`,
    );
  const findings = report.findings.map((finding) => drawFinding(finding));
  const count = report.checks.length;
  const summary =
    report.findings.length === 0 && checksFailed(report) === 0
      ? style('ok', words.healthy(count))
      : words.found(report.findings.length, count);
  return `${checks.join('')}${checks.length > 0 ? '\n' : ''}${findings.map((text) => `${text}\n`).join('')}${summary}\n`;

  function drawFinding({ severity, owner, text, evidence, remedy, commands, check }: DoctorFinding): string {
    const head = `${style(severity, words.severity[severity])} ${words.owner[owner.kind]}${owner.kind === 'host' ? '' : ` ${owner.name}`} ${style('dim', `[${check}]`)}`;
    const lines = [
      `${head}\n  ${text}\n`,
      ...evidence.map((line) => `  ${style('dim', `${words.evidence}:`)} ${line}\n`),
      `  ${style('dim', `${words.remedy}:`)} ${remedy}\n`,
      ...commands.map((command) => `      # ${command}\n`),
    ];
    return lines.join('');
  }
}

/** Checks that could not be made. */
export function checksFailed({ checks }: DoctorReport): number {
  return checks.filter(({ status }) => status === 'unknown').length;
}
