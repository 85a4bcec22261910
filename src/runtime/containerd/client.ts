/** The containerd client: one HTTP/2 connection over a unix socket, the groups of `api.ts` on top. */

import { join } from 'node:path';
import { setTimeout as sleep } from 'node:timers/promises';
import { isKind } from '../../base/errors.ts';
import type {
  CallOptions,
  Containerd,
  ContainerdVersion,
  Containers,
  Content,
  Diff,
  Events,
  Images,
  Leases,
  Namespaces,
  RuncOptions,
  Shim,
  Snapshots,
  Tasks,
} from './api.ts';
import { Caller, service } from './caller.ts';
import { Connection } from './connection.ts';
import { ContainersService } from './containers.ts';
import { ContentService } from './content.ts';
import { DiffService } from './diff.ts';
import { EventsService } from './events.ts';
import { ImagesService } from './images.ts';
import { LeasesService } from './leases.ts';
import { NamespacesService } from './namespaces.ts';
import { empty, field, message, string } from './protobuf.ts';
import { listShims } from './shims.ts';
import { SnapshotsService } from './snapshots.ts';
import { TasksService } from './tasks.ts';

export type * from './api.ts';
export type { CgroupMetrics } from './metrics.ts';
export { ContainerdError, isStatus, type StatusName } from './status.ts';

export interface ClientOptions {
  /** Path of containerd's unix socket. */
  address: string;
  /** containerd's namespace for all calls; Docker's is `moby`. */
  namespace: string;
  /** Its state directory, where it is known. */
  state?: string | undefined;
  /** Default `overlayfs`. */
  snapshotter?: string | undefined;
  /** Given to every container that does not say otherwise. `root` should be set: see `RuncOptions`. */
  runc?: RuncOptions | undefined;
  /**
   * Milliseconds for which a call waits when the socket is absent or refuses, as while containerd restarts. Default 0:
   * `unavailable` at once.
   */
  reconnectMs?: number | undefined;
}

const Version = service('containerd.services.version.v1.Version')(
  'Version',
  empty,
  message({ version: field(1, string), revision: field(2, string) }),
);

/** Milliseconds between two looks in `ready()`, and the deadline of one. */
const READY_INTERVAL = 10;
const READY_DEADLINE = 1_000;

const DAY = 24 * 60 * 60 * 1000;

/** Makes a client; it connects at the first call, and again at the next one after the connection was lost. */
export function connectContainerd(options: ClientOptions): Containerd {
  const connection = new Connection(options);
  return new Client(connection, new Caller(connection, options.namespace), options);
}

class Client implements Containerd {
  readonly content: Content;
  readonly snapshots: Snapshots;
  readonly diff: Diff;
  readonly images: Images;
  readonly leases: Leases;
  readonly namespaces: Namespaces;
  readonly containers: Containers;
  readonly tasks: Tasks;
  readonly events: Events;
  readonly #connection: Connection;
  readonly #caller: Caller;
  readonly #options: ClientOptions;

  constructor(connection: Connection, caller: Caller, options: ClientOptions) {
    const { snapshotter = 'overlayfs', runc = {} } = options;
    this.#connection = connection;
    this.#caller = caller;
    this.#options = options;
    this.content = new ContentService(caller);
    this.snapshots = new SnapshotsService(caller, snapshotter);
    this.diff = new DiffService(caller);
    this.images = new ImagesService(caller);
    this.leases = new LeasesService(caller);
    this.namespaces = new NamespacesService(caller);
    this.containers = new ContainersService(caller, snapshotter, runc);
    this.tasks = new TasksService(caller, runc);
    this.events = new EventsService(caller);
  }

  get namespace(): string {
    return this.#caller.namespace;
  }

  snapshotter(name: string): Snapshots {
    return new SnapshotsService(this.#caller, name);
  }

  get bundles(): string | undefined {
    const { state } = this.#options;
    return state && join(state, 'io.containerd.runtime.v2.task', this.#caller.namespace);
  }

  shims(): Promise<Shim[]> {
    return listShims(this.#options.address, this.#caller.namespace);
  }

  version(options?: CallOptions): Promise<ContainerdVersion> {
    return this.#caller.call(Version, 'ask containerd for its version', {}, options);
  }

  async ready(timeoutMs: number, signal?: AbortSignal): Promise<ContainerdVersion> {
    const until = performance.now() + timeoutMs;
    for (;;) {
      try {
        return await this.version({ signal, timeoutMs: READY_DEADLINE });
      } catch (error) {
        if (!isKind(error, 'unavailable') || performance.now() >= until) throw error;
      }
      await sleep(READY_INTERVAL, undefined, { signal });
    }
  }

  async withLease<T>(
    work: (client: Containerd, leaseId: string) => Promise<T>,
    options: { expiresInMs?: number; signal?: AbortSignal } = {},
  ): Promise<T> {
    const { expiresInMs = DAY, signal } = options;
    const { id } = await this.leases.create({ expiresInMs }, { signal });
    try {
      return await work(new Client(this.#connection, this.#caller.leased(id), this.#options), id);
    } finally {
      // Should this fail, the lease ends by itself; the outcome of the work is what counts.
      await this.leases.delete(id).catch(() => {});
    }
  }

  close(): void {
    this.#connection.close();
  }
}
