/** All containers, found by name, id or id prefix, and kept in the store. */

import { invalid, notFound } from '../../base/errors.ts';
import { shortId } from '../../base/ids.ts';
import type { Store, Table } from '../../store/store.ts';
import { Container } from './container.ts';
import { NameIndex } from './names.ts';
import type { ContainerRecord } from './record.ts';

export class ContainerRegistry {
  readonly names = new NameIndex();
  readonly #byId = new Map<string, Container>();
  readonly #table: Table<ContainerRecord>;
  readonly #dataRoot: string;
  readonly #onNames: (containerId: string, names: readonly string[]) => void;
  /** As they were told last, by id. */
  readonly #told = new Map<string, string>();

  /** `onNames` is told what each container is called, and again when that changes: nothing when it is removed. */
  constructor(
    store: Store,
    dataRoot: string,
    onNames: (containerId: string, names: readonly string[]) => void,
  ) {
    this.#onNames = onNames;
    this.#table = store.table<ContainerRecord>('containers');
    this.#dataRoot = dataRoot;
    for (const [id, record] of this.#table.all()) {
      this.#byId.set(id, new Container(record, dataRoot));
      this.names.reserve(record.name, id);
      this.#tell(record);
    }
  }

  add(record: ContainerRecord): Container {
    this.#table.put(record.id, record);
    const container = new Container(record, this.#dataRoot);
    this.#byId.set(record.id, container);
    this.#tell(record);
    return container;
  }

  /** Commits the record as it is now. */
  save(container: Container): void {
    if (this.#byId.get(container.id) !== container) return;
    this.#table.put(container.id, container.record);
    this.#tell(container.record);
  }

  delete(container: Container): void {
    this.#table.delete(container.id);
    this.#byId.delete(container.id);
    this.names.release(container.record.name, container.id);
    this.#told.delete(container.id);
    this.#onNames(container.id, []);
  }

  byId(id: string): Container | undefined {
    return this.#byId.get(id);
  }

  /** In the order they were created. */
  all(): Container[] {
    return [...this.#byId.values()].sort((a, b) => (a.record.createdAt < b.record.createdAt ? -1 : 1));
  }

  /** By full id, name (a leading slash is fine) or unambiguous id prefix. Throws `not-found` or `invalid` in Docker's words. */
  find(ref: string): Container {
    const name = ref.startsWith('/') ? ref.slice(1) : ref;
    const exact = this.#byId.get(ref) ?? this.#byId.get(this.names.holder(name) ?? '');
    if (exact !== undefined) return exact;
    const matches = /^[0-9a-f]+$/.test(ref)
      ? [...this.#byId.values()].filter((c) => c.id.startsWith(ref))
      : [];
    if (matches.length > 1) throw invalid(`Multiple IDs found with provided prefix: ${ref}`);
    const match = matches[0];
    if (match === undefined) throw notFound(`No such container: ${ref}`);
    return match;
  }

  #tell(record: ContainerRecord): void {
    const aliases = Object.values(record.networks).flatMap(({ Aliases }) => Aliases ?? []);
    const names = [record.name, shortId(record.id), ...aliases];
    if (this.#told.get(record.id) === names.join(' ')) return;
    this.#told.set(record.id, names.join(' '));
    this.#onNames(record.id, names);
  }
}
