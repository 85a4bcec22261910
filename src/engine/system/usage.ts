/** `docker system df`: what images, containers and volumes take on disk. */

import type { Filters, ImageSummary, ListedContainer, Volume, VolumeList } from '../../base/wire/index.ts';
import { treeSize } from './tree-size.ts';

/** What is added up, from whoever keeps it. */
export interface UsageSources {
  images: { usage(): Promise<{ LayersSize: number; Images: ImageSummary[] }> };
  containers: {
    list(options: {
      all: boolean;
      limit: number;
      size: boolean;
      filters: Filters;
    }): Promise<ListedContainer[]>;
  };
  volumes: { list(filters: Filters): Promise<VolumeList> };
  /** Containers that have the volume mounted, in any state. */
  volumeUsers: (name: string) => number;
}

/** `GET /system/df`; null: not asked for. */
export interface DiskUsage {
  LayersSize: number;
  Images: ImageSummary[] | null;
  Containers: ListedContainer[] | null;
  Volumes: Volume[] | null;
  BuildCache: [] | null;
}

/** `types`: of `container`, `image`, `volume`, `build-cache` (there is none: nothing is built here). */
export async function diskUsage(types: readonly string[], sources: UsageSources): Promise<DiskUsage> {
  const wants = (type: string) => types.includes(type);
  const [images, containers, volumes] = await Promise.all([
    wants('image') ? sources.images.usage() : undefined,
    wants('container')
      ? sources.containers.list({ all: true, limit: 0, size: true, filters: {} })
      : undefined,
    wants('volume') ? volumesUsage(sources) : undefined,
  ]);
  return {
    LayersSize: images?.LayersSize ?? 0,
    Images: images?.Images ?? null,
    Containers: containers ?? null,
    Volumes: volumes ?? null,
    BuildCache: wants('build-cache') ? [] : null,
  };
}

async function volumesUsage({ volumes, volumeUsers }: UsageSources): Promise<Volume[]> {
  const measured: Volume[] = [];
  // One after the other: each walks a tree of files.
  for (const volume of (await volumes.list({})).Volumes) {
    const Size = await treeSize(volume.Mountpoint);
    measured.push({ ...volume, UsageData: { Size, RefCount: volumeUsers(volume.Name) } });
  }
  return measured;
}
