/** Ports of the host for those who name none: which to try. Pure; whether one is really free, the keeper finds out by binding it. */

import { conflict } from '../../base/errors.ts';
import { type PortRange, rangeSize } from '../../base/ports.ts';
import type { PortMapping } from '../model/index.ts';
import type { PublishRequest } from './request.ts';

/** A port of a container that shall have one of the host's. */
interface Slot {
  readonly request: PublishRequest;
  readonly containerPort: number;
  hostPort: number;
  /** Ports that have been looked at for it. */
  looked: number;
}

/** Ports of a request, and the host's that were chosen for them, in step. */
export interface ChosenRun {
  readonly request: PublishRequest;
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
   * One for each container port of `requests`. Throws `conflict` when there are not so many.
   *
   * @param standing what is published already: it need not be tried
   */
  choose(requests: readonly PublishRequest[], standing: readonly PortMapping[]): FreeChoice {
    const range = this.#range();
    const taken = { tcp: new Set<number>(), udp: new Set<number>(), sctp: new Set<number>() };
    for (const { proto, hostPort, hostPortEnd = hostPort } of standing) {
      const ports = taken[proto];
      for (let port = Math.max(hostPort, range.start); port <= Math.min(hostPortEnd, range.end); port++)
        ports.add(port);
    }
    const next = (slot: Slot, cause?: unknown) => {
      const { proto } = slot.request;
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

  constructor(requests: readonly PublishRequest[], next: (slot: Slot, cause?: unknown) => void) {
    this.#next = next;
    this.#slots = requests.flatMap((request) =>
      Array.from({ length: request.containerPortEnd - request.containerPort + 1 }, (_, index): Slot => {
        const slot = { request, containerPort: request.containerPort + index, hostPort: 0, looked: 0 };
        next(slot);
        return slot;
      }),
    );
  }

  runs(): ChosenRun[] {
    const runs: ChosenRun[] = [];
    for (const { request, containerPort, hostPort } of this.#slots) {
      const last = runs.at(-1);
      const continues =
        last?.request === request &&
        last.containerPortEnd + 1 === containerPort &&
        hostPort - last.hostPort === containerPort - last.containerPort;
      if (continues) last.containerPortEnd = containerPort;
      else runs.push({ request, containerPort, containerPortEnd: containerPort, hostPort });
    }
    return runs;
  }

  /** Others in place of these, which somebody has: `cause` said so. Throws `conflict` when there is none, or when none of them was chosen. */
  replace(taken: ReadonlyArray<{ proto: string; hostPort: number }>, cause: unknown): void {
    const names = new Set(taken.map(({ proto, hostPort }) => `${proto} ${hostPort}`));
    const lost = this.#slots.filter(({ request, hostPort }) => names.has(`${request.proto} ${hostPort}`));
    if (lost.length === 0) throw cause;
    for (const slot of lost) this.#next(slot, cause);
  }
}
