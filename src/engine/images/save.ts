/**
 * `docker save`: an OCI layout with a `manifest.json` beside it, as Docker writes since version 25. Every dockerd, podman,
 * skopeo and containerd reads it. Layers stay as they are stored, so that the archive has the very digests of the image.
 */

import { once } from 'node:events';
import { PassThrough, type Readable } from 'node:stream';
import { type Header, type Pack, pack } from 'tar-stream';
import type { Containerd } from '../../runtime/containerd/client.ts';
import type { Descriptor } from '../../runtime/registry/descriptor.ts';
import { OCI_INDEX, OCI_MANIFEST } from '../../runtime/registry/media-types.ts';
import {
  familiarReference,
  formatReference,
  type Reference,
  repositoryName,
  tryParseReference,
} from '../../runtime/registry/reference.ts';
import type { Image } from './image.ts';
import type { ImageStore } from './store.ts';

/** An image and the names it gets in the archive; none for one that was asked for by ID. */
export interface SavedImage {
  image: Image;
  tags: Reference[];
}

/** Longer than any download of an archive; a lease that is left over by a crash ends by itself. */
const LEASE_MS = 24 * 60 * 60 * 1000;

/** Time stamp of all members, so that the same images give the same archive. */
const MTIME = new Date(0);

/**
 * Finds the images and keeps their blobs until `release` is called, even when they are removed meanwhile. A name without a
 * tag stands for all tags of its repository.
 *
 * @throws `not-found`, `invalid`
 */
export async function holdForSave(
  store: ImageStore,
  refs: readonly string[],
): Promise<{ images: SavedImage[]; release: () => void }> {
  const images = new Map<string, SavedImage>();
  for (const ref of refs) {
    for (const { image, tags } of await findForSave(store, ref)) {
      const known = images.get(image.id) ?? { image, tags: [] };
      images.set(image.id, known);
      for (const tag of tags) {
        if (!known.tags.some((other) => formatReference(other) === formatReference(tag)))
          known.tags.push(tag);
      }
    }
  }
  const saved = [...images.values()];
  const lease = await store.client.leases.create({ expiresInMs: LEASE_MS });
  const release = () => void store.client.leases.delete(lease.id).catch(() => undefined);
  try {
    for (const { image } of saved) {
      // The manifest's labels keep the rest.
      await store.client.leases.addResource(lease.id, { id: image.manifestDigest, type: 'content' });
    }
  } catch (error) {
    release();
    throw error;
  }
  return { images: saved, release };
}

async function findForSave(store: ImageStore, ref: string): Promise<SavedImage[]> {
  const reference = tryParseReference(ref);
  if (reference !== undefined && reference.tag === undefined && reference.digest === undefined) {
    const name = repositoryName(reference);
    const isTagOf = (other: Reference) => other.digest === undefined && repositoryName(other) === name;
    const found = (await store.list())
      .map((image) => ({ image, tags: image.references.filter(isTagOf) }))
      .filter(({ tags }) => tags.length > 0);
    if (found.length > 0) return found;
  }
  const image = await store.find(ref);
  // `sha256:…` reads like a name with a tag too; only what is really a tag of the image counts.
  const tags =
    reference === undefined ? [] : image.references.filter((other) => sameReference(other, reference));
  return [{ image, tags: tags.filter((tag) => tag.digest === undefined) }];
}

/**
 * The archive. `done` is called when it has been read or given up.
 */
export function saveImages(client: Containerd, images: readonly SavedImage[], done: () => void): Readable {
  const tar = pack();
  const output = new PassThrough();
  const gone = new AbortController();
  output.once('close', () => {
    gone.abort();
    // Wakes a writer that waits for room.
    tar.destroy();
    done();
  });
  tar.on('error', (error) => output.destroy(error));
  (tar as unknown as NodeJS.ReadableStream).pipe(output);
  writeArchive(client, tar, images, gone.signal).catch((error: unknown) => {
    output.destroy(error as Error);
  });
  return output;
}

async function writeArchive(
  client: Containerd,
  tar: Pack,
  images: readonly SavedImage[],
  signal: AbortSignal,
): Promise<void> {
  addDirectory(tar, 'blobs/');
  addDirectory(tar, 'blobs/sha256/');
  const written = new Set<string>();
  for (const { image } of images) {
    const { config, layers } = image.manifest;
    const manifest = await client.content.info(image.manifestDigest);
    for (const { digest, size } of [...layers, config, manifest]) {
      if (written.has(digest)) continue;
      written.add(digest);
      await addBlob(client, tar, digest, size, signal);
    }
  }
  addText(tar, 'index.json', JSON.stringify(await indexOf(client, images)));
  addText(tar, 'manifest.json', JSON.stringify(images.map(legacyEntry)));
  addText(tar, 'oci-layout', JSON.stringify({ imageLayoutVersion: '1.0.0' }));
  tar.finalize();
}

/** One entry per name, as the layout has no other place for names. */
async function indexOf(client: Containerd, images: readonly SavedImage[]): Promise<object> {
  const manifests: Descriptor[] = [];
  for (const { image, tags } of images) {
    const { size } = await client.content.info(image.manifestDigest);
    const descriptor = {
      mediaType: image.manifest.mediaType ?? OCI_MANIFEST,
      digest: image.manifestDigest,
      size,
      platform: image.platform,
    };
    if (tags.length === 0) manifests.push(descriptor);
    for (const tag of tags) {
      const annotations = {
        'io.containerd.image.name': formatReference(tag),
        'org.opencontainers.image.ref.name': tag.tag ?? '',
      };
      manifests.push({ ...descriptor, annotations });
    }
  }
  return { schemaVersion: 2, mediaType: OCI_INDEX, manifests };
}

/** What `docker load` and podman read. */
function legacyEntry({ image, tags }: SavedImage): object {
  return {
    Config: blobPath(image.manifest.config.digest),
    RepoTags: tags.length === 0 ? null : tags.map(familiarReference),
    Layers: image.manifest.layers.map((layer) => blobPath(layer.digest)),
  };
}

const sameReference = (a: Reference, b: Reference) => formatReference(a) === formatReference(b);

const blobPath = (digest: string) => `blobs/${digest.replace(':', '/')}`;

function addDirectory(tar: Pack, name: string): void {
  tar.entry({ name, type: 'directory', mode: 0o755, mtime: MTIME });
}

function addText(tar: Pack, name: string, text: string): void {
  tar.entry({ name, mode: 0o644, mtime: MTIME }, text);
}

async function addBlob(
  client: Containerd,
  tar: Pack,
  digest: string,
  size: number,
  signal: AbortSignal,
): Promise<void> {
  const header: Partial<Header> & { name: string } = {
    name: blobPath(digest),
    size,
    mode: 0o644,
    mtime: MTIME,
  };
  const finished = Promise.withResolvers<void>();
  const entry = tar.entry(header, (error) => (error ? finished.reject(error) : finished.resolve()));
  finished.promise.catch(() => undefined);
  for await (const piece of client.content.read(digest, { signal })) {
    if (!entry.write(piece)) await once(entry as unknown as NodeJS.EventEmitter, 'drain', { signal });
  }
  (entry as unknown as NodeJS.WritableStream).end();
  await finished.promise;
}
