/** `docker import`: a root file system as a tar becomes an image of one layer. */

import { createHash, randomUUID } from 'node:crypto';
import { once } from 'node:events';
import { PassThrough, type Readable } from 'node:stream';
import { invalid, isKind, messageOf } from '../../base/errors.ts';
import type { Containerd } from '../../runtime/containerd/client.ts';
import type { ImageConfigFile, ImageManifest, ImageRunConfig } from '../../runtime/registry/descriptor.ts';
import { OCI_CONFIG, OCI_MANIFEST } from '../../runtime/registry/media-types.ts';
import { hostPlatform, type Platform } from '../../runtime/registry/platform.ts';
import type { Reference } from '../../runtime/registry/reference.ts';
import { decompressAs, layerMediaType, sniff } from './compression.ts';
import { digestOf } from './digest.ts';
import type { Image } from './image.ts';
import type { ImageStore, NewImage } from './store.ts';

export interface ImportOptions {
  reference: Reference | undefined;
  /** the history's comment; `Imported from -` when empty */
  message: string;
  config: ImageRunConfig;
  platform: Platform | undefined;
}

/** The blob is kept as it came: what was compressed stays so. */
export async function importImage(
  store: ImageStore,
  tar: Readable,
  options: ImportOptions,
  signal: AbortSignal,
): Promise<Image> {
  return store.client.withLease(
    async (client, leaseId) => {
      const layer = await writeLayer(client, tar, signal);
      await store.unpacker.unpackLayer(client, leaseId, '', layer, signal);
      const image = assemble(layer, options);
      return store.register(client, image, options.reference === undefined ? [] : [options.reference]);
    },
    { signal },
  );
}

async function writeLayer(client: Containerd, tar: Readable, signal: AbortSignal) {
  try {
    const { stream, compression } = await sniff(tar);
    const mediaType = layerMediaType(compression);
    // The diff ID is the digest of the plain tar, so it is unpacked once on the way, only to be hashed.
    const branch = new PassThrough();
    const hashed = hashOf(decompressAs(branch, compression));
    const blob = await client.content.write({
      ref: `import-${randomUUID()}`,
      source: copyTo(branch, stream, hashed),
      signal,
    });
    const { diffId, size } = await hashed;
    if (size === 0) throw invalid('import: the archive is empty');
    return { blob: { mediaType, ...blob }, diffId };
  } catch (error) {
    tar.destroy();
    signal.throwIfAborted();
    if (isKind(error)) throw error;
    throw invalid(`import: ${messageOf(error)}`, { cause: error });
  }
}

async function hashOf(plain: AsyncIterable<Buffer>): Promise<{ diffId: string; size: number }> {
  const hash = createHash('sha256');
  let size = 0;
  for await (const piece of plain) {
    hash.update(piece);
    size += piece.length;
  }
  return { diffId: `sha256:${hash.digest('hex')}`, size };
}

/** Passes `source` on and writes it to `branch` too, at the pace of the slower; ends when `consumed`, its reader, has. */
async function* copyTo(
  branch: PassThrough,
  source: AsyncIterable<Buffer>,
  consumed: Promise<unknown>,
): AsyncGenerator<Buffer> {
  // Handled where it is awaited; without this an early error would end the process.
  consumed.catch(() => undefined);
  try {
    for await (const piece of source) {
      if (!branch.write(piece)) await Promise.race([once(branch, 'drain'), consumed]);
      yield piece;
    }
    branch.end();
    await consumed;
  } finally {
    branch.destroy();
  }
}

function assemble(
  layer: { blob: { mediaType: string; digest: string; size: number }; diffId: string },
  options: ImportOptions,
): NewImage {
  const platform = options.platform ?? hostPlatform();
  const created = new Date().toISOString();
  const comment = options.message === '' ? 'Imported from -' : options.message;
  const file: ImageConfigFile = {
    architecture: platform.architecture,
    ...(platform.variant === undefined ? {} : { variant: platform.variant }),
    os: platform.os,
    created,
    comment,
    config: options.config,
    rootfs: { type: 'layers', diff_ids: [layer.diffId] },
    history: [{ created, comment }],
  };
  const config = Buffer.from(JSON.stringify(file));
  const manifestDocument: ImageManifest = {
    schemaVersion: 2,
    mediaType: OCI_MANIFEST,
    config: { mediaType: OCI_CONFIG, digest: digestOf(config), size: config.length },
    layers: [layer.blob],
  };
  return { file, config, manifestDocument, manifest: Buffer.from(JSON.stringify(manifestDocument)) };
}
