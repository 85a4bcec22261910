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
  const address = (family: 4 | 6) => {
    const wanted = family === 4 ? flags.v4 : flags.v6;
    const present =
      existing === undefined
        ? []
        : route
            .addresses({ link: existing.index, family })
            .filter(({ secondary, scope }) => !secondary && scope !== 'link');
    const chosen = chooseAddressing(family, wanted, present, () => pools.allocate(family, inUse()));
    if (existing !== undefined && (wanted.bip !== '' || (family === 6 && wanted.fixedCidr !== ''))) {
      // The flag says what the bridge's address is: an earlier daemon's is replaced.
      for (const { address, prefixLength } of present) {
        if (address !== chosen.address.toString()) {
          route.deleteAddress({ link: existing.index, address, prefixLength });
        }
      }
    }
    if (!pools.overlaps(chosen.subnet)) pools.request(chosen.subnet);
    return chosen;
  };
  const spec = defaultBridgeSpec(identity, name, flags, {
    v4: address(4),
    ...(flags.enableIPv6 ? { v6: address(6) } : {}),
  });
  driver.setup(spec, []);
  return spec;
}
