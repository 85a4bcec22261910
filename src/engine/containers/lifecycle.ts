/** The states of a container and what moves it from one to the next: start, stop, kill, exit, restart policy, removal. */

import { BridgeportError, conflict, internal, isKind, messageOf, notFound } from '../../base/errors.ts';
import { parseSignal } from '../../base/signals.ts';
import { formatNanos, parseNanos } from '../../base/time.ts';
import type { EngineContext } from '../context.ts';
import { emitContainerEvent } from './attributes.ts';
import type { Container, ExitResult } from './container.ts';
import type { ContainerRegistry } from './registry.ts';
import { Remover } from './remover.ts';
import { shouldRestart } from './restart-policy.ts';
import { takeRunAway, within } from './run-end.ts';
import { ignoreMissing } from './run-remains.ts';
import type { Starter } from './start.ts';

/** Seconds a container gets between the stop signal and SIGKILL unless it says otherwise. */
const STOP_TIMEOUT = 10;
/** Milliseconds a killed container may take to disappear before we say so. */
const KILL_TIMEOUT = 10_000;
const SIGKILL = 9;

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
  readonly #remover: Remover;
  /** Ending: no policy starts anything any more, and a stop is not the user's. */
  #shuttingDown = false;
  /** Restarts by policy wait for it. */
  #restartsAllowed: Promise<void> = Promise.resolve();

  constructor(context: EngineContext, registry: ContainerRegistry, starter: Starter, hooks: LifecycleHooks) {
    this.#context = context;
    this.#registry = registry;
    this.#starter = starter;
    this.#hooks = hooks;
    this.#remover = new Remover(context, registry, hooks.removed);
  }

  /** No policy starts a container again until the function that this gives is called. */
  holdRestarts(): () => void {
    const { promise, resolve } = Promise.withResolvers<void>();
    this.#restartsAllowed = promise;
    return resolve;
  }

  async start(container: Container): Promise<void> {
    await container.lock.run(async () => {
      this.#prepareStart(container);
      await this.#startLocked(container);
    });
  }

  /** For the start of the daemon. What fails is tried again as after an end, but for what its user had stopped. */
  async startByPolicy(container: Container): Promise<void> {
    await container.lock.run(async () => {
      this.#prepareStart(container);
      await this.#startOrPlan(container);
    });
  }

  /** Throws when the container cannot be started in the state that it is in. */
  #prepareStart(container: Container): void {
    const { record } = container;
    const { status } = record.state;
    if (this.#shuttingDown) throw new BridgeportError('unavailable', 'the daemon is shutting down');
    if (this.#registry.byId(container.id) !== container) throw notThere(container);
    if (status === 'paused') throw conflict('cannot start a paused container, try unpause instead');
    if (status === 'running') {
      throw new BridgeportError('not-modified', `Container ${container.id} is already running`);
    }
    if (record.removing || status === 'removing' || status === 'dead') {
      throw conflict('container is marked for removal and cannot be started');
    }
    container.backoff.reset();
    record.restartCount = 0;
  }

  async #startLocked(container: Container): Promise<void> {
    try {
      await this.#starter.start(container);
    } catch (error) {
      // `run --rm` that could not start leaves nothing behind.
      if (container.record.hostConfig.AutoRemove) await this.#autoRemove(container);
      throw error;
    }
    this.emit(container, 'start');
    this.#hooks.started(container);
    this.#refreshLinks(container);
  }

  /** `docker rm --link client/alias`: both containers run on, and do not know each other any more. */
  async removeLink(ref: string): Promise<void> {
    const [, clientName = '', alias = ''] = /^\/?([^/]+)\/([^/]+)$/.exec(ref) ?? [];
    const client = clientName === '' ? undefined : this.#registry.find(clientName);
    const link = client?.record.links.find((one) => one.alias === alias);
    if (client === undefined || link === undefined) throw notFound(`Could not get parent name ${ref}`);
    await client.lock.run(async () => {
      const { record } = client;
      record.links = record.links.filter((one) => one !== link);
      this.#registry.save(client);
      await this.#context.network.setLinks(client.id, record.links);
      const sandbox = this.#context.network.sandbox(client.id);
      if (sandbox !== undefined) this.#starter.writeNetworkFiles(client, sandbox);
    });
  }

  /** Everybody who links to this container learns its new address. */
  #refreshLinks(container: Container): void {
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
    const { config } = container.record;
    const signal = parseSignal(options.signal || config.StopSignal || 'SIGTERM');
    const timeout = options.timeout ?? config.StopTimeout ?? STOP_TIMEOUT;
    // Under the lock: a start that is on its way comes first, and is then stopped.
    const sent = await container.lock.run(() => {
      if (this.#registry.byId(container.id) !== container) throw notThere(container);
      return this.#sendEnd(container, signal);
    });
    if (sent === 'not-running') {
      throw new BridgeportError('not-modified', `Container ${container.id} is already stopped`);
    }
    if (sent !== 'will-not-restart') {
      if (timeout < 0) await sent.ended;
      else if (!(await within(sent.ended, timeout * 1000))) await this.#killAndWait(container, sent.ended);
    }
    this.emit(container, 'stop');
  }

  async restart(container: Container, options: StopOptions): Promise<void> {
    // The container comes back: its end must not remove it.
    container.restarts++;
    try {
      await this.stop(container, options).catch(ignoreUnchanged);
      await this.start(container).catch(ignoreUnchanged);
    } finally {
      container.restarts--;
    }
    this.emit(container, 'restart');
  }

  async kill(container: Container, signalText: string | undefined): Promise<void> {
    const signal = parseSignal(signalText || 'SIGKILL');
    const { config } = container.record;
    const isEnd = signal === SIGKILL || signal === parseSignal(config.StopSignal || 'SIGTERM');
    const sent = await container.lock.run(async () => {
      if (isEnd) return this.#sendEnd(container, signal);
      if (!container.isRunning) return 'not-running' as const;
      await this.#signal(container, signal);
      return 'sent' as const;
    });
    if (sent === 'not-running') {
      throw conflict(`cannot kill container: ${container.id}: container ${container.id} is not running`);
    }
    if (signal === SIGKILL && typeof sent === 'object') await this.#waitForKilled(container, sent.ended);
  }

  /**
   * Under the lock: the signal that is meant to end the container, which its policy then does not start again. `ended` resolves when
   * everything of the run was taken away.
   */
  async #sendEnd(
    container: Container,
    signal: number,
  ): Promise<{ ended: Promise<ExitResult> } | 'will-not-restart' | 'not-running'> {
    const { record } = container;
    const waits = record.state.status === 'restarting';
    if (!container.isRunning && !waits) return 'not-running';
    container.backoff.cancel();
    if (!this.#shuttingDown) {
      record.stoppedByUser = true;
      record.wanted = 'stopped';
    }
    if (waits) record.state.status = 'exited';
    this.#registry.save(container);
    if (waits) {
      container.announceExit({ exitCode: record.state.exitCode, error: '' });
      return 'will-not-restart';
    }
    const ended = container.nextExit;
    await this.#signal(container, signal);
    // A frozen process takes no signal, not even SIGKILL where cgroups are version 1.
    if (record.state.status === 'paused') await this.#resume(container).catch(ignoreMissing);
    return { ended };
  }

  async #killAndWait(container: Container, ended: Promise<ExitResult>): Promise<void> {
    await container.lock.run(() => (container.isRunning ? this.#sendEnd(container, SIGKILL) : undefined));
    await this.#waitForKilled(container, ended);
  }

  async #waitForKilled(container: Container, ended: Promise<ExitResult>): Promise<void> {
    if (await within(ended, KILL_TIMEOUT)) return;
    throw internal(
      `kill container ${container.id}: it is still there ${KILL_TIMEOUT / 1000} s after SIGKILL`,
    );
  }

  async pause(container: Container): Promise<void> {
    await container.lock.run(async () => {
      const { state } = container.record;
      if (state.status === 'paused') throw conflict(`Container ${container.id} is already paused`);
      if (state.status === 'restarting') {
        throw conflict(`Container ${container.id} is restarting, wait until the container is running`);
      }
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
      await this.#resume(container);
    });
  }

  async #resume(container: Container): Promise<void> {
    await this.#context.containerd.tasks.resume(container.id);
    container.record.state.status = 'running';
    this.#registry.save(container);
    this.emit(container, 'unpause');
  }

  /** The runtime says that the container's first process has ended. */
  async handleExit(container: Container, exit: TaskExit): Promise<void> {
    await container.lock.run(async () => {
      if (!container.isRunning || container.record.state.pid !== exit.pid) return;
      await this.#endRun(container, exit, { restarts: true });
    });
  }

  /** For a run that ended while no daemon lived: what its policy wants is for `startByPolicy()`, in the order of needs. */
  async endRunAtStart(container: Container, exit: Omit<TaskExit, 'pid'>): Promise<void> {
    await container.lock.run(() => this.#endRun(container, exit, { restarts: false }));
  }

  /** Takes the run away, records its end and decides what comes next. */
  async #endRun(
    container: Container,
    exit: Omit<TaskExit, 'pid'>,
    { restarts }: { restarts: boolean },
  ): Promise<void> {
    const { record } = container;
    // Before the runtime is made to forget it: a daemon that is killed in between must still know.
    record.state.ended = { exitCode: exit.exitStatus, at: exit.exitedAt.toISOString() };
    this.#registry.save(container);
    await takeRunAway(this.#context, container, () => this.#hooks.ended(container));

    const { state } = record;
    const startedAt = parseNanos(state.startedAt) ?? 0n;
    const finishedAt = BigInt(exit.exitedAt.getTime()) * 1_000_000n;
    const duration = Number(finishedAt - startedAt) / 1e6;
    const again = restarts && !this.#shuttingDown && shouldRestart(record, exit.exitStatus);
    Object.assign(state, {
      status: again ? 'restarting' : 'exited',
      pid: 0,
      ended: undefined,
      exitCode: exit.exitStatus,
      finishedAt: formatNanos(finishedAt > startedAt ? finishedAt : startedAt),
    });
    if (again) record.restartCount++;
    else if (!this.#shuttingDown) record.wanted = 'stopped';
    this.#registry.save(container);
    container.hub.end();
    this.emit(container, 'die', {
      execDuration: String(Math.max(0, Math.floor(duration / 1000))),
      exitCode: String(exit.exitStatus),
    });
    if (again) this.#planRestart(container, duration);
    // `docker rm` does it itself, with or without the volumes as it was told.
    else if (record.hostConfig.AutoRemove && container.restarts === 0 && !container.isBeingRemoved) {
      await this.#autoRemove(container);
    }
    container.announceExit({ exitCode: exit.exitStatus, error: '' });
  }

  async #autoRemove(container: Container): Promise<void> {
    await this.#remover
      .remove(container, true)
      .catch((error) =>
        this.#context.log.warn(
          { container: container.id, error: messageOf(error) },
          'automatic removal failed',
        ),
      );
  }

  #planRestart(container: Container, ranFor: number): void {
    const start = async () => {
      if (container.record.state.status !== 'restarting' || this.#shuttingDown) return;
      await this.#startOrPlan(container);
    };
    container.backoff.plan(ranFor, () => {
      this.#restartsAllowed
        .then(() => container.lock.run(start))
        .catch((error) =>
          this.#context.log.error({ container: container.id, error: messageOf(error) }, 'restart failed'),
        );
    });
  }

  async #startOrPlan(container: Container): Promise<void> {
    try {
      await this.#startLocked(container);
    } catch (error) {
      const { record } = container;
      this.#context.log.warn({ container: container.id, error: messageOf(error) }, 'restart failed');
      if (this.#shuttingDown || !shouldRestart(record, 1)) return;
      Object.assign(record, { wanted: 'running', restartCount: record.restartCount + 1 });
      record.state.status = 'restarting';
      this.#registry.save(container);
      this.#planRestart(container, 0);
    }
  }

  async #signal(container: Container, signal: number): Promise<void> {
    // By ourselves, since the runtime would execute a program for it. A process that is gone already is what the signal was for.
    const { process } = container;
    if (process !== undefined) this.#context.host.signal(process, signal);
    else await this.#context.containerd.tasks.kill(container.id, signal).catch(ignoreMissing);
    this.emit(container, 'kill', { signal: String(signal) });
  }

  async remove(container: Container, options: { force: boolean; volumes: boolean }): Promise<void> {
    if (container.isBeingRemoved) {
      throw conflict(`removal of container ${container.id} is already in progress`);
    }
    container.isBeingRemoved = true;
    try {
      const sent = await container.lock.run(() => this.#removeOrKill(container, options));
      if (sent === undefined) return;
      await this.#waitForKilled(container, sent.ended);
      await container.lock.run(() => this.#remover.remove(container, options.volumes));
    } finally {
      container.isBeingRemoved = false;
    }
  }

  /** Under the lock: removes what does not run; what runs gets SIGKILL when that is allowed, and is to be waited for. */
  async #removeOrKill(
    container: Container,
    options: { force: boolean; volumes: boolean },
  ): Promise<{ ended: Promise<ExitResult> } | undefined> {
    const { name, state } = container.record;
    if (!options.force && (container.isRunning || state.status === 'restarting')) {
      throw conflict(
        state.status === 'paused'
          ? `cannot remove container "/${name}": container is paused and must be unpaused first`
          : `cannot remove container "/${name}": container is ${state.status}: stop the container before removing or force remove`,
      );
    }
    const sent = await this.#sendEnd(container, SIGKILL);
    if (typeof sent === 'object') return sent;
    await this.#remover.remove(container, options.volumes);
    return undefined;
  }

  /** Also finishes a removal that an earlier daemon began, and removes what `--rm` left to it. */
  async finishRemoval(container: Container): Promise<void> {
    const { AutoRemove: autoRemove } = container.record.hostConfig;
    await container.lock.run(() => this.#remover.remove(container, autoRemove));
  }

  /**
   * Stops everything for the end of the daemon; wanted states stay, so that the next daemon starts them again. Each container has its
   * own time; `timeout`, in seconds, is what all of them get at least, and -1 is for ever, as are they.
   */
  async shutDown(timeout: number): Promise<void> {
    this.#shuttingDown = true;
    const all = this.#registry.all();
    const stopped = Promise.all(
      all.map((container) =>
        this.stop(container, { signal: undefined, timeout: undefined }).catch((error) => {
          if (isKind(error, 'not-modified', 'not-found')) return;
          this.#context.log.warn({ container: container.id, error: messageOf(error) }, 'cannot stop');
        }),
      ),
    );
    const times = all.map(({ record }) => record.config.StopTimeout ?? STOP_TIMEOUT);
    if ([timeout, ...times].some((time) => time < 0)) await stopped;
    else await within(stopped, Math.max(timeout * 1000, ...times.map((time) => time * 1000 + KILL_TIMEOUT)));
  }

  emit(container: Container, action: string, more: Record<string, string> = {}): void {
    emitContainerEvent(this.#context, container, action, more);
  }
}

function notThere(container: Container): BridgeportError {
  return new BridgeportError('not-found', `No such container: ${container.id}`);
}

function ignoreUnchanged(error: unknown): void {
  if (!isKind(error, 'not-modified')) throw error;
}
