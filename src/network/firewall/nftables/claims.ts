/** Who has which port: a map holds a key once, so where two mappings want one port, the first keeps it. */

import { type PortRange, portsOf } from '../../../base/ports.ts';

export class PortClaims {
  /** By whatever the ports are ports of: an address and a protocol. */
  readonly #taken = new Map<string, Set<number>>();

  /** Claims a range; returns the parts of it that were still free, in order. */
  take(owner: string, range: PortRange): PortRange[] {
    const taken = this.#taken.get(owner) ?? new Set<number>();
    this.#taken.set(owner, taken);
    const free: PortRange[] = [];
    for (const port of portsOf(range)) {
      if (taken.has(port)) continue;
      taken.add(port);
      const last = free.at(-1);
      if (last?.end === port - 1) free[free.length - 1] = { start: last.start, end: port };
      else free.push({ start: port, end: port });
    }
    return free;
  }
}
