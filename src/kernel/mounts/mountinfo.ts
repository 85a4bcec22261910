/** The mount table of this process: /proc/self/mountinfo (proc_pid_mountinfo(5)). */
import { readFileSync } from 'node:fs';

export interface Mount {
  readonly id: number;
  readonly parentId: number;
  /** What of the filesystem is mounted: `/`, or the directory a bind mount was made from. */
  readonly root: string;
  readonly target: string;
  readonly options: readonly string[];
  /** Peer group of a shared mount. */
  readonly sharedGroup: number | undefined;
  /** Peer group a slave receives from. */
  readonly masterGroup: number | undefined;
  /** `ext4`, `nsfs`, `cgroup2`; a subtype behind a dot. */
  readonly type: string;
  readonly source: string;
  /** Options of the filesystem rather than of this mount. */
  readonly superOptions: readonly string[];
}

/** Parses the text of mountinfo, in its own order (the order of mounting, mostly). */
export function parseMountinfo(text: string): Mount[] {
  return text
    .split('\n')
    .filter((line) => line !== '')
    .map((line) => {
      const fields = line.split(' ');
      // The list of optional fields ends with a lone dash.
      const dash = fields.indexOf('-', 6);
      const tag = (name: string) => {
        const field = fields.slice(6, dash).find((optional) => optional.startsWith(`${name}:`));
        return field === undefined ? undefined : Number(field.slice(name.length + 1));
      };
      return {
        id: Number(fields[0]),
        parentId: Number(fields[1]),
        root: plain(fields[3] ?? ''),
        target: plain(fields[4] ?? ''),
        options: (fields[5] ?? '').split(','),
        sharedGroup: tag('shared'),
        masterGroup: tag('master'),
        type: fields[dash + 1] ?? '',
        source: plain(fields[dash + 2] ?? ''),
        superOptions: (fields[dash + 3] ?? '').split(','),
      };
    });
}

/**
 * The mounts at or below `prefix`; all of them without one.
 *
 * @param prefix an absolute path without symbolic links, since that is how the kernel lists targets
 */
export function listMounts(prefix?: string): Mount[] {
  const mounts = parseMountinfo(readFileSync('/proc/self/mountinfo', 'utf8'));
  return prefix === undefined ? mounts : mounts.filter(({ target }) => isWithin(target, prefix));
}

/** Whether something is mounted at exactly `path`. */
export function isMountPoint(path: string): boolean {
  return listMounts(path).some(({ target }) => target === path);
}

function isWithin(path: string, prefix: string): boolean {
  return prefix === '/' || path === prefix || path.startsWith(`${prefix}/`);
}

/** Space, tab, newline and backslash are written as three octal digits. */
function plain(field: string): string {
  return field.replace(/\\([0-7]{3})/g, (_, digits: string) =>
    String.fromCharCode(Number.parseInt(digits, 8)),
  );
}
