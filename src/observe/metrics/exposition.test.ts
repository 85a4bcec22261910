import assert from 'node:assert/strict';
import { it } from 'node:test';
import { family, renderMetrics, single } from './exposition.ts';
import { Histogram } from './histogram.ts';

it('`renderMetrics()` writes families as Prometheus reads them, and escapes what labels may hold', () => {
  const rows = [
    { name: 'a"b\\c\nd', value: 3 },
    { name: 'unknown', value: undefined },
  ];
  assert.equal(
    renderMetrics([
      family('counter', 'x_total', 'Lines\nand \\.', rows, ({ name, value }) => ({
        labels: { name, direction: 'in' },
        value,
      })),
      single('gauge', 'y', 'One number.', 0),
      single('gauge', 'z', 'Not known here.', undefined),
    ]),
    `# HELP x_total Lines\\nand \\\\.
# TYPE x_total counter
x_total{name="a\\"b\\\\c\\nd",direction="in"} 3
# HELP y One number.
# TYPE y gauge
y 0
`,
  );
});

it('`Histogram` counts every observation in all buckets that hold it, for each set of labels apart', () => {
  const histogram = new Histogram({ name: 't_seconds', help: 'Time.', bounds: [0.1, 1] });
  for (const seconds of [0.1, 0.5, 7]) histogram.observe({ route: 'a' }, seconds);
  histogram.observe({ route: 'b' }, 0.01);
  assert.equal(
    renderMetrics([histogram.family()]),
    `# HELP t_seconds Time.
# TYPE t_seconds histogram
t_seconds_bucket{route="a",le="0.1"} 1
t_seconds_bucket{route="a",le="1"} 2
t_seconds_bucket{route="a",le="+Inf"} 3
t_seconds_sum{route="a"} 7.6
t_seconds_count{route="a"} 3
t_seconds_bucket{route="b",le="0.1"} 1
t_seconds_bucket{route="b",le="1"} 1
t_seconds_bucket{route="b",le="+Inf"} 1
t_seconds_sum{route="b"} 0.01
t_seconds_count{route="b"} 1
`,
  );
});
