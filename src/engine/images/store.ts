/** The images of this host: reads containerd's records and blobs, writes new ones. See `records.ts` for how they lie there. */

import { invalid, isKind, messageOf, notFound } from '../../base/errors.ts';
import type { Containerd, ImageRecord } from '../../runtime/containerd/client.ts';
import type { ImageConfigFile, ImageManifest } from '../../runtime/registry/descriptor.ts';
import { OCI_MANIFEST } from '../../runtime/registry/media-types.ts';
import {
  familiarReference,
  formatReference,
  parseReference,
  type Reference,
  tryParseReference,
  withDefaultTag,
} from '../../runtime/registry/reference.ts';
import { digestOf, topChainId } from './digest.ts';
import { createdOf, type Image, platformOf } from './image.ts';
import { KeyedLock } from './keyed-lock.ts';
import {
  configLabels,
  formatLayerSizes,
  groupRecords,
  type ImageRecords,
  LABEL_IMAGE_ID,
  LABEL_LAYER_SIZES,
  LABEL_PARENT,
  manifestLabels,
  parseLayerSizes,
} from './records.ts';
import { Unpacker } from './unpack.ts';

/** Where the store reports what it had to leave out or to repair. */
export interface ImageLog {
  warn(message: string): void;
}

/** A manifest and a config may not be larger: dockerd and registries have 4 MiB. */
export const DOCUMENT_MAX_BYTES = 8 << 20;

interface Documents {
  manifest: ImageManifest;
  file: ImageConfigFile;
}

/** An image that is about to be made known: its blobs are written, its layers unpacked. */
export interface NewImage {
  /** the config as it is hashed */
  config: Buffer;
  file: ImageConfigFile;
  /** the manifest as it is hashed */
  manifest: Buffer;
  manifestDocument: ImageManifest;
  /** ID of the image that it was made from; default: none */
  parent?: string;
}

export class ImageStore {
  readonly client: Containerd;
  readonly snapshotter: string;
  readonly unpacker: Unpacker;
  readonly #log: ImageLog;
  /** By manifest digest: blobs never change, so neither do these. */
  readonly #documents = new Map<string, Documents>();
  readonly #locks = new KeyedLock();
  /** Chain ids seen unpacked; forgotten when an image goes. */
  readonly #unpacked = new Set<string>();

  constructor(client: Containerd, snapshotter: string, log: ImageLog) {
    this.client = client;
    this.snapshotter = snapshotter;
    this.unpacker = new Unpacker(snapshotter);
    this.#log = log;
  }

  /** Runs `work` while nobody else adds or removes the image `id` or its names. */
  locked<T>(id: string, work: () => Promise<T>): Promise<T> {
    return this.#locks.run(id, work);
  }

  async count(): Promise<number> {
    return groupRecords(await this.client.images.list()).size;
  }

  /** All images. One whose blobs cannot be read is left out, with a warning. */
  async list(): Promise<Image[]> {
    const groups = groupRecords(await this.client.images.list());
    const images = await Promise.all(
      [...groups.values()].map(async (records) => {
        try {
          return await this.#read(records);
        } catch (error) {
          this.#log.warn(`image ${records.id} is left out, it cannot be read: ${messageOf(error)}`);
          return undefined;
        }
      }),
    );
    return images.filter((image) => image !== undefined);
  }

  /**
   * Finds an image by name, ID, ID prefix or digest, in this order, as Docker does.
   *
   * @throws `not-found` (`No such image: x:latest`), `invalid`
   */
  async find(ref: string): Promise<Image> {
    const hex = /^(?:sha256:)?([a-f0-9]{64})$/.exec(ref)?.[1];
    if (hex !== undefined) {
      const image = await this.get(`sha256:${hex}`);
      if (image === undefined) throw notFound(`No such image: ${ref}`);
      return image;
    }
    const prefix = /^(?:sha256:)?([a-f0-9]{1,63})$/.exec(ref)?.[1];
    const reference = prefix === undefined ? parseReference(ref) : tryParseReference(ref);
    if (reference !== undefined) {
      const image = await this.getReference(withDefaultTag(reference));
      if (image !== undefined) return image;
    }
    if (prefix !== undefined) {
      const image = await this.#findPrefix(ref, prefix);
      if (image !== undefined) return image;
    }
    throw notFound(
      `No such image: ${reference === undefined ? ref : familiarReference(withDefaultTag(reference))}`,
    );
  }

  async #findPrefix(ref: string, prefix: string): Promise<Image | undefined> {
    const ids = [...groupRecords(await this.client.images.list()).keys()];
    const matches = ids.filter((id) => id.startsWith(`sha256:${prefix}`));
    if (matches.length > 1)
      throw invalid(`image ID prefix ${ref} is ambiguous: ${matches.length} images match`);
    return matches[0] === undefined ? undefined : this.get(matches[0]);
  }

  /** The image with this full ID. */
  async get(id: string): Promise<Image | undefined> {
    const records = await this.client.images.list([`labels."${LABEL_IMAGE_ID}"=="${id}"`]);
    const group = groupRecords(records).get(id);
    return group === undefined ? undefined : this.#read(group);
  }

  /** What `image` was made from, the parent first, as far as it is there. */
  async ancestors(image: Image): Promise<Image[]> {
    const found: Image[] = [];
    for (let at: Image | undefined = image; at !== undefined && at.parent !== ''; ) {
      at = await this.get(at.parent);
      if (at !== undefined) found.push(at);
    }
    return found;
  }

  /** The image that `reference` (with tag or digest) names. With both, the digest decides, and the tag must agree if it is known. */
  async getReference(reference: Reference): Promise<Image | undefined> {
    const { digest, tag, ...repository } = reference;
    const name = formatReference(digest === undefined ? reference : { ...repository, digest });
    const record = await this.#record(name);
    const id = record?.labels[LABEL_IMAGE_ID];
    return id === undefined ? undefined : this.get(id);
  }

  async #record(name: string): Promise<ImageRecord | undefined> {
    try {
      return await this.client.images.get(name);
    } catch (error) {
      if (isKind(error, 'not-found')) return undefined;
      throw error;
    }
  }

  async #read(records: ImageRecords): Promise<Image> {
    const { manifest, file } = await this.#readDocuments(records.target.digest);
    const diffIds = file.rootfs.diff_ids;
    const layerSizes =
      parseLayerSizes(records.anchor?.labels[LABEL_LAYER_SIZES], diffIds.length) ??
      (await this.unpacker.layerSizes(this.client, diffIds));
    return {
      id: records.id,
      parent: records.anchor?.labels[LABEL_PARENT] ?? '',
      manifestDigest: records.target.digest,
      manifest,
      file,
      config: file.config ?? {},
      chainId: topChainId(diffIds),
      references: records.references,
      layerSizes,
      size: layerSizes.reduce((sum, size) => sum + size, 0),
      platform: platformOf(file),
      lastTagged: records.lastTagged,
      created: createdOf(file),
    };
  }

  async #readDocuments(manifestDigest: string): Promise<Documents> {
    const known = this.#documents.get(manifestDigest);
    if (known !== undefined) return known;
    const manifest = JSON.parse(
      (await this.client.content.readAll(manifestDigest)).toString(),
    ) as ImageManifest;
    const config = await this.client.content.readAll(manifest.config.digest);
    const documents = { manifest, file: parseConfig(config) };
    this.#documents.set(manifestDigest, documents);
    return documents;
  }

  /**
   * Makes an image known under its ID and `references`. Call it under the lease that holds blobs and snapshots. When
   * the image is known already, its first manifest stays.
   */
  async register(client: Containerd, image: NewImage, references: readonly Reference[]): Promise<Image> {
    const id = digestOf(image.config);
    return this.locked(id, () => this.#register(client, id, image, references));
  }

  async #register(
    client: Containerd,
    id: string,
    image: NewImage,
    references: readonly Reference[],
  ): Promise<Image> {
    const manifestDigest = digestOf(image.manifest);
    const diffIds = image.file.rootfs.diff_ids;
    // From the bottom up: a blob is only ever named by one that is complete.
    await this.#put(client, id, image.config, configLabels(this.snapshotter, topChainId(diffIds)));
    await this.#put(client, manifestDigest, image.manifest, manifestLabels(image.manifestDocument));
    const sizes = await this.unpacker.layerSizes(client, diffIds);
    try {
      await client.images.create({
        name: id,
        labels: {
          [LABEL_IMAGE_ID]: id,
          [LABEL_LAYER_SIZES]: formatLayerSizes(sizes),
          ...(image.parent ? { [LABEL_PARENT]: image.parent } : {}),
        },
        target: {
          mediaType: image.manifestDocument.mediaType ?? OCI_MANIFEST,
          digest: manifestDigest,
          size: image.manifest.length,
        },
      });
    } catch (error) {
      if (!isKind(error, 'conflict')) throw error;
    }
    for (const reference of references) await this.#setReference(reference, id, client);
    this.#unpacked.add(topChainId(diffIds));
    const registered = await this.get(id);
    if (registered === undefined) throw notFound(`No such image: ${id}`);
    return registered;
  }

  async #put(
    client: Containerd,
    digest: string,
    data: Buffer,
    labels: Record<string, string>,
  ): Promise<void> {
    await client.content.write({
      ref: `document-${digest}`,
      digest,
      size: data.length,
      labels,
      source: data,
    });
  }

  /**
   * Points `reference` at the image `id`. Returns the ID of the image that had it before, if that was another one.
   *
   * @throws `not-found` when the image is gone
   */
  setReference(reference: Reference, id: string): Promise<string | undefined> {
    return this.locked(id, () => this.#setReference(reference, id, this.client));
  }

  async #setReference(reference: Reference, id: string, client: Containerd): Promise<string | undefined> {
    const anchor = await client.images.get(id);
    const input = {
      name: formatReference(reference),
      labels: { [LABEL_IMAGE_ID]: id },
      target: anchor.target,
    };
    try {
      await client.images.create(input);
      return undefined;
    } catch (error) {
      if (!isKind(error, 'conflict')) throw error;
    }
    const before = (await this.#record(input.name))?.labels[LABEL_IMAGE_ID];
    await client.images.update(input);
    return before === id ? undefined : before;
  }

  /** Forgets a reference; nothing happens when it is not known. */
  async removeReference(reference: Reference): Promise<void> {
    await ignoreMissing(this.client.images.delete(formatReference(reference)));
  }

  /** Removes an image without references for good, and waits until containerd has freed its space. */
  async removeAnchor(image: Image): Promise<void> {
    this.#documents.delete(image.manifestDigest);
    this.#unpacked.clear();
    await ignoreMissing(this.client.images.delete(image.id, { sync: true }));
  }

  /**
   * Sees to it that the image's layers are unpacked: they are, unless the snapshotter was changed or its directory lost.
   */
  async ensureUnpacked(image: Image, signal?: AbortSignal): Promise<void> {
    const { chainId } = image;
    if (chainId === '' || this.#unpacked.has(chainId)) return;
    // The image's record keeps the snapshot; a look is enough.
    if (!(await this.unpacker.isUnpacked(this.client, chainId))) {
      this.#log.warn(`image ${image.id} is not unpacked; unpacking it again`);
      const layers = image.file.rootfs.diff_ids.map((diffId, index) => ({
        blob: image.manifest.layers[index]!,
        diffId,
      }));
      await this.client.withLease(async (client, leaseId) => {
        await this.unpacker.unpackAll(client, leaseId, layers, signal);
        await client.content.updateLabels(image.id, configLabels(this.snapshotter, chainId));
      });
    }
    this.#unpacked.add(chainId);
  }
}

async function ignoreMissing(work: Promise<void>): Promise<void> {
  try {
    await work;
  } catch (error) {
    if (!isKind(error, 'not-found')) throw error;
  }
}

/**
 * Parses an image config and checks the part that everything else relies on.
 *
 * @throws `invalid`
 */
export function parseConfig(data: Buffer): ImageConfigFile {
  let file: ImageConfigFile;
  try {
    file = JSON.parse(data.toString()) as ImageConfigFile;
  } catch (error) {
    throw invalid(`image config is not JSON: ${messageOf(error)}`, { cause: error });
  }
  const diffIds: unknown = file?.rootfs?.diff_ids ?? undefined;
  if (file?.rootfs === undefined || file.rootfs === null) {
    throw invalid('invalid image JSON, no RootFS key');
  }
  const list = diffIds === undefined ? [] : diffIds;
  if (
    !Array.isArray(list) ||
    !list.every((id) => typeof id === 'string' && /^sha256:[a-f0-9]{64}$/.test(id))
  ) {
    throw invalid('invalid image config: rootfs.diff_ids is not a list of sha256 digests');
  }
  return { ...file, rootfs: { ...file.rootfs, diff_ids: list as string[] } };
}
