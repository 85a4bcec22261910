/** A container in memory: its record, what runs of it now, and who waits for it. */

import { join } from 'node:path';
import { messageOf } from '../../base/errors.ts';
import type { Log } from '../../base/log.ts';
import { Mutex } from '../../base/mutex.ts';
import type { ProcessRef } from '../host-system.ts';
import { OutputHub } from '../io/hub.ts';
import type { ProcessIo } from '../io/process-io.ts';
import { LogWriter } from '../logs/json-file.ts';
import { parseLogOptions } from '../logs/options.ts';
import type { ContainerRecord } from './record.ts';
import { RestartBackoff } from './restart-backoff.ts';

export interface ExitResult {
  exitCode: number;
  error: string;
}

export class Container {
  record: ContainerRecord;
  /** Changes of state happen one at a time. */
  readonly lock = new Mutex();
  readonly hub = new OutputHub();
  readonly folder: string;
  log: LogWriter | undefined;
  /** The first process of the present run. */
  process: ProcessRef | undefined;
  /** Ids of execs that were created and not yet removed. */
  readonly execIds = new Set<string>();
  /** When the restart policy starts it next. */
  readonly backoff = new RestartBackoff();
  /** How many `docker restart` are at work: an end is then not the last one. */
  restarts = 0;
  /** A removal that the user asked for is at work. */
  isBeingRemoved = false;
  #io: ProcessIo | undefined;
  #ioReady = Promise.withResolvers<ProcessIo>();
  #exit = Promise.withResolvers<ExitResult>();
  #removed = Promise.withResolvers<ExitResult>();

  constructor(record: ContainerRecord, dataRoot: string) {
    this.record = record;
    this.folder = join(dataRoot, 'containers', record.id);
  }

  get id(): string {
    return this.record.id;
  }

  /** The streams of the present run. */
  get io(): ProcessIo | undefined {
    return this.#io;
  }

  set io(io: ProcessIo | undefined) {
    this.#io = io;
    if (io === undefined) this.#ioReady = Promise.withResolvers<ProcessIo>();
  }

  /** The shim is at the other end: whoever waits to write may do so. */
  streamsConnected(): void {
    if (this.#io === undefined) return;
    this.#io.connected();
    this.#ioReady.resolve(this.#io);
  }

  /** The connected streams of the present run, or of the next one: a client attaches before it starts. */
  get nextIo(): Promise<ProcessIo> {
    return this.#ioReady.promise;
  }

  get isRunning(): boolean {
    return this.record.state.status === 'running' || this.record.state.status === 'paused';
  }

  get logPath(): string {
    return this.record.hostConfig.LogConfig.Type === 'none' ? '' : join(this.folder, `${this.id}-json.log`);
  }

  /** Resolves when the present or next run has ended and everything of it was taken away. */
  get nextExit(): Promise<ExitResult> {
    return this.#exit.promise;
  }

  /** Resolves when it was removed, or when that was tried in vain. */
  get removed(): Promise<ExitResult> {
    return this.#removed.promise;
  }

  announceExit(result: ExitResult): void {
    const waiters = this.#exit;
    this.#exit = Promise.withResolvers<ExitResult>();
    waiters.resolve(result);
  }

  /** Removed, or not removable (`error` says why): nothing more will happen to it that anybody could wait for. */
  announceRemoval(error: string): void {
    const result = { exitCode: this.record.state.exitCode, error };
    const waiters = this.#removed;
    this.#removed = Promise.withResolvers<ExitResult>();
    waiters.resolve(result);
    this.announceExit(result);
  }

  /** `onLoss` hears of output that cannot be written, as when the disk is full. */
  openLog(onLoss: (error: unknown) => void): void {
    if (this.logPath === '') return;
    this.log = new LogWriter(this.logPath, parseLogOptions(this.record.hostConfig.LogConfig), onLoss);
  }

  /** Where a piece of output goes; false pauses the source. */
  output(stream: 'stdout' | 'stderr', chunk: Buffer): boolean {
    this.log?.write(stream, chunk);
    return this.hub.write(stream, chunk);
  }
}

/** Says in the daemon's log that a container's output is being lost. */
export function logLoss({ id }: Container, log: Log): (error: unknown) => void {
  return (error) => log.error({ container: id, error: messageOf(error) }, "cannot write the container's log");
}
