/**
 * Keeps the kernel's firewall equal to the intent. `sync()` is declarative: it applies the intent of that moment. Callers that come while
 * a transaction runs share the next one.
 */

import type { FirewallIntent } from '../firewall/index.ts';
import type { FirewallBackend } from './firewall-backend.ts';

export interface FirewallSyncOptions {
  /** Undefined (`iptables: false`): no rule is written. */
  backend: FirewallBackend | undefined;
  /** Those that an earlier daemon may have used: their rules go at the start. */
  others: readonly FirewallBackend[];
  intent: () => FirewallIntent;
}

export class FirewallSync {
  readonly #options: FirewallSyncOptions;
  /** The transaction that has not begun yet: whoever comes now is served by it. */
  #next: Promise<void> | undefined;
  #running: Promise<void> = Promise.resolve();

  constructor(options: FirewallSyncOptions) {
    this.#options = options;
  }

  /** Resolves when the kernel has what the intent says now. */
  sync(): Promise<void> {
    this.#next ??= this.#running.then(() => {
      this.#next = undefined;
      const run = this.#apply(false);
      this.#running = run.catch(() => {});
      return run;
    });
    return this.#next;
  }

  /** As `sync()`, and rules of ours that somebody took away come back; other backends' rules go. For the start of the daemon. */
  async repair(): Promise<void> {
    await this.#running;
    const run = (async () => {
      await this.#apply(true);
      for (const other of this.#options.others) await other.clear();
    })();
    this.#running = run.catch(() => {});
    await run;
  }

  async #apply(repair: boolean): Promise<void> {
    await this.#options.backend?.apply(this.#options.intent(), { repair });
  }
}
