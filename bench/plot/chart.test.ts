import assert from 'node:assert/strict';
import { test } from 'node:test';
import { type Measure, Results, ratioGoal } from '../measure.ts';
import { type Report, report } from '../report.ts';
import { chart } from './chart.ts';
import { page } from './page.ts';

const SIDES = { ours: 'bridgeportd', peer: 'dockerd' };
const LABEL = 'a < b & c';

const measure: Measure = {
  name: 'one',
  claim: 'it is quick',
  rounds: 3,
  async round() {},
  goals: [ratioGoal(LABEL, 0.5, 'half of it')],
};

function measured(ours: number[], theirs: number[]) {
  const results = new Results();
  for (const value of ours) results.add('ours', LABEL, value, 'ms');
  for (const value of theirs) results.add('peer', LABEL, value, 'ms');
  return report(measure, 3, results, 0);
}

const widthOf = (svg: string, side: string) =>
  Number(new RegExp(`class="${side}"[^>]* width="([\\d.]+)"`).exec(svg)?.[1]);

test('`chart()` draws medians to one scale, and every reading', () => {
  const svg = chart(measured([10, 20, 30], [60, 80, 80]), SIDES);
  assert.equal(widthOf(svg, 'peer'), widthOf(svg, 'ours') * 4);
  assert.equal(svg.match(/<circle/g)?.length, 6);
  assert.match(svg, />20\.00 ms</);
  assert.match(svg, />0\.25 × dockerd</);
});

test('`chart()` shows one side alone, and labels as they are', () => {
  const svg = chart(measured([10], []), { ours: 'bridgeportd' });
  assert.equal(svg.match(/<rect/g)?.length, 1);
  assert.match(svg, />a &lt; b &amp; c</);
  assert.doesNotMatch(svg, /×/);
});

test('`chart()` survives a series of noughts', () => {
  assert.doesNotMatch(chart(measured([0, 0], [0]), SIDES), /NaN|Infinity/);
});

test('`page()` shows each picture, and what became of each goal', () => {
  const whole: Report = {
    date: '2026-01-02T03:04:05Z',
    machine: { cpu: 'a processor', cpus: 2, memory: 4000, kernel: '6.1' },
    sides: SIDES,
    measures: [measured([10], [20]), { ...measured([30], [20]), name: 'two' }],
  };
  const text = page(whole, 'pictures', 'node bench/run.ts');
  assert.match(text, /!\[one\]\(pictures\/one\.svg\)/);
  assert.match(text, /\| \[one\]\(#one\) \| half of it \| 0\.50 × \| ✔ met \|/);
  assert.match(text, /\| \[two\]\(#two\) \| half of it \| 1\.50 × \| ✖ missed \|/);
});
