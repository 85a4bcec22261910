/** Images as older clients expect them. */

import type { ImageInspect, ImageSummary } from '../../base/wire/index.ts';

export function imageSummaryFor(
  version: number,
  image: ImageSummary,
): ImageSummary & { VirtualSize?: number } {
  const untagged = image.RepoTags.length === 0 && image.RepoDigests.length === 0;
  return {
    ...image,
    ...(version < 43 && untagged ? { RepoTags: ['<none>:<none>'], RepoDigests: ['<none>@<none>'] } : {}),
    ...(version < 51 ? { Containers: -1 } : {}),
    ...(version < 44 ? { VirtualSize: image.Size } : {}),
  };
}

export function imageInspectFor(version: number, image: ImageInspect): ImageInspect {
  const result: ImageInspect = { ...image };
  if (version < 44) result.VirtualSize ??= image.Size;
  else delete result.VirtualSize;
  if (version < 45) {
    result.Container ??= '';
    result.ContainerConfig ??= image.Config;
  } else {
    delete result.Container;
    delete result.ContainerConfig;
  }
  return result;
}
