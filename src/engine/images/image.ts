/** An image as the engine sees it. */

import type { ImageConfigFile, ImageManifest, ImageRunConfig } from '../../runtime/registry/descriptor.ts';
import { normalizePlatform, type Platform } from '../../runtime/registry/platform.ts';
import type { Reference } from '../../runtime/registry/reference.ts';

/** Everything about one local image. */
export interface Image {
  /** digest of the config: `sha256:…` */
  id: string;
  /** ID of the image that it was made from here, by commit or build; `''` for one that came from elsewhere */
  parent: string;
  manifestDigest: string;
  manifest: ImageManifest;
  file: ImageConfigFile;
  /** how the image wants to be run; all members may be missing */
  config: ImageRunConfig;
  /** name of the snapshot of all layers, the parent of a container's; `''` for an image without layers */
  chainId: string;
  /** by tag and by digest */
  references: Reference[];
  /** bytes on disk of each layer, lowest first */
  layerSizes: number[];
  /** bytes on disk of all layers */
  size: number;
  platform: Platform;
  /** when a reference was last set */
  lastTagged: Date | undefined;
  /** milliseconds since the epoch; 0 when the image does not say */
  created: number;
}

/** A container that was made from an image. */
export interface ImageUser {
  /** full container ID */
  id: string;
  running: boolean;
}

/** The platform that an image's config names. */
export function platformOf(file: ImageConfigFile): Platform {
  return normalizePlatform({
    os: file.os || 'linux',
    architecture: file.architecture || '',
    ...(file.variant ? { variant: file.variant } : {}),
  });
}

/** `created` of the config in milliseconds since the epoch; 0 when there is none or it is no date. */
export function createdOf(file: ImageConfigFile): number {
  const time = file.created === undefined ? Number.NaN : Date.parse(file.created);
  // Go's zero time, the year 1, means "never".
  return Number.isNaN(time) || time < Date.UTC(2, 0) ? 0 : time;
}
