/** Reads a `json-file` log back: all of it or its end, between two times, and on as it grows. */

import { closeSync, fstatSync, openSync, read } from 'node:fs';
import { promisify } from 'node:util';
import { parseNanos } from '../../base/time.ts';
import { type LogWriter, logFiles, type OutputStream } from './json-file.ts';

export interface LogRecord {
  stream: OutputStream;
  time: string;
  data: Buffer;
}

export interface LogQuery {
  stdout: boolean;
  stderr: boolean;
  follow: boolean;
  /** seconds since the epoch, with fraction; 0: from the start */
  since: number;
  /** seconds since the epoch, with fraction; 0: no end */
  until: number;
  /** lines from the end; null: all */
  tail: number | null;
  signal: AbortSignal;
}

const BLOCK = 64 * 1024;

/**
 * `writer` is the one that fills this log now, if the container runs; a follower ends when it is closed. Lines that cannot be parsed
 * (a file cut by a power failure) are left out.
 */
export async function* readLog(
  path: string,
  query: LogQuery,
  writer: LogWriter | undefined,
): AsyncGenerator<LogRecord> {
  // Seconds as a number are exact to half a microsecond: no line may be lost to that.
  const since = toNanos(query.since, (micros) => Math.floor(micros - 0.5));
  const until = toNanos(query.until, (micros) => Math.ceil(micros + 0.5));
  /** Gives true when a record is later than `until`: there is nothing more to read. */
  async function* pick(lines: LineSplitter, file: LogFile): AsyncGenerator<LogRecord, boolean> {
    for await (const record of lines.read(file)) {
      if (query.signal.aborted) return true;
      const time = parseNanos(record.time) ?? 0n;
      if (until !== undefined && time > until) return true;
      if (since !== undefined && time < since) continue;
      if (query[record.stream]) yield record;
    }
    return false;
  }

  let generation = writer?.generation ?? 0;
  const files = openAll(logFiles(path));
  try {
    const start = query.tail === null ? { file: 0, offset: 0 } : await findTail(files, query.tail, query);
    for (let index = start.file; index < files.length; index++) {
      const file = files[index] as LogFile;
      const lines = new LineSplitter(index === start.file ? start.offset : 0);
      for (;;) {
        if (yield* pick(lines, file)) return;
        if (index < files.length - 1 || !query.follow || writer === undefined || query.signal.aborted) break;
        if (writer.generation !== generation) {
          files.push(...openAll(newerFiles(path, writer.generation - generation)));
          generation = writer.generation;
          // What the writer left in this file between our last look and its going on to the next.
          if (yield* pick(lines, file)) return;
          break;
        }
        if (writer.closed) {
          // Written between our last look and the end.
          yield* pick(lines, file);
          return;
        }
        await changed(writer, query.signal, until, () => file.size > lines.position);
        if (until !== undefined && BigInt(Date.now()) * 1_000_000n > until) {
          yield* pick(lines, file);
          return;
        }
      }
    }
  } finally {
    for (const file of files) file.close();
  }
}

/** One open file of a log. Opened synchronously: a rotation, which is in this process, cannot come between several of them. */
class LogFile {
  readonly #fd: number;

  constructor(path: string) {
    this.#fd = openSync(path, 'r');
  }

  /** bytes */
  get size(): number {
    return fstatSync(this.#fd).size;
  }

  /** Gives how many bytes were read; 0 at the end. */
  async read(into: Buffer, position: number): Promise<number> {
    return (await promisify(read)(this.#fd, into, 0, into.length, position)).bytesRead;
  }

  close(): void {
    closeSync(this.#fd);
  }
}

/** Those that are there. */
function openAll(paths: readonly string[]): LogFile[] {
  const files: LogFile[] = [];
  try {
    for (const path of paths) {
      try {
        files.push(new LogFile(path));
      } catch (error) {
        if ((error as NodeJS.ErrnoException).code !== 'ENOENT') throw error;
      }
    }
    return files;
  } catch (error) {
    for (const file of files) file.close();
    throw error;
  }
}

/** The files that came after one which was rotated away `rotations` times, the oldest first. */
function newerFiles(path: string, rotations: number): string[] {
  const older = Array.from({ length: rotations - 1 }, (_, index) => `${path}.${rotations - 1 - index}`);
  return [...older, path];
}

function toNanos(seconds: number, round: (micros: number) => number): bigint | undefined {
  return seconds > 0 ? BigInt(round(seconds * 1e6)) * 1000n : undefined;
}

/** Resolves when the writer has written or closed, the reader has gone, or `until` has passed. */
async function changed(
  writer: LogWriter,
  signal: AbortSignal,
  until: bigint | undefined,
  isThereMore: () => boolean,
): Promise<void> {
  const { promise, resolve } = Promise.withResolvers<void>();
  const done = () => resolve();
  const stop = writer.follow(done);
  signal.addEventListener('abort', done, { once: true });
  const wait = until === undefined ? undefined : Number(until / 1_000_000n) - Date.now() + 1;
  const timer = wait === undefined ? undefined : setTimeout(done, Math.min(Math.max(0, wait), 2 ** 31 - 1));
  try {
    // Written between the last read and now: the notification was missed.
    if (writer.closed || signal.aborted || isThereMore()) return;
    await promise;
  } finally {
    clearTimeout(timer);
    signal.removeEventListener('abort', done);
    stop();
  }
}

/** Whole lines of a growing file from a position on. */
class LineSplitter {
  /** where the next read begins */
  position: number;
  #rest: Buffer = Buffer.alloc(0);

  constructor(position: number) {
    this.position = position;
  }

  async *read(file: LogFile): AsyncGenerator<LogRecord> {
    const block = Buffer.allocUnsafe(BLOCK);
    for (;;) {
      const bytesRead = await file.read(block, this.position);
      if (bytesRead === 0) return;
      this.position += bytesRead;
      const data = Buffer.concat([this.#rest, block.subarray(0, bytesRead)]);
      let start = 0;
      for (let newline = data.indexOf(0x0a); newline >= 0; newline = data.indexOf(0x0a, start)) {
        const record = parseRecord(data.toString('utf8', start, newline));
        start = newline + 1;
        if (record !== undefined) yield record;
      }
      this.#rest = data.subarray(start);
    }
  }
}

function parseRecord(line: string): LogRecord | undefined {
  try {
    const { log, stream, time } = JSON.parse(line) as { log?: unknown; stream?: unknown; time?: unknown };
    if (typeof log !== 'string' || typeof time !== 'string') return undefined;
    return { stream: stream === 'stderr' ? 'stderr' : 'stdout', time, data: Buffer.from(log) };
  } catch {
    return undefined;
  }
}

/** Where the last `count` lines of the wanted streams begin, found from the end so that a long log costs nothing. */
async function findTail(
  files: readonly LogFile[],
  count: number,
  streams: { stdout: boolean; stderr: boolean },
): Promise<{ file: number; offset: number }> {
  let missing = count;
  const seen = new Set<OutputStream>();
  for (let index = files.length - 1; index >= 0; index--) {
    const file = files[index] as LogFile;
    let end = file.size;
    if (missing <= 0) return { file: index, offset: end };
    let rest: Buffer = Buffer.alloc(0);
    while (end > 0) {
      const start = Math.max(0, end - BLOCK);
      const block = Buffer.alloc(end - start);
      await file.read(block, start);
      const data = Buffer.concat([block, rest]);
      // A record begins behind each newline; the last newline of the file ends the last record.
      let upper = data.length;
      for (;;) {
        const newline = upper < 2 ? -1 : data.lastIndexOf(0x0a, upper - 2);
        if (newline < 0 && start > 0) break;
        const record = parseRecord(data.toString('utf8', newline + 1, upper));
        if (record !== undefined && streams[record.stream]) {
          // A record without a newline is the part of a line that goes on in a later record of the same stream, unless it is the last.
          if (record.data.at(-1) === 0x0a || !seen.has(record.stream)) missing--;
          seen.add(record.stream);
        }
        if (missing < 0) return { file: index, offset: start + upper };
        if (newline < 0) {
          upper = 0;
          break;
        }
        upper = newline + 1;
      }
      rest = data.subarray(0, upper);
      end = start;
    }
  }
  return { file: 0, offset: 0 };
}
