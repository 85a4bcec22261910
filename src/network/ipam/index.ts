/** Address management: subnets for networks, addresses for endpoints. Pure: the kernel is asked through probes. */

export { AddressPool, type InUseProbe } from './address-pool.ts';
export { type HostRoute, loserOf, type RouteUse, useOf } from './host-routes.ts';
export { type AllocateOptions, NetworkAddresses, type NetworkAddressesOptions } from './network-addresses.ts';
export {
  type AllocateSubnetOptions,
  type DefaultPool,
  DOCKER_DEFAULT_POOLS,
  SubnetSpace,
} from './subnet-space.ts';
export { ulaPool } from './ula.ts';
export { refuseReservedGateways, validateSubnets } from './validate.ts';
