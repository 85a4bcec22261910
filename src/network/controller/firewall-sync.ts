/**
 * Keeps the kernel's firewall equal to the intent. `sync()` is declarative: it applies the intent of that moment. Callers that come while
 * a transaction runs share the next one.
 */

import type { FirewallIntent } from '../firewall/index.ts';
import type { ApplyMode, FirewallBackend } from './firewall-backend.ts';
import type { LocalhostRouting } from './localhost-routing.ts';

export interface FirewallSyncOptions {
  /** Undefined (`iptables: false`): no rule is written. */
  backend: FirewallBackend | undefined;
  /** Those that an earlier daemon may have used: their rules go at the start. */
  others: readonly FirewallBackend[];
  intent: () => FirewallIntent;
  /** What the kernel is told about localhost as rules come and go. */
  localhost: Pick<LocalhostRouting, 'narrow' | 'widen' | 'closeAll'>;
}

export class FirewallSync {
  readonly #options: FirewallSyncOptions;
  /** The transaction that has not begun yet: whoever comes now is served by it. */
  #next: Promise<void> | undefined;
  #running: Promise<void> = Promise.resolve();
  #repairs = 0;
  /** What the kernel has; undefined when a transaction failed. */
  #applied: FirewallIntent | undefined;

  constructor(options: FirewallSyncOptions) {
    this.#options = options;
  }

  /** How often rules came back that somebody else had taken away. */
  get repairs(): number {
    return this.#repairs;
  }

  /** Resolves when the kernel has what the intent says now. */
  sync(): Promise<void> {
    this.#next ??= this.#after(async () => {
      this.#next = undefined;
      await this.#apply('change');
    });
    return this.#next;
  }

  /**
   * After somebody else wrote: what was flushed comes back. What has been written last is what the kernel shall have: a change that is
   * on its way has a transaction of its own. True when rules had been taken away; after a transaction that failed nobody can tell.
   */
  heal(): Promise<boolean> {
    return this.#after(async () => {
      const applied = this.#applied;
      const written = await this.#apply('heal', applied);
      if (!written || applied === undefined) return false;
      this.#repairs++;
      return true;
    });
  }

  /** Rules of ours that somebody took away come back, also single ones; other backends' rules go. */
  repair(): Promise<void> {
    return this.#after(async () => {
      await this.#apply('repair');
      for (const other of this.#options.others) await other.clear();
    });
  }

  async #apply(mode: ApplyMode, intent = this.#options.intent()): Promise<boolean> {
    const { backend, localhost } = this.#options;
    // Most containers that come and go publish nothing.
    if (mode === 'change' && this.#applied !== undefined && isSame(intent, this.#applied)) return false;
    this.#applied = undefined;
    localhost.narrow(intent);
    try {
      const written = (await backend?.apply(intent, mode)) ?? false;
      localhost.widen(intent, mode !== 'change');
      this.#applied = intent;
      return written;
    } catch (error) {
      // A change that failed leaves the rules of before; after others have written, there may be none.
      if (mode !== 'change') localhost.closeAll();
      throw error;
    }
  }

  /** Runs `work` when all earlier work has settled. */
  #after<T>(work: () => Promise<T>): Promise<T> {
    const run = this.#running.then(work);
    this.#running = run.then(
      () => {},
      () => {},
    );
    return run;
  }
}

/** Networks of which nothing has changed are the same objects (see `NetworkIntents`). */
function isSame({ networks, ...rest }: FirewallIntent, other: FirewallIntent): boolean {
  const { networks: others, ...otherRest } = other;
  return (
    networks.length === others.length &&
    networks.every((network, index) => network === others[index]) &&
    JSON.stringify(rest) === JSON.stringify(otherRest)
  );
}
