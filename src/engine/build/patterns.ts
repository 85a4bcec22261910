/** The patterns of COPY's sources and of .dockerignore: those of Go's `filepath.Match`, and `**`. Pure. */

import { posix } from 'node:path';
import { invalid } from '../../base/errors.ts';

export function hasWildcard(path: string): boolean {
  return /[*?[\\]/.test(path);
}

/**
 * Matches a whole path, or one name of it: `*` and `?` take no slash. With `deep`, `**` takes any number of folders.
 *
 * @throws `invalid` for a bracket that is not closed
 */
export function patternOf(pattern: string, options: { deep: boolean } = { deep: false }): RegExp {
  let source = '';
  for (let at = 0; at < pattern.length; at++) {
    const char = pattern[at] as string;
    if (options.deep && pattern.startsWith('**', at)) {
      at++;
      if (pattern[at + 1] === '/') at++;
      source += at + 1 >= pattern.length ? '.*' : '(?:.*/)?';
    } else if (char === '*') source += '[^/]*';
    else if (char === '?') source += '[^/]';
    else if (char === '[') {
      const [whole, not = '', set = ''] = /^\[(\^?)((?:\\.|[^\]\\])+)\]/.exec(pattern.slice(at)) ?? [];
      if (whole === undefined) throw invalid(`syntax error in pattern "${pattern}"`);
      source += `[${not}${not === '' ? '' : '/'}${set.replace(/[[^]/g, '\\$&')}]`;
      at += whole.length - 1;
    } else if (char === '\\') {
      if (at + 1 === pattern.length) throw invalid(`syntax error in pattern "${pattern}"`);
      source += literal(pattern[++at] as string);
    } else source += literal(char);
  }
  return new RegExp(`^${source}$`, 's');
}

const literal = (char: string) => char.replace(/[.*+?^${}()|[\]\\/]/, '\\$&');

/** Does a .dockerignore leave this path out of the context? A later line counts more; `!` takes a path back in. */
export function isIgnored(dockerignore: string, path: string): boolean {
  let ignored = false;
  for (const line of dockerignore.replace(/^\uFEFF/, '').split(/\r?\n/)) {
    if (line.startsWith('#')) continue;
    const text = line.trim();
    const isException = text.startsWith('!');
    const pattern = posix.normalize(text.slice(isException ? 1 : 0).trim() || '.').replace(/^\/|\/$/g, '');
    if (pattern === '' || pattern === '.') continue;
    const expression = patternOf(pattern, { deep: true });
    // What is in an ignored folder is ignored with it.
    const parts = path.split('/');
    const matches = parts.some((_, index) => expression.test(parts.slice(0, index + 1).join('/')));
    if (matches) ignored = !isException;
  }
  return ignored;
}
