/** A name server that others are asked through, and what is known of its health. */

import type { NetnsHandle } from '../../../kernel/netns/index.ts';

/** Where a name server is. Plain data. */
export interface UpstreamSpec {
  /** Canonical text; for a link-local IPv6 address with its zone: `fe80::1%eth0`. */
  readonly address: string;
  /** Default 53. */
  readonly port?: number;
  /**
   * Whose network it is asked from: the daemon's (`host`: what stands in the host's resolv.conf, 127.0.0.53 included), or the
   * container's (`container`: what was given by `--dns`, as Docker does).
   */
  readonly from: 'host' | 'container';
}

/** Milliseconds after which another server is asked as well: bounds, and what is assumed of a server not yet known. */
const HEDGE_MIN = 10;
const HEDGE_MAX = 400;
const HEDGE_UNKNOWN = 20;
/** So many times in a row overtaken without a single answer since: others are asked first. */
const SUSPECT_AFTER = 3;
/** Milliseconds between two tries whether a suspect is back. */
const PROBE_INTERVAL = 1000;

/** Upper bounds of the latency histogram, in milliseconds. */
export const LATENCY_BOUNDS: readonly number[] = [1, 2, 5, 10, 20, 50, 100, 200, 500, 1000, 2000, 5000];

/** Plain data. */
export interface UpstreamMetrics {
  readonly address: string;
  readonly port: number;
  readonly from: 'host' | 'container';
  /** Queries sent, over UDP and TCP. */
  readonly sent: number;
  readonly answered: number;
  /** Of these: SERVFAIL, REFUSED and the like. */
  readonly failed: number;
  /** Not answered before somebody else was asked or the time was up. */
  readonly late: number;
  /** The kernel said that nobody is there. */
  readonly unreachable: number;
  /** Asked last, since it does not answer. */
  readonly suspect: boolean;
  /** Smoothed round trip in milliseconds; `undefined` before the first answer. */
  readonly roundTrip: number | undefined;
  readonly latency: {
    /** By bound of `LATENCY_BOUNDS`, and one more for those above; not cumulative. */
    readonly counts: readonly number[];
    /** Milliseconds in all. */
    readonly sum: number;
  };
}

export class Upstream {
  readonly address: string;
  readonly port: number;
  readonly from: 'host' | 'container';
  /** The namespace it is asked from; the daemon's own when absent. */
  readonly netns: NetnsHandle | undefined;
  /**
   * Ask from the daemon's namespace when the container's has no route: an IPv6-only network and `--dns 192.0.2.1`. Not for
   * internal networks.
   */
  orFromHost = false;
  #sent = 0;
  #answered = 0;
  #failed = 0;
  #late = 0;
  #unreachable = 0;
  /** Smoothed round trip and its deviation (RFC 6298, 2), in milliseconds. */
  #roundTrip: number | undefined;
  #deviation = 0;
  /** Since the last answer. */
  #lateInARow = 0;
  #probedAt = Number.NEGATIVE_INFINITY;
  readonly #counts = new Array<number>(LATENCY_BOUNDS.length + 1).fill(0);
  #latencySum = 0;

  constructor(spec: UpstreamSpec, netns?: NetnsHandle) {
    this.address = spec.address;
    this.port = spec.port ?? 53;
    this.from = spec.from;
    this.netns = spec.from === 'container' ? netns : undefined;
  }

  /** It has not answered for a while: others are asked first. */
  get isSuspect(): boolean {
    return this.#lateInARow >= SUSPECT_AFTER;
  }

  /** Milliseconds to wait before another server is asked as well: longer than nearly all of its answers take. */
  get hedgeDelay(): number {
    if (this.#roundTrip === undefined) return HEDGE_UNKNOWN;
    return Math.min(HEDGE_MAX, Math.max(HEDGE_MIN, this.#roundTrip + 4 * this.#deviation));
  }

  sent(): void {
    this.#sent++;
  }

  /** @param took milliseconds; over TCP it holds more than one round trip, and tells nothing about what to expect over UDP */
  answered(took: number, isFailure: boolean, protocol: 'udp' | 'tcp'): void {
    this.#answered++;
    if (isFailure) this.#failed++;
    this.#lateInARow = 0;
    const bucket = LATENCY_BOUNDS.findIndex((bound) => took <= bound);
    const index = bucket === -1 ? LATENCY_BOUNDS.length : bucket;
    this.#counts[index] = this.#counts[index]! + 1;
    this.#latencySum += took;
    if (protocol === 'tcp') return;
    if (this.#roundTrip === undefined) {
      this.#roundTrip = took;
      this.#deviation = took / 2;
    } else {
      this.#deviation += (Math.abs(took - this.#roundTrip) - this.#deviation) / 4;
      this.#roundTrip += (took - this.#roundTrip) / 8;
    }
  }

  /** It was given up on, or overtaken. */
  late(): void {
    this.#late++;
    this.#lateInARow++;
  }

  /** The kernel refused to send, or heard that nobody is there. */
  unreachable(): void {
    this.#unreachable++;
    this.#lateInARow++;
  }

  /** True when a suspect should be tried again; counts as tried. */
  takeProbe(now: number): boolean {
    if (!this.isSuspect || now - this.#probedAt < PROBE_INTERVAL) return false;
    this.#probedAt = now;
    return true;
  }

  metrics(): UpstreamMetrics {
    return {
      address: this.address,
      port: this.port,
      from: this.from,
      sent: this.#sent,
      answered: this.#answered,
      failed: this.#failed,
      late: this.#late,
      unreachable: this.#unreachable,
      suspect: this.isSuspect,
      roundTrip: this.#roundTrip,
      latency: { counts: [...this.#counts], sum: this.#latencySum },
    };
  }
}

/** In the order of the list, suspects last: a list's first server is the one that its owner trusts most. */
export function inOrderOfTrust(servers: readonly Upstream[]): readonly Upstream[] {
  if (!servers.some((server) => server.isSuspect)) return servers;
  return [...servers.filter((server) => !server.isSuspect), ...servers.filter((server) => server.isSuspect)];
}
