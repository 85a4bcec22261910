/** All UDP flows of the keeper: those that are idle end after a while, and there are never too many. */
import type { EpollLoop, Timer } from '../kernel/epoll/loop.ts';
import type { Counters } from './counters.ts';
import type { UdpFlow } from './udp-flow.ts';

/** How often idle flows are looked for, milliseconds. */
const SWEEP = 5000;

export interface UdpFlowsOptions {
  /** Milliseconds without a datagram either way until a flow ends. */
  idleTimeout: number;
  /** Most flows at once; one more ends the one that has been idle longest. */
  limit: number;
}

export class UdpFlows {
  readonly #loop: EpollLoop;
  readonly #counters: Counters;
  readonly #options: UdpFlowsOptions;
  /** Nearly in the order of their last datagram, which stands beside each as far as it is known here: see `#front()`. */
  readonly #byAge = new Map<UdpFlow, number>();
  #sweep: Timer | undefined;

  constructor(loop: EpollLoop, counters: Counters, options: UdpFlowsOptions) {
    this.#loop = loop;
    this.#counters = counters;
    this.#options = options;
  }

  enter(flow: UdpFlow): void {
    this.#byAge.set(flow, flow.lastActive);
    this.#sweep ??= this.#loop.after(SWEEP, () => this.#sweepIdle());
  }

  leave(flow: UdpFlow): void {
    this.#byAge.delete(flow);
  }

  /** Ends the flow that has been idle longest when there are as many as there may be. */
  makeRoom(): boolean {
    if (this.#byAge.size < this.#options.limit) return true;
    const oldest = this.#front();
    if (oldest === undefined) return false;
    this.#counters.udp.evicted++;
    oldest.abort();
    return true;
  }

  /**
   * The flow that has been idle longest, nearly. A flow's place is renewed only here and not at each datagram: those at the
   * front that were active since they got their place go to the back (the "second chance" of page replacement).
   */
  #front(): UdpFlow | undefined {
    for (const [flow, since] of this.#byAge) {
      if (flow.lastActive === since) return flow;
      this.#byAge.delete(flow);
      this.#byAge.set(flow, flow.lastActive);
    }
    return undefined;
  }

  #sweepIdle(): void {
    this.#sweep = undefined;
    const deadline = performance.now() - this.#options.idleTimeout;
    for (const flow of this.#byAge.keys()) if (flow.lastActive < deadline) flow.abort();
    if (this.#byAge.size > 0) this.#sweep = this.#loop.after(SWEEP, () => this.#sweepIdle());
  }
}
