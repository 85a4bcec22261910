/** A client at a process's streams: `docker attach`, `docker run`, `docker exec`. */

import type { Readable, Writable } from 'node:stream';
import { DetachWatcher } from './detach-keys.ts';
import type { OutputHub } from './hub.ts';
import type { ProcessIo } from './process-io.ts';

export interface SessionStreams {
  stdin?: Readable | undefined;
  stdout?: Writable | undefined;
  stderr?: Writable | undefined;
  /** aborted when the client has gone */
  signal: AbortSignal;
}

export interface StreamSession {
  tty: boolean;
  run(streams: SessionStreams): Promise<void>;
}

export interface SessionOptions {
  tty: boolean;
  hub: OutputHub;
  /** Resolves when the process has its streams. */
  io: Promise<ProcessIo>;
  /** Sequence that detaches; undefined: none. */
  detachKeys: Buffer | undefined;
  /** Writes what was said before, first. */
  replay: ((streams: SessionStreams) => Promise<void>) | undefined;
  /** False: replay only. */
  stream: boolean;
  /** The client closed its end, or has gone: the process shall read end-of-file. Undefined: it shall not. */
  closeStdin: (() => Promise<void>) | undefined;
  onDetach: () => void;
}

/** Registers for output at once, so that nothing is missed between the request and `run()`. */
export function openSession(options: SessionOptions): StreamSession {
  const ended = Promise.withResolvers<void>();
  const held: Array<['stdout' | 'stderr', Buffer]> = [];
  let target: SessionStreams | undefined;
  const holder = (stream: 'stdout' | 'stderr') => new HoldingWritable((chunk) => held.push([stream, chunk]));
  const early = { stdout: holder('stdout'), stderr: holder('stderr') };
  const release = options.stream
    ? options.hub.attach({
        get stdout() {
          return target === undefined ? early.stdout : target.stdout;
        },
        get stderr() {
          return target === undefined ? early.stderr : target.stderr;
        },
        ended: () => ended.resolve(),
      })
    : () => {};

  return {
    tty: options.tty,
    async run(streams) {
      const finish = () => {
        ended.resolve();
        if (streams.stdin !== undefined) endStdin(options);
      };
      streams.signal.addEventListener('abort', finish, { once: true });
      if (streams.signal.aborted) finish();
      try {
        await options.replay?.(streams);
        for (const [stream, chunk] of held.splice(0)) streams[stream]?.write(chunk);
        target = streams;
        if (!options.stream) return;
        if (streams.stdin !== undefined) pumpStdin(streams.stdin, options, ended);
        await ended.promise;
      } finally {
        release();
        streams.signal.removeEventListener('abort', finish);
      }
    },
  };
}

function pumpStdin(stdin: Readable, options: SessionOptions, ended: PromiseWithResolvers<void>): void {
  const watcher = options.detachKeys === undefined ? undefined : new DetachWatcher(options.detachKeys);
  stdin.on('error', () => {});
  const onData = (chunk: Buffer) => {
    let data = chunk;
    if (watcher !== undefined) {
      const watched = watcher.push(chunk);
      data = watched.data;
      if (watched.detached) {
        stdin.off('data', onData);
        options.onDetach();
        ended.resolve();
      }
    }
    if (data.length === 0) return;
    stdin.pause();
    options.io
      .then((io) => {
        const target = io.stdin;
        if (target === undefined || target.write(data)) stdin.resume();
        else target.once('drain', () => stdin.resume());
      })
      .catch(() => {});
  };
  stdin.on('data', onData);
  stdin.on('end', () => endStdin(options));
}

function endStdin({ io, closeStdin }: SessionOptions): void {
  // The process may have ended meanwhile, and its standard input with it.
  if (closeStdin !== undefined) io.then(closeStdin).catch(() => {});
}

/** Stands in for the client's stream until it is there; never congested, because it lives for milliseconds. */
class HoldingWritable {
  readonly destroyed = false;
  readonly writableEnded = false;
  readonly writableLength = 0;
  readonly #keep: (chunk: Buffer) => void;

  constructor(keep: (chunk: Buffer) => void) {
    this.#keep = keep;
  }

  write(chunk: Buffer): boolean {
    this.#keep(Buffer.from(chunk));
    return true;
  }
}
