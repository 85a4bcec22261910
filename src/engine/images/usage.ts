/** `docker system df`: how much the images take, and how much of it they share. */

import type { ImageSummary } from '../../base/wire/index.ts';
import { chainIds } from './digest.ts';
import type { Image } from './image.ts';
import { imageSummary } from './inspect.ts';

/** Bytes on disk. */
export interface ImagesUsage {
  /** of all layers, each counted once */
  LayersSize: number;
  /** with `SharedSize` and `Containers` filled in */
  Images: ImageSummary[];
}

/** `containers`: how many containers use the image with this ID */
export function imagesUsage(images: readonly Image[], containers: (imageId: string) => number): ImagesUsage {
  const users = new Map<string, number>();
  const sizes = new Map<string, number>();
  for (const image of images) {
    for (const [index, chainId] of chainIds(image.file.rootfs.diff_ids).entries()) {
      users.set(chainId, (users.get(chainId) ?? 0) + 1);
      sizes.set(chainId, image.layerSizes[index] ?? 0);
    }
  }
  const sum = (chain: readonly string[]) => chain.reduce((total, id) => total + (sizes.get(id) ?? 0), 0);
  return {
    LayersSize: sum([...sizes.keys()]),
    Images: images.map((image) => {
      const shared = chainIds(image.file.rootfs.diff_ids).filter((id) => users.get(id)! > 1);
      return { ...imageSummary(image, containers(image.id)), SharedSize: sum(shared) };
    }),
  };
}
