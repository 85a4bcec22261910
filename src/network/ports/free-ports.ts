/** Ports of the host for those who name none: which to try. Pure; whether one is really free, the keeper finds out by binding it. */

import { conflict } from '../../base/errors.ts';
import { type PortRange, type Protocol, rangeSize } from '../../base/ports.ts';
import type { PortMapping } from '../model/index.ts';
import type { PublishRequest } from './request.ts';

/** A port of a container that shall have one of the host's. */
interface Slot {
  /** Those that get it, each on an address of its own. */
  readonly requests: readonly PublishRequest[];
  readonly proto: Protocol;
  readonly containerPort: number;
  hostPort: number;
  /** Ports that have been looked at for it. */
  looked: number;
}

/** Ports of requests that are alike, and the host's that were chosen for them, in step. */
export interface ChosenRun {
  readonly requests: readonly PublishRequest[];
  readonly containerPort: number;
  containerPortEnd: number;
  readonly hostPort: number;
}

export class FreePorts {
  readonly #range: () => PortRange;
  /**
   * Where the search goes on, so that a port just given back is not handed out at once, and that those who choose at the same time
   * do not choose the same.
   */
  #cursor = 0;

  /** `range` is read for every choice: it is a setting of the host. */
  constructor(range: () => PortRange) {
    this.#range = range;
  }

  /**
   * One for each container port of each group of `requests`. Throws `conflict` when there are not so many.
   *
   * @param requests not empty each: alike in all but the host's address
   * @param standing what is published already: it need not be tried
   */
  choose(requests: ReadonlyArray<readonly PublishRequest[]>, standing: readonly PortMapping[]): FreeChoice {
    const range = this.#range();
    const taken = { tcp: new Set<number>(), udp: new Set<number>(), sctp: new Set<number>() };
    for (const { proto, hostPort, hostPortEnd = hostPort } of standing) {
      const ports = taken[proto];
      for (let port = Math.max(hostPort, range.start); port <= Math.min(hostPortEnd, range.end); port++)
        ports.add(port);
    }
    const next = (slot: Slot, cause?: unknown) => {
      const { proto } = slot;
      const ports = taken[proto];
      do {
        if (slot.looked++ >= rangeSize(range)) {
          throw conflict(
            `publish ${slot.containerPort}/${proto}: no free port between ${range.start} and ${range.end}`,
            { cause },
          );
        }
        slot.hostPort = range.start + (this.#cursor++ % rangeSize(range));
      } while (ports.has(slot.hostPort));
      ports.add(slot.hostPort);
    };
    return new FreeChoice(requests, next);
  }
}

export class FreeChoice {
  readonly #slots: Slot[];
  readonly #next: (slot: Slot, cause: unknown) => void;

  constructor(
    requests: ReadonlyArray<readonly PublishRequest[]>,
    next: (slot: Slot, cause?: unknown) => void,
  ) {
    this.#next = next;
    this.#slots = requests.flatMap((alike) => {
      const { proto, containerPort, containerPortEnd } = alike[0] as PublishRequest;
      return Array.from({ length: containerPortEnd - containerPort + 1 }, (_, index): Slot => {
        const slot = { requests: alike, proto, containerPort: containerPort + index, hostPort: 0, looked: 0 };
        next(slot);
        return slot;
      });
    });
  }

  runs(): ChosenRun[] {
    const runs: ChosenRun[] = [];
    for (const { requests, containerPort, hostPort } of this.#slots) {
      const last = runs.at(-1);
      const continues =
        last?.requests === requests &&
        last.containerPortEnd + 1 === containerPort &&
        hostPort - last.hostPort === containerPort - last.containerPort;
      if (continues) last.containerPortEnd = containerPort;
      else runs.push({ requests, containerPort, containerPortEnd: containerPort, hostPort });
    }
    return runs;
  }

  /** Others in place of these, which somebody has: `cause` said so. Throws `conflict` when there is none, or when none of them was chosen. */
  replace(taken: ReadonlyArray<{ proto: string; hostPort: number }>, cause: unknown): void {
    const names = new Set(taken.map(({ proto, hostPort }) => `${proto} ${hostPort}`));
    const lost = this.#slots.filter(({ proto, hostPort }) => names.has(`${proto} ${hostPort}`));
    if (lost.length === 0) throw cause;
    for (const slot of lost) this.#next(slot, cause);
  }
}
