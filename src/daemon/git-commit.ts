/** Which commit a daemon that runs from a checkout is made from, for `docker version`. */

import { readFileSync } from 'node:fs';
import { join } from 'node:path';

/** @returns the first seven digits; empty outside of a checkout */
export function gitCommit(folder: string): string {
  const git = join(folder, '.git');
  const head = textOf(join(git, 'HEAD')).trim();
  const name = /^ref: (.+)$/.exec(head)?.[1];
  const commit = name === undefined ? head : textOf(join(git, name)).trim() || packed(git, name);
  return /^[0-9a-f]{40,64}$/.test(commit) ? commit.slice(0, 7) : '';
}

/** git-pack-refs(1): lines of commit and name. */
function packed(git: string, name: string): string {
  const line = textOf(join(git, 'packed-refs'))
    .split('\n')
    .find((text) => text.endsWith(` ${name}`));
  return line?.split(' ')[0] ?? '';
}

function textOf(path: string): string {
  try {
    return readFileSync(path, 'utf8');
  } catch {
    return '';
  }
}
