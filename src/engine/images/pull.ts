/** `docker pull`: registry → content store → snapshots, with the layers side by side. */

import { invalid, isKind } from '../../base/errors.ts';
import type { AuthConfig } from '../../base/wire/index.ts';
import type { Containerd } from '../../runtime/containerd/client.ts';
import type { RegistryClient } from '../../runtime/registry/client.ts';
import type { Descriptor, ImageConfigFile } from '../../runtime/registry/descriptor.ts';
import { formatPlatform, type Platform, platformMatches } from '../../runtime/registry/platform.ts';
import {
  familiarName,
  familiarReference,
  type Reference,
  withDigest,
  withTag,
} from '../../runtime/registry/reference.ts';
import type { Repository } from '../../runtime/registry/repository.ts';
import { type ResolvedImage, resolveImage } from '../../runtime/registry/resolve-image.ts';
import { chainIds, digestOf } from './digest.ts';
import { type Image, platformOf } from './image.ts';
import { KeyedLock } from './keyed-lock.ts';
import { LayerProgress, type Progress } from './progress.ts';
import { DOCUMENT_MAX_BYTES, type ImageStore, parseConfig } from './store.ts';

export interface PullRequest {
  /** with a tag or digest; with neither all tags are pulled */
  reference: Reference;
  platform: Platform;
  /** the user asked for `platform`: tell when a registry gives another */
  explicit: boolean;
  auth: AuthConfig | undefined;
  progress: Progress;
  signal: AbortSignal;
}

export class Puller {
  readonly #store: ImageStore;
  readonly #registry: RegistryClient;
  readonly #pulled: (image: Image, reference: Reference) => void;
  /** Two pulls of the same layer download it once. */
  readonly #downloads = new KeyedLock();

  /** `pulled` is told of each image when its names are set. */
  constructor(
    store: ImageStore,
    registry: RegistryClient,
    pulled: (image: Image, reference: Reference) => void,
  ) {
    this.#store = store;
    this.#registry = registry;
    this.#pulled = pulled;
  }

  async pull(request: PullRequest): Promise<void> {
    const { reference, auth, signal, progress } = request;
    const repository = await this.#registry.open(reference, auth);
    if (reference.tag !== undefined || reference.digest !== undefined) {
      return this.#pullOne(repository, reference, request);
    }
    const tags = await repository.tags(signal);
    for (const tag of tags) await this.#pullOne(repository, withTag(reference, tag), request);
    if (tags.length === 0) progress({ status: `${familiarName(reference)} has no tags` });
  }

  async #pullOne(repository: Repository, wanted: Reference, request: PullRequest): Promise<void> {
    const { platform, progress, signal } = request;
    const tagOrDigest = wanted.digest ?? wanted.tag!;
    const resolved = await resolveImage(repository, tagOrDigest, platform, signal);
    progress({ status: `Pulling from ${wanted.path}`, id: tagOrDigest });
    // Like Docker: who pulls by digest gets no tag, even if one was named too.
    const canonical = withDigest(wanted, resolved.digest);
    const references = wanted.digest === undefined ? [wanted, canonical] : [canonical];
    const before = await this.#store.getReference(references[0]!);
    const image =
      (await this.#known(resolved, references)) ??
      (await this.#fetch(repository, resolved, references, request));
    progress({ status: `Digest: ${resolved.digest}` });
    if (request.explicit && !platformMatches(platform, image.platform)) {
      progress({
        status: `WARNING: ${otherPlatform(familiarReference(wanted), platform, image.platform)}`,
      });
    }
    const outcome = before?.id === image.id ? 'Image is up to date for' : 'Downloaded newer image for';
    progress({ status: `Status: ${outcome} ${familiarReference(references[0]!)}` });
    this.#pulled(image, wanted);
  }

  /** An image that is here already only gets its names. */
  async #known(resolved: ResolvedImage, references: readonly Reference[]): Promise<Image | undefined> {
    const id = resolved.document.config.digest;
    if ((await this.#store.get(id)) === undefined) return undefined;
    try {
      for (const reference of references) await this.#store.setReference(reference, id);
    } catch (error) {
      // Removed in between: then it has to be fetched after all.
      if (isKind(error, 'not-found')) return undefined;
      throw error;
    }
    return this.#store.get(id);
  }

  async #fetch(
    repository: Repository,
    resolved: ResolvedImage,
    references: readonly Reference[],
    request: PullRequest,
  ): Promise<Image> {
    const { signal } = request;
    // The default lifetime of the lease is what an interrupted pull has to be taken up again by the next daemon.
    return this.#store.client.withLease(async (client, leaseId) => {
      const { document, manifest } = resolved;
      const config = await downloadConfig(repository, document.config, signal);
      const file = parseConfig(config);
      checkPlatform(file);
      if (file.rootfs.diff_ids.length !== document.layers.length) {
        throw invalid(
          `invalid image: its config has ${file.rootfs.diff_ids.length} layers, its manifest ${document.layers.length}`,
        );
      }
      const pull = new LayerPull({
        store: this.#store,
        registry: this.#registry,
        locks: this.#downloads,
        client,
        leaseId,
        repository,
        signal,
      });
      await pull.run(document.layers, file.rootfs.diff_ids, request.progress);
      return this.#store.register(
        client,
        { config, file, manifest: manifest.data, manifestDocument: document },
        references,
      );
    });
  }
}

/** What Docker says of an image of another platform; it pulls it all the same, but makes no container of it. */
export function otherPlatform(ref: string, wanted: Platform, actual: Platform): string {
  return `image with reference ${ref} was found but does not match the specified platform: wanted ${formatPlatform(wanted)}, actual: ${formatPlatform(actual)}`;
}

interface LayerPullContext {
  store: ImageStore;
  registry: RegistryClient;
  /** by layer digest */
  locks: KeyedLock;
  /** acts under the lease */
  client: Containerd;
  leaseId: string;
  repository: Repository;
  signal: AbortSignal;
}

/** The layers of one image on their way. */
class LayerPull {
  readonly #context: LayerPullContext;
  /** One failed layer stops the others. */
  readonly #abandon = new AbortController();
  readonly #signal: AbortSignal;

  constructor(context: LayerPullContext) {
    this.#context = context;
    this.#signal = AbortSignal.any([context.signal, this.#abandon.signal]);
  }

  /** Downloads side by side, unpacks from the bottom up, each layer as soon as it and all below are there. */
  async run(layers: readonly Descriptor[], diffIds: readonly string[], report: Progress): Promise<void> {
    const chain = chainIds(diffIds);
    const lines = layers.map((layer) => new LayerProgress(layer.digest, layer.size, report));
    const present = await Promise.all(layers.map((layer, index) => this.#isPresent(layer, chain[index]!)));
    for (const [index, line] of lines.entries()) {
      line.status(present[index] ? 'Already exists' : 'Pulling fs layer');
    }
    const downloads = layers.map((layer, index) =>
      present[index] ? Promise.resolve() : this.#download(layer, lines[index]!),
    );
    const unpacking = this.#unpack(layers, diffIds, downloads, (index) => !present[index], lines);
    try {
      // A failed download ends the pull at once, not only when its turn to be unpacked comes.
      await Promise.all([...downloads, unpacking]);
    } catch (error) {
      this.#abandon.abort(error);
      // Nothing may go on under a lease that has ended.
      await Promise.allSettled([...downloads, unpacking]);
      throw error;
    }
  }

  async #unpack(
    layers: readonly Descriptor[],
    diffIds: readonly string[],
    downloads: ReadonlyArray<Promise<void>>,
    wanted: (index: number) => boolean,
    lines: readonly LayerProgress[],
  ): Promise<void> {
    const { client, leaseId, store } = this.#context;
    const chain = chainIds(diffIds);
    for (const [index, blob] of layers.entries()) {
      await downloads[index];
      if (!wanted(index)) continue;
      const line = lines[index]!;
      line.extracting(0);
      const source = { blob, diffId: diffIds[index]! };
      await store.unpacker.unpackLayer(client, leaseId, chain[index - 1] ?? '', source, this.#signal);
      line.extracting(blob.size);
      line.status('Pull complete');
    }
  }

  /** Unpacked and with its blob, which a later `save` needs. */
  async #isPresent(layer: Descriptor, chainId: string): Promise<boolean> {
    if (!(await this.#context.store.unpacker.hold(this.#context.client, this.#context.leaseId, chainId)))
      return false;
    await this.#context.client.leases.addResource(this.#context.leaseId, {
      id: layer.digest,
      type: 'content',
    });
    try {
      await this.#context.client.content.info(layer.digest);
      return true;
    } catch (error) {
      if (isKind(error, 'not-found')) return false;
      throw error;
    }
  }

  async #download(layer: Descriptor, line: LayerProgress): Promise<void> {
    let waiting = true;
    // Told only when there is something to wait for, after a turn of the event loop.
    const notice = setImmediate(() => {
      if (waiting) line.status('Waiting');
    });
    try {
      const download = async () => {
        waiting = false;
        await this.#write(layer, line);
      };
      const { locks, registry } = this.#context;
      await locks.run(layer.digest, () => registry.downloads.run(download, this.#signal), this.#signal);
    } finally {
      waiting = false;
      clearImmediate(notice);
    }
    line.status('Download complete');
  }

  async #write(layer: Descriptor, line: LayerProgress): Promise<void> {
    let resumed = false;
    const write = () =>
      this.#context.client.content.write({
        // The same for every pull: what an interrupted one has is taken up by the next.
        ref: `layer-${layer.digest}`,
        digest: layer.digest,
        size: layer.size,
        signal: this.#signal,
        source: (offset) => {
          resumed = offset > 0;
          return this.#bytes(layer, offset, line);
        },
      });
    try {
      await write();
    } catch (error) {
      this.#signal.throwIfAborted();
      if (!isKind(error, 'invalid') || !/unexpected commit (digest|size)/.test(error.message)) throw error;
      // What was there from before may have been the bad part; the ingest is gone now, so this starts afresh.
      if (resumed) return this.#write(layer, line);
      throw invalid(`filesystem layer verification failed for digest ${layer.digest}`, { cause: error });
    }
  }

  async *#bytes(layer: Descriptor, offset: number, line: LayerProgress): AsyncGenerator<Buffer> {
    let at = offset;
    line.downloading(at);
    const onRetry = (delay: number) => {
      const seconds = Math.max(1, Math.ceil(delay / 1000));
      line.status(`Retrying in ${seconds} second${seconds === 1 ? '' : 's'}`);
    };
    for await (const piece of this.#context.repository.blob(layer, {
      offset,
      signal: this.#signal,
      onRetry,
    })) {
      at += piece.length;
      yield piece;
      line.downloading(at);
    }
    line.status('Verifying Checksum');
  }
}

async function downloadConfig(
  repository: Repository,
  descriptor: Descriptor,
  signal: AbortSignal,
): Promise<Buffer> {
  if (descriptor.size > DOCUMENT_MAX_BYTES) {
    throw invalid(`image config ${descriptor.digest} has ${descriptor.size} bytes: too large`);
  }
  const pieces: Buffer[] = [];
  for await (const piece of repository.blob(descriptor, { signal })) pieces.push(piece);
  const config = Buffer.concat(pieces);
  if (digestOf(config) !== descriptor.digest) {
    throw invalid(`image config verification failed for digest ${descriptor.digest}`);
  }
  return config;
}

function checkPlatform(file: ImageConfigFile): void {
  const { os } = platformOf(file);
  if (os !== 'linux') throw invalid(`image operating system "${os}" cannot be used on this platform`);
}
