/** Mounting and unmounting: mount(2), umount2(2). Synchronous. */
import { BridgeportError } from '../../base/errors.ts';
import { errnoError, isErrno } from '../ffi/errno.ts';
import { check, lastErrno, libc } from '../ffi/libc.ts';
import {
  MNT_DETACH,
  MS_BIND,
  MS_NODEV,
  MS_NOEXEC,
  MS_NOSUID,
  MS_PRIVATE,
  MS_RDONLY,
  MS_REC,
  MS_REMOUNT,
  MS_SHARED,
  MS_SLAVE,
  UMOUNT_NOFOLLOW,
} from './constants.ts';
import { listMounts } from './mountinfo.ts';

/** With `r`: the mounts below as well. */
export type Propagation = 'private' | 'rprivate' | 'slave' | 'rslave' | 'shared' | 'rshared';

export interface MountFlags {
  readOnly?: boolean;
  noSuid?: boolean;
  noDev?: boolean;
  noExec?: boolean;
}

/** Mounts a filesystem: `mountFilesystem('overlay', '/x/merged', { data: 'lowerdir=…' })`. */
export function mountFilesystem(
  type: string,
  target: string,
  options: MountFlags & { source?: string; data?: string } = {},
): void {
  const { source = type, data = null } = options;
  check(libc().mount(source, target, type, flagsOf(options), data), () => `mount ${type} on ${target}`);
}

/** A tmpfs. Its size is limited to half of the memory unless `sizeBytes` says otherwise. */
export function mountTmpfs(
  target: string,
  options: MountFlags & { sizeBytes?: number; mode?: number } = {},
): void {
  const data = [
    ...(options.sizeBytes === undefined ? [] : [`size=${options.sizeBytes}`]),
    ...(options.mode === undefined ? [] : [`mode=${options.mode.toString(8)}`]),
  ];
  mountFilesystem('tmpfs', target, { ...options, ...(data.length > 0 && { data: data.join(',') }) });
}

/**
 * Makes a file or directory visible at a second place, which must exist and be of the same sort.
 *
 * @param options.recursive with what is mounted below the source. Default: false
 * @param options.propagation set afterwards. Default: what the source's peer group makes of it
 */
export function bindMount(
  source: string,
  target: string,
  options: MountFlags & { recursive?: boolean; propagation?: Propagation } = {},
): void {
  const action = () => `bind ${source} to ${target}`;
  check(libc().mount(source, target, null, MS_BIND | (options.recursive ? MS_REC : 0), null), action);
  const flags = flagsOf(options);
  try {
    if (options.propagation) setPropagation(target, options.propagation);
    // mount(2): the first call ignores every other flag; they take a remount.
    if (flags) check(libc().mount(null, target, null, MS_BIND | MS_REMOUNT | flags, null), action);
  } catch (error) {
    libc().umount2(target, MNT_DETACH | UMOUNT_NOFOLLOW);
    throw error;
  }
}

export function setPropagation(target: string, propagation: Propagation): void {
  const recursive = propagation.startsWith('r');
  const name = (recursive ? propagation.slice(1) : propagation) as 'private' | 'slave' | 'shared';
  const flag = { private: MS_PRIVATE, slave: MS_SLAVE, shared: MS_SHARED }[name];
  check(
    libc().mount(null, target, null, flag | (recursive ? MS_REC : 0), null),
    () => `make mount ${target} ${propagation}`,
  );
}

/**
 * Unmounts what is at `target`: the topmost layer, and lazily, so that a process with an open file does not stop it.
 *
 * @returns false when nothing is mounted there (or there is no such path)
 */
export function unmount(target: string): boolean {
  if (libc().umount2(target, MNT_DETACH | UMOUNT_NOFOLLOW) === 0) return true;
  const error = errnoError(`unmount ${target}`, lastErrno());
  // umount(2): EINVAL, target is not a mount point.
  if (isErrno(error, 'EINVAL', 'ENOENT')) return false;
  throw error;
}

/**
 * Unmounts everything at and below `prefix`, the latest first, and collects errors until the end. To be called before a
 * directory tree is deleted: otherwise the deletion would reach into bind-mounted volumes.
 *
 * @returns how many mounts went
 */
export function unmountTree(prefix: string): number {
  let count = 0;
  const errors: BridgeportError[] = [];
  for (const { target } of listMounts(prefix).reverse()) {
    try {
      if (unmount(target)) count++;
    } catch (error) {
      if (!(error instanceof BridgeportError)) throw error;
      errors.push(error);
    }
  }
  if (errors.length === 1) throw errors[0];
  if (errors.length > 1) throw new AggregateError(errors, errors.map(({ message }) => message).join('; '));
  return count;
}

function flagsOf({ readOnly, noSuid, noDev, noExec }: MountFlags): number {
  return (
    (readOnly ? MS_RDONLY : 0) | (noSuid ? MS_NOSUID : 0) | (noDev ? MS_NODEV : 0) | (noExec ? MS_NOEXEC : 0)
  );
}
