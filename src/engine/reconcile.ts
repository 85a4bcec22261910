/**
 * Brings records and reality together: at the start of the daemon, and whenever containerd's events may have been missed. Containers that
 * run are adopted, those that ended meanwhile are taken to their end, half-made and unknown ones are removed.
 */

import { existsSync, readdirSync, rmdirSync, rmSync } from 'node:fs';
import { join } from 'node:path';
import { setTimeout as sleep } from 'node:timers/promises';
import { isKind, messageOf } from '../base/errors.ts';
import type { TaskProcess } from '../runtime/containerd/client.ts';
import { type Container, logLoss } from './containers/container.ts';
import type { Lifecycle } from './containers/lifecycle.ts';
import type { ContainerRegistry } from './containers/registry.ts';
import { shouldStartWithDaemon } from './containers/restart-policy.ts';
import { closeSharedMemory, sharedMemoryFolder } from './containers/shared-memory.ts';
import { inOrderOfNeeds, needs } from './containers/start-order.ts';
import type { EngineContext } from './context.ts';
import { ProcessIo } from './io/process-io.ts';
import { COPY_FOLDER } from './volumes/mounts.ts';

/** Milliseconds to wait for a task that was killed because nobody knows it. */
const KILL_WAIT = 5000;
/** Milliseconds in which the event of an exit may still come when the task is gone already. */
const EVENT_DELAY = 1000;
/** Exit status of a run whose end nobody saw, as in Docker. */
const UNKNOWN_EXIT = 255;

export class Reconciler {
  readonly #context: EngineContext;
  readonly #registry: ContainerRegistry;
  readonly #lifecycle: Lifecycle;

  constructor(context: EngineContext, registry: ContainerRegistry, lifecycle: Lifecycle) {
    this.#context = context;
    this.#registry = registry;
    this.#lifecycle = lifecycle;
  }

  /** Once, before the API is open. `adopted` is told of every container that runs on. */
  async atStart(adopted: (container: Container) => void): Promise<void> {
    // A container that is just being started again would look like something that an earlier daemon left.
    const allowRestarts = this.#lifecycle.holdRestarts();
    try {
      await this.#bringTogether(adopted);
    } finally {
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
      tasks.delete(container.id);
      const wasRunning = container.isRunning;
      const runs = task !== undefined && task.status !== 'stopped' && task.status !== 'created';
      if (wasRunning && runs && task.pid === container.record.state.pid) {
        this.#adopt(container, task);
        alive.add(container.id);
      } else if (wasRunning) ended.push([container, task]);
      else if (task !== undefined) await this.#removeTask(task);
    }
    // Tasks without a container: the daemon was killed while it made or removed one.
    for (const task of tasks.values()) {
      log.info({ task: task.containerId }, 'removing a task that belongs to no container');
      await this.#removeTask(task);
    }
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
    if (gone.length === 0) return;
    // Only the event knows how it ended, and the list may know of the end before the event is here.
    await sleep(EVENT_DELAY);
    for (const { container, pid } of gone) {
      if (container.isRunning && container.record.state.pid === pid) this.#takeIn(container, { pid });
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
    container.streamsConnected();
    this.#registry.save(container);
    this.#context.log.info({ container: record.id, pid: task.pid }, 'adopted a running container');
  }

  async #end(container: Container, task: TaskProcess | undefined): Promise<void> {
    const { log, settings, host } = this.#context;
    if (task !== undefined && task.status !== 'stopped') await this.#stopTask(task);
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
  }

  async #removeTask(task: TaskProcess): Promise<void> {
    const { containerd } = this.#context;
    try {
      await this.#stopTask(task);
      await containerd.tasks.delete(task.containerId).catch(ignoreMissing);
      await containerd.containers.delete(task.containerId).catch(ignoreMissing);
    } catch (error) {
      this.#context.log.warn({ task: task.containerId, error: messageOf(error) }, 'cannot remove a task');
    }
  }

  async #stopTask(task: TaskProcess): Promise<void> {
    const { tasks } = this.#context.containerd;
    if (task.status === 'paused') await tasks.resume(task.containerId).catch(() => {});
    await tasks.kill(task.containerId, 9, { all: true }).catch(ignoreMissing);
    await tasks.wait(task.containerId, { timeoutMs: KILL_WAIT }).catch(() => {});
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
    for (const found of await containerd.containers.list()) {
      if (this.#registry.byId(found.id)?.isRunning) continue;
      await containerd.containers
        .delete(found.id)
        .catch((error) =>
          log.warn({ container: found.id, error: messageOf(error) }, 'cannot delete a runtime container'),
        );
    }
    const snapshots = containerd.snapshotter(settings.snapshotter);
    for (const snapshot of await snapshots.list()) {
      if (snapshot.kind !== 'active' || !/^[0-9a-f]{64}$/.test(snapshot.name)) continue;
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
    for (const root of [join(settings.dataRoot, 'containers'), join(settings.execRoot, 'io')]) {
      for (const id of existsSync(root) ? readdirSync(root) : []) {
        if (this.#registry.byId(id) === undefined) rmSync(join(root, id), { recursive: true, force: true });
      }
    }
  }
}

function ignoreMissing(error: unknown): void {
  if (!isKind(error, 'not-found')) throw error;
}
