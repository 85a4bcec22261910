/** The test runner: parts one after another, then a search for what they left behind. See `scripts/test`. */

import { parseArgs } from 'node:util';
import { findLeftovers, snapshot } from './leftovers.ts';
import { PARTS, type PartName, type Tally } from './parts.ts';

/** The suite shall stay below this, in milliseconds; it says so when it does not. How busy a machine is proves nothing wrong. */
const GOAL = 15 * 60_000;
/** A suite that hangs ends here. */
const DEADLINE = 45 * 60_000;

const { values, positionals } = parseArgs({
  allowPositionals: true,
  options: { name: { type: 'string' } },
});
const isPart = (word: string): word is PartName => Object.hasOwn(PARTS, word);
const chosen = positionals.filter(isPart);
const filter = { files: positionals.filter((word) => !isPart(word)), name: values.name };
const names = chosen.length > 0 ? chosen : (Object.keys(PARTS) as PartName[]);

const begin = performance.now();
const seconds = (from: number) => `${((performance.now() - from) / 1000).toFixed(1)} s`;
const total: Tally = { passed: 0, failed: 0, skipped: 0 };
const summary: string[] = [];

function end(): never {
  console.log(`\n${summary.join('\n')}\n`);
  if (total.skipped > 0) console.log(`${total.skipped} skipped`);
  console.log(`${total.passed} passed, ${total.failed} failed`);
  process.exit(total.failed === 0 ? 0 : 1);
}

setTimeout(() => {
  total.failed++;
  summary.push(`not done after ${DEADLINE / 60_000} minutes: something hangs`);
  end();
}, DEADLINE);

const before = await snapshot();
for (const name of names) {
  const from = performance.now();
  console.log(`\n── ${name}`);
  const tally = await PARTS[name](filter);
  for (const key of ['passed', 'failed', 'skipped'] as const) total[key] += tally[key];
  const skipped = tally.skipped > 0 ? `, ${tally.skipped} skipped` : '';
  summary.push(
    `${name.padEnd(10)} ${tally.passed} passed, ${tally.failed} failed${skipped} in ${seconds(from)}`,
  );
}
const leftovers = await findLeftovers(before);
if (leftovers.length > 0) {
  total.failed++;
  summary.push('left behind by tests:', ...leftovers.map((what) => `  ${what}`));
}
summary.push(`all        in ${seconds(begin)}`);
if (performance.now() - begin > GOAL) summary.push(`longer than the ${GOAL / 60_000} minutes it should take`);
end();
