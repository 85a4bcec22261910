/** Tries again, with growing pauses. */

import { setTimeout as sleep } from 'node:timers/promises';

export interface RetryPolicy {
  /** tries in all, default 5 */
  attempts: number;
  /** pause before the second try in milliseconds; each further one is twice as long */
  delayMs: number;
  /** longest pause in milliseconds */
  maxDelayMs: number;
}

export const DEFAULT_RETRY: RetryPolicy = { attempts: 5, delayMs: 1000, maxDelayMs: 15_000 };

/** The pause after `failures` failed tries (1 or more), milliseconds. */
export function retryDelay(policy: RetryPolicy, failures: number): number {
  return Math.min(policy.delayMs * 2 ** (failures - 1), policy.maxDelayMs);
}

/** Runs `work` until it succeeds, `mayRetry` says no or the tries are used up; then throws its last error. */
export async function retry<T>(
  policy: RetryPolicy,
  signal: AbortSignal,
  mayRetry: (error: unknown) => boolean,
  work: () => Promise<T>,
): Promise<T> {
  for (let failures = 1; ; failures++) {
    try {
      return await work();
    } catch (error) {
      signal.throwIfAborted();
      if (failures >= policy.attempts || !mayRetry(error)) throw error;
    }
    await pause(retryDelay(policy, failures), signal);
  }
}

/** Waits; rejects with the signal's own reason. */
export async function pause(milliseconds: number, signal: AbortSignal): Promise<void> {
  await sleep(milliseconds, undefined, { signal }).catch(() => signal.throwIfAborted());
}
