/** containerd.services.containers.v1: records of containers; what runs is a task. */

import { internal, messageOf } from '../../base/errors.ts';
import type { CallOptions, ContainerInput, ContainerRecord, Containers, RuncOptions } from './api.ts';
import { type Caller, service } from './caller.ts';
import {
  any,
  empty,
  field,
  fieldMask,
  message,
  type Of,
  repeated,
  string,
  stringMap,
  sub,
  subs,
  timestamp,
} from './protobuf.ts';
import { encodeRuncOptions, RUNC_RUNTIME } from './runc-options.ts';
import { ociDocument, toDate } from './types.ts';

const container = message({
  id: field(1, string),
  labels: stringMap(2),
  image: field(3, string),
  runtime: sub(4, message({ name: field(1, string), options: sub(2, any) })),
  spec: sub(5, any),
  snapshotter: field(6, string),
  snapshotKey: field(7, string),
  createdAt: field(8, timestamp),
  updatedAt: field(9, timestamp),
});
const one = message({ container: sub(1, container) });

const method = service('containerd.services.containers.v1.Containers');
const Get = method('Get', message({ id: field(1, string) }), one);
const List = method(
  'List',
  message({ filters: repeated(1, string) }),
  message({ containers: subs(1, container) }),
);
const Create = method('Create', one, one);
const Update = method(
  'Update',
  message({ container: sub(1, container), updateMask: sub(2, fieldMask) }),
  one,
);
const Delete = method('Delete', message({ id: field(1, string) }), empty);

export class ContainersService implements Containers {
  readonly #caller: Caller;
  readonly #snapshotter: string;
  readonly #runc: RuncOptions;

  constructor(caller: Caller, snapshotter: string, runc: RuncOptions) {
    this.#caller = caller;
    this.#snapshotter = snapshotter;
    this.#runc = runc;
  }

  async create(input: ContainerInput, options?: CallOptions): Promise<ContainerRecord> {
    const { id, labels, image, spec, snapshotKey } = input;
    const request = {
      id,
      labels,
      image,
      runtime: input.runtime ?? {
        name: RUNC_RUNTIME,
        options: encodeRuncOptions({ ...this.#runc, ...input.runc }),
      },
      spec: ociDocument('Spec', spec),
      // containerd refuses a snapshot key without a snapshotter.
      snapshotter: input.snapshotter ?? (snapshotKey ? this.#snapshotter : ''),
      snapshotKey,
    };
    const answer = await this.#caller.call(
      Create,
      `create container "${id}"`,
      { container: request },
      options,
    );
    return toContainer(answer.container!);
  }

  async get(id: string, options?: CallOptions): Promise<ContainerRecord> {
    const answer = await this.#caller.call(Get, `get container "${id}"`, { id }, options);
    return toContainer(answer.container!);
  }

  async list(filters: string[] = [], options?: CallOptions): Promise<ContainerRecord[]> {
    const answer = await this.#caller.call(List, 'list containers', { filters }, options);
    return answer.containers.map(toContainer);
  }

  async update(
    change: {
      id: string;
      spec?: object;
      labels?: Record<string, string>;
      image?: string;
      snapshotKey?: string;
    },
    options?: CallOptions,
  ): Promise<ContainerRecord> {
    const { id, spec, labels, image, snapshotKey } = change;
    const given = { spec: spec && ociDocument('Spec', spec), labels, image, snapshotkey: snapshotKey };
    const paths = Object.entries(given).flatMap(([name, value]) => (value === undefined ? [] : [name]));
    // An empty mask would mean "replace all".
    if (paths.length === 0) return this.get(id, options);
    const request = {
      container: { id, spec: given.spec, labels, image, snapshotKey },
      updateMask: { paths },
    };
    const answer = await this.#caller.call(Update, `update container "${id}"`, request, options);
    return toContainer(answer.container!);
  }

  async delete(id: string, options?: CallOptions): Promise<void> {
    await this.#caller.call(Delete, `delete container "${id}"`, { id }, options);
  }
}

function toContainer(found: Of<typeof container>): ContainerRecord {
  return {
    id: found.id,
    labels: found.labels,
    image: found.image,
    runtime: { name: found.runtime?.name ?? '', options: found.runtime?.options },
    spec: parseSpec(found),
    snapshotter: found.snapshotter,
    snapshotKey: found.snapshotKey,
    createdAt: toDate(found.createdAt),
    updatedAt: toDate(found.updatedAt),
  };
}

function parseSpec(found: Of<typeof container>): unknown {
  if (found.spec === undefined) return undefined;
  try {
    return JSON.parse(Buffer.from(found.spec.value).toString());
  } catch (error) {
    throw internal(`read spec of container "${found.id}": ${messageOf(error)}`, { cause: error });
  }
}
