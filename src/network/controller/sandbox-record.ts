/** What the store keeps of a container's network, and what follows from it. Pure. */

import type { EndpointSpec, PortMapping } from '../model/index.ts';
import type { SandboxRequest } from './sandbox.ts';

export interface SandboxRecord {
  id: string;
  request: SandboxRequest;
  /** Path of the namespace. */
  path: string;
  /** In the order of their interfaces. */
  endpoints: EndpointSpec[];
  ports: PortMapping[];
  /** Ids of the containers whose processes are in the namespace: the owner, while it runs, and those that joined it. */
  holders: string[];
  /** `opening` and `closing` are half-done: a daemon that finds them closes them. */
  phase: 'opening' | 'open' | 'closing';
}

/** `eth0`, `eth1` …: the first number that no endpoint of the namespace has. */
export function freeInterfaceName(endpoints: readonly EndpointSpec[], prefix: string): string {
  const taken = new Set(endpoints.map((endpoint) => endpoint.ifname));
  for (let number = 0; ; number++) {
    if (!taken.has(`${prefix}${number}`)) return `${prefix}${number}`;
  }
}
