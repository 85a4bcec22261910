/** What is shipped beside the metrics: the dashboard for Grafana and the alerts for Prometheus, against what is exposed. */

import assert from 'node:assert/strict';
import { readFileSync } from 'node:fs';
import { describe, it } from 'node:test';
import { everyFamily } from './families.testing.ts';

const docs = new URL('../../../docs/', import.meta.url);
const read = (path: string) => readFileSync(new URL(path, docs), 'utf8');

/** The labels of every series name; Prometheus adds the first two when it asks. */
const exposed = new Map<string, Set<string>>();
for (const { name, samples } of everyFamily()) {
  for (const { labels = {}, suffix = '' } of samples) {
    const known = exposed.get(name + suffix) ?? new Set(['job', 'instance']);
    for (const label of Object.keys(labels)) known.add(label);
    exposed.set(name + suffix, known);
  }
}

const namesIn = (expr: string) => expr.match(/\b(?:bridgeport|engine_daemon)_\w+/g) ?? [];

/** What an expression gets wrong about the metrics, in sentences. */
function mistakes(expr: string): string[] {
  const names = namesIn(expr);
  const unknown = names.filter((name) => !exposed.has(name)).map((name) => `there is no ${name}`);
  const selected = [...expr.matchAll(/(\w+)\{([^}]*)\}/g)].flatMap(([, name = '', selector = '']) =>
    [...selector.matchAll(/(\w+)(?:=~|!=|!~|=)/g)]
      .filter(([, label = '']) => exposed.has(name) && !exposed.get(name)?.has(label))
      .map(([, label]) => `${name} has no label ${label}`),
  );
  const kept = [...expr.matchAll(/\b(?:by|on) \(([^)]*)\)/g)]
    .flatMap(([, labels = '']) => labels.split(',').map((label) => label.trim()))
    .filter((label) => !names.some((name) => exposed.get(name)?.has(label)))
    .map((label) => `nothing has a label ${label}`);
  // A counter tells nothing by itself, and a gauge has no rate.
  const counters = names.filter((name) => /_(total|bucket|sum|count)$/.test(name));
  const rates = [...expr.matchAll(/\b(?:rate|increase)\((\w+)/g)].map(([, name]) => name);
  const unrated =
    counters.join() === rates.join() ? [] : [`rates of ${rates.join()} where there are ${counters.join()}`];
  return [...unknown, ...selected, ...kept, ...unrated];
}

interface Panel {
  id: number;
  type: string;
  title: string;
  description?: string;
  datasource?: unknown;
  gridPos: { x: number; y: number; w: number; h: number };
  fieldConfig?: { defaults: { unit: string } };
  targets?: Array<{ expr: string; refId: string; legendFormat: string; datasource: unknown }>;
}

interface Variable {
  name: string;
  type: string;
  query: unknown;
  definition?: string;
  datasource?: unknown;
}

describe('the Grafana dashboard', () => {
  const board = JSON.parse(read('grafana/bridgeport.json')) as {
    uid: string;
    title: string;
    schemaVersion: number;
    panels: Panel[];
    templating: { list: Variable[] };
  };
  const { panels } = board;
  const graphs = panels.filter(({ type }) => type !== 'row');
  const variables = board.templating.list;
  const datasource = { type: 'prometheus', uid: `\${datasource}` };

  it('asks for metrics and labels that exist, of the chosen instances only', () => {
    const exprs = graphs.flatMap(({ targets = [] }) => targets.map(({ expr }) => expr));
    assert.ok(exprs.length > 30);
    for (const expr of exprs) {
      assert.deepEqual(mistakes(expr), [], expr);
      const chosen = expr.split('{job=~"$job",instance=~"$instance"').length - 1;
      assert.equal(chosen, namesIn(expr).length, expr);
    }
    for (const { type, definition = '', query } of variables.slice(1)) {
      const [, expr = '', label = ''] = /^label_values\((.*), (\w+)\)$/.exec(definition) ?? [];
      const [name = ''] = namesIn(expr);
      assert.ok(type === 'query' && exposed.get(name)?.has(label), definition);
      assert.equal((query as { query: string }).query, definition);
    }
  });

  it('names every line by labels that it has', () => {
    for (const { title, targets = [] } of graphs) {
      for (const { expr, legendFormat } of targets) {
        const kept = /\bby \(([^)]*)\)/.exec(expr)?.[1]?.split(', ') ?? [];
        const shown = [...legendFormat.matchAll(/\{\{(\w+)\}\}/g)].map(([, label]) => label);
        assert.deepEqual(kept.filter((label) => label !== 'le').sort(), shown.sort(), `${title}: ${expr}`);
      }
    }
  });

  it("is of Grafana's model of dashboards: types, units, data source and variables", () => {
    assert.equal(board.schemaVersion, 39);
    assert.equal(board.uid, 'bridgeport');
    assert.equal(new Set(panels.map(({ id }) => id)).size, panels.length);
    const units = ['short', 'pps', 'Bps', 'cps', 'ops', 'reqps', 's', 'bytes', 'percentunit'];
    for (const { title, type, targets = [], ...panel } of graphs) {
      assert.ok(['stat', 'timeseries'].includes(type), title);
      assert.ok(units.includes(panel.fieldConfig?.defaults.unit ?? ''), title);
      assert.ok(panel.description, title);
      assert.deepEqual(panel.datasource, datasource, title);
      assert.ok(targets.length > 0, title);
      assert.equal(new Set(targets.map(({ refId }) => refId)).size, targets.length, title);
      for (const target of targets) assert.deepEqual(target.datasource, datasource, title);
    }
    assert.deepEqual(
      [variables[0]?.name, variables[0]?.type, variables[0]?.query],
      ['datasource', 'datasource', 'prometheus'],
    );
    // A variable may use those that come before it.
    const known = new Set<string>();
    for (const { name, ...variable } of [...variables, { name: '', panels }]) {
      for (const [, used = ''] of JSON.stringify(variable).matchAll(/\$\{?(\w+)/g)) {
        assert.ok(used.startsWith('__') || known.has(used), `${name}: $${used}`);
      }
      known.add(name);
    }
  });

  it('has a place of its own for each panel, without gaps', () => {
    const taken = new Map<string, string>();
    for (const { title, gridPos } of panels) {
      for (let y = gridPos.y; y < gridPos.y + gridPos.h; y++) {
        for (let x = gridPos.x; x < gridPos.x + gridPos.w; x++) {
          assert.ok(x < 24, title);
          assert.equal(taken.get(`${x} ${y}`), undefined, `${title} overlaps`);
          taken.set(`${x} ${y}`, title);
        }
      }
    }
    const height = Math.max(...panels.map(({ gridPos: { y, h } }) => y + h));
    assert.equal(taken.size, 24 * height);
  });
});

describe('the alerts for Prometheus', () => {
  const alerts = read('prometheus/bridgeport.rules.yml')
    .split(/^ +- alert: /m)
    .slice(1)
    .map((text) => ({
      name: text.split('\n')[0] ?? '',
      expr: /^ +expr: ([\s\S]*?)\n +(?:for|labels):/m.exec(text)?.[1] ?? '',
      text,
    }));

  it('ask for metrics and labels that exist, and name labels that they have', () => {
    assert.ok(alerts.length > 10);
    for (const { name, expr, text } of alerts) {
      if (name === 'BridgeportDown') continue; // of Prometheus's own `up`
      assert.ok(namesIn(expr).length > 0, name);
      assert.deepEqual(mistakes(expr), [], name);
      const grouped = /^>?\s*sum by \(([^)]*)\)/.exec(expr)?.[1]?.split(', ');
      const labels = new Set(grouped ?? exposed.get(namesIn(expr)[0] ?? ''));
      for (const [, label = ''] of text.matchAll(/\$labels\.(\w+)/g)) {
        assert.ok(labels.has(label), `${name}: ${label}`);
      }
    }
  });

  it('are each tried by a test of promtool', () => {
    const tests = read('prometheus/bridgeport.rules.test.yml');
    for (const { name } of alerts) assert.match(tests, new RegExp(`alertname: ${name}\\b`));
  });
});
