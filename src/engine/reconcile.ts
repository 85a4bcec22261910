/**
 * Brings records and reality together: at the start of the daemon, and whenever containerd's events may have been missed. Containers that
 * run are adopted, those that ended meanwhile are taken to their end, half-made and unknown ones are removed.
 */

import { existsSync, readdirSync, rmdirSync, rmSync } from 'node:fs';
import { join } from 'node:path';
import { setTimeout as sleep } from 'node:timers/promises';
import { isKind, messageOf } from '../base/errors.ts';
import { isId } from '../base/ids.ts';
import type { TaskProcess } from '../runtime/containerd/client.ts';
import { type Container, logLoss } from './containers/container.ts';
import type { Lifecycle } from './containers/lifecycle.ts';
import type { ContainerRecord } from './containers/record.ts';
import type { ContainerRegistry } from './containers/registry.ts';
import { shouldStartWithDaemon } from './containers/restart-policy.ts';
import { RunRemains } from './containers/run-remains.ts';
import { closeSharedMemory, sharedMemoryFolder } from './containers/shared-memory.ts';
import { inOrderOfNeeds, needs } from './containers/start-order.ts';
import type { EngineContext } from './context.ts';
import { openFifosBelow } from './io/open-fifos.ts';
import { ProcessIo } from './io/process-io.ts';
import { COPY_FOLDER } from './volumes/mounts.ts';

/** Milliseconds in which the event of an exit may still come when the task is gone already. */
const EVENT_DELAY = 1000;
/** Exit status of a run whose end nobody saw, as in Docker. */
const UNKNOWN_EXIT = 255;

export class Reconciler {
  readonly #context: EngineContext;
  readonly #registry: ContainerRegistry;
  readonly #lifecycle: Lifecycle;
  readonly #remains: RunRemains;

  constructor(context: EngineContext, registry: ContainerRegistry, lifecycle: Lifecycle) {
    this.#context = context;
    this.#registry = registry;
    this.#lifecycle = lifecycle;
    this.#remains = new RunRemains(context);
  }

  /** Once, before the API is open. `adopted` is told of every container that runs on. */
  async atStart(adopted: (container: Container) => void): Promise<void> {
    // A container that is just being started again would look like something that an earlier daemon left.
    const allowRestarts = this.#lifecycle.holdRestarts();
    const closeFifos = openFifosBelow(join(this.#context.settings.execRoot, 'io'));
    try {
      await this.#bringTogether(adopted);
    } finally {
      closeFifos();
      allowRestarts();
    }
  }

  async #bringTogether(adopted: (container: Container) => void): Promise<void> {
    const { network, log } = this.#context;
    const tasks = new Map(
      (await this.#context.containerd.tasks.list()).map((task) => [task.containerId, task]),
    );
    const alive = new Set<string>();
    const ended: Array<[Container, TaskProcess | undefined]> = [];
    for (const container of this.#registry.all()) {
      const task = tasks.get(container.id);
      const wasRunning = container.isRunning;
      const runs = task !== undefined && task.status !== 'stopped' && task.status !== 'created';
      if (wasRunning && runs && task.pid === container.record.state.pid) {
        this.#adopt(container, task);
        alive.add(container.id);
      } else if (wasRunning) ended.push([container, task]);
    }
    await this.#removeInterrupted();
    await network.restore({
      isAlive: (id) => alive.has(id),
      exists: (id) => this.#registry.byId(id) !== undefined,
    });
    for (const [container, task] of ended) await this.#end(container, task);
    await this.#removeLeftovers();
    for (const container of this.#registry.all()) {
      const { record } = container;
      // `--rm`: its daemon ended before it could remove it.
      if (record.removing || (record.hostConfig.AutoRemove && !alive.has(container.id))) {
        await this.#lifecycle
          .finishRemoval(container)
          .catch((error) =>
            log.warn({ container: container.id, error: messageOf(error) }, 'cannot finish a removal'),
          );
      } else if (alive.has(container.id)) adopted(container);
    }
  }

  /** Starts what its policy wants to run, at the end of the daemon's start: first those whose network or whose address others need. */
  startByPolicy(): Promise<unknown> {
    const starts = new Map<Container, Promise<void>>();
    for (const container of this.#registry.all()) {
      if (container.isRunning || container.backoff.isWaiting) continue;
      if (container.record.state.status === 'restarting') {
        container.record.state.status = 'exited';
        this.#registry.save(container);
      }
      if (shouldStartWithDaemon(container.record)) starts.set(container, Promise.resolve());
    }
    for (const container of inOrderOfNeeds([...starts.keys()])) {
      const needed = needs(container.record).flatMap(
        (id) => starts.get(this.#registry.byId(id) as Container) ?? [],
      );
      const start = Promise.all(needed).then(() => this.#lifecycle.startByPolicy(container));
      starts.set(
        container,
        start.catch((error) => {
          if (isKind(error, 'not-modified')) return;
          this.#context.log.warn(
            { container: container.id, error: messageOf(error) },
            'start by policy failed',
          );
        }),
      );
    }
    return Promise.all(starts.values());
  }

  /** After the event stream was interrupted: which containers ended without our hearing of it? */
  async afterInterruption(): Promise<void> {
    const tasks = new Map(
      (await this.#context.containerd.tasks.list()).map((task) => [task.containerId, task]),
    );
    const gone: Array<{ container: Container; pid: number }> = [];
    for (const container of this.#registry.all()) {
      const { pid } = container.record.state;
      if (!container.isRunning || pid === 0) continue;
      const task = tasks.get(container.id);
      if (task === undefined) gone.push({ container, pid });
      else if (task.status === 'stopped') this.#takeIn(container, { ...task, pid });
    }
    await this.#removeInterrupted();
    if (gone.length === 0) return;
    // Only the event knows how it ended, and the list may know of the end before the event is here.
    await sleep(EVENT_DELAY);
    for (const { container, pid } of gone) {
      if (container.isRunning && container.record.state.pid === pid) this.#takeIn(container, { pid });
    }
  }

  /** Starts and ends that were under way when the daemon or containerd died may have left something of theirs in the runtime. */
  async #removeInterrupted(): Promise<void> {
    const { containerd, log } = this.#context;
    const [tasks, shims, records] = await Promise.all([
      containerd.tasks.list(),
      containerd.shims(),
      containerd.containers.list(),
    ]);
    const ids = [
      ...[...tasks, ...shims].map(({ containerId }) => containerId),
      ...records.map(({ id }) => id),
      ...(await this.#remains.bundles()),
    ];
    for (const id of new Set(ids)) {
      const container = this.#registry.byId(id);
      const remove = async () => {
        if (container?.isRunning === true) return;
        log.info({ container: id }, 'removing what is left of a run');
        await this.#removeRemains(id, container?.record);
      };
      await (container === undefined ? remove() : container.lock.run(remove));
    }
  }

  #takeIn(
    container: Container,
    seen: { pid: number; exitStatus?: number; exitedAt?: Date | undefined },
  ): void {
    const { pid, exitStatus = UNKNOWN_EXIT, exitedAt = new Date() } = seen;
    this.#lifecycle
      .handleExit(container, { pid, exitStatus, exitedAt })
      .catch((error) =>
        this.#context.log.error(
          { container: container.id, error: messageOf(error) },
          'cannot take in an exit',
        ),
      );
  }

  #adopt(container: Container, task: TaskProcess): void {
    const { record } = container;
    container.process = this.#context.host.identify(task.pid, record.id);
    record.state.status = task.status === 'paused' || task.status === 'pausing' ? 'paused' : 'running';
    container.openLog(logLoss(container, this.#context.log));
    container.io = ProcessIo.adopt({
      folder: join(this.#context.settings.execRoot, 'io', record.id),
      terminal: record.config.Tty,
      stdin: record.config.OpenStdin,
      onOutput: (stream, chunk) => container.output(stream, chunk),
    });
    container.hub.onDrain(() => container.io?.resume());
    // Again, if the port keeper has ended since.
    if (container.io !== undefined) {
      this.#context.host
        .holdFifos(record.id, container.io.fifos)
        .catch((error) =>
          this.#context.log.warn(
            { container: record.id, error: messageOf(error) },
            'cannot hold the streams',
          ),
        );
    }
    container.streamsConnected();
    this.#registry.save(container);
    this.#context.log.info({ container: record.id, pid: task.pid }, 'adopted a running container');
  }

  async #end(container: Container, task: TaskProcess | undefined): Promise<void> {
    const { log, settings, host } = this.#context;
    if (task !== undefined && task.status !== 'stopped') await this.#remains.stopTask(task);
    // What the container said while no daemon lived waits in the FIFOs as long as its shim does.
    if (task !== undefined) {
      container.openLog(logLoss(container, this.#context.log));
      ProcessIo.readRest({
        folder: join(settings.execRoot, 'io', container.id),
        terminal: container.record.config.Tty,
        onOutput: (stream, chunk) => container.output(stream, chunk),
      });
    }
    await host.releaseFifos(container.id).catch(() => {});
    log.info({ container: container.id }, 'a container ended while the daemon was away');
    const { ended } = container.record.state;
    await this.#lifecycle.endRunAtStart(container, {
      exitStatus: task?.exitStatus ?? ended?.exitCode ?? UNKNOWN_EXIT,
      exitedAt: task?.exitedAt ?? (ended === undefined ? new Date() : new Date(ended.at)),
    });
    // Of a shim that was killed too, the runtime knows nothing.
    await this.#removeRemains(container.id, container.record);
  }

  async #removeRemains(id: string, record: ContainerRecord | undefined): Promise<void> {
    await this.#remains
      .remove(id, record)
      .catch((error) =>
        this.#context.log.warn({ container: id, error: messageOf(error) }, 'cannot remove remains of a run'),
      );
  }

  /** Runtime containers, snapshots and folders of containers that have no record. */
  async #removeLeftovers(): Promise<void> {
    const { containerd, settings, log, host } = this.#context;
    // Snapshots that were mounted to fill a volume, when the daemon was killed.
    for (const name of readdirSync(settings.execRoot).filter((entry) => entry.startsWith(COPY_FOLDER))) {
      const path = join(settings.execRoot, name);
      host.unmount(path);
      rmdirSync(path);
    }
    const snapshots = containerd.snapshotter(settings.snapshotter);
    for (const snapshot of await snapshots.list()) {
      if (snapshot.kind !== 'active' || !isId(snapshot.name)) continue;
      if (this.#registry.byId(snapshot.name) !== undefined) continue;
      log.info({ snapshot: snapshot.name }, 'removing the snapshot of a container that was never finished');
      await snapshots
        .remove(snapshot.name)
        .catch((error) =>
          log.warn({ snapshot: snapshot.name, error: messageOf(error) }, 'cannot remove a snapshot'),
        );
    }
    const shared = sharedMemoryFolder(this.#context);
    for (const id of existsSync(shared) ? readdirSync(shared) : []) {
      if (this.#registry.byId(id)?.isRunning !== true) closeSharedMemory(this.#context, id);
    }
    const [folders, streams] = [join(settings.dataRoot, 'containers'), join(settings.execRoot, 'io')];
    for (const id of existsSync(folders) ? readdirSync(folders) : []) {
      if (this.#registry.byId(id) === undefined) rmSync(join(folders, id), { recursive: true, force: true });
    }
    // Also those of a container that was just being started.
    for (const id of existsSync(streams) ? readdirSync(streams) : []) {
      if (this.#registry.byId(id)?.isRunning === true) continue;
      await host.releaseFifos(id).catch(() => {});
      rmSync(join(streams, id), { recursive: true, force: true });
    }
  }
}
