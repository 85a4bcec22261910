/**
 * `/dev/shm` of a container that shares its IPC namespace (`--ipc shareable`). It is mounted on the host, because what is mounted inside
 * one container cannot be bound into another: that is a mount of another mount namespace (EINVAL, mount(2)).
 */

import { mkdirSync, rmSync } from 'node:fs';
import { join } from 'node:path';
import type { EngineContext } from '../context.ts';
import type { ContainerRecord } from './record.ts';

type Parts = Pick<EngineContext, 'settings' | 'host'>;

export function sharedMemoryFolder({ settings }: Pick<Parts, 'settings'>): string {
  return join(settings.execRoot, 'shm');
}

export function sharedMemoryPath(parts: Pick<Parts, 'settings'>, containerId: string): string {
  return join(sharedMemoryFolder(parts), containerId);
}

/** Gives the folder, where an empty tmpfs of the container's `--shm-size` is mounted. */
export function openSharedMemory(parts: Parts, record: ContainerRecord): string {
  const path = sharedMemoryPath(parts, record.id);
  closeSharedMemory(parts, record.id);
  mkdirSync(path, { recursive: true, mode: 0o700 });
  parts.host.mountRootfs(
    [{ type: 'tmpfs', source: 'shm', options: ['mode=1777', `size=${record.hostConfig.ShmSize}`] }],
    path,
  );
  return path;
}

/** What is not there is fine. Containers that have it keep what is in it until they end. */
export function closeSharedMemory(parts: Parts, containerId: string): void {
  const path = sharedMemoryPath(parts, containerId);
  if (parts.host.isMountPoint(path)) parts.host.unmount(path);
  rmSync(path, { recursive: true, force: true });
}
