/** docker0, as the flags want it. */

import { invalid } from '../../base/errors.ts';
import type { RouteClient } from '../../kernel/netlink/index.ts';
import type { NetworkDriver } from '../drivers/driver.ts';
import type { AllocateSubnetOptions, SubnetSpace } from '../ipam/index.ts';
import type { NetworkSpec } from '../model/index.ts';
import {
  chooseAddressing,
  DEFAULT_BRIDGE,
  type DefaultBridgeSettings,
  defaultBridgeSpec,
  type NetworkIdentity,
} from './default-networks.ts';

/** Makes or takes the default bridge and gives its network. Throws `invalid` naming the flag that cannot be met. */
export function initDefaultBridge(
  flags: DefaultBridgeSettings,
  identity: NetworkIdentity,
  parts: {
    route: RouteClient;
    driver: NetworkDriver;
    pools: SubnetSpace;
    /** What a subnet that is chosen must keep away from. */
    inUse: () => AllocateSubnetOptions;
  },
): NetworkSpec {
  const { route, driver, pools, inUse } = parts;
  const name = flags.bridge === '' ? DEFAULT_BRIDGE : flags.bridge;
  const existing = route.findLink(name);
  if (flags.bridge !== '' && existing === undefined) {
    throw invalid(`bridge device non existent (${flags.bridge}): --bridge takes a bridge that is there`);
  }
  const addresses =
    existing === undefined
      ? []
      : route.addresses({ link: existing.index, family: 4 }).filter((a) => !a.secondary);
  const addressing = chooseAddressing(flags, addresses, () => pools.allocate(4, inUse()));
  if (flags.bip !== '' && existing !== undefined) {
    // The flag says what the bridge's address is: an earlier daemon's is replaced.
    for (const { address, prefixLength } of addresses) {
      if (address !== addressing.address.toString()) {
        route.deleteAddress({ link: existing.index, address, prefixLength });
      }
    }
  }
  if (!pools.overlaps(addressing.subnet)) pools.request(addressing.subnet);
  const spec = defaultBridgeSpec(identity, name, flags, addressing);
  driver.setup(spec, []);
  return spec;
}
