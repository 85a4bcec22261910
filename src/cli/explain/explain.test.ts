import assert from 'node:assert/strict';
import { describe, it } from 'node:test';
import type { RulesReport, WhyReport } from '../../base/wire/index.ts';
import { paintFor } from './paint.ts';
import { renderRules } from './rules.ts';
import { renderWhy } from './why.ts';

const OWNER = { kind: 'user', text: 'you' } as const;
const RULE = {
  id: '1',
  source: 'iptables',
  family: 'ip',
  table: 'filter',
  chain: 'FORWARD',
  number: 1,
  text: '-A FORWARD -j DROP',
  packets: 3,
  bytes: 180,
  owner: OWNER,
  sentence: 'Drops all packets.',
  warning: 'It stands first.',
} as const;

const WHY: WhyReport = {
  language: 'en',
  from: { kind: 'container', asked: 'a' },
  to: { kind: 'container', asked: 'b' },
  protocol: 'tcp',
  port: 80,
  answer: 'no',
  headline: 'No: a does not reach b, tcp/80.',
  cause: {
    kind: 'rule',
    text: 'The rule drops it.',
    owner: OWNER,
    rule: RULE,
    remedies: ['iptables -D FORWARD 1', 'iptables -P FORWARD ACCEPT'],
  },
  remarks: ['A remark.'],
  legs: [
    {
      direction: 'there',
      title: 'From a to b',
      steps: [
        { kind: 'sent', where: 'a', text: 'It is sent.', packet: '10.0.0.1:1 → 10.0.0.2:80', ok: true },
        {
          kind: 'rules',
          where: 'host',
          text: 'FORWARD: one rule matches.',
          packet: '10.0.0.1:1 → 10.0.0.2:80',
          ok: false,
          rules: [{ id: '1', text: RULE.text, owner: OWNER, sentence: RULE.sentence }],
        },
        { kind: 'rules', where: 'host', text: 'Who knows.', ok: null },
      ],
    },
  ],
};

describe('explanations on the terminal', () => {
  it('`renderWhy()` tells the answer, the cause, whose it is, what changes it, and every step', () => {
    assert.equal(
      renderWhy(WHY, paintFor(false)),
      `No: a does not reach b, tcp/80.
Why: The rule drops it.
Whose: you
Rule: -A FORWARD -j DROP
To change it: iptables -D FORWARD 1
    iptables -P FORWARD ACCEPT
Note: A remark.

From a to b
      10.0.0.1:1 → 10.0.0.2:80
  ✓ a  It is sent.
  ✗ host  FORWARD: one rule matches.
        -A FORWARD -j DROP
            you · Drops all packets.
  ? host  Who knows.
`,
    );
  });

  it('`renderRules()` tells every rule with its counters and warnings, and what is missing', () => {
    const report: RulesReport = {
      language: 'ko',
      hooks: [
        {
          hook: 'forward',
          sentence: '지나가는 패킷입니다.',
          chains: [
            {
              source: 'iptables',
              family: 'ip',
              table: 'filter',
              name: 'FORWARD',
              priority: 0,
              policy: 'drop',
              owner: OWNER,
              rules: [RULE],
            },
          ],
        },
      ],
      missing: [
        { text: '-A DOCKER -j ACCEPT', family: 'ip', table: 'filter', owner: OWNER, sentence: '여는 규칙.' },
      ],
      unread: ['nftables: no'],
    };
    const text = renderRules(report, paintFor(false));
    assert.match(
      text,
      /^FORWARD\n {2}지나가는 패킷입니다\.\n\n {2}FORWARD {2}iptables ip filter · 0 · 정책 drop\n {4}1\. Drops/,
    );
    assert.match(text, /you · 패킷 3개\n {7}! It stands first\./);
    assert.match(
      text,
      /없어짐.*\n {2}ip filter -A DOCKER -j ACCEPT\n {6}여는 규칙\.\n\n읽지 못함: nftables: no\n$/,
    );
    assert.match(
      renderRules({ ...report, hooks: [], missing: [], unread: [] }, paintFor(false)),
      /규칙이 없습니다/,
    );
  });

  it('colour is only where it was asked for', () => {
    assert.ok(renderWhy(WHY, paintFor(true)).includes('\x1b[31m✗'));
    assert.ok(!renderWhy(WHY, paintFor(false)).includes('\x1b'));
  });
});
