/** Named and anonymous volumes of the `local` driver: a folder each, under the data root. */

import { chmodSync, mkdirSync, rmSync } from 'node:fs';
import { join } from 'node:path';
import { conflict, invalid, notFound } from '../../base/errors.ts';
import { newId } from '../../base/ids.ts';
import { nowString } from '../../base/time.ts';
import type { Filters, Volume, VolumeCreateBody, VolumeList } from '../../base/wire/index.ts';
import type { Store, Table } from '../../store/store.ts';
import type { EventBus } from '../events/bus.ts';
import { matchesLabels, matchesPattern } from '../filters.ts';
import { folderSize } from './folder-size.ts';

interface VolumeRecord {
  name: string;
  createdAt: string;
  labels: Record<string, string>;
  options: Record<string, string>;
  /** Made for one container without a name: goes with it when it is removed with its volumes. */
  anonymous: boolean;
}

const NAME = /^[a-zA-Z0-9][a-zA-Z0-9_.-]+$/;
/** The label that marks anonymous volumes, as in Docker 23 and newer. */
const ANONYMOUS_LABEL = 'com.docker.volume.anonymous';
const KNOWN_FILTERS = new Set(['dangling', 'driver', 'label', 'name', 'all', 'label!']);

export interface VolumeServiceOptions {
  store: Store;
  dataRoot: string;
  events: EventBus;
  /** Ids of the containers that have the volume mounted, in any state. */
  usedBy: (name: string) => string[];
}

export class VolumeService {
  readonly #options: VolumeServiceOptions;
  readonly #table: Table<VolumeRecord>;
  readonly #volumes: Map<string, VolumeRecord>;
  /** Volumes of containers that are being made, and how often: nobody else knows of those yet. */
  readonly #held = new Map<string, number>();

  constructor(options: VolumeServiceOptions) {
    this.#options = options;
    this.#table = options.store.table<VolumeRecord>('volumes');
    this.#volumes = new Map(this.#table.all());
  }

  async list(filters: Filters): Promise<VolumeList> {
    for (const name of Object.keys(filters)) {
      if (!KNOWN_FILTERS.has(name)) throw invalid(`invalid filter '${name}'`);
    }
    const dangling = (filters.dangling ?? []).map((value) => /^(1|t|true)$/i.test(value));
    const volumes = [...this.#volumes.values()].filter(
      (volume) =>
        (filters.name === undefined || matchesPattern(volume.name, filters.name)) &&
        (filters.driver === undefined || filters.driver.includes('local')) &&
        matchesLabels(volume.labels, filters.label ?? []) &&
        dangling.every((wanted) => wanted === (this.#options.usedBy(volume.name).length === 0)),
    );
    return { Volumes: volumes.map((volume) => this.#view(volume)), Warnings: null };
  }

  async inspect(name: string): Promise<Volume> {
    return this.#view(this.#find(name));
  }

  /** The same name again gives the same volume. */
  async create(body: VolumeCreateBody): Promise<Volume> {
    const given = body.Name ?? '';
    return this.#view(
      this.ensure(given === '' ? undefined : given, {
        driver: body.Driver ?? '',
        labels: body.Labels ?? {},
        options: body.DriverOpts ?? {},
      }).record,
    );
  }

  /** Gives the volume, made if it is missing; without a name a new anonymous one. `made` says which. */
  ensure(
    name: string | undefined,
    wanted: { driver?: string; labels?: Record<string, string>; options?: Record<string, string> } = {},
  ): { record: VolumeRecord; made: boolean } {
    if (wanted.driver !== undefined && wanted.driver !== '' && wanted.driver !== 'local') {
      throw notFound(`error looking up volume plugin ${wanted.driver}: plugin "${wanted.driver}" not found`);
    }
    const existing = name === undefined ? undefined : this.#volumes.get(name);
    if (existing !== undefined) return { record: existing, made: false };
    if (name !== undefined && !NAME.test(name)) {
      throw invalid(
        `create ${name}: "${name}" includes invalid characters for a local volume name, only "[a-zA-Z0-9][a-zA-Z0-9_.-]" are allowed. If you intended to pass a host directory, use absolute path`,
      );
    }
    for (const option of Object.keys(wanted.options ?? {}))
      throw invalid(`create ${name}: invalid option: "${option}"`);
    const record: VolumeRecord = {
      name: name ?? newId(),
      createdAt: nowString(),
      labels: { ...wanted.labels, ...(name === undefined ? { [ANONYMOUS_LABEL]: '' } : {}) },
      options: wanted.options ?? {},
      anonymous: name === undefined,
    };
    mkdirSync(this.path(record.name), { recursive: true, mode: 0o755 });
    chmodSync(join(this.#options.dataRoot, 'volumes'), 0o711);
    this.#table.put(record.name, record);
    this.#volumes.set(record.name, record);
    this.#options.events.publish('volume', 'create', record.name, { driver: 'local' });
    return { record, made: true };
  }

  async remove(name: string, force: boolean): Promise<void> {
    const record = this.#volumes.get(name);
    if (record === undefined) {
      if (force) return;
      throw notFound(`get ${name}: no such volume`);
    }
    const users = this.#options.usedBy(name);
    if (users.length > 0 || this.#held.has(name))
      throw conflict(`remove ${name}: volume is in use - [${users.join(', ')}]`);
    this.#delete(record);
  }

  async prune(filters: Filters): Promise<{ VolumesDeleted: string[] | null; SpaceReclaimed: number }> {
    const all = (filters.all ?? []).some((value) => /^(1|t|true)$/i.test(value));
    const deleted: string[] = [];
    let space = 0;
    for (const record of [...this.#volumes.values()]) {
      if (!all && !record.anonymous) continue;
      if (this.#options.usedBy(record.name).length > 0 || this.#held.has(record.name)) continue;
      if (!matchesLabels(record.labels, filters.label ?? [])) continue;
      if ((filters['label!'] ?? []).some((label) => matchesLabels(record.labels, [label]))) continue;
      space += folderSize(this.path(record.name));
      this.#delete(record);
      deleted.push(record.name);
    }
    this.#options.events.publish('volume', 'prune', '', { reclaimed: String(space) });
    return { VolumesDeleted: deleted.length === 0 ? null : deleted, SpaceReclaimed: space };
  }

  /** Anonymous volumes that a removed container leaves: gone unless somebody else uses them. */
  removeAnonymous(names: readonly string[]): void {
    for (const name of names) {
      const record = this.#volumes.get(name);
      const isFree = this.#options.usedBy(name).length === 0 && !this.#held.has(name);
      if (record?.anonymous === true && isFree) this.#delete(record);
    }
  }

  /** Keeps volumes from being removed until the function that this gives is called. */
  hold(names: readonly string[]): () => void {
    const count = (name: string, by: number) => {
      const total = (this.#held.get(name) ?? 0) + by;
      if (total === 0) this.#held.delete(name);
      else this.#held.set(name, total);
    };
    for (const name of names) count(name, 1);
    return () => {
      for (const name of names) count(name, -1);
    };
  }

  /** Undoes `ensure()` for a container that could not be made; what somebody else uses by now stays. */
  takeBack(name: string): void {
    const record = this.#volumes.get(name);
    // Held once: by the container that asks.
    const isOthers = this.#options.usedBy(name).length > 0 || (this.#held.get(name) ?? 0) > 1;
    if (record !== undefined && !isOthers) this.#delete(record);
  }

  /** Where its files are. */
  path(name: string): string {
    return join(this.#options.dataRoot, 'volumes', name, '_data');
  }

  #delete(record: VolumeRecord): void {
    rmSync(join(this.#options.dataRoot, 'volumes', record.name), { recursive: true, force: true });
    this.#table.delete(record.name);
    this.#volumes.delete(record.name);
    this.#options.events.publish('volume', 'destroy', record.name, { driver: 'local' });
  }

  #find(name: string): VolumeRecord {
    const record = this.#volumes.get(name);
    if (record === undefined) throw notFound(`get ${name}: no such volume`);
    return record;
  }

  #view(record: VolumeRecord): Volume {
    return {
      Name: record.name,
      Driver: 'local',
      Mountpoint: this.path(record.name),
      CreatedAt: record.createdAt.replace(/\.\d+Z$/, 'Z'),
      Labels: Object.keys(record.labels).length === 0 ? null : record.labels,
      Scope: 'local',
      Options: Object.keys(record.options).length === 0 ? null : record.options,
    };
  }
}
