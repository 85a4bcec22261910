/** One exec: a further process in a running container. It lives in memory only, as in Docker. */

import { OutputHub } from '../io/hub.ts';
import type { ProcessIo } from '../io/process-io.ts';

export interface ExecConfig {
  cmd: string[];
  /** empty: the container's */
  user: string;
  privileged: boolean;
  tty: boolean;
  stdin: boolean;
  stdout: boolean;
  stderr: boolean;
  detachKeys: string;
  env: string[];
  /** empty: the container's */
  workingDir: string;
}

export class Exec {
  readonly id: string;
  readonly containerId: string;
  readonly config: ExecConfig;
  readonly hub = new OutputHub();
  io: ProcessIo | undefined;
  pid = 0;
  /** null until it has ended */
  exitCode: number | null = null;
  status: 'created' | 'starting' | 'running' | 'exited' = 'created';
  readonly #ready = Promise.withResolvers<ProcessIo>();
  readonly #ended = Promise.withResolvers<number>();

  constructor(id: string, containerId: string, config: ExecConfig) {
    this.id = id;
    this.containerId = containerId;
    this.config = config;
    // Nobody may be waiting when a start fails.
    this.#ready.promise.catch(() => {});
  }

  /** Its streams, once it has been started. */
  get nextIo(): Promise<ProcessIo> {
    return this.#ready.promise;
  }

  /** The exit code, once everything it said has been read. */
  get ended(): Promise<number> {
    return this.#ended.promise;
  }

  running(io: ProcessIo): void {
    this.#ready.resolve(io);
  }

  finish(exitCode: number): void {
    this.status = 'exited';
    this.exitCode = exitCode;
    this.pid = 0;
    this.io?.destroy();
    this.io = undefined;
    this.hub.end();
    this.#ended.resolve(exitCode);
  }
}
