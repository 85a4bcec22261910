/** Messages that several services share (`containerd.types`), and the small conversions around them. */

import type { Any, Descriptor, Mount } from './api.ts';
import { field, int, message, type Of, repeated, string, stringMap } from './protobuf.ts';

/** containerd.types.Mount */
export const mountMessage = message({
  type: field(1, string),
  source: field(2, string),
  target: field(3, string),
  options: repeated(4, string),
});

/** containerd.types.Descriptor */
export const descriptorMessage = message({
  mediaType: field(1, string),
  digest: field(2, string),
  size: field(3, int),
  annotations: stringMap(5),
});

export const toMount = (mount: Of<typeof mountMessage>): Mount => ({
  type: mount.type,
  source: mount.source,
  options: mount.options,
  ...(mount.target === '' ? {} : { target: mount.target }),
});

export function toDescriptor(descriptor: Of<typeof descriptorMessage> | undefined): Descriptor {
  const { mediaType = '', digest = '', size = 0, annotations = {} } = descriptor ?? {};
  return { mediaType, digest, size, ...(Object.keys(annotations).length > 0 ? { annotations } : {}) };
}

/** An absent time, or Go's zero time (year 1) which means the same, is the epoch. */
export const toDate = (date: Date | undefined): Date => (date && date.getTime() > 0 ? date : new Date(0));

/**
 * An OCI document as Any. containerd's typeurl registers Go types under this prefix; the shim reads the value as JSON.
 */
export function ociDocument(kind: 'Spec' | 'Process' | 'LinuxResources', document: object): Any {
  return {
    typeUrl: `types.containerd.io/opencontainers/runtime-spec/1/${kind}`,
    value: Buffer.from(JSON.stringify(document)),
  };
}

/** FieldMask paths for setting single labels. */
export const labelPaths = (labels: Record<string, string>) =>
  Object.keys(labels).map((key) => `labels.${key}`);
