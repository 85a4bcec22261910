/**
 * Reports routes of the host that get into the way of a network, a VPN that comes up being the usual one, and when they are out of it
 * again: a warning in the log and an event `conflict`, then `conflict-resolved`.
 */

import type { Log } from '../../base/log.ts';
import { Prefix } from '../../base/prefix.ts';
import type { RouteClient } from '../../kernel/netlink/index.ts';
import { type HostRoute, loserOf, type SubnetSpace, useOf } from '../ipam/index.ts';
import type { NetworkSpec } from '../model/index.ts';

export interface RouteConflictsParts {
  /** In the daemon's namespace. */
  route: RouteClient;
  /** Of all networks. */
  pools: SubnetSpace;
  networks: () => readonly NetworkSpec[];
  emit: (action: string, networkId: string, attributes: Record<string, string>) => void;
  log: Log;
}

interface Conflict {
  readonly spec: NetworkSpec;
  /** Attributes of its events. */
  readonly attributes: Readonly<Record<string, string>>;
  readonly text: string;
}

export class RouteConflicts {
  readonly #parts: RouteConflictsParts;
  readonly #known = new Map<string, Conflict>();

  constructor(parts: RouteConflictsParts) {
    this.#parts = parts;
  }

  /** Reports what has changed since the last time, given all routes that lead elsewhere than to our networks. */
  update(routes: readonly HostRoute[]): void {
    const { emit, log } = this.#parts;
    const found = new Map(routes.flatMap((route) => this.#conflictsOf(route)));
    for (const [key, conflict] of found) {
      if (this.#known.has(key)) continue;
      this.#known.set(key, conflict);
      log.warn({ network: conflict.spec.name, ...conflict.attributes }, conflict.text);
      emit('conflict', conflict.spec.id, eventAttributes(conflict));
    }
    for (const [key, conflict] of this.#known) {
      if (found.has(key)) continue;
      this.#known.delete(key);
      // A network that has gone has no events any more.
      if (!this.#parts.networks().includes(conflict.spec)) continue;
      log.info({ network: conflict.spec.name, ...conflict.attributes }, 'the conflict with a route is over');
      emit('conflict-resolved', conflict.spec.id, eventAttributes(conflict));
    }
  }

  /** What is in the way of a network now, a sentence for each. */
  warnings(spec: NetworkSpec): string[] {
    return [...this.#known.values()]
      .filter((conflict) => conflict.spec.id === spec.id)
      .map(({ text }) => text);
  }

  #conflictsOf(route: HostRoute): Array<[string, Conflict]> {
    const prefix = useOf(route)?.prefix;
    // Nearly always: there may be a thousand networks, and routes are many.
    if (prefix === undefined || !this.#parts.pools.overlaps(prefix)) return [];
    return this.#parts.networks().flatMap((spec) =>
      spec.ipam.subnets.flatMap(({ subnet }): Array<[string, Conflict]> => {
        const loser = loserOf(Prefix.parse(subnet), route);
        if (loser === undefined) return [];
        const device = route.link === undefined ? '' : (this.#parts.route.findLink(route.link)?.name ?? '');
        const attributes = { subnet, route: route.destination, device, table: `${route.table}`, loser };
        const way = device === '' ? route.type : `by ${device}`;
        const text =
          loser === 'network'
            ? `the host's route to ${route.destination} (${way}) takes packets for containers of network ${spec.name} (${subnet}) elsewhere`
            : `network ${spec.name} (${subnet}) hides what the host's route to ${route.destination} (${way}) leads to`;
        return [[`${spec.id} ${Object.values(attributes).join(' ')}`, { spec, attributes, text }]];
      }),
    );
  }
}

function eventAttributes({ spec, attributes }: Conflict): Record<string, string> {
  return { ...attributes, name: spec.name, type: spec.driver };
}
