/** Reads a `json-file` log back: all of it or its end, between two times, and on as it grows. */

import { type FileHandle, open } from 'node:fs/promises';
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
  const since = toNanos(query.since);
  const until = toNanos(query.until);
  let generation = writer?.generation ?? 0;
  const files = logFiles(path);
  const start = query.tail === null ? { file: 0, offset: 0 } : await findTail(files, query.tail, query);
  const wanted = (record: LogRecord) => {
    if (record.stream === 'stdout' ? !query.stdout : !query.stderr) return false;
    return since === undefined || (parseNanos(record.time) ?? 0n) >= since;
  };
  const isPast = (record: LogRecord) => until !== undefined && (parseNanos(record.time) ?? 0n) > until;

  let current: FileHandle | undefined;
  try {
    for (let index = start.file; index < files.length; index++) {
      await current?.close();
      current = await open(files[index] as string, 'r');
      const lines = new LineSplitter(index === start.file ? start.offset : 0);
      for (;;) {
        const isLast = index === files.length - 1;
        for await (const record of lines.read(current)) {
          if (query.signal.aborted || isPast(record)) return;
          if (wanted(record)) yield record;
        }
        if (!isLast || !query.follow || writer === undefined || query.signal.aborted) break;
        if (writer.generation !== generation) {
          const rotations = writer.generation - generation;
          generation = writer.generation;
          // The writer has gone on to a new file; what it left in this one was read above, once more to be sure.
          for await (const record of lines.read(current)) {
            if (isPast(record)) return;
            if (wanted(record)) yield record;
          }
          for (let older = rotations - 1; older > 0; older--) files.push(`${path}.${older}`);
          files.push(path);
          break;
        }
        if (writer.closed) break;
        const position = lines.position;
        await changed(
          writer,
          query.signal,
          until,
          async () => (await (current as FileHandle).stat()).size > position,
        );
        if (until !== undefined && BigInt(Date.now()) * 1_000_000n > until) {
          for await (const record of lines.read(current)) {
            if (isPast(record)) return;
            if (wanted(record)) yield record;
          }
          return;
        }
      }
    }
  } finally {
    await current?.close();
  }
}

function toNanos(seconds: number): bigint | undefined {
  return seconds > 0 ? BigInt(Math.round(seconds * 1e6)) * 1000n : undefined;
}

/** Resolves when the writer has written or closed, the reader has gone, or `until` has passed. */
async function changed(
  writer: LogWriter,
  signal: AbortSignal,
  until: bigint | undefined,
  isThereMore: () => Promise<boolean>,
): Promise<void> {
  const { promise, resolve } = Promise.withResolvers<void>();
  const stop = writer.follow(resolve);
  signal.addEventListener('abort', () => resolve(), { once: true });
  const wait = until === undefined ? undefined : Number(until / 1_000_000n) - Date.now() + 1;
  const timer =
    wait === undefined ? undefined : setTimeout(resolve, Math.min(Math.max(0, wait), 2 ** 31 - 1));
  try {
    // Written between the last read and now: the notification was missed.
    if (writer.closed || signal.aborted || (await isThereMore())) return;
    await promise;
  } finally {
    clearTimeout(timer);
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

  async *read(file: FileHandle): AsyncGenerator<LogRecord> {
    const block = Buffer.allocUnsafe(BLOCK);
    for (;;) {
      const { bytesRead } = await file.read(block, 0, BLOCK, this.position);
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
  files: string[],
  count: number,
  streams: { stdout: boolean; stderr: boolean },
): Promise<{ file: number; offset: number }> {
  let missing = count;
  for (let index = files.length - 1; index >= 0; index--) {
    const file = await open(files[index] as string, 'r');
    try {
      let end = (await file.stat()).size;
      if (index === files.length - 1 && missing <= 0) return { file: index, offset: end };
      let rest: Buffer = Buffer.alloc(0);
      while (end > 0) {
        const start = Math.max(0, end - BLOCK);
        const block = Buffer.alloc(end - start);
        await file.read(block, 0, block.length, start);
        const data = Buffer.concat([block, rest]);
        // A record begins behind each newline; the last newline of the file ends the last record.
        let upper = data.length;
        for (;;) {
          const newline = upper < 2 ? -1 : data.lastIndexOf(0x0a, upper - 2);
          if (newline < 0 && start > 0) break;
          const record = parseRecord(data.toString('utf8', newline + 1, upper));
          // A record without a newline is the part of a line that goes on in a later record of the same stream.
          if (record !== undefined && streams[record.stream] && record.data.at(-1) === 0x0a) missing--;
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
    } finally {
      await file.close();
    }
  }
  return { file: 0, offset: 0 };
}
