/** Route netlink: a typed client, and the pure requests and readers under it. */
export {
  type AddressSpec,
  addAddress,
  deleteAddress,
  type InterfaceAddress,
  readAddress,
  replaceAddress,
  type Scope,
} from './address.ts';
export { RouteClient } from './client.ts';
export {
  type BridgeAttributes,
  type BridgePortAttributes,
  type Link,
  type LinkStats,
  type OperState,
  readLink,
} from './link.ts';
export {
  addLink,
  type BridgePortChange,
  type BridgeSettings,
  type BridgeSpec,
  deleteLink,
  type IpvlanFlag,
  type IpvlanMode,
  type LinkChange,
  type LinkFilter,
  type LinkOptions,
  type LinkSpec,
  type MacvlanMode,
  setBridge,
  setBridgePort,
  setLink,
  type VethSpec,
} from './link-requests.ts';
export {
  addForwardingEntry,
  addNeighbour,
  deleteNeighbour,
  type Neighbour,
  type NeighbourSpec,
  type NeighbourState,
  readNeighbour,
  replaceNeighbour,
} from './neighbour.ts';
export {
  addRoute,
  deleteRoute,
  type Route,
  type RouteFilter,
  type RouteSpec,
  type RouteType,
  readRoute,
  replaceRoute,
} from './route.ts';
export { type RoutingRule, readRule } from './rule.ts';
