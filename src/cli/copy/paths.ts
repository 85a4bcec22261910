import { posix } from 'node:path';

/** One side of `cp`: a path in a container, or a local one (`container` empty). */
export interface CopyPath {
  container: string;
  path: string;
}

/**
 * Reads an argument of `cp`. `web:/etc` is in a container; `/a:b` and `./a:b` are local.
 */
export function copyPath(argument: string): CopyPath {
  const at = argument.indexOf(':');
  const name = argument.slice(0, at);
  if (argument.startsWith('/') || at < 0 || name.startsWith('.')) return { container: '', path: argument };
  return { container: name, path: argument.slice(at + 1) };
}

/** What is known about one end of a copy. */
export interface CopyEnd {
  path: string;
  exists: boolean;
  isDirectory: boolean;
}

/** How an archive has to be unpacked: into which directory, its first name replaced by which. */
export interface CopyPlan {
  directory: string;
  /** Replace the archive's top name; undefined leaves it. */
  rename?: { from: string; to: string };
}

/**
 * Decides what copying `source` to `destination` means, as `cp -a` does: into a directory that exists, over a file
 * that exists, or under a new name in a directory that exists. `SRC/.` copies what is in SRC.
 *
 * Throws an `Error`: `cannot copy directory`, `no such directory`.
 */
export function planCopy(source: CopyEnd, destination: CopyEnd): CopyPlan {
  const from = baseName(source.path);
  const to = baseName(destination.path);
  const parent = posix.dirname(cleaned(destination.path));
  if (destination.exists && destination.isDirectory) return { directory: cleaned(destination.path) };
  if (destination.exists && source.isDirectory) throw new Error('cannot copy directory');
  if (!destination.exists && !source.isDirectory && wantsDirectory(destination.path)) {
    throw new Error('no such directory');
  }
  return { directory: parent, rename: { from, to } };
}

/** The last name of a path: `.` for `a/.`, and `a` for `a/`. */
export function baseName(path: string): string {
  if (path === '/' || path.endsWith('/.') || path === '.') return path === '/' ? '/' : '.';
  return posix.basename(path);
}

/** True for a path that only a directory can have: `a/` or `a/.`. */
export function wantsDirectory(path: string): boolean {
  return path.endsWith('/') || path.endsWith('/.') || path === '.';
}

function cleaned(path: string): string {
  const normal = posix.normalize(path).replace(/\/+$/, '');
  return normal === '' ? '/' : normal;
}

/** An entry's name after renaming the top of the archive: `a/b` → `new/b` for `{from: 'a', to: 'new'}`. */
export function renamed(name: string, rename: CopyPlan['rename']): string {
  if (rename === undefined) return name;
  const { from, to } = rename;
  if (from === '.') return posix.join(to, name.replace(/^\.\/?/, ''));
  const rest = name.replace(/^\.\//, '');
  if (rest === from || rest === `${from}/`) return to;
  return rest.startsWith(`${from}/`) ? `${to}/${rest.slice(from.length + 1)}` : name;
}
