/** Writes log records to a client: framed or raw, with timestamps, in batches. */

import type { ServerResponse } from 'node:http';
import type { LogRecord } from './backend.ts';
import { write } from './reply.ts';
import { frameHeader, STREAM, type StreamNumber } from './stdcopy.ts';

/** Bytes collected before they are written at once; a line alone goes out at the end of the event loop's turn. */
const BATCH = 64 * 1024;

export interface LogFormat {
  tty: boolean;
  timestamps: boolean;
  /** Room for the log driver's attributes, of which there are none here: Docker then writes the blank alone. */
  details: boolean;
}

export class LogWriter {
  readonly #response: ServerResponse;
  readonly #format: LogFormat;
  readonly #batch: Buffer[] = [];
  #size = 0;
  #scheduled: NodeJS.Immediate | undefined;
  /** Streams in the midst of a line: what continues it gets no timestamp of its own. */
  readonly #midLine = { stdout: false, stderr: false };

  constructor(response: ServerResponse, format: LogFormat) {
    this.#response = response;
    this.#format = format;
  }

  /** Returns a promise only when the caller has to wait for the client: there may be a million records a second. */
  write(record: LogRecord): Promise<void> | undefined {
    const { stream, data } = record;
    const prefix = this.#midLine[stream] ? '' : this.#prefix(record.time);
    this.#midLine[stream] = data.at(-1) !== 0x0a;
    this.#push(STREAM[stream], prefix === '' ? [data] : [Buffer.from(prefix), data]);
    if (this.#size >= BATCH) return this.flush();
    this.#scheduled ??= setImmediate(() => void this.flush());
    return undefined;
  }

  /** Tells an error in the stream itself, the only place left for it. */
  fail(message: string): void {
    this.#push(STREAM.system, [Buffer.from(`Error grabbing logs: ${message}\n`)]);
  }

  async flush(): Promise<void> {
    clearImmediate(this.#scheduled);
    this.#scheduled = undefined;
    if (this.#size === 0) return;
    const data = Buffer.concat(this.#batch, this.#size);
    this.#batch.length = 0;
    this.#size = 0;
    await write(this.#response, data);
  }

  #prefix(time: string): string {
    return `${this.#format.timestamps ? `${nineDigits(time)} ` : ''}${this.#format.details ? ' ' : ''}`;
  }

  #push(stream: StreamNumber, parts: Buffer[]): void {
    const length = parts.reduce((sum, part) => sum + part.length, 0);
    if (!this.#format.tty) {
      this.#batch.push(frameHeader(stream, length));
      this.#size += 8;
    }
    this.#batch.push(...parts);
    this.#size += length;
  }
}

/** All timestamps are of one width: `2026-11-22T05:16:09.1Z` becomes `2026-11-22T05:16:09.100000000Z`. */
function nineDigits(time: string): string {
  if (time.length === '2026-11-22T05:16:09.123456789Z'.length && time.endsWith('Z')) return time;
  return time.replace(
    /(?:\.(\d{1,9})\d*)?(Z|[+-]\d\d:\d\d)$/,
    (_all, fraction: string | undefined, zone: string) => `.${(fraction ?? '').padEnd(9, '0')}${zone}`,
  );
}
