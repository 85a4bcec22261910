/** The files that a build reads and writes: those of its context, and of snapshots. */

import { randomUUID } from 'node:crypto';
import { mkdirSync, promises, rmSync } from 'node:fs';
import { join } from 'node:path';
import type { Readable } from 'node:stream';
import { unpackTar } from '../archive/unpack.ts';
import type { EngineContext } from '../context.ts';
import type { FileTree, RootfsMount } from '../host-system.ts';
import { decompress } from '../images/compression.ts';

/** A snapshot, mounted for us alone. The caller closes it. */
export function openSnapshot(
  { host, settings }: EngineContext,
  mounts: RootfsMount[],
  { readOnly }: { readOnly: boolean },
): FileTree {
  const folder = join(settings.execRoot, 'files');
  mkdirSync(folder, { recursive: true, mode: 0o700 });
  return host.files.openSnapshotTree(mounts, { folder, binds: [], readOnly });
}

export interface ContextTree {
  tree: FileTree;
  /** Removes it. */
  [Symbol.asyncDispose](): Promise<void>;
}

const contextsFolder = ({ settings }: EngineContext) => join(settings.dataRoot, 'build');

/** Takes away what an earlier daemon has left. */
export function removeLeftContexts(context: EngineContext): void {
  rmSync(contextsFolder(context), { recursive: true, force: true });
}

/**
 * Unpacks the context that a client has sent, compressed or not, into a folder of its own.
 *
 * @throws `invalid` for what is no archive
 */
export async function receiveContext(
  context: EngineContext,
  tar: Readable,
  signal: AbortSignal,
): Promise<ContextTree> {
  const folder = join(contextsFolder(context), randomUUID());
  mkdirSync(folder, { recursive: true, mode: 0o700 });
  const remove = () => promises.rm(folder, { recursive: true, force: true });
  let tree: FileTree | undefined;
  try {
    tree = openSnapshot(context, [{ type: 'bind', source: folder, options: ['bind'] }], { readOnly: false });
    const source = await decompress(tar);
    signal.throwIfAborted();
    await unpackTar(source, {
      files: context.host.files,
      tree,
      folder: '/',
      noOverwriteDirNonDir: false,
      owner: undefined,
    });
  } catch (error) {
    tree?.close();
    await remove();
    throw error;
  }
  const received = tree;
  return {
    tree: received,
    async [Symbol.asyncDispose]() {
      received.close();
      await remove();
    },
  };
}
