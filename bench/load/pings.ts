/** Somebody else who asks a daemon all the time, in a thread of its own: what we do ourselves does not keep it waiting. */

import { once } from 'node:events';
import { join } from 'node:path';
import { Worker } from 'node:worker_threads';
import type { Side } from '../sides/side.ts';

export class Pings implements AsyncDisposable {
  readonly #worker: Worker;

  constructor(side: Side) {
    const workerData = side.url.replace('unix://', '');
    this.#worker = new Worker(join(import.meta.dirname, 'pings-main.ts'), { workerData });
  }

  /** Milliseconds that the slowest answer took since this was asked last. */
  async longest(): Promise<number> {
    this.#worker.postMessage('longest');
    return (await once(this.#worker, 'message'))[0] as number;
  }

  async [Symbol.asyncDispose](): Promise<void> {
    await this.#worker.terminate();
  }
}
