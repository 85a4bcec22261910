/** The engine as a whole: puts its services together, starts them and ends them. */

import { messageOf } from '../base/errors.ts';
import type { TaskEvent } from '../runtime/containerd/client.ts';
import type { Store } from '../store/store.ts';
import { ArchiveService } from './archive/service.ts';
import type { Container } from './containers/container.ts';
import { Creator } from './containers/create.ts';
import { Lifecycle } from './containers/lifecycle.ts';
import { PublishedPorts } from './containers/published-ports.ts';
import { ContainerRegistry } from './containers/registry.ts';
import { ContainersService } from './containers/service.ts';
import { Starter } from './containers/start.ts';
import type { EngineContext } from './context.ts';
import { ExecService } from './exec/service.ts';
import { HealthMonitor } from './health/monitor.ts';
import { NetworksService } from './networks/service.ts';
import { Reconciler } from './reconcile.ts';
import { StatsService } from './stats/service.ts';
import { followTaskEvents } from './task-events.ts';
import { VolumeMounts } from './volumes/mounts.ts';
import { VolumeService } from './volumes/service.ts';

/** Milliseconds. */
const SECOND_LOOK = 1000;

export interface EngineParts {
  context: EngineContext;
  store: Store;
}

export class Engine {
  readonly registry: ContainerRegistry;
  readonly lifecycle: Lifecycle;
  readonly networks: NetworksService;
  readonly volumes: VolumeService;
  readonly execs: ExecService;
  readonly health: HealthMonitor;
  readonly containers: ContainersService;
  readonly ports: PublishedPorts;
  readonly #context: EngineContext;
  readonly #reconciler: Reconciler;
  readonly #ending = new AbortController();
  #following: Promise<void> = Promise.resolve();
  #opened = 0;

  constructor({ context, store }: EngineParts) {
    this.#context = context;
    this.registry = new ContainerRegistry(store, context.settings.dataRoot, (id, names) =>
      context.network.reserveNames(id, names),
    );
    this.volumes = new VolumeService({
      store,
      dataRoot: context.settings.dataRoot,
      events: context.events,
      usedBy: (name) =>
        this.registry
          .all()
          .filter((container) => container.record.mounts.some((mount) => mount.Name === name))
          .map((container) => container.id),
    });
    const mounts = new VolumeMounts(context, this.registry, this.volumes);
    const starter = new Starter(context, this.registry);
    this.lifecycle = new Lifecycle(context, this.registry, starter, {
      started: (container) => this.health.start(container, { keepState: false }),
      ended: async (container) => {
        this.health.stop(container);
        this.execs.containerEnded(container);
      },
      removed: async (container, removeVolumes) => {
        this.execs.forgetContainer(container);
        await context.network.forget(container.id);
        const { mounts } = container.record;
        container.record.mounts = [];
        if (removeVolumes) this.volumes.removeAnonymous(mounts.flatMap((mount) => mount.Name ?? []));
      },
    });
    this.execs = new ExecService(context, this.registry, this.lifecycle);
    this.health = new HealthMonitor(this.registry, this.lifecycle, this.execs, context.log);
    this.containers = new ContainersService(
      context,
      this.registry,
      new Creator(context, this.registry, mounts),
      this.lifecycle,
      this.execs,
      new StatsService(context, this.registry),
      new ArchiveService(context, this.registry, (container, action) =>
        this.lifecycle.emit(container, action),
      ),
    );
    this.ports = new PublishedPorts(context, this.registry);
    this.networks = new NetworksService(context.network, this.registry, context.events, (container) => {
      const sandbox = context.network.sandbox(container.id);
      if (sandbox !== undefined) starter.writeNetworkFiles(container, sandbox);
    });
    this.#reconciler = new Reconciler(context, this.registry, this.lifecycle);
  }

  /** Adopts what runs, then follows containerd's events. */
  async start(): Promise<void> {
    const open = Promise.withResolvers<void>();
    this.#following = followTaskEvents(
      this.#context.containerd,
      {
        onEvent: (event) => this.#dispatch(event),
        onOpen: () => {
          open.resolve();
          if (this.#opened++ === 0) return;
          const look = () =>
            Promise.all([this.#reconciler.afterInterruption(), this.execs.afterInterruption()]).catch(
              (error) => this.#failed('look for missed ends', error),
            );
          void look();
          // Once more for what was being started just now, whose end may have come before the stream was open.
          setTimeout(() => void look(), SECOND_LOOK).unref();
        },
      },
      this.#ending.signal,
      this.#context.log,
    );
    // First the stream, then the look around: nothing can happen unseen in between.
    await open.promise;
    await this.#reconciler.atStart((container) => this.#adopted(container));
  }

  /** Ends when all that was to start has been tried. */
  startByPolicy(): Promise<unknown> {
    return this.#reconciler.startByPolicy();
  }

  /** Stops listening; with `stopContainers`, stops them first. */
  async stop(options: { stopContainers: boolean }): Promise<void> {
    if (options.stopContainers) await this.lifecycle.shutDown(this.#context.settings.shutdownTimeout);
    this.#ending.abort();
    await this.#following;
    for (const container of this.registry.all()) {
      // An end that is being recorded is recorded.
      await container.lock.run(() => {});
      container.backoff.cancel();
      this.health.stop(container);
      container.log?.flush();
    }
  }

  /** Nobody waits for what events set off: the daemon goes on. */
  #failed(action: string, error: unknown): void {
    this.#context.log.error({ error: messageOf(error) }, `cannot ${action}`);
  }

  #adopted(container: Container): void {
    this.ports.adopt(container);
    this.health.start(container, { keepState: true });
  }

  #dispatch(event: TaskEvent): void {
    const container = this.registry.byId(event.containerId);
    if (container === undefined) return;
    switch (event.type) {
      case 'task-exit':
        (event.execId === undefined
          ? this.lifecycle.handleExit(container, event)
          : this.execs.handleExit(container, event.execId, event.exitStatus)
        ).catch((error) => this.#failed('take in an exit', error));
        break;
      case 'task-oom':
        container.record.state.oomKilled = true;
        this.registry.save(container);
        this.lifecycle.emit(container, 'oom');
        break;
      default:
        break;
    }
  }
}
