/** What the store keeps of a container's network, and what follows from it. Pure. */

import type { EndpointAddress, EndpointSpec, NetworkSpec, PortMapping } from '../model/index.ts';
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

/** The endpoints through which the namespace reaches the world, by family. */
export interface Gateways {
  v4: EndpointSpec | undefined;
  v6: EndpointSpec | undefined;
}

/**
 * As Docker chooses: the highest priority, then the first network by name. Endpoints without a gateway (internal networks) do not
 * take part.
 */
export function chooseGateways(
  endpoints: readonly EndpointSpec[],
  networkOf: (id: string) => NetworkSpec | undefined,
): Gateways {
  const nameOf = (endpoint: EndpointSpec) => networkOf(endpoint.networkId)?.name ?? '';
  const ordered = endpoints.toSorted(
    (a, b) => b.gatewayPriority - a.gatewayPriority || (nameOf(a) < nameOf(b) ? -1 : 1),
  );
  return {
    v4: ordered.find(({ v4 }) => leadsOut(v4)),
    v6: ordered.find(({ v6 }) => leadsOut(v6)),
  };
}

/**
 * The endpoints at which ports are published: those where answers go out, if they are on a bridge. On a network without
 * one the container stands in the host's own network: there is nothing to translate.
 */
export function publishingEndpoints(
  endpoints: readonly EndpointSpec[],
  networkOf: (id: string) => NetworkSpec | undefined,
): Gateways {
  const { v4, v6 } = chooseGateways(endpoints, networkOf);
  const onBridge = (way: EndpointSpec | undefined) =>
    way !== undefined && networkOf(way.networkId)?.bridge !== undefined ? way : undefined;
  return { v4: onBridge(v4), v6: onBridge(v6) };
}

function leadsOut(address: EndpointAddress | undefined): boolean {
  return address?.gateway !== undefined || address?.onLink === true;
}

/** `eth0`, `eth1` …: the first number that no endpoint of the namespace has. */
export function freeInterfaceName(endpoints: readonly EndpointSpec[], prefix: string): string {
  const taken = new Set(endpoints.map((endpoint) => endpoint.ifname));
  for (let number = 0; ; number++) {
    if (!taken.has(`${prefix}${number}`)) return `${prefix}${number}`;
  }
}
