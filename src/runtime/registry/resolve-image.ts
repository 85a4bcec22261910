/** From a tag or digest to the manifest of one platform. */

import { BridgeportError, invalid } from '../../base/errors.ts';
import type { ImageIndex, ImageManifest } from './descriptor.ts';
import { DOCKER_CONFIG, isIndexType, isLayerType, isManifestType, OCI_CONFIG } from './media-types.ts';
import { choosePlatform, formatPlatform, type Platform } from './platform.ts';
import type { FetchedManifest, Repository } from './repository.ts';

/** Index in index happens; deeper nesting is somebody's joke. */
const MAX_LEVELS = 3;

export interface ResolvedImage {
  /** digest of what the tag points to: an index, or the manifest itself */
  digest: string;
  manifest: FetchedManifest;
  document: ImageManifest;
}

/**
 * Fetches manifests down to the one for `platform`.
 *
 * @throws `not-found` (`no matching manifest for linux/amd64 in the manifest list entries`), `invalid` for what is no
 * image of a container
 */
export async function resolveImage(
  repository: Repository,
  tagOrDigest: string,
  platform: Platform,
  signal: AbortSignal,
): Promise<ResolvedImage> {
  let manifest = await repository.manifest(tagOrDigest, signal);
  const { digest } = manifest;
  for (let level = 0; level < MAX_LEVELS; level++) {
    if (isManifestType(manifest.mediaType)) return { digest, manifest, document: parseManifest(manifest) };
    if (!isIndexType(manifest.mediaType)) throw invalid(`unsupported media type ${manifest.mediaType}`);
    const index = parseJson(manifest) as ImageIndex;
    if (!Array.isArray(index?.manifests)) throw invalid(`image index ${manifest.digest} has no manifests`);
    const entry = choosePlatform(index.manifests, platform);
    if (entry === undefined) {
      throw new BridgeportError(
        'not-found',
        `no matching manifest for ${formatPlatform(platform)} in the manifest list entries`,
      );
    }
    manifest = await repository.manifest(entry.digest, signal);
  }
  throw invalid(`image index ${digest} is nested too deeply`);
}

function parseManifest(manifest: FetchedManifest): ImageManifest {
  const document = parseJson(manifest) as ImageManifest;
  const { config, layers } = document;
  if (typeof config?.digest !== 'string' || !Array.isArray(layers)) {
    throw invalid(`image manifest ${manifest.digest} has no config or no layers`);
  }
  if (config.mediaType !== OCI_CONFIG && config.mediaType !== DOCKER_CONFIG) {
    throw invalid(`unsupported media type ${config.mediaType}: this is no container image`);
  }
  for (const layer of layers) {
    if (!isLayerType(layer.mediaType)) throw invalid(`unsupported layer media type ${layer.mediaType}`);
  }
  for (const { digest, size } of [config, ...layers]) {
    if (!/^sha(256|512):[a-f0-9]{64,128}$/.test(digest) || !Number.isSafeInteger(size) || size < 0) {
      throw invalid(`image manifest ${manifest.digest} has a bad descriptor: ${digest}, ${size} bytes`);
    }
  }
  return { ...document, mediaType: manifest.mediaType };
}

function parseJson(manifest: FetchedManifest): unknown {
  try {
    return JSON.parse(manifest.data.toString());
  } catch (cause) {
    throw invalid(`image manifest ${manifest.digest} is not JSON`, { cause });
  }
}
