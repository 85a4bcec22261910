/** The states of a container and what moves it from one to the next: start, stop, kill, exit, restart policy, removal. */

import { rmSync } from 'node:fs';
import { join } from 'node:path';
import { BridgeportError, conflict, isKind, messageOf, runAll } from '../../base/errors.ts';
import { parseSignal } from '../../base/signals.ts';
import { formatNanos, parseNanos } from '../../base/time.ts';
import type { EngineContext } from '../context.ts';
import { removeLogFiles } from '../logs/json-file.ts';
import { containerAttributes } from './attributes.ts';
import type { Container, ExitResult } from './container.ts';
import type { ContainerRegistry } from './registry.ts';
import { shouldRestart } from './restart-policy.ts';
import type { Starter } from './start.ts';

/** Seconds a container gets between the stop signal and SIGKILL unless it says otherwise. */
const STOP_TIMEOUT = 10;
/** Milliseconds a killed container may take to disappear before we say so. */
const KILL_TIMEOUT = 10_000;
/** Milliseconds: the first wait of the restart policy, its limit, and how long a run must last to begin again with the first. */
const RESTART = { first: 100, longest: 60_000, goodRun: 10_000 };
/** Milliseconds that reading the rest of the output may take after the end. */
const DRAIN_TIMEOUT = 3000;

export interface StopOptions {
  signal: string | undefined;
  /** seconds; -1: for ever; undefined: the container's own */
  timeout: number | undefined;
}

export interface TaskExit {
  pid: number;
  exitStatus: number;
  exitedAt: Date;
}

/** What else has to happen when a container starts or ends; set by the engine. */
export interface LifecycleHooks {
  started(container: Container): void;
  ended(container: Container): Promise<void>;
  removed(container: Container, removeVolumes: boolean): Promise<void>;
}

export class Lifecycle {
  readonly #context: EngineContext;
  readonly #registry: ContainerRegistry;
  readonly #starter: Starter;
  readonly #hooks: LifecycleHooks;
  /** Ending: no policy starts anything any more, and a stop is not the user's. */
  #shuttingDown = false;

  constructor(context: EngineContext, registry: ContainerRegistry, starter: Starter, hooks: LifecycleHooks) {
    this.#context = context;
    this.#registry = registry;
    this.#starter = starter;
    this.#hooks = hooks;
  }

  async start(container: Container): Promise<void> {
    await container.lock.run(async () => {
      const { state, removing } = container.record;
      if (state.status === 'paused') throw conflict('cannot start a paused container, try unpause instead');
      if (state.status === 'running') {
        throw new BridgeportError('not-modified', `Container ${container.id} is already running`);
      }
      if (removing || state.status === 'removing' || state.status === 'dead') {
        throw conflict('container is marked for removal and cannot be started');
      }
      this.#cancelRestart(container);
      await this.#startLocked(container);
    });
  }

  async #startLocked(container: Container): Promise<void> {
    try {
      await this.#starter.start(container);
    } catch (error) {
      if (container.record.hostConfig.AutoRemove && container.record.state.status === 'created') {
        // `run --rm` that could not start leaves nothing behind.
        setImmediate(() => void this.remove(container, { force: true, volumes: true }).catch(() => {}));
      }
      throw error;
    }
    this.emit(container, 'start');
    this.#hooks.started(container);
    await this.#refreshLinks(container);
  }

  /** Everybody who links to this container learns its new address. */
  async #refreshLinks(container: Container): Promise<void> {
    for (const other of this.#registry.all()) {
      if (!other.isRunning || !other.record.links.some((link) => link.containerId === container.id)) continue;
      const sandbox = this.#context.network.sandbox(other.id);
      if (sandbox === undefined) continue;
      try {
        this.#starter.writeNetworkFiles(other, sandbox);
      } catch (error) {
        this.#context.log.warn(
          { container: other.id, error: messageOf(error) },
          'cannot update /etc/hosts for a link',
        );
      }
    }
  }

  async stop(container: Container, options: StopOptions): Promise<void> {
    const { record } = container;
    this.#cancelRestart(container);
    if (record.state.status === 'restarting') {
      record.state.status = 'exited';
      record.wanted = 'stopped';
      record.stoppedByUser = true;
      this.#registry.save(container);
      this.emit(container, 'stop');
      return;
    }
    if (!container.isRunning) {
      throw new BridgeportError('not-modified', `Container ${container.id} is already stopped`);
    }
    const signal = parseSignal(options.signal || record.config.StopSignal || 'SIGTERM');
    const timeout = options.timeout ?? record.config.StopTimeout ?? STOP_TIMEOUT;
    const ended = container.nextExit;
    if (!this.#shuttingDown) {
      record.stoppedByUser = true;
      record.wanted = 'stopped';
      this.#registry.save(container);
    }
    await this.#signal(container, signal);
    if (record.state.status === 'paused') await this.unpause(container).catch(() => {});
    if (timeout < 0) await ended;
    else if (!(await within(ended, timeout * 1000))) {
      await this.#signal(container, 9);
      if (!(await within(ended, KILL_TIMEOUT))) {
        throw new BridgeportError(
          'internal',
          `stop container ${container.id}: it is still there ${KILL_TIMEOUT / 1000} s after SIGKILL`,
        );
      }
    }
    if (this.#registry.byId(container.id) !== undefined || record.hostConfig.AutoRemove)
      this.emit(container, 'stop');
  }

  async restart(container: Container, options: StopOptions): Promise<void> {
    if (container.isRunning || container.record.state.status === 'restarting') {
      const autoRemove = container.record.hostConfig.AutoRemove;
      // The container comes back: its end must not remove it.
      container.record.hostConfig.AutoRemove = false;
      try {
        await this.stop(container, options);
      } finally {
        container.record.hostConfig.AutoRemove = autoRemove;
      }
    }
    await this.start(container);
    this.emit(container, 'restart');
  }

  async kill(container: Container, signalText: string | undefined): Promise<void> {
    const signal = parseSignal(signalText || 'SIGKILL');
    if (!container.isRunning)
      throw conflict(`cannot kill container: ${container.id}: container ${container.id} is not running`);
    const { record } = container;
    const isEnd = signal === 9 || signal === parseSignal(record.config.StopSignal || 'SIGTERM');
    const ended = container.nextExit;
    if (isEnd) {
      record.stoppedByUser = true;
      record.wanted = 'stopped';
      this.#registry.save(container);
    }
    await this.#signal(container, signal);
    this.emit(container, 'kill', { signal: String(signal) });
    if (signal === 9) {
      if (record.state.status === 'paused')
        await this.#context.containerd.tasks.resume(container.id).catch(() => {});
      await within(ended, KILL_TIMEOUT);
    }
  }

  async pause(container: Container): Promise<void> {
    await container.lock.run(async () => {
      const { state } = container.record;
      if (state.status === 'paused') throw conflict(`Container ${container.id} is already paused`);
      if (state.status !== 'running') throw conflict(`Container ${container.id} is not running`);
      await this.#context.containerd.tasks.pause(container.id);
      state.status = 'paused';
      this.#registry.save(container);
      this.emit(container, 'pause');
    });
  }

  async unpause(container: Container): Promise<void> {
    await container.lock.run(async () => {
      if (container.record.state.status !== 'paused')
        throw conflict(`Container ${container.id} is not paused`);
      await this.#context.containerd.tasks.resume(container.id);
      container.record.state.status = 'running';
      this.#registry.save(container);
      this.emit(container, 'unpause');
    });
  }

  /** The runtime says that the container's first process has ended. */
  async handleExit(container: Container, exit: TaskExit): Promise<void> {
    await container.lock.run(async () => {
      if (!container.isRunning || container.record.state.pid !== exit.pid) return;
      await this.#endRun(container, exit);
    });
  }

  /** Takes the run away, records its end and decides what comes next. Also for runs that ended while no daemon lived. */
  async endRunAtStart(container: Container, exit: Omit<TaskExit, 'pid'>): Promise<void> {
    await container.lock.run(() => this.#endRun(container, exit));
  }

  async #endRun(container: Container, exit: Omit<TaskExit, 'pid'>): Promise<void> {
    const { containerd, network, settings, log } = this.#context;
    const { record } = container;
    await runAll(`end of container ${record.id}`, [
      // All output first: deleting the task ends the shim, which drops what it could not hand over.
      () => this.#drain(container),
      () => containerd.tasks.delete(record.id).catch(ignoreMissing),
      () => containerd.containers.delete(record.id).catch(ignoreMissing),
      () => this.#hooks.ended(container),
      () => (record.hostConfig.NetworkMode.startsWith('container:') ? undefined : network.close(record.id)),
      () => rmSync(join(settings.execRoot, 'io', record.id), { recursive: true, force: true }),
    ]).catch((error) =>
      log.warn({ container: record.id, error: messageOf(error) }, 'clean-up after the end failed'),
    );

    const { state } = record;
    const startedAt = parseNanos(state.startedAt) ?? 0n;
    const finishedAt = BigInt(exit.exitedAt.getTime()) * 1_000_000n;
    const duration = Number(finishedAt - startedAt) / 1e6;
    Object.assign(state, {
      status: 'exited',
      pid: 0,
      exitCode: exit.exitStatus,
      finishedAt: formatNanos(finishedAt > startedAt ? finishedAt : startedAt),
    });
    const again = !this.#shuttingDown && shouldRestart(record, exit.exitStatus);
    if (again) state.status = 'restarting';
    else if (!this.#shuttingDown) record.wanted = 'stopped';
    this.#registry.save(container);
    container.hub.end();
    this.emit(container, 'die', {
      execDuration: String(Math.max(0, Math.floor(duration / 1000))),
      exitCode: String(exit.exitStatus),
    });
    const result: ExitResult = { exitCode: exit.exitStatus, error: '' };
    if (again) this.#scheduleRestart(container, duration);
    else if (record.hostConfig.AutoRemove && !this.#shuttingDown) {
      await this.#removeLocked(container, true).catch((error) =>
        log.warn({ container: record.id, error: messageOf(error) }, 'automatic removal failed'),
      );
    }
    container.announceExit(result);
  }

  async #drain(container: Container): Promise<void> {
    const { io } = container;
    io?.resume();
    if (io !== undefined) await this.#context.host.releaseFifos(container.id).catch(() => {});
    if (io !== undefined) await within(io.drained, DRAIN_TIMEOUT);
    io?.destroy();
    container.io = undefined;
    container.log?.close();
    container.log = undefined;
  }

  #scheduleRestart(container: Container, ranFor: number): void {
    container.restartDelay =
      ranFor >= RESTART.goodRun || container.restartDelay === 0
        ? RESTART.first
        : Math.min(container.restartDelay * 2, RESTART.longest);
    container.restartTimer = setTimeout(() => {
      container.restartTimer = undefined;
      void container.lock.run(async () => {
        if (container.record.state.status !== 'restarting' || this.#shuttingDown) return;
        container.record.restartCount++;
        try {
          await this.#startLocked(container);
        } catch (error) {
          this.#context.log.warn({ container: container.id, error: messageOf(error) }, 'restart failed');
          if (shouldRestart(container.record, 1)) {
            container.record.state.status = 'restarting';
            container.record.wanted = 'running';
            this.#registry.save(container);
            this.#scheduleRestart(container, 0);
          }
        }
      });
    }, container.restartDelay);
  }

  #cancelRestart(container: Container): void {
    clearTimeout(container.restartTimer);
    container.restartTimer = undefined;
  }

  async #signal(container: Container, signal: number): Promise<void> {
    // A process that is gone already is what the signal was for.
    await this.#context.containerd.tasks.kill(container.id, signal).catch(ignoreMissing);
  }

  async remove(container: Container, options: { force: boolean; volumes: boolean }): Promise<void> {
    const { record } = container;
    if (container.isRunning && !options.force) {
      const state = record.state.status === 'paused' ? 'paused' : 'running';
      throw conflict(
        `cannot remove container "/${record.name}": container is ${state}: ${state === 'paused' ? 'unpause and then stop the container before removal or force remove' : 'stop the container before removal or force remove'}`,
      );
    }
    if (record.removing) throw conflict(`removal of container ${record.id} is already in progress`);
    record.removing = true;
    this.#cancelRestart(container);
    this.#registry.save(container);
    try {
      if (container.isRunning) {
        record.hostConfig.AutoRemove = false;
        await this.kill(container, 'SIGKILL').catch((error) => {
          if (!isKind(error, 'conflict')) throw error;
        });
      }
      await container.lock.run(() => this.#removeLocked(container, options.volumes));
    } catch (error) {
      record.removing = false;
      this.#registry.save(container);
      throw error;
    }
  }

  /** Also finishes a removal that an earlier daemon began. */
  async finishRemoval(container: Container): Promise<void> {
    await container.lock.run(() => this.#removeLocked(container, false));
  }

  async #removeLocked(container: Container, volumes: boolean): Promise<void> {
    if (this.#registry.byId(container.id) !== container) return;
    const { containerd, settings } = this.#context;
    const { record } = container;
    record.removing = true;
    record.state.status = 'removing';
    this.#registry.save(container);
    await runAll(`remove container ${record.id}`, [
      () => containerd.snapshotter(record.snapshotter).remove(record.id).catch(ignoreMissing),
      () => this.#hooks.removed(container, volumes),
      () => removeLogFiles(container.logPath),
      () => rmSync(container.folder, { recursive: true, force: true }),
      () => rmSync(join(settings.execRoot, 'io', record.id), { recursive: true, force: true }),
    ]);
    this.#registry.delete(container);
    this.emit(container, 'destroy');
    container.hub.end();
    container.announceRemoval();
  }

  /** Stops everything for the end of the daemon; wanted states stay, so that the next daemon starts them again. */
  async shutDown(timeout: number): Promise<void> {
    this.#shuttingDown = true;
    const running = this.#registry.all().filter((container) => container.isRunning);
    for (const container of this.#registry.all()) this.#cancelRestart(container);
    await Promise.allSettled(
      running.map((container) =>
        this.stop(container, {
          signal: undefined,
          timeout: Math.min(timeout, container.record.config.StopTimeout ?? STOP_TIMEOUT),
        }),
      ),
    );
  }

  emit(container: Container, action: string, more: Record<string, string> = {}): void {
    this.#context.events.publish('container', action, container.id, {
      ...containerAttributes(container.record),
      ...more,
    });
  }
}

/** True when `promise` settled in time. */
async function within(promise: Promise<unknown>, milliseconds: number): Promise<boolean> {
  const { promise: late, resolve } = Promise.withResolvers<false>();
  const timer = setTimeout(() => resolve(false), milliseconds);
  try {
    return await Promise.race([promise.then(() => true), late]);
  } finally {
    clearTimeout(timer);
  }
}

function ignoreMissing(error: unknown): void {
  if (!isKind(error, 'not-found')) throw error;
}
