import { isKind, messageOf } from '../../base/errors.ts';
import type { CliContext } from '../context.ts';

/** Operations that run at the same time at most. */
const PARALLEL = 50;

/**
 * Does `work` to every name at once, and prints the names (in their order) that went well to stdout and what went
 * wrong to stderr. The exit code is 1 when anything did.
 *
 * With `ignoreMissing`, what does not exist is told but does not make the command fail (`rm -f`).
 */
export async function forEachName(
  context: CliContext,
  names: readonly string[],
  work: (name: string) => Promise<unknown>,
  options: { ignoreMissing?: boolean } = {},
): Promise<number> {
  let failed = false;
  for (let at = 0; at < names.length; at += PARALLEL) {
    const batch = names.slice(at, at + PARALLEL);
    const results = await Promise.allSettled(batch.map(work));
    for (const [index, result] of results.entries()) {
      if (result.status === 'fulfilled') {
        context.out(`${batch[index]}\n`);
        continue;
      }
      context.err(`${messageOf(result.reason)}\n`);
      if (!options.ignoreMissing || !isKind(result.reason, 'not-found')) failed = true;
    }
  }
  return failed ? 1 : 0;
}

/** The path of a container (or one of its parts) in the API. */
export function containerPath(name: string, part = ''): string {
  if (name.trim() === '') throw new Error('invalid container name or ID: value is empty');
  // `inspect` shows names with a slash before them; one between names belongs to a link.
  const path = encodeURIComponent(name.replace(/^\/+/, '')).replaceAll('%2F', '/');
  return `/containers/${path}${part === '' ? '' : `/${part}`}`;
}
