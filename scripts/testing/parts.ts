/** The parts of the suite, in the order in which they run: what is quick and tells most comes first. */

import { spawnSync } from 'node:child_process';
import { globSync } from 'node:fs';
import { join } from 'node:path';
import { lintImports, lintPageImports } from '../lint-imports.ts';
import { runFiles } from './files.ts';

export interface Tally {
  passed: number;
  failed: number;
  skipped: number;
}

export interface Filter {
  /** Words, one of which a file's path must contain; none means every file. */
  files: readonly string[];
  /** A pattern for the names of tests. */
  name: string | undefined;
}

const ROOT = join(import.meta.dirname, '../..');

/** What a test may take, in milliseconds. */
const UNIT_TIMEOUT = 60_000;
const SCENARIO_TIMEOUT = 240_000;

const isRootTest = (file: string) => file.endsWith('.root.test.ts');

function matching(
  patterns: string[],
  filter: Filter,
  fits: (file: string) => boolean = () => true,
): string[] {
  return globSync(patterns, { cwd: ROOT })
    .filter((file) => fits(file) && !file.startsWith('test/lint/fixture/'))
    .filter((file) => filter.files.length === 0 || filter.files.some((word) => file.includes(word)))
    .sort()
    .map((file) => join(ROOT, file));
}

/** A tool of node_modules that passes or fails as a whole; its output is shown when it fails. */
function tool(what: string, script: string, ...args: string[]): Tally {
  const { status, stdout, stderr } = spawnSync(
    process.execPath,
    [join(ROOT, 'node_modules', script), ...args],
    {
      cwd: ROOT,
      encoding: 'utf8',
    },
  );
  if (status !== 0) console.log(`${stdout}${stderr}`.trimEnd());
  return check(what, status === 0);
}

function check(what: string, passed: boolean): Tally {
  console.log(`${passed ? '✔' : '✖'} ${what}`);
  return { passed: passed ? 1 : 0, failed: passed ? 0 : 1, skipped: 0 };
}

function add(...tallies: Tally[]): Tally {
  const sum = (key: keyof Tally) => tallies.reduce((total, tally) => total + tally[key], 0);
  return { passed: sum('passed'), failed: sum('failed'), skipped: sum('skipped') };
}

function imports(): Tally {
  const found = [
    ...lintImports(join(ROOT, 'src')).map((violation) => ({ ...violation, file: `src/${violation.file}` })),
    ...lintPageImports(ROOT),
  ];
  for (const { file, line, specifier, why } of found) console.log(`${file}:${line}: ${specifier}: ${why}`);
  const inFixture = lintImports(join(ROOT, 'test/lint/fixture'));
  return add(
    check('the source keeps to the import table', found.length === 0),
    check('the fixture that breaks the import table is refused', inFixture.length > 0),
  );
}

export const PARTS = {
  lint: () => tool('biome finds nothing', '@biomejs/biome/bin/biome', 'check', '--error-on-warnings', '.'),
  types: () =>
    add(
      tool('the types agree', 'typescript/bin/tsc', '--noEmit'),
      tool('the types of the page agree', 'typescript/bin/tsc', '--noEmit', '--project', 'ui'),
    ),
  imports,
  unit: (filter: Filter) =>
    runFiles(
      matching(
        ['src/**/*.test.ts', 'ui/**/*.test.ts', 'test/lint/**/*.test.ts', 'bench/**/*.test.ts'],
        filter,
        (file) => !isRootTest(file),
      ),
      UNIT_TIMEOUT,
      filter.name,
    ),
  root: (filter: Filter) => runFiles(matching(['src/**/*.root.test.ts'], filter), UNIT_TIMEOUT, filter.name),
  scenarios: (filter: Filter) =>
    runFiles(matching(['test/scenarios/**/*.test.ts'], filter), SCENARIO_TIMEOUT, filter.name),
} satisfies Record<string, (filter: Filter) => Tally | Promise<Tally>>;

export type PartName = keyof typeof PARTS;
