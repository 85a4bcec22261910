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
  if (version < 45) result.Container ??= '';
  else delete result.Container;
  // Gone from Docker's answers with 1.45. docker-compose 1.29 (Debian's) asks with the newest version and reads it when a
  // service has changed: without it, `up` ends in a KeyError and leaves the container stopped.
  result.ContainerConfig ??= image.Config;
  return result;
}
