import type { CliContext } from '../context.ts';

/** Asks before something is deleted; true when the answer starts with y. No answer (an ended input) is a no. */
export async function confirm(context: CliContext, warning: string): Promise<boolean> {
  context.out(`WARNING! ${warning}\nAre you sure you want to continue? [y/N] `);
  const { stdin } = context.io;
  let answer = '';
  for await (const chunk of stdin) {
    answer += String(chunk);
    if (answer.includes('\n')) break;
  }
  return /^\s*y(es)?\s*$/i.test(answer.split('\n')[0] ?? '');
}
