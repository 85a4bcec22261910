import type { Writable } from 'node:stream';
import { humanSize } from './size.ts';

/** One message of a pull, load or import. */
export interface ProgressMessage {
  id?: string;
  status?: string;
  stream?: string;
  progressDetail?: { current?: number; total?: number; start?: number; units?: string; hidecounts?: boolean };
  /** The bar, already drawn by an older daemon. */
  progress?: string;
  error?: string;
  errorDetail?: { code?: number; message?: string };
  aux?: unknown;
}

/** How the progress is drawn. */
export interface ProgressOptions {
  /** With a terminal, a line per layer is redrawn in place; without, finished steps are printed one by one. */
  terminal: boolean;
  /** Columns; less than 110 leaves the bar out. */
  width: number;
  /** Milliseconds since 1970, for the time that is left. */
  now: () => number;
}

/**
 * Draws the messages of a pull as the `docker` command line does.
 *
 * Throws an `Error` with the daemon's words when a message reports one.
 */
export async function showProgress(
  messages: AsyncIterable<ProgressMessage>,
  output: Writable,
  options: ProgressOptions,
): Promise<void> {
  const lines = new Map<string, number>();
  for await (const message of messages) {
    const failure = message.errorDetail?.message ?? message.error;
    if (failure) throw new Error(failure);
    if (message.aux !== undefined) continue;
    let up = 0;
    const { id } = message;
    if (id && message.progressDetail) {
      if (!lines.has(id)) {
        lines.set(id, lines.size);
        if (options.terminal) output.write('\n');
      }
      up = lines.size - lines.get(id)!;
      if (options.terminal && up > 0) output.write(`\x1b[${up}A`);
    } else lines.clear();
    output.write(messageText(message, options));
    if (id && options.terminal && up > 0) output.write(`\x1b[${up}B`);
  }
}

function messageText(message: ProgressMessage, options: ProgressOptions): string {
  const { id, status = '', stream, progressDetail: detail } = message;
  const label = id ? `${id}: ` : '';
  if (stream !== undefined) return stream;
  if (detail === undefined) return `${label}${status}\n`;
  const bar = progressBar(detail, options);
  if (options.terminal) return `\x1b[2K\r${label}${status} ${bar}\r`;
  return bar === '' ? `${label}${status}\n` : '';
}

/** `[=====>    ]  1.2MB/3.4MB 2s`; empty while nothing is known. */
export function progressBar(
  detail: NonNullable<ProgressMessage['progressDetail']>,
  { width, now }: Pick<ProgressOptions, 'width' | 'now'>,
): string {
  const { current = 0, total = 0, start = 0, units = '' } = detail;
  if (current <= 0 && total <= 0) return '';
  const shown = units === '' ? humanSize(current) : String(current);
  if (total <= 0) return units === '' ? shown.padStart(8) : `${shown} ${units}`;
  const percentage = Math.min(50, Math.trunc((current / total) * 50));
  const box = width > 110 ? `[${'='.repeat(percentage)}>${' '.repeat(50 - percentage)}] ` : '';
  let numbers = '';
  if (!detail.hidecounts) {
    const whole = units === '' ? humanSize(total) : `${total} ${units}`;
    numbers = current > total ? shown.padStart(8) : `${shown.padStart(8)}/${whole}`;
  }
  let left = '';
  if (current > 0 && start > 0 && percentage < 50 && width > 50) {
    const elapsed = Math.trunc(now() / 1000) - start;
    left = ` ${Math.max(0, Math.round((elapsed / current) * (total - current)))}s`;
  }
  return box + numbers + left;
}
