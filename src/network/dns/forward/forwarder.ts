/** Queries for others: from the cache, on a flight that is under way already, or on one of their own. */

import { type Answer, renderAnswer } from '../message/answer.ts';
import { RCODE } from '../message/constants.ts';
import type { Query } from '../message/query.ts';
import { errorAnswer } from '../message/reply.ts';
import { upstreamQuery } from '../message/upstream-query.ts';
import { AnswerCache, type CacheLimits } from './cache.ts';
import type { Clock } from './clock.ts';
import { DEFAULT_FLIGHT_TIMES, Flight, type FlightTimes } from './flight.ts';
import type { Transport } from './transport.ts';
import type { Upstream } from './upstream.ts';

/** Who is asked, for a set of clients that see the same. Two scopes share neither answers nor flights. */
export interface Scope {
  /** Unique, and never used again for other servers. */
  readonly id: string;
  readonly servers: readonly Upstream[];
}

/** One who asks: counted, so that one container cannot take everything. */
export interface Client {
  /** Queries of its that are on their way. */
  pending: number;
}

export interface ForwardLimits {
  /** Questions on their way to upstreams at once, over all containers. Default 2,048. */
  readonly flights: number;
  /** Queries of one container that wait at once. Default 1,024, as in Docker. */
  readonly pendingPerClient: number;
}

export const DEFAULT_FORWARD_LIMITS: ForwardLimits = { flights: 2048, pendingPerClient: 1024 };

/** Plain data. */
export interface ForwardMetrics {
  readonly cacheHits: number;
  readonly cacheMisses: number;
  readonly cacheEntries: number;
  readonly cacheBytes: number;
  /** Waited for the answer to another's same question. */
  readonly coalesced: number;
  /** Refused: too many under way. */
  readonly overLimit: number;
  /** No upstream gave any answer, or there is none to ask. */
  readonly unanswered: number;
  readonly flights: number;
}

export interface ForwarderOptions {
  readonly transport: Transport;
  readonly clock: Clock;
  readonly limits?: Partial<ForwardLimits>;
  readonly cache?: Partial<CacheLimits>;
  readonly times?: Partial<FlightTimes>;
}

interface Waiter {
  readonly client: Client;
  readonly query: Query;
  readonly limit: number;
  readonly respond: (message: Buffer) => void;
}

interface Entry {
  readonly scope: Scope;
  readonly flight: Flight;
  readonly waiters: Waiter[];
}

export class Forwarder {
  readonly #options: ForwarderOptions;
  readonly #limits: ForwardLimits;
  readonly #times: FlightTimes;
  readonly #cache: AnswerCache;
  readonly #flights = new Map<string, Entry>();
  #unshared = 0;
  #cacheHits = 0;
  #cacheMisses = 0;
  #coalesced = 0;
  #overLimit = 0;
  #unanswered = 0;

  constructor(options: ForwarderOptions) {
    this.#options = options;
    this.#limits = { ...DEFAULT_FORWARD_LIMITS, ...options.limits };
    this.#times = { ...DEFAULT_FLIGHT_TIMES, ...options.times };
    this.#cache = new AnswerCache(options.cache);
  }

  /**
   * Answers `query` by `respond`, now or later, exactly once.
   *
   * @param query its message is kept until then: not a buffer that is used again
   * @param limit bytes that the client takes
   */
  ask(scope: Scope, client: Client, query: Query, limit: number, respond: (message: Buffer) => void): void {
    const { clock, transport } = this.#options;
    if (scope.servers.length === 0) {
      this.#unanswered++;
      respond(errorAnswer(query, RCODE.SERVFAIL));
      return;
    }
    const { message, key: sharedKey } = upstreamQuery(query);
    const key = sharedKey === undefined ? `!${this.#unshared++}` : `${scope.id} ${sharedKey}`;
    if (sharedKey !== undefined) {
      const cached = this.#cache.get(key, clock.now());
      if (cached !== undefined) {
        this.#cacheHits++;
        respond(renderAnswer(cached.answer, query, cached.age, limit));
        return;
      }
      this.#cacheMisses++;
    }
    const waiter = { client, query, limit, respond };
    const underWay = this.#flights.get(key);
    const isFull = underWay === undefined && this.#flights.size >= this.#limits.flights;
    if (isFull || client.pending >= this.#limits.pendingPerClient) {
      this.#overLimit++;
      respond(errorAnswer(query, RCODE.REFUSED));
      return;
    }
    if (underWay !== undefined) {
      this.#coalesced++;
      client.pending++;
      underWay.waiters.push(waiter);
      return;
    }
    client.pending++;
    const flight = new Flight({
      servers: scope.servers,
      query: message,
      transport,
      clock,
      times: this.#times,
      onEnd: (answer) => {
        this.#flights.delete(key);
        if (answer !== undefined && sharedKey !== undefined) this.#cache.set(key, answer, clock.now());
        this.#land(waiters, answer);
      },
    });
    const waiters = [waiter];
    this.#flights.set(key, { scope, flight, waiters });
    flight.start();
  }

  /** Ends what is under way for a scope, with SERVFAIL. Its answers leave the cache by themselves. */
  abort(scope: Scope): void {
    for (const entry of [...this.#flights.values()]) {
      if (entry.scope.id === scope.id) entry.flight.abort();
    }
  }

  metrics(): ForwardMetrics {
    return {
      cacheHits: this.#cacheHits,
      cacheMisses: this.#cacheMisses,
      cacheEntries: this.#cache.size,
      cacheBytes: this.#cache.bytes,
      coalesced: this.#coalesced,
      overLimit: this.#overLimit,
      unanswered: this.#unanswered,
      flights: this.#flights.size,
    };
  }

  #land(waiters: readonly Waiter[], answer: Answer | undefined): void {
    for (const { client, query, limit, respond } of waiters) {
      client.pending--;
      if (answer === undefined) {
        this.#unanswered++;
        respond(errorAnswer(query, RCODE.SERVFAIL));
      } else respond(renderAnswer(answer, query, 0, limit));
    }
  }
}
