/** Where what reaches a host port goes. */
import type { ProxyMapping } from '../base/proxy-control.ts';
import { Passengers } from './passengers.ts';

/** The way of one mapping, shared by all its ports, with everything that travels on it now. */
export class Route {
  readonly mapping: ProxyMapping;
  /** By host port; a set is made for its port's first passenger: ports are many. */
  readonly #passengers = new Map<number, Passengers>();
  /** Added to a host port to get the target's port. */
  readonly offset: number;

  /** @param mapping with the host port that was really bound, not 0 */
  constructor(mapping: ProxyMapping) {
    this.mapping = mapping;
    this.offset = mapping.targetPort - mapping.hostPort;
  }

  get holds(): boolean {
    return this.mapping.mode === 'hold';
  }

  /** What comes by one host port now; a passenger enters the set and leaves it by itself. */
  passengers(port: number): Passengers {
    let present = this.#passengers.get(port);
    if (present === undefined) {
      present = new Passengers();
      this.#passengers.set(port, present);
    }
    return present;
  }

  /** Gives what comes by `port` to the route that has the port now, if it leads the same way. */
  handOver(port: number, next: Route): void {
    const present = this.#passengers.get(port);
    if (present === undefined || !this.#leadsAs(next)) return;
    this.#passengers.delete(port);
    next.#passengers.set(port, present);
  }

  /** Ends everything that travels on it: what docker-proxy's death does to its connections. */
  close(): void {
    for (const present of this.#passengers.values()) {
      for (const passenger of present.all()) passenger.abort();
    }
  }

  #leadsAs({ mapping, offset }: Route): boolean {
    const own = this.mapping;
    return (
      offset === this.offset &&
      mapping.targetIp === own.targetIp &&
      mapping.mode === own.mode &&
      (mapping.proxyProtocol ?? false) === (own.proxyProtocol ?? false)
    );
  }
}
