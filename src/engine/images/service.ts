/** The images of this host, as the API's `ImagesBackend` and the engine see them. */

import type { Readable } from 'node:stream';
import { invalid, notFound } from '../../base/errors.ts';
import type {
  AuthConfig,
  Filters,
  ImageDeleteItem,
  ImageHistoryItem,
  ImageInspect,
  ImageSummary,
  ImagesPruned,
} from '../../base/wire/index.ts';
import type { Containerd } from '../../runtime/containerd/client.ts';
import type { RegistryClient } from '../../runtime/registry/client.ts';
import {
  hostPlatform,
  type Platform,
  parsePlatform,
  platformMatches,
} from '../../runtime/registry/platform.ts';
import {
  familiarName,
  familiarReference,
  parseReference,
  type Reference,
  withDefaultTag,
  withDigest,
  withTag,
} from '../../runtime/registry/reference.ts';
import { applyChanges } from './changes.ts';
import { Deriver } from './derive.ts';
import { shortId } from './digest.ts';
import type { Image, ImageUser } from './image.ts';
import { importImage } from './import.ts';
import { imageHistory, imageInspect } from './inspect.ts';
import { listImages } from './list.ts';
import { loadedLines, loadImages } from './load.ts';
import type { Progress } from './progress.ts';
import { otherPlatform, Puller } from './pull.ts';
import { pruneImages, type RemoveContext, removeImage } from './remove.ts';
import { holdForSave, saveImages } from './save.ts';
import { type ImageLog, ImageStore } from './store.ts';
import { type ImagesUsage, imagesUsage } from './usage.ts';

export interface ImageServiceOptions {
  containerd: Containerd;
  registry: RegistryClient;
  /** containerd's snapshotter that holds the unpacked layers: `overlayfs` */
  snapshotter: string;
  /** Takes the image events: action (`pull`, `tag`, `untag`, `delete` …), actor ID, actor attributes. */
  emit: (action: string, id: string, attributes: Record<string, string>) => void;
  /** The containers made from the image with this ID, in any state. */
  usedBy: (imageId: string) => ImageUser[];
  log: ImageLog;
  /** Default: this host's. */
  platform?: Platform;
}

export class ImageService {
  readonly #options: ImageServiceOptions;
  readonly #store: ImageStore;
  readonly #puller: Puller;
  readonly #platform: Platform;
  /** IDs of images that others are being made from just now, or that will be named in a moment; a set for each work. */
  readonly #inUse = new Set<ReadonlySet<string>>();

  constructor(options: ImageServiceOptions) {
    this.#options = options;
    this.#store = new ImageStore(options.containerd, options.snapshotter, options.log);
    this.#puller = new Puller(this.#store, options.registry, (image, reference) =>
      options.emit('pull', familiarReference(reference), {
        ...image.config.Labels,
        name: familiarName(reference),
      }),
    );
    this.#platform = options.platform ?? hostPlatform();
  }

  /**
   * Finds an image by name, ID, ID prefix or digest and sees to it that it is unpacked: a container's snapshot can be
   * prepared on its `chainId`. With `platform` it must be one that runs there.
   *
   * @throws `not-found` (`No such image: x:latest`), `invalid`
   */
  async resolve(ref: string, platform?: string): Promise<Image> {
    const image = await this.#store.find(ref);
    const wanted = platform ? parsePlatform(platform) : undefined;
    if (wanted !== undefined && !platformMatches(wanted, image.platform)) {
      throw notFound(otherPlatform(ref, wanted, image.platform));
    }
    await this.#store.ensureUnpacked(image);
    return image;
  }

  async list(options: { all: boolean; digests: boolean; filters: Filters }): Promise<ImageSummary[]> {
    return listImages(this.#store, options, (id) => this.#options.usedBy(id).length);
  }

  /** How many images there are, with a name or without. */
  count(): Promise<number> {
    return this.#store.count();
  }

  /** For `docker system df`. */
  async usage(): Promise<ImagesUsage> {
    return imagesUsage(await this.#store.list(), (id) => this.#options.usedBy(id).length);
  }

  async inspect(ref: string): Promise<ImageInspect> {
    return imageInspect(await this.#store.find(ref), this.#options.snapshotter);
  }

  async history(ref: string): Promise<ImageHistoryItem[]> {
    const image = await this.#store.find(ref);
    return imageHistory(image, await this.#store.ancestors(image));
  }

  /**
   * Gives the image another name.
   *
   * @throws `invalid` for a name that is none, `not-found` for an image that is not there
   */
  async tag(ref: string, repository: string, tag: string): Promise<void> {
    const reference = targetReference(repository, tag);
    const image = await this.#store.find(ref);
    await this.#store.setReference(reference, image.id);
    this.#emit('tag', image, familiarReference(reference));
  }

  /**
   * The name that `tag()` would give an image, as it is shown. `repository` may carry the tag.
   *
   * @throws `invalid` for what can be none
   */
  targetName(repository: string, tag = ''): string {
    return familiarReference(targetReference(repository, tag));
  }

  /** @throws `invalid`; undefined for none */
  platformNamed(text: string): Platform | undefined {
    return text === '' ? undefined : parsePlatform(text, this.#platform);
  }

  /** The images that were made here from the one with this ID, or, for `''`, that have no such parent; newest first. */
  async madeFrom(id: string): Promise<Image[]> {
    const images = await this.#store.list();
    return images.filter((image) => image.parent === id).sort((a, b) => b.created - a.created);
  }

  /** `prune`: with it goes what it was made from, as far as that has no name and no other use. */
  async remove(ref: string, options: { force: boolean; prune: boolean }): Promise<ImageDeleteItem[]> {
    return removeImage(this.#removal(), ref, options);
  }

  async prune(filters: Filters): Promise<ImagesPruned> {
    const pruned = await pruneImages(this.#removal(), filters);
    this.#options.emit('prune', '', { reclaimed: String(pruned.SpaceReclaimed) });
    return pruned;
  }

  #removal(): RemoveContext {
    return {
      store: this.#store,
      usedBy: this.#options.usedBy,
      isWanted: (id) => [...this.#inUse].some((used) => used.has(id)),
      emit: (action, image, name) => this.#emit(action, image, name),
    };
  }

  /**
   * Pulls `name:tag`; `tag` may be a digest. Without any tag all of them. Errors up to the first progress message mean that
   * there is no such image to be had.
   *
   * @throws `invalid`, `not-found`, `unauthorized`, `unavailable`
   */
  async pull(
    reference: { name: string; tag: string; platform: string | undefined },
    auth: AuthConfig | undefined,
    progress: Progress,
    signal: AbortSignal,
  ): Promise<void> {
    await this.#puller.pull({
      reference: pullReference(reference.name, reference.tag),
      platform: reference.platform ? parsePlatform(reference.platform) : this.#platform,
      explicit: Boolean(reference.platform),
      auth,
      progress,
      signal,
    });
  }

  async load(tar: Readable, quiet: boolean, progress: Progress, signal: AbortSignal): Promise<void> {
    await loadImages(
      this.#store,
      tar,
      this.#platform,
      {
        onLayer: (diffId, current, total) => {
          if (!quiet)
            progress({ status: 'Loading layer', progressDetail: { current, total }, id: shortId(diffId) });
        },
        onImage: (image, references, replaced) => {
          for (const [reference, id] of replaced) {
            progress({
              stream: `The image ${familiarReference(reference)} already exists, renaming the old one with ID ${id} to empty string\n`,
            });
          }
          for (const stream of loadedLines(image, references.map(familiarReference))) progress({ stream });
          this.#emit('load', image, image.id);
        },
      },
      signal,
    );
  }

  /**
   * The images as one archive for `load`. A name with a tag saves that tag, one without saves all tags of the repository, an ID
   * saves the image without a name.
   *
   * @throws `not-found` before anything is written
   */
  async save(refs: string[]): Promise<Readable> {
    const { images, release } = await holdForSave(this.#store, refs);
    for (const { image } of images) this.#emit('save', image, image.id);
    return saveImages(this.#store.client, images, release);
  }

  async import(
    tar: Readable,
    options: {
      repository: string;
      tag: string;
      message: string;
      changes: string[];
      platform: string | undefined;
    },
    progress: Progress,
    signal: AbortSignal,
  ): Promise<void> {
    const { repository, tag, message } = options;
    const image = await importImage(
      this.#store,
      tar,
      {
        reference: repository === '' ? undefined : targetReference(repository, tag),
        message,
        config: applyChanges({}, options.changes),
        platform: options.platform ? parsePlatform(options.platform) : undefined,
      },
      signal,
    );
    this.#emit('import', image, image.id);
    progress({ status: image.id });
  }

  /**
   * Lets `work` make images from others, all under one lease. What it has made is known and stays, also when it fails. `prune()` leaves
   * alone what it uses until it has ended.
   */
  async deriving<T>(work: (deriver: Deriver) => Promise<T>, signal: AbortSignal): Promise<T> {
    const used = new Set<string>();
    this.#inUse.add(used);
    try {
      return await this.#store.client.withLease(
        (client, leaseId) => work(new Deriver(this.#store, client, leaseId, (id) => used.add(id))),
        { signal },
      );
    } finally {
      this.#inUse.delete(used);
    }
  }

  /** Tells the listeners of events that an image was made here. */
  announce(image: Image): void {
    this.#emit('create', image, image.id);
  }

  #emit(action: string, image: Image, name: string): void {
    this.#options.emit(action, image.id, { ...image.config.Labels, name });
  }
}

/** `docker pull -a` of old clients ends the name in a colon. */
function pullReference(name: string, tag: string): Reference {
  const reference = parseReference(name.replace(/:$/, ''));
  if (tag === '') return reference;
  return tag.includes(':') ? withDigest(reference, tag) : withTag(reference, tag);
}

/** Where an image is to be put: a repository with a tag, `latest` unless given. A digest names no place. */
function targetReference(repository: string, tag: string): Reference {
  const reference = parseReference(repository);
  if (reference.digest !== undefined) throw invalid('refusing to create a tag with a digest reference');
  return withDefaultTag(tag === '' ? reference : withTag(reference, tag));
}
