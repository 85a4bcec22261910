/** Answers of upstreams, kept for as long as they say. */

import type { Answer } from '../message/answer.ts';

export interface CacheLimits {
  /** Answers kept; the least recently used goes first. Default 10,000. */
  readonly entries: number;
  /** Bytes of messages kept. Default 8 MiB. */
  readonly bytes: number;
  /** Seconds after which an answer is asked for anew, whatever it says. Default one day, as RFC 8767 suggests at most a week. */
  readonly lifetime: number;
  /** The same for "no such name" and "no such record". Default 15 minutes; RFC 2308, 5 calls more than 3 hours unwise. */
  readonly negativeLifetime: number;
}

export const DEFAULT_CACHE_LIMITS: CacheLimits = {
  entries: 10_000,
  bytes: 8 * 1024 * 1024,
  lifetime: 86_400,
  negativeLifetime: 900,
};

interface Entry {
  readonly answer: Answer;
  /** Milliseconds of the clock. */
  readonly storedAt: number;
  readonly expiresAt: number;
}

/** What an entry takes aside from its message: key, objects, list of TTLs. Estimated. */
const OVERHEAD = 300;

/** Bounded, least recently used out first. Time is handed in, in milliseconds. */
export class AnswerCache {
  readonly #limits: CacheLimits;
  /** In order of use: a Map keeps the order of insertion. */
  readonly #entries = new Map<string, Entry>();
  #bytes = 0;

  constructor(limits: Partial<CacheLimits> = {}) {
    this.#limits = { ...DEFAULT_CACHE_LIMITS, ...limits };
  }

  get size(): number {
    return this.#entries.size;
  }

  get bytes(): number {
    return this.#bytes;
  }

  /** The answer and its age in whole seconds (rounded up, so that TTLs add up to no more than they were). */
  get(key: string, now: number): { answer: Answer; age: number } | undefined {
    const entry = this.#entries.get(key);
    if (entry === undefined) return undefined;
    if (now >= entry.expiresAt) {
      this.#remove(key, entry);
      return undefined;
    }
    this.#entries.delete(key);
    this.#entries.set(key, entry);
    return { answer: entry.answer, age: Math.ceil((now - entry.storedAt) / 1000) };
  }

  /** Keeps `answer` if it may be kept at all. */
  set(key: string, answer: Answer, now: number): void {
    const before = this.#entries.get(key);
    if (before !== undefined) this.#remove(key, before);
    const isNegative = answer.rcode !== 0 || answer.message.readUInt16BE(6) === 0;
    const longest = isNegative ? this.#limits.negativeLifetime : this.#limits.lifetime;
    const lifetime = Math.min(answer.lifetime, longest);
    if (lifetime <= 0) return;
    // Small buffers are pieces of Node's pool: one that is kept for long would keep 8 KiB.
    const message = Buffer.allocUnsafeSlow(answer.message.length);
    answer.message.copy(message);
    this.#entries.set(key, {
      answer: { ...answer, message },
      storedAt: now,
      expiresAt: now + lifetime * 1000,
    });
    this.#bytes += answer.message.length + OVERHEAD;
    while (this.#entries.size > this.#limits.entries || this.#bytes > this.#limits.bytes) {
      const [oldest] = this.#entries;
      if (oldest === undefined) break;
      this.#remove(...oldest);
    }
  }

  clear(): void {
    this.#entries.clear();
    this.#bytes = 0;
  }

  #remove(key: string, entry: Entry): void {
    this.#entries.delete(key);
    this.#bytes -= entry.answer.message.length + OVERHEAD;
  }
}
