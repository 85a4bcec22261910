/** containerd.services.diff.v1: layer blobs unpacked into mounts, and changes packed into layer blobs. */

import type { CallOptions, Descriptor, Diff, DiffOptions, Mount } from './api.ts';
import { type Caller, service } from './caller.ts';
import { field, message, string, stringMap, sub, subs } from './protobuf.ts';
import { descriptorMessage, mountMessage, toDescriptor } from './types.ts';

const method = service('containerd.services.diff.v1.Diff');
const Apply = method(
  'Apply',
  message({ diff: sub(1, descriptorMessage), mounts: subs(2, mountMessage) }),
  message({ applied: sub(1, descriptorMessage) }),
);
const Compare = method(
  'Diff',
  message({
    left: subs(1, mountMessage),
    right: subs(2, mountMessage),
    mediaType: field(3, string),
    ref: field(4, string),
    labels: stringMap(5),
  }),
  message({ diff: sub(3, descriptorMessage) }),
);

export class DiffService implements Diff {
  readonly #caller: Caller;

  constructor(caller: Caller) {
    this.#caller = caller;
  }

  async apply(diff: Descriptor, mounts: Mount[], options?: CallOptions): Promise<Descriptor> {
    const answer = await this.#caller.callForever(
      Apply,
      `unpack layer ${diff.digest}`,
      { diff, mounts },
      options,
    );
    return toDescriptor(answer.applied);
  }

  async diff(lower: Mount[], upper: Mount[], options: DiffOptions = {}): Promise<Descriptor> {
    const request = {
      left: lower,
      right: upper,
      mediaType: options.mediaType ?? 'application/vnd.oci.image.layer.v1.tar+gzip',
      ref: options.ref,
      labels: options.labels,
    };
    const answer = await this.#caller.callForever(Compare, 'pack the changes of a layer', request, options);
    return toDescriptor(answer.diff);
  }
}
