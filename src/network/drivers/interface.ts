/** What is the same for every driver once an interface is in its namespace: settings, addresses, up. */

import { Prefix } from '../../base/prefix.ts';
import { addAddress, RouteClient, setLink } from '../../kernel/netlink/index.ts';
import { type NetnsHandle, withNetns } from '../../kernel/netns/index.ts';
import { tryReadSysctl, tryWriteSysctl, writeSysctl } from '../../kernel/sysctl.ts';
import type { EndpointSpec } from '../model/index.ts';

export interface InterfaceAddress {
  address: string;
  prefixLength: number;
}

/** Brings the interface of an endpoint up with its addresses. `link`: its index inside. */
export function bringUp(endpoint: EndpointSpec, link: number, netns: NetnsHandle): void {
  const { v4, v6, linkLocal = [], ifname } = endpoint;
  const addresses = [v4, v6, ...linkLocal].filter((address) => address !== undefined);
  if (addresses.some(({ address }) => address.includes(':'))) {
    withNetns(netns, () => {
      tryWriteSysctl(`net/ipv6/conf/${ifname}/accept_dad`, '0');
      tryWriteSysctl(`net/ipv6/conf/${ifname}/disable_ipv6`, '0');
    });
  }
  using inside = RouteClient.open(netns);
  const requests = [
    ...addresses.map(({ address, prefixLength }) =>
      addAddress({
        link,
        address,
        prefixLength,
        ...(address.includes(':') ? { nodad: true } : { broadcast: broadcastOf(address, prefixLength) }),
      }),
    ),
    setLink(link, { up: true }),
  ];
  withNetns(netns, () => unannounced(ifname, () => inside.batch(requests)));
}

/**
 * Where the machine has `arp_notify` on, a new namespace has it too (devinet_init_net() in net/ipv4/devinet.c), and the kernel would announce
 * what comes up once more than the network wants it announced: see `Announcer`. It goes on to do so for later changes.
 */
function unannounced(ifname: string, bringUp: () => void): void {
  const loud = ['all', ifname]
    .map((name) => `net/ipv4/conf/${name}/arp_notify`)
    .filter((name) => !['0', undefined].includes(tryReadSysctl(name)));
  for (const name of loud) writeSysctl(name, '0');
  try {
    bringUp();
  } finally {
    for (const name of loud) writeSysctl(name, '1');
  }
}

export function broadcastOf(address: string, prefixLength: number): string | undefined {
  return Prefix.parse(`${address}/${prefixLength}`).broadcast?.toString();
}
