/** Runs test files, each in a process of its own, and prints a line per file; details only of what failed. */

import { relative } from 'node:path';
import { run } from 'node:test';
import type { Tally } from './parts.ts';

/** Files at a time: scenarios start daemons and containers, and timing must stay believable on two cores. */
const CONCURRENCY = 2;

/** Lines of a failed file's own output that are shown, from its end. */
const OUTPUT_LINES = 60;

/** @param timeout what one test may take, in milliseconds */
export async function runFiles(files: string[], timeout: number, name: string | undefined): Promise<Tally> {
  const tally: Tally = { passed: 0, failed: 0, skipped: 0 };
  if (files.length === 0) {
    console.log('(no such test)');
    return tally;
  }
  const output = new Map<string, string>();
  const failures = new Map<string, string[]>();
  const keep = (event: { file?: string | undefined; message: string }) => {
    if (event.file !== undefined) output.set(event.file, (output.get(event.file) ?? '') + event.message);
  };
  const stream = run({
    files,
    concurrency: CONCURRENCY,
    timeout,
    execArgv: ['--disable-warning=ExperimentalWarning'],
    ...(name === undefined ? {} : { testNamePatterns: [new RegExp(name)] }),
  });
  stream.on('test:stdout', keep);
  stream.on('test:stderr', keep);
  stream.on('test:fail', ({ name: test, file = '', details, line }) => {
    const { error } = details;
    // Node's ERR_TEST_FAILURE says how; the subtests have told already.
    if ((error as { failureType?: string }).failureType === 'subtestsFailed') return;
    const cause =
      error.cause instanceof Error ? (error.cause.stack ?? error.cause.message) : String(error.cause);
    failures.set(file, [...(failures.get(file) ?? []), `✖ ${test} (line ${line})\n${indent(cause, '    ')}`]);
  });
  stream.on('test:summary', ({ file, counts, duration_ms }) => {
    if (file === undefined) {
      tally.passed = counts.passed;
      tally.failed = failuresIn(counts);
      tally.skipped = counts.skipped + counts.todo;
      return;
    }
    const failed = failuresIn(counts) > 0;
    const skipped = counts.skipped > 0 ? `, ${counts.skipped} skipped` : '';
    const took = `${(duration_ms / 1000).toFixed(1)} s`;
    console.log(
      `${failed ? '✖' : '✔'} ${relative(process.cwd(), file)}: ${counts.passed} of ${counts.tests} passed${skipped} in ${took}`,
    );
    if (failed) explain(file);
  });

  /** A file that could not even be loaded has no summary: it is explained at the end. */
  const explain = (file: string) => {
    for (const failure of failures.get(file) ?? []) console.log(indent(failure, '  '));
    failures.delete(file);
    const lines = (output.get(file) ?? '').trimEnd().split('\n').slice(-OUTPUT_LINES);
    if (lines.join('') !== '') console.log(indent(['its output ended with', ...lines].join('\n'), '  │ '));
  };

  for await (const _ of stream);
  for (const file of [...failures.keys()]) {
    console.log(`✖ ${relative(process.cwd(), file)}`);
    explain(file);
  }
  return tally;
}

/** Cancelled ones (a timeout) among them. */
function failuresIn(counts: { tests: number; passed: number; skipped: number; todo: number }): number {
  return counts.tests - counts.passed - counts.skipped - counts.todo;
}

function indent(text: string, by: string): string {
  return text
    .split('\n')
    .map((line) => by + line)
    .join('\n');
}
