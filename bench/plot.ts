/**
 * Draws what `bench/run.ts --json` has written: a picture for each measure into a folder, and a page that shows them beside it.
 *
 *     node bench/plot.ts result.json docs/performance      → docs/performance/*.svg and docs/performance.md
 */

import { mkdirSync, readdirSync, readFileSync, rmSync, writeFileSync } from 'node:fs';
import { basename, join } from 'node:path';
import { chart } from './plot/chart.ts';
import { page } from './plot/page.ts';
import type { Report } from './report.ts';

const [input, folder, ...rest] = process.argv.slice(2);
if (input === undefined || folder === undefined || rest.length > 0) {
  process.stderr.write('usage: node bench/plot.ts RESULT.json FOLDER\n');
  process.exit(2);
}

const report = JSON.parse(readFileSync(input, 'utf8')) as Report;
mkdirSync(folder, { recursive: true });
// Pictures of measures that this result does not have would look as if they belonged to it.
for (const name of readdirSync(folder)) if (name.endsWith('.svg')) rmSync(join(folder, name));
for (const measure of report.measures) {
  writeFileSync(join(folder, `${measure.name}.svg`), chart(measure, report.sides));
}
const command = `node bench/run.ts --json ${basename(input)} && node bench/plot.ts ${basename(input)} ${folder}`;
writeFileSync(`${folder}.md`, page(report, basename(folder), command));
