/** Through which of its networks a container reaches the world, and is reached by published ports. Pure. */

import type { EndpointAddress, EndpointSpec } from './endpoint.ts';
import type { NetworkSpec } from './network.ts';

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
