/** `--tmpfs TARGET:OPTIONS` (tmpfs(5), mount(8)). Pure. */

import { posix } from 'node:path';
import { invalid } from '../../base/errors.ts';

/** Docker's defaults, which the user's options overrule: what is in memory is not to be run. */
const DEFAULTS = ['noexec', 'nosuid', 'nodev'];

/** Each flag with what it is the opposite or the repetition of. */
const FLAGS: Readonly<Record<string, string>> = {
  ro: 'ro',
  rw: 'ro',
  suid: 'suid',
  nosuid: 'suid',
  dev: 'dev',
  nodev: 'dev',
  exec: 'exec',
  noexec: 'exec',
  sync: 'sync',
  async: 'sync',
  dirsync: 'dirsync',
  mand: 'mand',
  nomand: 'mand',
  atime: 'atime',
  noatime: 'atime',
  diratime: 'diratime',
  nodiratime: 'diratime',
  relatime: 'relatime',
  norelatime: 'relatime',
  strictatime: 'strictatime',
  nostrictatime: 'strictatime',
  private: 'propagation',
  rprivate: 'propagation',
  shared: 'propagation',
  rshared: 'propagation',
  slave: 'propagation',
  rslave: 'propagation',
  unbindable: 'propagation',
  runbindable: 'propagation',
};
const VALUES = new Set(['size', 'mode', 'uid', 'gid', 'nr_inodes', 'nr_blocks', 'mpol']);

/** Of options that speak of the same the last one counts. Throws `invalid` quoting one that tmpfs does not have. */
export function tmpfsOptions(text: string): string[] {
  const chosen = new Map<string, string>();
  for (const option of [...DEFAULTS, ...text.split(',')]) {
    if (option === '' || option === 'defaults') continue;
    const [name = '', value] = option.split('=', 2);
    const subject = value === undefined ? FLAGS[name] : VALUES.has(name) ? name : undefined;
    if (subject === undefined) throw invalid(`invalid tmpfs option "${name}"`);
    chosen.delete(subject);
    chosen.set(subject, option);
  }
  return [...chosen.values()];
}

/** Throws `invalid` in Docker's words. */
export function checkTmpfs(target: string, options: string): void {
  if (!target.startsWith('/')) throw invalid(`invalid mount path: '${target}' mount path must be absolute`);
  if (posix.normalize(target) === '/') throw invalid("invalid specification: destination can't be '/'");
  tmpfsOptions(options);
}
