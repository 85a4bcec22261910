/** The vocabulary of the network modules: networks, endpoints, published ports, links. */

export type { EndpointAddress, EndpointSpec } from './endpoint.ts';
export type { Link } from './link.ts';
export type { BridgeSpec, GatewayMode, IpamSpec, NetworkSpec, SubnetSpec } from './network.ts';
export { GATEWAY_MODES } from './network.ts';
export type { PortMapping } from './port.ts';
