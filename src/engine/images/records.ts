/**
 * How images lie in containerd's image store. Each image has one *anchor* record under its ID (`sha256:…`), and one
 * record per reference (`docker.io/library/nginx:latest`, `docker.io/library/nginx@sha256:…`). All point at the manifest
 * of this host's platform. The anchor keeps an untagged image alive; containerd's CRI plugin names images the same way.
 *
 * What must survive containerd's garbage collection hangs on the manifest blob by labels: the config, the layers, and
 * through the config the topmost snapshot. Removing the last record of an image therefore frees all of it.
 */

import type { ImageRecord, Labels } from '../../runtime/containerd/client.ts';
import type { Descriptor, ImageManifest } from '../../runtime/registry/descriptor.ts';
import { familiarReference, parseReference, type Reference } from '../../runtime/registry/reference.ts';

/** On every record: the image ID. Records without it were made by others and are left alone. */
export const LABEL_IMAGE_ID = 'io.bridgeport.image.id';
/** On the anchor: bytes on disk of each layer, lowest first, with commas. */
export const LABEL_LAYER_SIZES = 'io.bridgeport.image.layer-sizes';
/** On the anchor of an image that was made here from another one: that one's ID. */
export const LABEL_PARENT = 'io.bridgeport.image.parent';

const GC_CONTENT = 'containerd.io/gc.ref.content';
const GC_SNAPSHOT = 'containerd.io/gc.ref.snapshot';

/** Labels of a manifest blob: they keep its config and layers. */
export function manifestLabels(manifest: ImageManifest): Labels {
  const labels: Labels = { [`${GC_CONTENT}.config`]: manifest.config.digest };
  manifest.layers.forEach((layer, index) => {
    labels[`${GC_CONTENT}.l.${index}`] = layer.digest;
  });
  return labels;
}

/** Labels of a config blob: they keep the image's topmost snapshot, whose parents are kept by it. */
export function configLabels(snapshotter: string, chainId: string): Labels {
  return chainId === '' ? {} : { [`${GC_SNAPSHOT}.${snapshotter}`]: chainId };
}

/** The records of one image, as the image store has them. */
export interface ImageRecords {
  /** image ID */
  id: string;
  target: Descriptor;
  anchor: ImageRecord | undefined;
  /** by tag and by digest, sorted by their short form */
  references: Reference[];
  /** when a reference was last set */
  lastTagged: Date | undefined;
}

/** Gathers records by image ID. */
export function groupRecords(records: readonly ImageRecord[]): Map<string, ImageRecords> {
  const images = new Map<string, ImageRecords>();
  for (const record of records) {
    const id = record.labels[LABEL_IMAGE_ID];
    if (id === undefined) continue;
    let image = images.get(id);
    if (image === undefined) {
      image = { id, target: record.target, anchor: undefined, references: [], lastTagged: undefined };
      images.set(id, image);
    }
    if (record.name === id) {
      image.anchor = record;
      image.target = record.target;
      continue;
    }
    image.references.push(parseReference(record.name));
    if (image.lastTagged === undefined || record.updatedAt > image.lastTagged)
      image.lastTagged = record.updatedAt;
  }
  for (const image of images.values()) {
    image.references.sort((a, b) => (familiarReference(a) < familiarReference(b) ? -1 : 1));
  }
  return images;
}

export function formatLayerSizes(sizes: readonly number[]): string {
  return sizes.join(',');
}

/** undefined when the label is missing or does not fit `layers`. */
export function parseLayerSizes(label: string | undefined, layers: number): number[] | undefined {
  if (label === undefined) return undefined;
  const sizes = label === '' ? [] : label.split(',').map(Number);
  return sizes.length === layers && sizes.every(Number.isSafeInteger) ? sizes : undefined;
}
