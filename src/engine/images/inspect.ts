/** An image in the shapes of the Docker Engine API. */

import type { ContainerConfig, ImageHistoryItem, ImageInspect, ImageSummary } from '../../base/wire/index.ts';
import type { ImageRunConfig } from '../../runtime/registry/descriptor.ts';
import { familiarReference } from '../../runtime/registry/reference.ts';
import type { Image } from './image.ts';

/** Docker's "never" */
const ZERO_TIME = '0001-01-01T00:00:00Z';

/** `RepoTags` */
export function repoTags(image: Image): string[] {
  return image.references.filter((reference) => reference.digest === undefined).map(familiarReference);
}

/** `RepoDigests` */
export function repoDigests(image: Image): string[] {
  return image.references.filter((reference) => reference.digest !== undefined).map(familiarReference);
}

/** `containers`: how many use the image; -1: not counted */
export function imageSummary(image: Image, containers: number): ImageSummary {
  return {
    Id: image.id,
    ParentId: image.parent,
    RepoTags: repoTags(image),
    RepoDigests: repoDigests(image),
    Created: Math.floor(image.created / 1000),
    Size: image.size,
    SharedSize: -1,
    Containers: containers,
    Labels: image.config.Labels ?? null,
  };
}

export function imageInspect(image: Image, snapshotter: string): ImageInspect {
  const { file } = image;
  return {
    Id: image.id,
    RepoTags: repoTags(image),
    RepoDigests: repoDigests(image),
    Parent: image.parent,
    Comment: file.comment ?? file.history?.at(-1)?.comment ?? '',
    Created: file.created ?? ZERO_TIME,
    DockerVersion: file.docker_version ?? '',
    Author: file.author ?? '',
    Architecture: file.architecture ?? '',
    ...(file.variant ? { Variant: file.variant } : {}),
    Os: file.os ?? '',
    ...(file['os.version'] ? { OsVersion: file['os.version'] } : {}),
    Size: image.size,
    VirtualSize: image.size,
    GraphDriver: { Name: snapshotter, Data: null },
    RootFS: { Type: 'layers', Layers: file.rootfs.diff_ids },
    Metadata: { LastTagTime: image.lastTagged?.toISOString() ?? ZERO_TIME },
    Config: containerConfig(image.config),
    ContainerConfig: containerConfig(file.container_config ?? {}),
    Container: file.container ?? '',
  };
}

/** An image's config with all members that Docker always shows. */
export function containerConfig(config: ImageRunConfig): ContainerConfig {
  return {
    Hostname: config.Hostname ?? '',
    Domainname: config.Domainname ?? '',
    User: config.User ?? '',
    AttachStdin: false,
    AttachStdout: false,
    AttachStderr: false,
    ...(config.ExposedPorts ? { ExposedPorts: config.ExposedPorts } : {}),
    Tty: false,
    OpenStdin: false,
    StdinOnce: false,
    Env: config.Env ?? [],
    Cmd: config.Cmd ?? null,
    ...(config.Healthcheck ? { Healthcheck: config.Healthcheck } : {}),
    ...(config.ArgsEscaped === undefined ? {} : { ArgsEscaped: config.ArgsEscaped }),
    Image: config.Image ?? '',
    Volumes: config.Volumes ?? null,
    WorkingDir: config.WorkingDir ?? '',
    Entrypoint: config.Entrypoint ?? null,
    OnBuild: config.OnBuild ?? null,
    Labels: config.Labels ?? {},
    ...(config.StopSignal ? { StopSignal: config.StopSignal } : {}),
    ...(config.Shell ? { Shell: config.Shell } : {}),
  };
}

/**
 * Newest step first. Of an image that came from elsewhere only the topmost step has an ID and tags; of one that was made here also those
 * below it that are images: `ancestors`, the parent first.
 */
export function imageHistory(image: Image, ancestors: readonly Image[]): ImageHistoryItem[] {
  const steps = image.file.history ?? [];
  const items: ImageHistoryItem[] = [];
  let layer = 0;
  for (const step of steps) {
    const size = step.empty_layer === true ? 0 : (image.layerSizes[layer++] ?? 0);
    const created = step.created === undefined ? 0 : Date.parse(step.created);
    items.unshift({
      Id: '<missing>',
      Created: Number.isNaN(created) ? 0 : Math.floor(created / 1000),
      CreatedBy: step.created_by ?? '',
      Tags: null,
      Size: size,
      Comment: step.comment ?? '',
    });
  }
  for (const [index, step] of [image, ...ancestors].entries()) {
    const item = items[index];
    if (item === undefined) break;
    item.Id = step.id;
    const tags = repoTags(step);
    item.Tags = tags.length === 0 ? null : tags;
  }
  return items;
}
