/** containerd.services.leases.v1: what keeps half-made things from the garbage collector. */

import { randomUUID } from 'node:crypto';
import type { CallOptions, Lease, LeaseResource, Leases } from './api.ts';
import { type Caller, service } from './caller.ts';
import {
  bool,
  empty,
  field,
  message,
  type Of,
  repeated,
  string,
  stringMap,
  sub,
  subs,
  timestamp,
} from './protobuf.ts';
import { toDate } from './types.ts';

const lease = message({ id: field(1, string), createdAt: field(2, timestamp), labels: stringMap(3) });
const resource = message({ id: field(1, string), type: field(2, string) });
const resourceRequest = message({ id: field(1, string), resource: sub(2, resource) });

const method = service('containerd.services.leases.v1.Leases');
const Create = method(
  'Create',
  message({ id: field(1, string), labels: stringMap(3) }),
  message({ lease: sub(1, lease) }),
);
const Delete = method('Delete', message({ id: field(1, string), sync: field(2, bool) }), empty);
const List = method('List', message({ filters: repeated(1, string) }), message({ leases: subs(1, lease) }));
const AddResource = method('AddResource', resourceRequest, empty);
const DeleteResource = method('DeleteResource', resourceRequest, empty);
const ListResources = method(
  'ListResources',
  message({ id: field(1, string) }),
  message({ resources: subs(1, resource) }),
);

/** The collector's label for "until then", RFC 3339. */
const EXPIRE = 'containerd.io/gc.expire';

export class LeasesService implements Leases {
  readonly #caller: Caller;

  constructor(caller: Caller) {
    this.#caller = caller;
  }

  async create(
    wanted: { id?: string; labels?: Record<string, string>; expiresInMs?: number } = {},
    options?: CallOptions,
  ): Promise<Lease> {
    const id = wanted.id ?? randomUUID();
    const labels = { ...wanted.labels };
    // RFC 3339 as Go's time.Parse wants it, which takes ISO's milliseconds.
    if (wanted.expiresInMs !== undefined)
      labels[EXPIRE] = new Date(Date.now() + wanted.expiresInMs).toISOString();
    const answer = await this.#caller.call(Create, `create lease "${id}"`, { id, labels }, options);
    return toLease(answer.lease!);
  }

  async delete(id: string, options: CallOptions & { sync?: boolean } = {}): Promise<void> {
    await this.#caller.call(Delete, `delete lease "${id}"`, { id, sync: options.sync }, options);
  }

  async list(filters: string[] = [], options?: CallOptions): Promise<Lease[]> {
    const answer = await this.#caller.call(List, 'list leases', { filters }, options);
    return answer.leases.map(toLease);
  }

  async addResource(id: string, held: LeaseResource, options?: CallOptions): Promise<void> {
    const action = `add ${held.type} "${held.id}" to lease "${id}"`;
    await this.#caller.call(AddResource, action, { id, resource: held }, options);
  }

  async deleteResource(id: string, held: LeaseResource, options?: CallOptions): Promise<void> {
    const action = `take ${held.type} "${held.id}" out of lease "${id}"`;
    await this.#caller.call(DeleteResource, action, { id, resource: held }, options);
  }

  async resources(id: string, options?: CallOptions): Promise<LeaseResource[]> {
    const answer = await this.#caller.call(ListResources, `list resources of lease "${id}"`, { id }, options);
    return answer.resources;
  }
}

const toLease = (found: Of<typeof lease>): Lease => ({ ...found, createdAt: toDate(found.createdAt) });
