/** One image made from another: by `docker commit`, and by each step of `docker build`. */

import { randomUUID } from 'node:crypto';
import { conflict, type ErrorKind, isKind } from '../../base/errors.ts';
import type { Containerd, Mount } from '../../runtime/containerd/client.ts';
import type {
  Descriptor,
  ImageConfigFile,
  ImageManifest,
  ImageRunConfig,
} from '../../runtime/registry/descriptor.ts';
import { OCI_CONFIG, OCI_LAYER, OCI_MANIFEST } from '../../runtime/registry/media-types.ts';
import { hostPlatform, type Platform } from '../../runtime/registry/platform.ts';
import { TAR_END } from '../archive/tar-header.ts';
import { childChainId, digestOf, shortId } from './digest.ts';
import type { Image } from './image.ts';
import type { ImageStore } from './store.ts';

export interface Derivation {
  /** Undefined: the image begins with nothing. */
  parent: Image | undefined;
  /** How the new image is run. */
  config: ImageRunConfig;
  /** A plain tar of what has changed; undefined: nothing has. */
  layer: AsyncIterable<Buffer> | undefined;
  /** Where the layer's files are already, on the parent and with nothing else: the image takes it, which saves unpacking them. */
  draft?: Draft;
  /** What `docker history` shows. */
  createdBy: string;
  comment: string;
  author: string;
  /** The container that it was made in, and how that was run. */
  container: string;
  containerConfig: ImageRunConfig;
  /** Of an image without a parent; default: this host's. */
  platform?: Platform | undefined;
}

/** A writable snapshot that ends with the lease at the latest. */
export interface Draft {
  /** Name of the snapshot. */
  key: string;
  mounts: Mount[];
  /** Fine also when an image has taken it. */
  remove(): Promise<void>;
}

/** Digest of an archive without entries: such a layer is none. */
const EMPTY_LAYER = digestOf(TAR_END);

/** Makes images under one lease, which keeps what they are made of until they are known, whoever removes what meanwhile. */
export class Deriver {
  readonly #store: ImageStore;
  readonly #client: Containerd;
  readonly #leaseId: string;
  readonly #uses: (id: string) => void;

  /** `uses` is told the ID of each image that is held, and of each that is made before others can see it. */
  constructor(store: ImageStore, client: Containerd, leaseId: string, uses: (id: string) => void) {
    this.#store = store;
    this.#client = client;
    this.#leaseId = leaseId;
    this.#uses = uses;
  }

  /** @throws `conflict` when the image has been removed */
  async hold({ id, chainId, manifest }: Image): Promise<void> {
    const { leases } = this.#client;
    this.#uses(id);
    for (const { digest } of manifest.layers) {
      await leases.addResource(this.#leaseId, { id: digest, type: 'content' });
    }
    if (chainId === '' || (await this.#store.unpacker.hold(this.#client, this.#leaseId, chainId))) return;
    throw conflict(`image ${shortId(id)} was removed while another was being made from it`);
  }

  /** The files of `image`, or none, to be read and changed. */
  async draft(image: Image | undefined): Promise<Draft> {
    const snapshots = this.#client.snapshotter(this.#store.snapshotter);
    const key = `draft-${randomUUID()}`;
    const mounts = await snapshots.prepare(key, image?.chainId ?? '');
    return { key, mounts, remove: () => snapshots.remove(key).catch(ignore('not-found')) };
  }

  /** `parent` is held, or was made by this deriver. */
  async derive(derivation: Derivation, signal: AbortSignal): Promise<Image> {
    const { parent, draft } = derivation;
    const layer = await this.#writeLayer(derivation.layer, signal);
    if (layer !== undefined) {
      const below = parent?.chainId ?? '';
      if (draft !== undefined) await this.#take(draft, childChainId(below, layer.digest));
      const source = { blob: layer, diffId: layer.digest };
      await this.#store.unpacker.unpackLayer(this.#client, this.#leaseId, below, source, signal);
    }
    const file = configFile(derivation, layer);
    const config = Buffer.from(JSON.stringify(file));
    const manifestDocument: ImageManifest = {
      schemaVersion: 2,
      mediaType: OCI_MANIFEST,
      config: { mediaType: OCI_CONFIG, digest: digestOf(config), size: config.length },
      layers: [...(parent?.manifest.layers ?? []), ...(layer === undefined ? [] : [layer])],
    };
    const manifest = Buffer.from(JSON.stringify(manifestDocument));
    this.#uses(digestOf(config));
    return this.#store.register(
      this.#client,
      { file, config, manifestDocument, manifest, parent: parent?.id ?? '' },
      [],
    );
  }

  async #take(draft: Draft, chainId: string): Promise<void> {
    if (await this.#store.unpacker.hold(this.#client, this.#leaseId, chainId)) return;
    // In conflict with somebody who has made the same layer: theirs is as good.
    await this.#client
      .snapshotter(this.#store.snapshotter)
      .commit(chainId, draft.key)
      .catch(ignore('conflict'));
  }

  /** Undefined when nothing is in it. */
  async #writeLayer(source: Derivation['layer'], signal: AbortSignal): Promise<Descriptor | undefined> {
    if (source === undefined) return undefined;
    const blob = await this.#client.content.write({ ref: `layer-${randomUUID()}`, source, signal });
    return blob.digest === EMPTY_LAYER ? undefined : { mediaType: OCI_LAYER, ...blob };
  }
}

const ignore = (kind: ErrorKind) => (error: unknown) => {
  if (!isKind(error, kind)) throw error;
};

function configFile(derivation: Derivation, layer: Descriptor | undefined): ImageConfigFile {
  const { parent, config, createdBy, comment, author, container, containerConfig } = derivation;
  const platform = parent?.platform ?? derivation.platform ?? hostPlatform();
  const created = new Date().toISOString();
  return {
    architecture: platform.architecture,
    ...(platform.variant === undefined ? {} : { variant: platform.variant }),
    os: platform.os,
    created,
    ...(author === '' ? {} : { author }),
    ...(comment === '' ? {} : { comment }),
    config,
    ...(container === '' ? {} : { container }),
    container_config: containerConfig,
    rootfs: {
      type: 'layers',
      diff_ids: [...(parent?.file.rootfs.diff_ids ?? []), ...(layer === undefined ? [] : [layer.digest])],
    },
    history: [
      ...(parent?.file.history ?? []),
      {
        created,
        created_by: createdBy,
        ...(author === '' ? {} : { author }),
        ...(comment === '' ? {} : { comment }),
        ...(layer === undefined ? { empty_layer: true } : {}),
      },
    ],
  };
}
