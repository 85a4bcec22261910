/** One image made from another: by `docker commit`, and by each step of `docker build`. */

import { randomUUID } from 'node:crypto';
import { conflict } from '../../base/errors.ts';
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
import { digestOf, shortId } from './digest.ts';
import type { Image } from './image.ts';
import type { ImageStore } from './store.ts';

export interface Derivation {
  /** Undefined: the image begins with nothing. */
  parent: Image | undefined;
  /** How the new image is run. */
  config: ImageRunConfig;
  /** A plain tar of what has changed; undefined: nothing has. */
  layer: AsyncIterable<Buffer> | undefined;
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
  mounts: Mount[];
  remove(): Promise<void>;
}

/** Digest of an archive without entries: such a layer is none. */
const EMPTY_LAYER = digestOf(TAR_END);

/** Makes images under one lease, which keeps what they are made of until they are known, whoever removes what meanwhile. */
export class Deriver {
  readonly #store: ImageStore;
  readonly #client: Containerd;
  readonly #leaseId: string;

  constructor(store: ImageStore, client: Containerd, leaseId: string) {
    this.#store = store;
    this.#client = client;
    this.#leaseId = leaseId;
  }

  /** @throws `conflict` when the image has been removed */
  async hold({ id, chainId, manifest }: Image): Promise<void> {
    const { leases } = this.#client;
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
    return { mounts, remove: () => snapshots.remove(key) };
  }

  /** `parent` is held, or was made by this deriver. */
  async derive(derivation: Derivation, signal: AbortSignal): Promise<Image> {
    const { parent } = derivation;
    const layer = await this.#writeLayer(derivation.layer, signal);
    if (layer !== undefined) {
      await this.#store.unpacker.unpackLayer(
        this.#client,
        this.#leaseId,
        parent?.chainId ?? '',
        { blob: layer, diffId: layer.digest },
        signal,
      );
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
    return this.#store.register(
      this.#client,
      { file, config, manifestDocument, manifest, parent: parent?.id ?? '' },
      [],
    );
  }

  /** Undefined when nothing is in it. */
  async #writeLayer(source: Derivation['layer'], signal: AbortSignal): Promise<Descriptor | undefined> {
    if (source === undefined) return undefined;
    const blob = await this.#client.content.write({ ref: `layer-${randomUUID()}`, source, signal });
    return blob.digest === EMPTY_LAYER ? undefined : { mediaType: OCI_LAYER, ...blob };
  }
}

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
