import assert from 'node:assert/strict';
import { describe, it } from 'node:test';
import type { ExplainedRule } from '../../../base/wire/index.ts';
import { compileIptables, formatRuleSet } from '../../../network/firewall/index.ts';
import { intentOf, network, published } from '../../../network/firewall/iptables/scenarios.testing.ts';
import { SENTENCES } from '../../../network/firewall/origin.ts';
import { readNftTable } from '../../packet/nft/tables.ts';
import type { Rulebook } from '../../packet/rulebook.ts';
import { iptables } from '../../packet/testing/snapshots.ts';
import { CATALOGUES } from '../text/index.ts';
import { rulesReport } from './report.ts';

const INTENT = intentOf([
  network('docker0', '172.17.0.0/16', { ports: [published('172.17.0.2', '8080:80')] }),
]);
const RECORDS = { networks: () => [], containers: () => [], intent: () => INTENT };
const SETTINGS = { engine: 'Bridgeport', firewall: 'iptables', userlandProxy: true } as const;

/** What iptables-save prints of the rules that the intent calls for, with changes. */
function saved(change: (lines: string[]) => string[] = (lines) => lines): Rulebook {
  const tables = formatRuleSet(compileIptables(INTENT).v4)
    .split(/^(?=\*)/m)
    .map((table) => {
      const lines = table.trimEnd().split('\n');
      const [name = '', ...rest] = lines;
      const rules = change(rest.filter((line) => line.startsWith('-A')));
      // A chain of somebody's has to be there where a rule jumps to it.
      const chains = new Set(
        [...rest, ...rules].flatMap((line) => [
          ...(/^-[NA] (\S+)/.exec(line)?.slice(1) ?? []),
          ...(/-j (ufw\S+)/.exec(line)?.slice(1) ?? []),
        ]),
      );
      const builtIn = (chain: string) => /^(PREROUTING|INPUT|FORWARD|OUTPUT|POSTROUTING)$/.test(chain);
      return [
        name,
        ...[...chains].map((chain) => `:${chain} ${builtIn(chain) ? 'ACCEPT' : '-'} [0:0]`),
        ...rules,
        'COMMIT',
      ].join('\n');
    });
  return iptables(`${tables.join('\n')}\n`);
}

const reportOf = (book: Rulebook, lang: 'en' | 'ko' = 'en') => rulesReport(book, RECORDS, SETTINGS, lang);
const rulesOf = (book: Rulebook, lang: 'en' | 'ko' = 'en'): ExplainedRule[] =>
  reportOf(book, lang).hooks.flatMap(({ chains }) => chains.flatMap(({ rules }) => rules));
const inForward = (rule: string) => (lines: string[]) =>
  lines.some((line) => line.startsWith('-A FORWARD')) ? [rule, ...lines] : lines;

describe('`rulesReport()`', () => {
  it('explains every rule of the engine, with an owner and what would be lost', () => {
    const report = reportOf(saved());
    const rules = rulesOf(saved());
    assert.ok(rules.length > 10);
    for (const { owner, sentence, without } of rules) {
      assert.equal(owner.kind, 'engine');
      assert.doesNotMatch(sentence, /[{}]/);
      assert.ok(without !== undefined);
    }
    assert.deepEqual(
      report.missing.filter(({ family }) => family === 'ip'),
      [],
    );
    assert.deepEqual(
      report.hooks.map(({ hook }) => hook),
      ['prerouting', 'forward', 'output', 'postrouting'],
    );
  });

  it('tells which rules are gone', () => {
    const without = (lines: string[]) => lines.filter((line) => !line.includes('--dport 80 -j ACCEPT'));
    const missing = reportOf(saved(without)).missing.filter(({ family }) => family === 'ip');
    assert.deepEqual(
      missing.map(({ text }) => text),
      ['-A DOCKER -d 172.17.0.2/32 ! -i docker0 -o docker0 -p tcp -m tcp --dport 80 -j ACCEPT'],
    );
  });

  const strangers: ReadonlyArray<readonly [string, string, string, RegExp, RegExp | undefined]> = [
    [
      '-A FORWARD -i eth0 -s 10.0.0.0/8 -p tcp -m tcp --dport 25 -j DROP',
      'user',
      'you, or a program that is not recognised',
      /^Drops packets that come in by eth0, from 10\.0\.0\.0\/8, of protocol tcp, for port 25, without a word/,
      /no published port can let in/,
    ],
    [
      '-A FORWARD -j ACCEPT',
      'user',
      'you, or a program that is not recognised',
      /^Accepts all packets\.$/,
      /isolation/,
    ],
    ['-A FORWARD -j ufw-before-forward', 'program', 'ufw', /chain ufw-before-forward/, undefined],
    [
      '-A FORWARD -m conntrack --ctstate INVALID -m limit --limit 1/s -j LOG',
      'user',
      'you, or a program that is not recognised',
      /INVALID.*limit/,
      undefined,
    ],
  ];
  for (const [rule, kind, owner, sentence, warning] of strangers) {
    it(`tells whose \`${rule}\` is, and what it does`, () => {
      const book = saved(inForward(rule));
      const found = rulesOf(book).find(({ text }) => text === rule);
      assert.equal(found?.owner.kind, kind);
      assert.equal(found?.owner.text, owner);
      assert.match(found?.sentence ?? '', sentence);
      if (warning === undefined) assert.equal(found?.warning, undefined);
      else assert.match(found?.warning ?? '', warning);
      assert.match(rulesOf(book, 'ko').find(({ text }) => text === rule)?.sentence ?? '', /[가-힣]/);
    });
  }

  it("warns of the user's own chain, and of other tables that drop", () => {
    const user = rulesOf(
      saved((lines) =>
        lines.flatMap((line) =>
          line === '-A DOCKER-USER -j RETURN' ? ['-A DOCKER-USER -s 10.0.0.7/32 -j DROP', line] : [line],
        ),
      ),
    );
    const drop = user.find(({ text }) => text.includes('10.0.0.7'));
    assert.equal(drop?.owner.kind, 'user');
    assert.match(drop?.warning ?? '', /before every rule of the engine/);
    const objects = [
      { chain: { name: 'filter_FORWARD', type: 'filter', hook: 'forward', prio: 10, policy: 'drop' } },
      { rule: { chain: 'filter_FORWARD', handle: 3, expr: [{ drop: null }] } },
    ];
    const { tables } = saved();
    const firewalld = {
      tables: [...tables, readNftTable('inet', 'firewalld', objects, new Map())],
      unread: [],
    };
    const chain = reportOf(firewalld)
      .hooks.flatMap(({ chains }) => chains)
      .find(({ table }) => table === 'firewalld');
    assert.equal(chain?.owner.program, 'firewalld');
    assert.match(chain?.warning ?? '', /firewalld/);
    assert.match(chain?.rules[0]?.warning ?? '', /a drop is final/);
  });

  it('every sentence has its Korean, with the same names to fill in', () => {
    const names = (text: string) => [...text.matchAll(/\{(\w+)\}/g)].map(([, name]) => name).sort();
    for (const [key, sentence] of Object.entries(SENTENCES)) {
      const korean = CATALOGUES.ko.sentences[key as keyof typeof SENTENCES];
      assert.match(korean, /[가-힣]/, key);
      assert.deepEqual(names(korean), names(sentence), key);
    }
  });
});
