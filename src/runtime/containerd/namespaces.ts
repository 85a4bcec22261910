/** containerd.services.namespaces.v1: containerd's tenants; nothing to do with the kernel's namespaces. */

import type { CallOptions, Labels, Namespaces } from './api.ts';
import { type Caller, service } from './caller.ts';
import { empty, field, message, string, stringMap, sub, subs } from './protobuf.ts';
import { isStatus } from './status.ts';

const namespace = message({ name: field(1, string), labels: stringMap(2) });
const one = message({ namespace: sub(1, namespace) });

const method = service('containerd.services.namespaces.v1.Namespaces');
const Create = method('Create', one, one);
const List = method(
  'List',
  message({ filter: field(1, string) }),
  message({ namespaces: subs(1, namespace) }),
);
const Delete = method('Delete', message({ name: field(1, string) }), empty);

export class NamespacesService implements Namespaces {
  readonly #caller: Caller;

  constructor(caller: Caller) {
    this.#caller = caller;
  }

  async ensure(name: string, labels: Labels = {}, options?: CallOptions): Promise<void> {
    try {
      await this.#caller.call(Create, `create namespace "${name}"`, { namespace: { name, labels } }, options);
    } catch (error) {
      if (!isStatus(error, 'ALREADY_EXISTS')) throw error;
    }
  }

  async list(options?: CallOptions): Promise<string[]> {
    const answer = await this.#caller.call(List, 'list namespaces', {}, options);
    return answer.namespaces.map(({ name }) => name);
  }

  async delete(name: string, options?: CallOptions): Promise<void> {
    await this.#caller.call(Delete, `delete namespace "${name}"`, { name }, options);
  }
}
