/** A container's working directory is there from its creation on, so that files can be copied into it before the first start. */

import { mkdirSync } from 'node:fs';
import { join } from 'node:path';
import { invalid, isKind } from '../../base/errors.ts';
import type { EngineContext } from '../context.ts';
import type { RootfsMount } from '../host-system.ts';
import { findInRootfs, layerFolders } from './layers.ts';

/** Where snapshots are mounted to be looked at; in a mount namespace of its own each time. */
export function filesFolder({ settings }: Pick<EngineContext, 'settings'>): string {
  const folder = join(settings.execRoot, 'files');
  mkdirSync(folder, { recursive: true, mode: 0o700 });
  return folder;
}

/**
 * Makes it, with what is missing above it, root's and with mode 0755 as in Docker. Mounts the snapshot only when something is missing.
 *
 * @param mounts the snapshot's
 * @throws `invalid` when something else is in its place
 */
export function makeWorkingDirectory(
  context: Pick<EngineContext, 'settings' | 'host'>,
  mounts: RootfsMount[],
  path: string,
): void {
  const { files } = context.host;
  if (path === '' || path === '/') return;
  const found = findInRootfs(layerFolders(mounts), path, files.readXattr);
  if (found?.stat.isDirectory()) return;
  if (found !== undefined) throw notADirectory(path);
  try {
    const folder = filesFolder(context);
    files.openSnapshotTree(mounts, { folder, binds: [], readOnly: false, make: [path] }).close();
  } catch (error) {
    throw isKind(error) && error.errno === 'ENOTDIR' ? notADirectory(path) : error;
  }
}

function notADirectory(path: string): Error {
  return invalid(`Cannot mkdir: ${path} is not a directory`);
}
