/** What `doctor` found: each fault with its evidence and what would help. */

import type { DoctorFinding, DoctorOwner, DoctorReport } from '../../src/base/wire/index.ts';
import type { Answer } from '../answers.ts';
import { facts, h } from '../dom.ts';
import type { Messages } from '../i18n/en.ts';
import { containerId, networkId } from '../model/things.ts';
import { thingButton } from './thing-button.ts';
import { unready } from './unready.ts';

export interface HealthOptions {
  words: Messages;
  choose: (id: string) => void;
}

export function healthPanel(answer: Answer<DoctorReport>, options: HealthOptions): Node[] {
  const { words } = options;
  if (answer.state !== 'ready') return unready(answer, words, words.whatHealth);
  const { checks, findings } = answer.value;
  const unknown = checks.filter(({ status }) => status === 'unknown');
  return [
    ...(findings.length === 0
      ? [h('p', { class: 'verdict yes', role: 'status' }, words.healthGood(checks.length - unknown.length))]
      : [h('p', { class: 'verdict no', role: 'status' }, words.healthBad(findings.length))]),
    ...findings.map((finding) => findingOf(finding, options)),
    ...(unknown.length > 0
      ? [
          h('h3', {}, words.healthUnknown),
          h(
            'ul',
            {},
            ...unknown.map(({ title, reason }) => h('li', {}, [title, reason].filter(Boolean).join(': '))),
          ),
        ]
      : []),
    h(
      'details',
      { 'data-key': 'checks' },
      h('summary', {}, words.healthChecks(checks.length)),
      h(
        'ul',
        { class: 'checks' },
        ...checks.map(({ title, status }) =>
          h('li', {}, h('span', { class: 'mark', 'aria-hidden': 'true' }, MARKS[status]), title),
        ),
      ),
    ),
  ];
}

const MARKS = { ok: '✓', finding: '✗', unknown: '?' } as const;

function findingOf(
  { severity, owner, text, evidence, remedy, commands }: DoctorFinding,
  options: HealthOptions,
) {
  const { words } = options;
  return h(
    'section',
    { class: `finding ${severity}` },
    h('h3', {}, words.severities[severity]),
    h('p', {}, text),
    facts([words.whyOwner, ownerOf(owner, options)]),
    ...evidence.map((line) => h('div', { class: 'evidence' }, line)),
    remedy !== '' && h('p', {}, `${words.remedy}: ${remedy}`),
    ...commands.map((command) => h('code', { class: 'command' }, command)),
  );
}

/** What is in the picture can be gone to. */
function ownerOf({ kind, name, id }: DoctorOwner, { choose }: HealthOptions): Node | string {
  if (id === undefined) return name;
  return thingButton(kind === 'container' ? containerId(id) : networkId(id), name, choose);
}
