/** Opens a container's files: those of its processes while it runs, otherwise its snapshot, with its volumes, mounted for us alone. */

import { existsSync } from 'node:fs';
import { join } from 'node:path';
import { conflict, isKind } from '../../base/errors.ts';
import type { Container } from '../containers/container.ts';
import type { EngineContext } from '../context.ts';
import type { FileTree, TreeBind } from '../host-system.ts';
import { filesFolder } from '../rootfs/working-directory.ts';

export interface TreeOptions {
  /** The container's own files alone, without volumes and other mounts: what `docker export` takes. */
  rootOnly: boolean;
}

export interface OpenTree {
  tree: FileTree;
  /** To be called exactly once. */
  release(): void;
}

/** Attempts when the container starts or ends just as it is looked at. */
const ATTEMPTS = 5;

/**
 * A container that does not run is kept from starting, and from being removed, until `release()`: two mounts of one snapshot would not
 * see each other's changes.
 */
export async function openContainerTree(
  context: EngineContext,
  container: Container,
  options: TreeOptions,
): Promise<OpenTree> {
  for (let attempt = 0; attempt < ATTEMPTS; attempt++) {
    const open =
      (await openRunning(context, container, options)) ?? (await openStopped(context, container, options));
    if (open !== undefined) return open;
  }
  throw conflict(`container ${container.id} is starting or stopping: try again`);
}

async function openRunning(
  { host, containerd }: EngineContext,
  container: Container,
  options: TreeOptions,
): Promise<OpenTree | undefined> {
  const { pid } = container.record.state;
  if (!container.isRunning || pid === 0) return undefined;
  let tree: FileTree;
  try {
    tree = host.files.openProcessTree(pid, options);
  } catch (error) {
    if (isKind(error) && ['ENOENT', 'ESRCH'].includes(error.errno ?? '')) return undefined;
    throw error;
  }
  try {
    // Only now is it certain that the number was still this container's: it is not given to another process before the task has ended.
    const task = await containerd.tasks.get(container.id);
    if (task?.pid === pid && task.status !== 'stopped') return { tree, release: () => tree.close() };
  } catch (error) {
    if (!isKind(error, 'not-found')) {
      tree.close();
      throw error;
    }
  }
  tree.close();
  return undefined;
}

/** Undefined when it runs by the time its lock is ours. */
async function openStopped(
  context: EngineContext,
  container: Container,
  options: TreeOptions,
): Promise<OpenTree | undefined> {
  const opened = Promise.withResolvers<FileTree | undefined>();
  const released = Promise.withResolvers<void>();
  const locked = container.lock.run(async () => {
    const tree = container.isRunning ? undefined : await mountTree(context, container, options);
    opened.resolve(tree);
    if (tree !== undefined) await released.promise.finally(() => tree.close());
  });
  locked.catch(opened.reject);
  const tree = await opened.promise;
  return tree === undefined ? undefined : { tree, release: () => released.resolve() };
}

async function mountTree(
  context: EngineContext,
  container: Container,
  { rootOnly }: TreeOptions,
): Promise<FileTree> {
  const { record } = container;
  if (record.removing) throw conflict(`container ${record.id} is marked for removal`);
  const mounts = await context.containerd.snapshotter(record.snapshotter).mounts(record.id);
  return context.host.files.openSnapshotTree(mounts, {
    folder: filesFolder(context),
    binds: rootOnly ? [] : bindsOf(container),
    readOnly: !rootOnly && record.hostConfig.ReadonlyRootfs,
  });
}

/** The volumes, and the files that the daemon wrote at the last start. */
function bindsOf(container: Container): TreeBind[] {
  const volumes = container.record.mounts
    .filter((mount) => mount.Type === 'bind' || mount.Type === 'volume')
    .map((mount) => ({ source: mount.Source, target: mount.Destination, readOnly: !mount.RW }));
  const own = ['hosts', 'resolv.conf', 'hostname']
    .map((name) => ({ source: join(container.folder, name), target: `/etc/${name}`, readOnly: false }))
    .filter(
      ({ source, target }) => existsSync(source) && !volumes.some((volume) => volume.target === target),
    );
  return [...volumes, ...own];
}
