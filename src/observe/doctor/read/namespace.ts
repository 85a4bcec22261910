/** Links, addresses and routes of one network namespace. */

import { RouteClient } from '../../../kernel/netlink/index.ts';
import { tryReadSysctl } from '../../../kernel/sysctl.ts';
import type { NetworkSpec } from '../../../network/model/index.ts';
import type { TopologyContainer } from '../../topology/records.ts';
import type { HostFacts, NamespaceFacts } from '../snapshot.ts';

export function readNamespace(path: string): NamespaceFacts {
  using client = RouteClient.open(path);
  return factsOf(client);
}

function factsOf(client: RouteClient): NamespaceFacts {
  return {
    links: client.links(),
    addresses: client.addresses(),
    // Table 0 means all of them.
    routes: ([4, 6] as const).flatMap((family) => client.routes({ family, table: 0 })),
  };
}

/** The namespace that the thread is in, and its ways to the containers. */
export function readHost(
  containers: readonly TopologyContainer[],
  networks: readonly NetworkSpec[],
): HostFacts {
  using client = RouteClient.open();
  const facts = factsOf(client);
  const withBridge = new Set(networks.filter(({ bridge }) => bridge !== undefined).map(({ id }) => id));
  const addresses = containers
    .flatMap(({ sandbox }) => sandbox?.endpoints ?? [])
    .filter(({ networkId }) => withBridge.has(networkId))
    .flatMap(({ v4, v6 }) => [v4, v6].flatMap((part) => part?.address ?? []));
  const read = new Map<string, string | undefined>();
  return {
    ...facts,
    waysTo: new Map(addresses.map((address) => [address, client.routeTo(address)])),
    forwarding: client.neighbours({ family: 'bridge' }),
    // Read when a check asks, which is at once: there is one reading of each.
    sysctl(name) {
      if (!read.has(name)) read.set(name, tryReadSysctl(name));
      return read.get(name);
    },
  };
}
