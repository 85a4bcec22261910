/** Where what reaches a host port goes. */
import type { ProxyMapping } from '../base/proxy-control.ts';

/** Something that lives as long as its mapping allows: a TCP connection or a UDP flow. */
export interface Passenger {
  /** Ends it at once; TCP peers see a reset. */
  abort(): void;
}

/** The way of one mapping, shared by all its ports, with everything that travels on it now. */
export class Route {
  readonly mapping: ProxyMapping;
  readonly passengers = new Set<Passenger>();
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

  /** Ends everything that travels on it: what docker-proxy's death does to its connections. */
  close(): void {
    for (const passenger of [...this.passengers]) passenger.abort();
  }
}
