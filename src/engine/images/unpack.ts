/** Turns the layers of an image into snapshots: content → `diff.apply` → `snapshots.commit` under the chain id. */

import { createHash, randomUUID } from 'node:crypto';
import { Readable } from 'node:stream';
import { internal, invalid, isKind } from '../../base/errors.ts';
import type { Containerd, Mount, Snapshots } from '../../runtime/containerd/client.ts';
import type { Descriptor } from '../../runtime/registry/descriptor.ts';
import { decompress } from './compression.ts';
import { chainIds, childChainId } from './digest.ts';
import { KeyedLock } from './keyed-lock.ts';

/** On a compressed blob, the digest of what is in it; containerd and nerdctl use it too. */
const LABEL_UNCOMPRESSED = 'containerd.io/uncompressed';

/** One layer as it lies in the content store. */
export interface LayerSource {
  blob: Descriptor;
  /** digest of the uncompressed tar */
  diffId: string;
}

export class Unpacker {
  readonly #snapshotter: string;
  readonly #locks = new KeyedLock();

  constructor(snapshotter: string) {
    this.#snapshotter = snapshotter;
  }

  /**
   * Tells whether the layer `chainId` is unpacked, and if so keeps the garbage collector from it for as long as the
   * lease lives.
   */
  async hold(client: Containerd, leaseId: string, chainId: string): Promise<boolean> {
    // First the lease, then the look: the other way round the layer could go in between.
    await client.leases.addResource(leaseId, { id: chainId, type: `snapshots/${this.#snapshotter}` });
    return isCommitted(client.snapshotter(this.#snapshotter), chainId);
  }

  /**
   * Unpacks one layer on `parent` (a chain id, `''` for the lowest) unless it is there already. Safe to be called for
   * the same layer by several at once: one does the work, the others wait for it.
   *
   * @throws `invalid` when the blob is no layer, or not the one with `diffId`
   */
  async unpackLayer(
    client: Containerd,
    leaseId: string,
    parent: string,
    layer: LayerSource,
    signal?: AbortSignal,
  ): Promise<void> {
    const chainId = childChainId(parent, layer.diffId);
    const unpack = async () => {
      if (await this.hold(client, leaseId, chainId)) {
        // Somebody else's blob made this snapshot; ours must be the same layer, or a later save would give out another.
        await checkDiffId(client, layer, signal);
        return;
      }
      await this.#extract(client.snapshotter(this.#snapshotter), client, chainId, parent, layer, signal);
      await client.content.updateLabels(layer.blob.digest, { [LABEL_UNCOMPRESSED]: layer.diffId });
    };
    await this.#locks.run(chainId, unpack, signal);
  }

  async #extract(
    snapshots: Snapshots,
    client: Containerd,
    chainId: string,
    parent: string,
    layer: LayerSource,
    signal: AbortSignal | undefined,
  ): Promise<void> {
    // A key of its own each time: what an interrupted extraction left is never built upon. The lease takes it away.
    const key = `extract-${randomUUID()} ${chainId}`;
    const mounts = await snapshots.prepare(key, parent, {}, { signal });
    try {
      const applied = await applyDiff(client, layer, mounts, signal);
      if (applied.digest !== layer.diffId) {
        throw wrongDiffId(layer, applied.digest);
      }
      await snapshots.commit(chainId, key, {}, { signal });
    } catch (error) {
      await snapshots.remove(key).catch(() => undefined);
      // Somebody outside this process was faster; a committed layer is as good as ours.
      if (isKind(error, 'conflict') && (await isCommitted(snapshots, chainId))) return;
      throw error;
    }
  }

  /** Unpacks all layers, lowest first. */
  async unpackAll(
    client: Containerd,
    leaseId: string,
    layers: readonly LayerSource[],
    signal?: AbortSignal,
  ): Promise<void> {
    const chain = chainIds(layers.map((layer) => layer.diffId));
    for (const [index, layer] of layers.entries()) {
      await this.unpackLayer(client, leaseId, chain[index - 1] ?? '', layer, signal);
    }
  }

  isUnpacked(client: Containerd, chainId: string): Promise<boolean> {
    return isCommitted(client.snapshotter(this.#snapshotter), chainId);
  }

  /** Bytes on disk of each layer, lowest first. */
  async layerSizes(client: Containerd, diffIds: readonly string[]): Promise<number[]> {
    const snapshots = client.snapshotter(this.#snapshotter);
    return Promise.all(chainIds(diffIds).map(async (chainId) => (await snapshots.usage(chainId)).size));
  }
}

/** What containerd's differ and Go's tar and compression packages say of input that is none. */
const BAD_ARCHIVE =
  /archive\/tar|invalid tar|unexpected EOF|gzip:|flate:|zstd|magic number|breakout|invalid (header|checksum)/i;

/** @throws `invalid` for a blob that is no layer; containerd's status does not tell that from a failure of its own */
async function applyDiff(
  client: Containerd,
  layer: LayerSource,
  mounts: Mount[],
  signal: AbortSignal | undefined,
): Promise<Descriptor> {
  try {
    return await client.diff.apply(layer.blob, mounts, { signal });
  } catch (error) {
    if (isKind(error, 'internal') && BAD_ARCHIVE.test(error.message)) {
      throw invalid(error.message, { cause: error });
    }
    throw error;
  }
}

const wrongDiffId = (layer: LayerSource, found: string) =>
  invalid(`unpack layer ${layer.blob.digest}: wrong diff id: expected ${layer.diffId}, got ${found}`);

/** Checks that the blob is the layer with its diff ID, without unpacking it; remembers that on the blob. */
async function checkDiffId(
  client: Containerd,
  layer: LayerSource,
  signal: AbortSignal | undefined,
): Promise<void> {
  const { digest } = layer.blob;
  if (digest === layer.diffId) return;
  const { labels } = await client.content.info(digest);
  let found = labels[LABEL_UNCOMPRESSED];
  if (found === undefined) {
    const hash = createHash('sha256');
    const plain = await decompress(Readable.from(client.content.read(digest, { signal })));
    for await (const piece of plain) hash.update(piece as Buffer);
    found = `sha256:${hash.digest('hex')}`;
  }
  if (found !== layer.diffId) throw wrongDiffId(layer, found);
  if (labels[LABEL_UNCOMPRESSED] === undefined) {
    await client.content.updateLabels(digest, { [LABEL_UNCOMPRESSED]: found });
  }
}

async function isCommitted(snapshots: Snapshots, chainId: string): Promise<boolean> {
  try {
    const info = await snapshots.stat(chainId);
    if (info.kind !== 'committed') throw internal(`snapshot ${chainId} is ${info.kind}, not committed`);
    return true;
  } catch (error) {
    if (isKind(error, 'not-found')) return false;
    throw error;
  }
}
