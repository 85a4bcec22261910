/** `docker load`: docker-archive (`docker save`, both its layouts) and OCI layout archives. */

import type { Readable } from 'node:stream';
import { invalid } from '../../base/errors.ts';
import type { Containerd } from '../../runtime/containerd/client.ts';
import type { Descriptor, ImageIndex, ImageManifest } from '../../runtime/registry/descriptor.ts';
import {
  isIndexType,
  isLayerType,
  isManifestType,
  OCI_CONFIG,
  OCI_MANIFEST,
} from '../../runtime/registry/media-types.ts';
import { choosePlatform, formatPlatform, type Platform } from '../../runtime/registry/platform.ts';
import {
  parseReference,
  type Reference,
  tryParseReference,
  withDefaultTag,
} from '../../runtime/registry/reference.ts';
import { ImageArchive } from './archive.ts';
import { layerMediaType } from './compression.ts';
import { chainIds, digestOf } from './digest.ts';
import type { Image } from './image.ts';
import { DOCUMENT_MAX_BYTES, type ImageStore, parseConfig } from './store.ts';
import type { LayerSource } from './unpack.ts';

/** One image of an archive, not yet checked. */
interface ArchivedImage {
  config: Buffer;
  /** undefined: made up from the layers */
  manifest: Buffer | undefined;
  layers: Array<{ path: string; descriptor: Descriptor | undefined }>;
  references: Reference[];
}

export interface LoadEvents {
  /** The next layer of an image, `done` and `total` in bytes of the blob. */
  onLayer(diffId: string, done: number, total: number): void;
  /** `replaced` are the references that belonged to another image so far, with its ID. */
  onImage(image: Image, references: Reference[], replaced: Array<[Reference, string]>): void;
}

/** The entry of `manifest.json` in a docker-archive. */
interface DockerArchiveEntry {
  Config: string;
  RepoTags: string[] | null;
  Layers: string[] | null;
}

/**
 * Loads every image of the archive. What was loaded before an error stays, as with Docker.
 *
 * @throws `invalid`
 */
export async function loadImages(
  store: ImageStore,
  tar: Readable,
  platform: Platform,
  events: LoadEvents,
  signal: AbortSignal,
): Promise<void> {
  await store.client.withLease(
    async (client, leaseId) => {
      const archive = await ImageArchive.read(client, tar, signal);
      for (const image of await readImages(client, archive, platform)) {
        await loadOne(store, client, leaseId, archive, image, events, signal);
      }
    },
    { signal },
  );
}

async function loadOne(
  store: ImageStore,
  client: Containerd,
  leaseId: string,
  archive: ImageArchive,
  image: ArchivedImage,
  events: LoadEvents,
  signal: AbortSignal,
): Promise<void> {
  const file = parseConfig(image.config);
  const diffIds = file.rootfs.diff_ids;
  if (diffIds.length !== image.layers.length) {
    throw invalid(
      `invalid manifest, layers length mismatch: expected ${image.layers.length}, got ${diffIds.length}`,
    );
  }
  const layers: LayerSource[] = [];
  const chain = chainIds(diffIds);
  for (const [index, { path, descriptor }] of image.layers.entries()) {
    const { digest, file: member } = await archive.toContent(client, path, signal);
    if (descriptor !== undefined && descriptor.digest !== digest) {
      throw invalid(`load: "${path}" has digest ${digest}, its manifest says ${descriptor.digest}`);
    }
    const blob = descriptor ?? { mediaType: layerMediaType(member.compression), digest, size: member.size };
    const layer = { blob, diffId: diffIds[index]! };
    events.onLayer(layer.diffId, 0, member.size);
    await store.unpacker.unpackLayer(client, leaseId, chain[index - 1] ?? '', layer, signal);
    events.onLayer(layer.diffId, member.size, member.size);
    layers.push(layer);
  }
  const manifest = image.manifest ?? makeManifest(image.config, layers);
  const replaced: Array<[Reference, string]> = [];
  const registered = await store.register(
    client,
    {
      config: image.config,
      file,
      manifest,
      manifestDocument: JSON.parse(manifest.toString()) as ImageManifest,
    },
    [],
  );
  for (const reference of image.references) {
    const before = await store.setReference(reference, registered.id);
    if (before !== undefined) replaced.push([reference, before]);
  }
  events.onImage(registered, image.references, replaced);
}

function makeManifest(config: Buffer, layers: readonly LayerSource[]): Buffer {
  const manifest: ImageManifest = {
    schemaVersion: 2,
    mediaType: OCI_MANIFEST,
    config: { mediaType: OCI_CONFIG, digest: digestOf(config), size: config.length },
    layers: layers.map((layer) => layer.blob),
  };
  return Buffer.from(JSON.stringify(manifest));
}

/** `manifest.json` first: archives of Docker 25 and later have both, and only it has all the tags in one place. */
async function readImages(
  client: Containerd,
  archive: ImageArchive,
  platform: Platform,
): Promise<ArchivedImage[]> {
  if (archive.has('manifest.json')) return readDockerArchive(client, archive);
  if (archive.has('index.json')) return readOciLayout(client, archive, platform);
  if (archive.has('repositories')) {
    throw invalid(
      'load: the archive has no manifest.json: it was made by Docker before 1.10, which is not supported',
    );
  }
  throw invalid(
    'load: the archive has neither manifest.json nor index.json: it is no image (a root file system? use import)',
  );
}

async function readDockerArchive(client: Containerd, archive: ImageArchive): Promise<ArchivedImage[]> {
  const entries = await archive.readJson(client, 'manifest.json', DOCUMENT_MAX_BYTES);
  if (!Array.isArray(entries) || !entries.every(isDockerEntry)) {
    throw invalid('load: manifest.json is no list of {Config, RepoTags, Layers}');
  }
  return Promise.all(
    entries.map(async (entry) => {
      const config = await archive.readDocument(client, entry.Config, DOCUMENT_MAX_BYTES);
      const references = (entry.RepoTags ?? []).map(tagOf);
      const manifest = await originalManifest(client, archive, digestOf(config));
      if (manifest !== undefined) {
        return { config, manifest, layers: layersOf(parseManifest(manifest)), references };
      }
      const layers = (entry.Layers ?? []).map((path) => ({ path, descriptor: undefined }));
      return { config, manifest, layers, references };
    }),
  );
}

function isDockerEntry(entry: unknown): entry is DockerArchiveEntry {
  if (typeof entry !== 'object' || entry === null) return false;
  const { Config, RepoTags, Layers } = entry as Record<string, unknown>;
  return typeof Config === 'string' && isStrings(RepoTags) && isStrings(Layers);
}

const isStrings = (value: unknown) =>
  value === null ||
  value === undefined ||
  (Array.isArray(value) && value.every((item) => typeof item === 'string'));

function tagOf(text: string): Reference {
  const reference = parseReference(text);
  if (reference.tag === undefined || reference.digest !== undefined) {
    throw invalid(`invalid tag "${text}"`);
  }
  return reference;
}

/**
 * The manifest that a newer archive carries beside `manifest.json`, so that an image keeps its manifest digest over save
 * and load. Only one whose layers are all in the archive will do.
 */
async function originalManifest(
  client: Containerd,
  archive: ImageArchive,
  configDigest: string,
): Promise<Buffer | undefined> {
  if (!archive.has('index.json')) return undefined;
  const index = (await archive.readJson(client, 'index.json', DOCUMENT_MAX_BYTES)) as ImageIndex;
  for (const descriptor of Array.isArray(index?.manifests) ? index.manifests : []) {
    if (!isManifestType(descriptor.mediaType) || !archive.has(blobPath(descriptor.digest))) continue;
    const data = await readBlob(client, archive, descriptor.digest);
    const manifest = parseManifest(data);
    if (manifest.config.digest !== configDigest) continue;
    const complete = manifest.layers.every(
      (layer) => isLayerType(layer.mediaType) && archive.has(blobPath(layer.digest)),
    );
    if (complete) return data;
  }
  return undefined;
}

async function readOciLayout(
  client: Containerd,
  archive: ImageArchive,
  platform: Platform,
): Promise<ArchivedImage[]> {
  const index = (await archive.readJson(client, 'index.json', DOCUMENT_MAX_BYTES)) as ImageIndex;
  if (!Array.isArray(index?.manifests)) throw invalid('load: index.json has no list of manifests');
  const images = new Map<string, ArchivedImage>();
  for (const descriptor of index.manifests) {
    const digest = await manifestFor(client, archive, descriptor, platform);
    const image = images.get(digest) ?? (await readOciImage(client, archive, digest));
    images.set(digest, image);
    const name = nameOf(descriptor);
    if (name !== undefined) image.references.push(name);
  }
  return [...images.values()];
}

/** Follows indexes down to the manifest of `platform`. */
async function manifestFor(
  client: Containerd,
  archive: ImageArchive,
  descriptor: Descriptor,
  platform: Platform,
): Promise<string> {
  let at = descriptor;
  // An index in an index happens; more levels do not.
  for (let level = 0; level < 3; level++) {
    if (isManifestType(at.mediaType)) return at.digest;
    if (!isIndexType(at.mediaType)) throw invalid(`load: unsupported media type ${at.mediaType}`);
    const index = JSON.parse((await readBlob(client, archive, at.digest)).toString()) as ImageIndex;
    const present = (index.manifests ?? []).filter((entry) => archive.has(blobPath(entry.digest)));
    const chosen = choosePlatform(present, platform);
    if (chosen === undefined) {
      throw invalid(`load: the archive has no image for ${formatPlatform(platform)}`);
    }
    at = chosen;
  }
  throw invalid('load: image indexes are nested too deeply');
}

async function readOciImage(
  client: Containerd,
  archive: ImageArchive,
  manifestDigest: string,
): Promise<ArchivedImage> {
  const data = await readBlob(client, archive, manifestDigest);
  const manifest = parseManifest(data);
  for (const layer of manifest.layers) {
    if (!isLayerType(layer.mediaType)) throw invalid(`load: unsupported layer media type ${layer.mediaType}`);
  }
  return {
    config: await readBlob(client, archive, manifest.config.digest),
    manifest: data,
    layers: layersOf(manifest),
    references: [],
  };
}

function parseManifest(data: Buffer): ImageManifest {
  const manifest = JSON.parse(data.toString()) as ImageManifest;
  if (typeof manifest?.config?.digest !== 'string' || !Array.isArray(manifest.layers)) {
    throw invalid('load: a manifest has no config or no layers');
  }
  return manifest;
}

/** Reads a document from `blobs/` and checks that it is the one named. */
async function readBlob(client: Containerd, archive: ImageArchive, digest: string): Promise<Buffer> {
  const data = await archive.readDocument(client, blobPath(digest), DOCUMENT_MAX_BYTES);
  if (digestOf(data) !== digest) {
    throw invalid(`load: blob ${digest} has another digest: ${digestOf(data)}`);
  }
  return data;
}

const layersOf = (manifest: ImageManifest) =>
  manifest.layers.map((layer) => ({ path: blobPath(layer.digest), descriptor: layer }));

const blobPath = (digest: string) => `blobs/${digest.replace(':', '/')}`;

/**
 * The name in a layout's annotations: containerd's and Docker's has the whole name, the OCI's own may be just a tag
 * (then the image stays unnamed, as we cannot know of what).
 */
function nameOf(descriptor: Descriptor): Reference | undefined {
  const full = descriptor.annotations?.['io.containerd.image.name'];
  const name = full ?? descriptor.annotations?.['org.opencontainers.image.ref.name'];
  if (name === undefined || (full === undefined && !/[/:]/.test(name))) return undefined;
  const reference = tryParseReference(name);
  return reference === undefined ? undefined : withDefaultTag(reference);
}

/** `Loaded image: name:tag`, one line per reference, or the ID when there is none. */
export function loadedLines(image: Image, names: readonly string[]): string[] {
  if (names.length === 0) return [`Loaded image ID: ${image.id}\n`];
  return names.map((name) => `Loaded image: ${name}\n`);
}
