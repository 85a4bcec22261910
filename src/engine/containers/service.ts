/** Everything that can be asked of containers, by reference: the engine's side of the API's `ContainersBackend`. */

import type { Readable } from 'node:stream';
import { conflict, invalid, isKind, notImplemented } from '../../base/errors.ts';
import type {
  ContainerCreateBody,
  ContainerCreated,
  ContainerInspect,
  ContainerStats,
  ContainerTop,
  ContainerUpdateBody,
  ContainerWaitResult,
  ExecCreateBody,
  ExecInspect,
  FilesystemChange,
  Filters,
  ListedContainer,
  PathStat,
} from '../../base/wire/index.ts';
import type { ArchiveService, PutOptions } from '../archive/service.ts';
import type { EngineContext } from '../context.ts';
import type { ExecService } from '../exec/service.ts';
import { matchesLabels } from '../filters.ts';
import { DEFAULT_DETACH_KEYS, parseDetachKeys } from '../io/detach-keys.ts';
import { openSession, type SessionStreams, type StreamSession } from '../io/session.ts';
import { type LogQuery, type LogRecord, readLog } from '../logs/reader.ts';
import type { StatsService } from '../stats/service.ts';
import type { Container, ExitResult } from './container.ts';
import type { Creator } from './create.ts';
import { type InspectFacts, inspectContainer } from './inspect.ts';
import type { Lifecycle, StopOptions } from './lifecycle.ts';
import { type ListOptions, selectContainers, summarize } from './list.ts';
import { normalizeName } from './names.ts';
import type { ContainerRegistry } from './registry.ts';
import { ignoreMissing } from './run-remains.ts';
import { sandboxRequest } from './start.ts';
import { updateContainer } from './update.ts';

export interface AttachOptions {
  stdin: boolean;
  stdout: boolean;
  stderr: boolean;
  logs: boolean;
  stream: boolean;
  detachKeys: string | undefined;
}

export class ContainersService {
  readonly #context: EngineContext;
  readonly #registry: ContainerRegistry;
  readonly #creator: Creator;
  readonly #lifecycle: Lifecycle;
  readonly #execs: ExecService;
  readonly #stats: StatsService;
  readonly #archives: ArchiveService;

  constructor(
    context: EngineContext,
    registry: ContainerRegistry,
    creator: Creator,
    lifecycle: Lifecycle,
    execs: ExecService,
    stats: StatsService,
    archives: ArchiveService,
  ) {
    this.#archives = archives;
    this.#execs = execs;
    this.#stats = stats;
    this.#context = context;
    this.#registry = registry;
    this.#creator = creator;
    this.#lifecycle = lifecycle;
  }

  create(
    name: string | undefined,
    platform: string | undefined,
    body: ContainerCreateBody,
  ): Promise<ContainerCreated> {
    return this.#creator.create(name, platform, body);
  }

  async list(options: ListOptions & { size: boolean }): Promise<ListedContainer[]> {
    const images = new Map<string, string>();
    for (const reference of options.filters.ancestor ?? []) {
      const image = await this.#context.images.resolve(reference).catch(() => undefined);
      if (image !== undefined) images.set(reference, image.id);
    }
    const { network } = this.#context;
    const chosen = selectContainers(this.#registry.all(), options, {
      find: (ref) => this.#registry.find(ref),
      ports: (container) => network.sandbox(container.id)?.ports ?? {},
      networks: (container) => this.#networks(container),
      isImage: (reference, container) =>
        container.record.imageName === reference || images.get(reference) === container.record.imageId,
    });
    const linkNames = this.#linkNames();
    return Promise.all(
      chosen.map(async (container) =>
        summarize(container, {
          linkNames: linkNames.get(container.id) ?? [],
          sandbox: this.#sandbox(container),
          plannedNetworks: this.#networks(container),
          // One that is being removed meanwhile has none any more.
          size: options.size ? await this.#size(container).catch(ignoreMissing) : undefined,
        }),
      ),
    );
  }

  async inspect(ref: string, size: boolean): Promise<ContainerInspect> {
    const container = this.#registry.find(ref);
    return inspectContainer(container, {
      sandbox: this.#sandbox(container),
      plannedNetworks: this.#networks(container),
      links: container.record.links.flatMap(({ containerId, alias }) => {
        const server = this.#registry.byId(containerId);
        return server === undefined ? [] : [`/${server.record.name}:/${container.record.name}/${alias}`];
      }),
      graphDriver: { Name: container.record.snapshotter, Data: null },
      size: size ? await this.#size(container) : undefined,
    });
  }

  start(ref: string): Promise<void> {
    return this.#lifecycle.start(this.#registry.find(ref));
  }

  stop(ref: string, options: StopOptions): Promise<void> {
    return this.#lifecycle.stop(this.#registry.find(ref), options);
  }

  restart(ref: string, options: StopOptions): Promise<void> {
    return this.#lifecycle.restart(this.#registry.find(ref), options);
  }

  kill(ref: string, signal: string | undefined): Promise<void> {
    return this.#lifecycle.kill(this.#registry.find(ref), signal);
  }

  pause(ref: string): Promise<void> {
    return this.#lifecycle.pause(this.#registry.find(ref));
  }

  unpause(ref: string): Promise<void> {
    return this.#lifecycle.unpause(this.#registry.find(ref));
  }

  async rename(ref: string, given: string): Promise<void> {
    const container = this.#registry.find(ref);
    if (given === '') throw invalid('Neither old nor new names may be empty');
    const name = normalizeName(given);
    const old = container.record.name;
    if (name === old) throw invalid('Renaming a container with the same name as its current name');
    this.#registry.names.reserve(name, container.id);
    container.record.name = name;
    this.#registry.save(container);
    this.#registry.names.release(old, container.id);
    this.#context.network.rename(container.id, name);
    this.#lifecycle.emit(container, 'rename', { oldName: `/${old}` });
  }

  async remove(ref: string, options: { force: boolean; volumes: boolean; link: boolean }): Promise<void> {
    if (options.link) return this.#lifecycle.removeLink(ref);
    const container = this.#registry.find(ref);
    await this.#lifecycle.remove(container, options);
  }

  async prune(filters: Filters): Promise<{ ContainersDeleted: string[] | null; SpaceReclaimed: number }> {
    const until = (filters.until ?? []).map(pruneTime);
    const deleted: string[] = [];
    let space = 0;
    for (const container of this.#registry.all()) {
      const { record } = container;
      if (!['created', 'exited', 'dead'].includes(record.state.status)) continue;
      if (until.some((time) => Date.parse(record.createdAt) > time)) continue;
      if (!matchesLabels(record.config.Labels, filters.label ?? [])) continue;
      if ((filters['label!'] ?? []).some((label) => matchesLabels(record.config.Labels, [label]))) continue;
      try {
        const size = await this.#size(container);
        await this.#lifecycle.remove(container, { force: false, volumes: false });
        deleted.push(container.id);
        space += size?.rw ?? 0;
      } catch (error) {
        // Started or removed by somebody else meanwhile.
        if (!isKind(error, 'conflict', 'not-found')) throw error;
      }
    }
    this.#context.events.publish('container', 'prune', '', { reclaimed: String(space) });
    return { ContainersDeleted: deleted.length === 0 ? null : deleted, SpaceReclaimed: space };
  }

  async wait(
    ref: string,
    condition: 'not-running' | 'next-exit' | 'removed',
    signal: AbortSignal,
  ): Promise<{ result: Promise<ContainerWaitResult> }> {
    const container = this.#registry.find(ref);
    const { state } = container.record;
    let result: Promise<ExitResult>;
    if (condition === 'removed') result = container.removed;
    else if (condition === 'not-running' && !container.isRunning && state.status !== 'restarting') {
      result = Promise.resolve({ exitCode: state.exitCode, error: state.error });
    } else result = container.nextExit;
    return {
      result: abortable(result, signal).then(({ exitCode, error }) => ({
        StatusCode: exitCode,
        ...(error === '' ? {} : { Error: { Message: error } }),
      })),
    };
  }

  async attach(ref: string, options: AttachOptions): Promise<StreamSession> {
    const container = this.#registry.find(ref);
    const { record } = container;
    if (record.state.status === 'paused') {
      throw conflict(`container ${record.id} is paused, unpause the container before attach`);
    }
    if (record.state.status === 'restarting') {
      throw conflict(`container ${record.id} is restarting, wait until the container is running`);
    }
    const keys = parseDetachKeys(options.detachKeys || DEFAULT_DETACH_KEYS);
    const { config } = record;
    const canClose = config.StdinOnce && !config.Tty;
    this.#lifecycle.emit(container, 'attach');
    return openSession({
      tty: config.Tty,
      hub: container.hub,
      io: container.nextIo,
      detachKeys: config.Tty ? keys : undefined,
      replay: options.logs ? (streams) => this.#replay(container, streams) : undefined,
      stream: options.stream,
      closeStdin: canClose ? () => this.#closeStdin(container) : undefined,
      onDetach: () => this.#lifecycle.emit(container, 'detach'),
    });
  }

  async resize(ref: string, height: number, width: number): Promise<void> {
    const container = this.#registry.find(ref);
    if (!container.isRunning) throw conflict(`Container ${container.id} is not running`);
    await this.#context.containerd.tasks.resizePty(container.id, { width, height });
    this.#lifecycle.emit(container, 'resize', { height: String(height), width: String(width) });
  }

  async logs(ref: string, query: LogQuery): Promise<{ tty: boolean; records: AsyncIterable<LogRecord> }> {
    const container = this.#registry.find(ref);
    if (!query.stdout && !query.stderr) throw invalid('Bad parameters: you must choose at least one stream');
    if (container.logPath === '') {
      throw notImplemented(
        'configured logging driver does not support reading: reading logs of driver "none"',
      );
    }
    return { tty: container.record.config.Tty, records: readLog(container.logPath, query, container.log) };
  }

  top(ref: string, psArgs: string): Promise<ContainerTop> {
    return this.#stats.top(ref, psArgs);
  }

  stats(
    ref: string,
    options: { stream: boolean; oneShot: boolean; signal: AbortSignal },
  ): Promise<AsyncIterable<ContainerStats>> {
    return this.#stats.stats(ref, options);
  }

  async update(ref: string, body: ContainerUpdateBody): Promise<{ Warnings: string[] }> {
    const container = this.#registry.find(ref);
    await updateContainer(container, body, this.#context, this.#registry);
    this.#lifecycle.emit(container, 'update');
    return { Warnings: [] };
  }

  statPath(ref: string, path: string): Promise<PathStat> {
    return this.#archives.statPath(ref, path);
  }

  getArchive(ref: string, path: string): Promise<{ stat: PathStat; tar: Readable }> {
    return this.#archives.getArchive(ref, path);
  }

  putArchive(ref: string, path: string, tar: Readable, options: PutOptions): Promise<void> {
    return this.#archives.putArchive(ref, path, tar, options);
  }

  export(ref: string): Promise<Readable> {
    return this.#archives.export(ref);
  }

  changes(ref: string): Promise<FilesystemChange[]> {
    return this.#archives.changes(ref);
  }

  async execCreate(ref: string, body: ExecCreateBody): Promise<{ Id: string }> {
    return this.#execs.create(ref, body);
  }

  execStartDetached(execId: string): Promise<void> {
    return this.#execs.startDetached(execId);
  }

  async execStart(
    execId: string,
    options: { tty: boolean; consoleSize: [number, number] | undefined },
  ): Promise<StreamSession> {
    return this.#execs.open(execId, options.consoleSize);
  }

  execResize(execId: string, height: number, width: number): Promise<void> {
    return this.#execs.resize(execId, height, width);
  }

  async execInspect(execId: string): Promise<ExecInspect> {
    return this.#execs.inspect(execId);
  }

  async #replay(container: Container, streams: SessionStreams): Promise<void> {
    if (container.logPath === '') return;
    container.log?.flush();
    const query: LogQuery = {
      stdout: true,
      stderr: true,
      follow: false,
      since: 0,
      until: 0,
      tail: null,
      signal: streams.signal,
    };
    for await (const record of readLog(container.logPath, query, undefined))
      streams[record.stream]?.write(record.data);
  }

  async #closeStdin(container: Container): Promise<void> {
    await this.#context.host.releaseFifos(container.id);
    await container.io?.endStdin();
    await this.#context.containerd.tasks.closeStdin(container.id);
  }

  #sandbox(container: Container): InspectFacts['sandbox'] {
    if (!container.isRunning) return undefined;
    const sandbox = this.#context.network.sandbox(container.id);
    if (sandbox !== undefined) return sandbox;
    const owner = /^container:(.*)$/.exec(container.record.hostConfig.NetworkMode)?.[1];
    const shared = owner === undefined ? undefined : this.#context.network.sandbox(owner);
    // What is shared is shown where it belongs: with the container that owns the namespace.
    return shared === undefined ? undefined : { ...shared, id: '', path: '', ports: {}, networks: {} };
  }

  /** By container: what those that link to it call it. */
  #linkNames(): Map<string, string[]> {
    const names = new Map<string, string[]>();
    for (const { record } of this.#registry.all()) {
      for (const { containerId, alias } of record.links) {
        names.set(containerId, [...(names.get(containerId) ?? []), `/${record.name}/${alias}`]);
      }
    }
    return names;
  }

  #networks(container: Container): InspectFacts['plannedNetworks'] {
    return (
      this.#sandbox(container)?.networks ?? this.#context.network.requests.planned(sandboxRequest(container))
    );
  }

  async #size(container: Container): Promise<{ rw: number; rootFs: number }> {
    const snapshots = this.#context.containerd.snapshotter(container.record.snapshotter);
    const own = await snapshots.usage(container.id);
    let rootFs = own.size;
    for (let parent = (await snapshots.stat(container.id)).parent; parent !== ''; ) {
      rootFs += (await snapshots.usage(parent)).size;
      parent = (await snapshots.stat(parent)).parent;
    }
    return { rw: own.size, rootFs };
  }
}

function abortable<T>(promise: Promise<T>, signal: AbortSignal): Promise<T> {
  const aborted = Promise.withResolvers<never>();
  const abort = () => aborted.reject(signal.reason);
  signal.addEventListener('abort', abort, { once: true });
  return Promise.race([promise, aborted.promise]).finally(() => signal.removeEventListener('abort', abort));
}

/** `--filter until=`: a time, seconds since the epoch, or a duration back from now (`10m`). Milliseconds. */
function pruneTime(text: string): number {
  if (/^\d+(\.\d+)?$/.test(text)) return Number(text) * 1000;
  const duration = /^(?:(\d+)h)?(?:(\d+)m)?(?:(\d+)s)?$/.exec(text);
  if (duration !== null && text !== '') {
    const [, hours = 0, minutes = 0, seconds = 0] = duration.map(Number);
    return Date.now() - ((hours || 0) * 3600 + (minutes || 0) * 60 + (seconds || 0)) * 1000;
  }
  const time = Date.parse(text);
  if (Number.isNaN(time)) throw invalid(`invalid filter 'until=${text}'`);
  return time;
}
