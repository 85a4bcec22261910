/** The bridges of networks: docker0 as the flags want it, and one for every network that users make. */

import { invalid } from '../../base/errors.ts';
import { Prefix } from '../../base/prefix.ts';
import type { RouteClient } from '../../kernel/netlink/index.ts';
import type { BridgeAddress, BridgeDriver } from '../drivers/bridge.ts';
import type { SubnetSpace } from '../ipam/index.ts';
import type { NetworkSpec } from '../model/index.ts';
import {
  chooseAddressing,
  DEFAULT_BRIDGE,
  type DefaultBridgeSettings,
  defaultBridgeSpec,
  type NetworkIdentity,
} from './default-networks.ts';

export interface BridgeOptions {
  iptables: boolean;
  userlandProxy: boolean;
}

/** Makes or takes the default bridge and gives its network. Throws `invalid` naming the flag that cannot be met. */
export function initDefaultBridge(
  flags: DefaultBridgeSettings,
  identity: NetworkIdentity,
  parts: { route: RouteClient; driver: BridgeDriver; pools: SubnetSpace; options: BridgeOptions },
): NetworkSpec {
  const { route, driver, pools, options } = parts;
  const name = flags.bridge === '' ? DEFAULT_BRIDGE : flags.bridge;
  const existing = route.findLink(name);
  if (flags.bridge !== '' && existing === undefined) {
    throw invalid(`bridge device non existent (${flags.bridge}): --bridge takes a bridge that is there`);
  }
  const addresses =
    existing === undefined
      ? []
      : route.addresses({ link: existing.index, family: 4 }).filter((a) => !a.secondary);
  const addressing = chooseAddressing(flags, addresses, () =>
    pools.allocate(4, { avoid: routedPrefixes(route, existing?.index) }),
  );
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
  ensureNetworkBridge(spec, driver, options);
  return spec;
}

/** Makes the bridge of a network with the gateways' addresses; repeating it changes nothing. */
export function ensureNetworkBridge(spec: NetworkSpec, driver: BridgeDriver, options: BridgeOptions): void {
  const { bridge } = spec;
  if (bridge === undefined) return;
  driver.ensureBridge({
    name: bridge.name,
    mtu: bridge.mtu,
    addresses: bridgeAddresses(spec),
    routeLocalnet: options.iptables && !options.userlandProxy,
    // Without the proxy, what a container asks of a neighbour's published port is translated back on the bridge.
    filterBridged: options.iptables && (!bridge.icc || !options.userlandProxy),
  });
}

function bridgeAddresses(spec: NetworkSpec): BridgeAddress[] {
  return spec.ipam.subnets.flatMap(({ subnet, gateway }) => {
    const prefix = Prefix.parse(subnet);
    const { gatewayModeV4, gatewayModeV6, inhibitV4 } = spec.bridge ?? {};
    const mode = prefix.family === 4 ? gatewayModeV4 : gatewayModeV6;
    if (gateway === undefined || mode === 'isolated' || (prefix.family === 4 && inhibitV4 === true))
      return [];
    return [{ address: gateway, prefixLength: prefix.length }];
  });
}

/** What the host has routes to, the default route and those of one link aside: nothing of it may be given to a network. */
export function routedPrefixes(route: RouteClient, exceptLink: number | undefined): Prefix[] {
  return ([4, 6] as const).flatMap((family) =>
    route
      .routes({ family })
      .filter((found) => found.link !== exceptLink)
      .flatMap((found) => Prefix.tryParse(found.destination) ?? []),
  );
}
