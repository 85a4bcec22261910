/** The records of all sandboxes, by the container that owns the namespace: in memory, and in the store. */

import { invalid } from '../../base/errors.ts';
import type { Store, Table } from '../../store/store.ts';
import type { EndpointSpec, NetworkSpec } from '../model/index.ts';
import { completeRecord, type SandboxRecord } from './sandbox-record.ts';

export class SandboxRecords {
  readonly #records = new Map<string, SandboxRecord>();
  readonly #table: Table<SandboxRecord>;

  constructor(store: Store) {
    this.#table = store.table<SandboxRecord>('sandboxes');
  }

  /** What an earlier daemon left; only with `save()` does it become ours. */
  stored(): SandboxRecord[] {
    return this.#table.all().map(([, record]) => completeRecord(record));
  }

  save(record: SandboxRecord): void {
    const { containerId } = record.request;
    this.#records.set(containerId, record);
    this.#table.put(containerId, record);
  }

  delete(containerId: string): void {
    this.#records.delete(containerId);
    this.#table.delete(containerId);
  }

  get(containerId: string): SandboxRecord | undefined {
    return this.#records.get(containerId);
  }

  /** Throws `invalid` when there is none that is open. */
  open(containerId: string): SandboxRecord {
    const record = this.#records.get(containerId);
    if (record?.phase !== 'open') throw invalid(`container ${containerId} has no network to connect`);
    return record;
  }

  all(): readonly SandboxRecord[] {
    return [...this.#records.values()];
  }

  /** The endpoints that are on a network now. */
  membersOf(spec: NetworkSpec): Array<{ endpoint: EndpointSpec; containerName: string }> {
    return this.all().flatMap((record) =>
      record.endpoints
        .filter((endpoint) => endpoint.networkId === spec.id)
        .map((endpoint) => ({ endpoint, containerName: record.request.containerName })),
    );
  }
}
