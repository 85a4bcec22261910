/**
 * The `json-file` log: one JSON object per line, `{"log":"hello\n","stream":"stdout","time":"…"}`, as Docker writes it, so that
 * every collector that knows Docker's files can read ours.
 */

import {
  closeSync,
  existsSync,
  fstatSync,
  ftruncateSync,
  openSync,
  renameSync,
  rmSync,
  writeSync,
} from 'node:fs';
import { formatNanos, nowNanos } from '../../base/time.ts';

export type OutputStream = 'stdout' | 'stderr';

/** A longer line is written in pieces of this many bytes, as Docker does. */
const MAX_LINE = 16 * 1024;
/**
 * A line without its newline (a prompt, a progress bar) is written after this many milliseconds: what the daemon has taken from the
 * pipe must be on disk before the daemon can be killed.
 */
const PARTIAL_DELAY = 50;

export interface LogFileOptions {
  /** bytes; -1: no rotation */
  maxSize: number;
  /** number of files, the current one included */
  maxFiles: number;
}

/**
 * Appends output to the file, synchronously, and tells the followers. A full disk must not end the daemon, nor keep a container from
 * running: what cannot be written is lost, and `onLoss` is told once until writing works again.
 */
export class LogWriter {
  readonly path: string;
  readonly #options: LogFileOptions;
  readonly #onLoss: (error: unknown) => void;
  #isLosing = false;
  readonly #partial: Record<OutputStream, Buffer[]> = { stdout: [], stderr: [] };
  readonly #partialSize: Record<OutputStream, number> = { stdout: 0, stderr: 0 };
  readonly #followers = new Set<() => void>();
  #fd: number;
  #size: number;
  #timer: NodeJS.Timeout | undefined;
  /** How often the file was rotated: a follower compares it to notice that its file is an old one. */
  generation = 0;
  closed = false;

  constructor(path: string, options: LogFileOptions, onLoss: (error: unknown) => void = () => {}) {
    this.path = path;
    this.#options = options;
    this.#onLoss = onLoss;
    this.#fd = openSync(path, 'a', 0o640);
    this.#size = fstatSync(this.#fd).size;
  }

  write(stream: OutputStream, chunk: Buffer): void {
    if (this.closed) return;
    let records = '';
    const time = formatNanos(nowNanos());
    let start = 0;
    for (;;) {
      const newline = chunk.indexOf(0x0a, start);
      const end = newline < 0 ? chunk.length : newline + 1;
      const room = MAX_LINE - this.#partialSize[stream];
      const piece = chunk.subarray(start, Math.min(end, start + room));
      const isWhole = newline >= 0 && piece.length === end - start;
      if (isWhole || piece.length === room) {
        const { text, rest } = this.#take(stream, piece, isWhole);
        if (text !== '') records += encode(text, stream, time);
        if (this.#isFullWith(records)) {
          // A fast writer's chunk may be larger than a whole file is allowed to be.
          this.#append(records);
          records = '';
        }
        if (rest.length > 0) this.#keep(stream, rest);
        start += piece.length;
        if (start >= chunk.length) break;
        continue;
      }
      if (piece.length > 0) this.#keep(stream, piece);
      break;
    }
    if (records !== '') this.#append(records);
    if (this.#partialSize.stdout + this.#partialSize.stderr > 0) {
      this.#timer ??= setTimeout(() => this.flush(), PARTIAL_DELAY);
    }
  }

  /** Writes what still waits for its newline, but for a UTF-8 sequence whose end has not come yet. */
  flush(): void {
    this.#flush(false);
  }

  close(): void {
    if (this.closed) return;
    this.#flush(true);
    this.closed = true;
    closeSync(this.#fd);
    this.#notify();
  }

  #flush(isEnd: boolean): void {
    clearTimeout(this.#timer);
    this.#timer = undefined;
    let records = '';
    const time = formatNanos(nowNanos());
    for (const stream of ['stdout', 'stderr'] as const) {
      const { text, rest } = this.#take(stream, Buffer.alloc(0), isEnd);
      if (text !== '') records += encode(text, stream, time);
      if (rest.length > 0) this.#keep(stream, rest);
    }
    if (records !== '') this.#append(records);
  }

  /** Calls back after every append and at the end; gives the function that stops it. */
  follow(onChange: () => void): () => void {
    this.#followers.add(onChange);
    return () => this.#followers.delete(onChange);
  }

  #keep(stream: OutputStream, piece: Buffer): void {
    // A copy: the reader's buffer is used again for the next read.
    this.#partial[stream].push(Buffer.from(piece));
    this.#partialSize[stream] += piece.length;
  }

  /** What was kept of `stream` followed by `piece`, as text. Unless it is the end, a cut UTF-8 sequence is given back as `rest`. */
  #take(stream: OutputStream, piece: Buffer, isEnd: boolean): { text: string; rest: Buffer } {
    const kept = this.#partial[stream];
    const whole = kept.length === 0 ? piece : Buffer.concat([...kept, piece]);
    this.#partial[stream] = [];
    this.#partialSize[stream] = 0;
    const cut = isEnd ? 0 : cutSequenceLength(whole);
    return { text: whole.toString('utf8', 0, whole.length - cut), rest: whole.subarray(whole.length - cut) };
  }

  #isFullWith(records: string): boolean {
    const { maxSize } = this.#options;
    return maxSize > 0 && this.#size + Buffer.byteLength(records) >= maxSize;
  }

  #append(records: string): void {
    const bytes = Buffer.from(records);
    try {
      for (let written = 0; written < bytes.length; ) written += writeSync(this.#fd, bytes, written);
      this.#size += bytes.length;
      if (this.#options.maxSize > 0 && this.#size >= this.#options.maxSize) this.#rotate();
      this.#isLosing = false;
    } catch (error) {
      this.#lose(error);
    }
    this.#notify();
  }

  #lose(error: unknown): void {
    // Half a record would swallow the next one.
    try {
      ftruncateSync(this.#fd, this.#size);
    } catch {
      // Then the reader leaves out the line that it cannot parse.
    }
    if (!this.#isLosing) this.#onLoss(error);
    this.#isLosing = true;
  }

  /** The names change first and the open file last, so that there is always one to write to. */
  #rotate(): void {
    const last = this.#options.maxFiles - 1;
    if (last < 1) {
      rmSync(this.path, { force: true });
    } else {
      for (let index = last; index > 1; index--) {
        const older = `${this.path}.${index - 1}`;
        if (existsSync(older)) renameSync(older, `${this.path}.${index}`);
      }
      // Missing when an earlier attempt got no further than this.
      if (existsSync(this.path)) renameSync(this.path, `${this.path}.1`);
    }
    const fd = openSync(this.path, 'a', 0o640);
    closeSync(this.#fd);
    this.#fd = fd;
    this.#size = 0;
    this.generation++;
  }

  #notify(): void {
    for (const follower of this.#followers) follower();
  }
}

function encode(text: string, stream: OutputStream, time: string): string {
  return `{"log":${JSON.stringify(text)},"stream":"${stream}","time":"${time}"}\n`;
}

/** How many bytes at the end of `bytes` are the beginning of a UTF-8 sequence that goes on (RFC 3629). */
function cutSequenceLength(bytes: Buffer): number {
  for (let back = 1; back <= Math.min(3, bytes.length); back++) {
    const byte = bytes[bytes.length - back] as number;
    if ((byte & 0xc0) === 0x80) continue;
    const length = byte >= 0xf0 ? 4 : byte >= 0xe0 ? 3 : byte >= 0xc0 ? 2 : 1;
    return length > back ? back : 0;
  }
  return 0;
}

/** All files of a log that exist, the oldest first. */
export function logFiles(path: string): string[] {
  const files: string[] = [];
  for (let index = 1; existsSync(`${path}.${index}`); index++) files.unshift(`${path}.${index}`);
  if (existsSync(path)) files.push(path);
  return files;
}

export function removeLogFiles(path: string): void {
  for (const file of logFiles(path)) rmSync(file, { force: true });
}
