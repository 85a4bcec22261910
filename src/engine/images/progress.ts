/** The progress lines of `docker pull`, one moving line per layer. */

import type { ProgressMessage } from '../../base/wire/index.ts';
import { shortId } from './digest.ts';

export type Progress = (message: ProgressMessage) => void;

/** Milliseconds between two messages of one download: more would only cost. */
const INTERVAL = 100;
const BAR_WIDTH = 50;

export type LayerStatus =
  | 'Pulling fs layer'
  | 'Waiting'
  | 'Verifying Checksum'
  | 'Download complete'
  | 'Pull complete'
  | 'Already exists';

/** What is told of one layer. */
export class LayerProgress {
  readonly #id: string;
  readonly #total: number;
  readonly #report: Progress;
  readonly #now: () => number;
  #last = Number.NEGATIVE_INFINITY;

  /** `total` in bytes of the compressed blob; `now` in milliseconds, for tests */
  constructor(digest: string, total: number, report: Progress, now: () => number = () => performance.now()) {
    this.#id = shortId(digest);
    this.#total = total;
    this.#report = report;
    this.#now = now;
  }

  status(status: LayerStatus | `Retrying in ${string}`): void {
    this.#report({ status, progressDetail: {}, id: this.#id });
  }

  /** At most one message each 100 ms, and one for the end. */
  downloading(current: number): void {
    const now = this.#now();
    if (now - this.#last < INTERVAL && current < this.#total) return;
    this.#last = now;
    this.#amount('Downloading', current);
  }

  /** containerd does not tell how far it is: there is a message for the start and one for the end. */
  extracting(current: number): void {
    this.#amount('Extracting', current);
  }

  #amount(status: string, current: number): void {
    this.#report({
      status,
      progressDetail: { current, total: this.#total },
      progress: progressBar(current, this.#total),
      id: this.#id,
    });
  }
}

/** `[=====>     ]  1.2MB/2.4MB`, as Docker's clients draw it; for those that print the text as it comes. */
export function progressBar(current: number, total: number): string {
  if (total <= 0) return formatBytes(current);
  const filled = Math.floor((Math.min(current / total, 1) * 100) / 2);
  const arrow = filled < BAR_WIDTH ? '>' : '';
  const blanks = ' '.repeat(Math.max(BAR_WIDTH - filled - arrow.length, 0));
  return `[${'='.repeat(filled)}${arrow}${blanks}]  ${formatBytes(current)}/${formatBytes(total)}`;
}

/** Four significant digits in powers of 1000, as go-units has it: `1.234MB`. */
function formatBytes(bytes: number): string {
  const units = ['B', 'kB', 'MB', 'GB', 'TB'];
  let value = bytes;
  let unit = 0;
  while (value >= 1000 && unit < units.length - 1) {
    value /= 1000;
    unit++;
  }
  return `${Number(value.toPrecision(4))}${units[unit]}`;
}
