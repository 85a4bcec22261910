/**
 * One question on its way: which server is asked when, and whose answer is taken.
 *
 * The servers are asked in order. The next one is asked as well when the answer is later than usual for this server
 * ("hedging"), and at once when it fails; when all were asked, those that kept silent are asked again after a while, since
 * datagrams get lost. The first good answer wins. A failure (SERVFAIL, REFUSED …) is passed on only when no server does better.
 * A truncated answer is asked for again over TCP, from the server that gave it.
 */

import { randomInt } from 'node:crypto';
import { type Answer, isFailure, readAnswer } from '../message/answer.ts';
import type { Clock, Timer } from './clock.ts';
import type { Exchange, Transport } from './transport.ts';
import { inOrderOfTrust, type Upstream } from './upstream.ts';

export interface FlightTimes {
  /** Milliseconds for everything; less than a client waits (resolv.conf(5): 5 s). Default 4,500. */
  readonly total: number;
  /** Milliseconds until servers that kept silent are asked again. Default 1,000. */
  readonly retransmit: number;
  /** Milliseconds that an overtaken server is still listened to, to learn whether it is alive. Default 1,000. */
  readonly linger: number;
}

export const DEFAULT_FLIGHT_TIMES: FlightTimes = { total: 4500, retransmit: 1000, linger: 1000 };

/** Milliseconds by which a timer is late when something else has kept the event loop. */
const STALL = 5;

export interface FlightOptions {
  readonly servers: readonly Upstream[];
  /** Its id is written at each sending. */
  readonly query: Buffer;
  readonly transport: Transport;
  readonly clock: Clock;
  readonly times: FlightTimes;
  /** Called once: the answer, or `undefined` when no server gave any. */
  readonly onEnd: (answer: Answer | undefined) => void;
}

interface Attempt {
  readonly server: Upstream;
  readonly id: number;
  readonly startedAt: number;
  readonly protocol: 'udp' | 'tcp';
  exchange: Exchange | undefined;
  /** It was already told to the server's statistics that it is late. */
  late: boolean;
}

export class Flight {
  readonly #options: FlightOptions;
  readonly #startedAt: number;
  /** Not asked yet in this round. */
  #waiting: Upstream[];
  /** Asked and silent so far. */
  readonly #pending = new Set<Attempt>();
  /** The best that can be said when no server has a good answer: the last failure. */
  #failure: Answer | undefined;
  /** A cut answer, which is better than a failure: its client can ask over TCP itself. */
  #cut: Answer | undefined;
  #timer: Timer | undefined;
  #ended = false;

  constructor(options: FlightOptions) {
    this.#options = options;
    this.#startedAt = options.clock.now();
    this.#waiting = [...inOrderOfTrust(options.servers)];
  }

  start(): void {
    this.#askNext();
    if (this.#ended) return;
    // One that may be back is asked beside the others: nobody waits for it.
    for (const server of this.#waiting) {
      if (server.takeProbe(this.#options.clock.now())) {
        this.#waiting = this.#waiting.filter((other) => other !== server);
        this.#ask(server, 'udp', true);
        break;
      }
    }
  }

  /** Ends without an answer. Idempotent. */
  abort(): void {
    this.#end(undefined);
    this.#closeAll();
  }

  /** Asks servers until one has been sent the question. */
  #askNext(): void {
    this.#timer?.cancel();
    this.#timer = undefined;
    const { retransmit } = this.#options.times;
    for (let server = this.#waiting.shift(); server !== undefined; server = this.#waiting.shift()) {
      if (!this.#ask(server, 'udp', false)) continue;
      // With a failure in hand, a server that has been silent for long is not waited for as long as a live one.
      const isLast = this.#waiting.length === 0 && !(this.#failure !== undefined && server.isSuspect);
      this.#schedule(isLast ? retransmit : server.hedgeDelay);
      return;
    }
    if (this.#pending.size === 0) this.#end(this.#failure);
    else this.#schedule(retransmit);
  }

  #schedule(wait: number): void {
    const { clock, times } = this.#options;
    const now = clock.now();
    const due = now + Math.min(wait, this.#startedAt + times.total - now);
    this.#timer?.cancel();
    this.#timer = clock.after(due - now, () => {
      // The daemon was busy: answers may lie in the sockets, which Node reads after the timers. It is not the server that is late.
      if (clock.now() - due < STALL) this.#onTime();
      else this.#timer = clock.after(STALL, () => this.#onTime());
    });
  }

  #onTime(): void {
    const { clock, times, servers } = this.#options;
    if (this.#cut !== undefined) {
      this.#end(this.#cut);
      return;
    }
    for (const attempt of this.#pending) this.#tellLate(attempt);
    if (clock.now() >= this.#startedAt + times.total) {
      this.#end(this.#failure);
      this.#closeAll();
      return;
    }
    if (this.#waiting.length === 0) {
      if (this.#failure !== undefined) {
        this.#end(this.#failure);
        return;
      }
      this.#waiting = [...inOrderOfTrust(servers)];
    }
    this.#askNext();
  }

  /** @returns false when the kernel would not even send */
  #ask(server: Upstream, protocol: 'udp' | 'tcp', isProbe: boolean): boolean {
    const { transport, clock } = this.#options;
    const id = randomInt(65536);
    const message = this.#options.query;
    message.writeUInt16BE(id, 0);
    // A probe comes back late by nature: that it is a suspect is known.
    const attempt: Attempt = {
      server,
      id,
      startedAt: clock.now(),
      protocol,
      exchange: undefined,
      late: isProbe,
    };
    server.sent();
    this.#pending.add(attempt);
    try {
      attempt.exchange = transport[protocol](server, message, {
        onMessage: (answer) => this.#onMessage(attempt, answer),
        onFailure: () => this.#onFailure(attempt),
      });
      return true;
    } catch {
      server.unreachable();
      this.#pending.delete(attempt);
      return false;
    }
  }

  #onMessage(attempt: Attempt, message: Buffer): void {
    // Not ours, or forged: the right one may still come.
    if (message.length < 2 || message.readUInt16BE(0) !== attempt.id) return;
    const answer = readAnswer(message, this.#options.query);
    if (answer === undefined) return;
    const fails = isFailure(answer.rcode);
    attempt.server.answered(this.#options.clock.now() - attempt.startedAt, fails, attempt.protocol);
    this.#close(attempt);
    if (this.#ended) return;
    if (fails) {
      this.#failure = answer;
      this.#giveUpOn(attempt);
    } else if (answer.truncated && attempt.protocol === 'udp') {
      if (this.#cut !== undefined) return;
      this.#cut = answer;
      // No other server is asked meanwhile: this one knows.
      if (this.#ask(attempt.server, 'tcp', false)) this.#schedule(this.#options.times.retransmit);
      else this.#end(answer);
    } else {
      this.#end(answer);
    }
  }

  /** Nobody is there, or the connection broke. */
  #onFailure(attempt: Attempt): void {
    attempt.server.unreachable();
    this.#close(attempt);
    if (this.#ended) return;
    this.#giveUpOn(attempt);
  }

  /** The next server is asked at once, unless somebody is being waited for who was asked after this one. */
  #giveUpOn(attempt: Attempt): void {
    if (this.#cut !== undefined) {
      if (attempt.protocol === 'tcp') this.#end(this.#cut);
      return;
    }
    for (const other of this.#pending) {
      if (!other.late && other.startedAt > attempt.startedAt) return;
    }
    this.#askNext();
  }

  #end(answer: Answer | undefined): void {
    if (this.#ended) return;
    this.#ended = true;
    this.#timer?.cancel();
    this.#timer = undefined;
    for (const attempt of [...this.#pending]) {
      if (attempt.protocol === 'tcp') this.#close(attempt);
    }
    if (this.#pending.size > 0) {
      // Others are still listened to for a while: a slow server is not a dead one.
      this.#timer = this.#options.clock.after(this.#options.times.linger, () => this.#closeAll());
    }
    this.#options.onEnd(answer);
  }

  #tellLate(attempt: Attempt): void {
    if (attempt.late) return;
    attempt.late = true;
    attempt.server.late();
  }

  #close(attempt: Attempt): void {
    this.#pending.delete(attempt);
    attempt.exchange?.close();
    if (this.#ended && this.#pending.size === 0) {
      this.#timer?.cancel();
      this.#timer = undefined;
    }
  }

  #closeAll(): void {
    this.#timer?.cancel();
    this.#timer = undefined;
    for (const attempt of [...this.#pending]) this.#close(attempt);
  }
}
