/** The vocabulary of the network modules: networks, endpoints, published ports, links. */

export type { EndpointAddress, EndpointSpec, PastOwner } from './endpoint.ts';
export { chooseGateways, type Gateways, publishingEndpoints } from './gateways.ts';
export type { Link } from './link.ts';
export type {
  AdvertiseSpec,
  BridgeSpec,
  GatewayMode,
  IpamSpec,
  IpvlanFlag,
  IpvlanMode,
  MacvlanMode,
  NetworkSpec,
  ParentSpec,
  SubnetSpec,
} from './network.ts';
export {
  GATEWAY_MODES,
  IPVLAN_FLAGS,
  IPVLAN_MODES,
  isClosed,
  isUserDefined,
  MACVLAN_MODES,
} from './network.ts';
export type { PortMapping } from './port.ts';
