/** containerd.services.snapshots.v1: layers as directories, stacked. */

import type {
  CallOptions,
  Labels,
  Mount,
  SnapshotInfo,
  SnapshotKind,
  Snapshots,
  SnapshotUsage,
} from './api.ts';
import { type Caller, service } from './caller.ts';
import {
  empty,
  field,
  fieldMask,
  int,
  message,
  type Of,
  repeated,
  string,
  stringMap,
  sub,
  subs,
  timestamp,
} from './protobuf.ts';
import { labelPaths, mountMessage, toDate, toMount } from './types.ts';

/** enum Kind { UNKNOWN = 0; VIEW = 1; ACTIVE = 2; COMMITTED = 3; } */
const KINDS: readonly SnapshotKind[] = ['unknown', 'view', 'active', 'committed'];

const info = message({
  name: field(1, string),
  parent: field(2, string),
  kind: field(3, int),
  createdAt: field(4, timestamp),
  updatedAt: field(5, timestamp),
  labels: stringMap(6),
});

const prepareRequest = message({
  snapshotter: field(1, string),
  key: field(2, string),
  parent: field(3, string),
  labels: stringMap(4),
});
const keyRequest = message({ snapshotter: field(1, string), key: field(2, string) });
const mountsResponse = message({ mounts: subs(1, mountMessage) });

const method = service('containerd.services.snapshots.v1.Snapshots');
const Prepare = method('Prepare', prepareRequest, mountsResponse);
const View = method('View', prepareRequest, mountsResponse);
const Mounts = method('Mounts', keyRequest, mountsResponse);
const Commit = method(
  'Commit',
  message({
    snapshotter: field(1, string),
    name: field(2, string),
    key: field(3, string),
    labels: stringMap(4),
  }),
  empty,
);
const Remove = method('Remove', keyRequest, empty);
const Stat = method('Stat', keyRequest, message({ info: sub(1, info) }));
const Update = method(
  'Update',
  message({ snapshotter: field(1, string), info: sub(2, info), updateMask: sub(3, fieldMask) }),
  message({ info: sub(1, info) }),
);
const List = method(
  'List',
  message({ snapshotter: field(1, string), filters: repeated(2, string) }),
  message({ info: subs(1, info) }),
);
const Usage = method('Usage', keyRequest, message({ size: field(1, int), inodes: field(2, int) }));

export class SnapshotsService implements Snapshots {
  readonly snapshotter: string;
  readonly #caller: Caller;

  constructor(caller: Caller, snapshotter: string) {
    this.#caller = caller;
    this.snapshotter = snapshotter;
  }

  async prepare(key: string, parent: string, labels: Labels = {}, options?: CallOptions): Promise<Mount[]> {
    const request = { snapshotter: this.snapshotter, key, parent, labels };
    const answer = await this.#caller.call(
      Prepare,
      `prepare snapshot "${key}" on "${parent}"`,
      request,
      options,
    );
    return answer.mounts.map(toMount);
  }

  async view(key: string, parent: string, labels: Labels = {}, options?: CallOptions): Promise<Mount[]> {
    const request = { snapshotter: this.snapshotter, key, parent, labels };
    const answer = await this.#caller.call(View, `view snapshot "${parent}" as "${key}"`, request, options);
    return answer.mounts.map(toMount);
  }

  async mounts(key: string, options?: CallOptions): Promise<Mount[]> {
    const answer = await this.#caller.call(
      Mounts,
      `get mounts of snapshot "${key}"`,
      this.#named(key),
      options,
    );
    return answer.mounts.map(toMount);
  }

  async commit(name: string, key: string, labels: Labels = {}, options?: CallOptions): Promise<void> {
    const request = { ...this.#named(key), name, labels };
    await this.#caller.call(Commit, `commit snapshot "${key}" as "${name}"`, request, options);
  }

  async remove(key: string, options?: CallOptions): Promise<void> {
    await this.#caller.call(Remove, `remove snapshot "${key}"`, this.#named(key), options);
  }

  async stat(key: string, options?: CallOptions): Promise<SnapshotInfo> {
    const answer = await this.#caller.call(Stat, `look up snapshot "${key}"`, this.#named(key), options);
    return toInfo(answer.info!);
  }

  async updateLabels(key: string, labels: Labels, options?: CallOptions): Promise<SnapshotInfo> {
    const request = {
      snapshotter: this.snapshotter,
      info: { name: key, labels },
      updateMask: { paths: labelPaths(labels) },
    };
    const answer = await this.#caller.call(Update, `label snapshot "${key}"`, request, options);
    return toInfo(answer.info!);
  }

  async usage(key: string, options?: CallOptions): Promise<SnapshotUsage> {
    return this.#caller.call(Usage, `measure snapshot "${key}"`, this.#named(key), options);
  }

  async list(filters: string[] = [], options?: CallOptions): Promise<SnapshotInfo[]> {
    const found: SnapshotInfo[] = [];
    const request = { snapshotter: this.snapshotter, filters };
    for await (const part of this.#caller.stream(List, 'list snapshots', request, options))
      found.push(...part.info.map(toInfo));
    return found;
  }

  #named(key: string) {
    return { snapshotter: this.snapshotter, key };
  }
}

const toInfo = (found: Of<typeof info>): SnapshotInfo => ({
  ...found,
  kind: KINDS[found.kind] ?? 'unknown',
  createdAt: toDate(found.createdAt),
  updatedAt: toDate(found.updatedAt),
});
