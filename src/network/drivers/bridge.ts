/** The bridge driver: a Linux bridge in the daemon's namespace, and a veth pair into it for every endpoint. */

import { messageOf } from '../../base/errors.ts';
import type { Log } from '../../base/log.ts';
import { randomMac } from '../../base/mac.ts';
import { Prefix } from '../../base/prefix.ts';
import { isErrno } from '../../kernel/ffi/errno.ts';
import { addAddress, addRoute, type Link, RouteClient, setLink } from '../../kernel/netlink/index.ts';
import { type NetnsHandle, withNetns } from '../../kernel/netns/index.ts';
import { tryWriteSysctl } from '../../kernel/sysctl.ts';
import type { EndpointSpec } from '../model/index.ts';

/** Marks what this driver made: the interface alias of the host's end is this word and the endpoint's id. */
export const OWNER_MARK = 'bridgeport';

export interface BridgeSettings {
  name: string;
  mtu: number;
  /** The bridge's own address, `172.17.0.1/16`; undefined leaves the addresses alone. */
  address: { address: string; prefixLength: number; broadcast: string } | undefined;
  /** Loopback addresses of the host may be translated to containers (userland proxy off). */
  routeLocalnet: boolean;
  /** Frames between ports of the bridge meet the firewall; needed to keep containers apart. */
  filterBridged: boolean;
}

export class BridgeDriver {
  readonly #route: RouteClient;
  readonly #log: Log;

  /** `route` is a client in the daemon's namespace. */
  constructor(route: RouteClient, log: Log) {
    this.#route = route;
    this.#log = log;
  }

  /** Makes the bridge or takes the one that is there; its other addresses are left alone. Repeating it changes nothing. */
  ensureBridge(settings: BridgeSettings): Link {
    const { name, address } = settings;
    let bridge = this.#route.findLink(name);
    if (bridge === undefined) {
      bridge = this.#route.addLink({
        kind: 'bridge',
        name,
        mac: randomMac(),
        mtu: settings.mtu,
        forwardDelay: undefined,
      });
      this.#log.info({ bridge: name, mac: bridge.mac }, 'bridge made');
    } else if (bridge.mtu !== settings.mtu) {
      this.#route.setLink(bridge.index, { mtu: settings.mtu });
    }
    if (address !== undefined) {
      this.#route.replaceAddress({
        link: bridge.index,
        address: address.address,
        prefixLength: address.prefixLength,
        broadcast: address.broadcast,
      });
    }
    this.#route.setLink(bridge.index, { up: true });
    if (settings.routeLocalnet) this.#sysctl(`net/ipv4/conf/${name}/route_localnet`, '1');
    if (settings.filterBridged) {
      this.#sysctl('net/bridge/bridge-nf-call-iptables', '1');
      this.#sysctl('net/bridge/bridge-nf-call-ip6tables', '1');
    }
    return this.#route.link(bridge.index);
  }

  /**
   * Makes the veth pair with the inner end directly in `netns` and brings it up with address and default route. The namespace has no
   * other interface of that name. Returns both indexes.
   */
  createEndpoint(
    endpoint: EndpointSpec,
    bridge: Link,
    netns: NetnsHandle,
    options: { mtu: number; hairpin: boolean; isDefaultRoute: boolean },
  ): { hostIndex: number; innerIndex: number } {
    const host = this.#route.addLink({
      kind: 'veth',
      name: endpoint.hostVeth,
      mtu: options.mtu,
      master: bridge.index,
      up: true,
      peer: { name: endpoint.ifname, mac: endpoint.mac, mtu: options.mtu, netns },
    });
    // The kernel takes no alias with a new link.
    this.#route.setLink(host.index, { alias: `${OWNER_MARK} ${endpoint.id}` });
    if (options.hairpin) this.#route.setBridgePort(host.index, { hairpin: true });
    const innerIndex = host.link as number;
    withNetns(netns, () => {
      // The kernel then announces the address (gratuitous ARP) when the link comes up, so that nobody keeps an old neighbour.
      tryWriteSysctl(`net/ipv4/conf/${endpoint.ifname}/arp_notify`, '1');
    });
    using inside = RouteClient.open(netns);
    const requests = [];
    if (endpoint.v4 !== undefined) {
      requests.push(
        addAddress({
          link: innerIndex,
          address: endpoint.v4.address,
          prefixLength: endpoint.v4.prefixLength,
          broadcast: broadcastOf(endpoint.v4),
        }),
      );
    }
    requests.push(setLink(innerIndex, { up: true }));
    if (options.isDefaultRoute && endpoint.v4?.gateway !== undefined) {
      requests.push(addRoute({ destination: 'default', gateway: endpoint.v4.gateway, link: innerIndex }));
    }
    inside.batch(requests);
    return { hostIndex: host.index, innerIndex };
  }

  /** Takes the pair away; what is gone already is fine. */
  async deleteEndpoint(hostVeth: string): Promise<void> {
    try {
      await this.#route.deleteLinkAsync(hostVeth);
    } catch (error) {
      if (!isErrno(error, 'ENODEV')) throw error;
    }
  }

  /** Host ends that carry our mark, with the endpoint ids in it. */
  ownedLinks(): Array<{ name: string; endpointId: string }> {
    return this.#route.links({ kind: 'veth' }).flatMap((link) => {
      const [mark, endpointId] = (link.alias ?? '').split(' ');
      return mark === OWNER_MARK && endpointId !== undefined ? [{ name: link.name, endpointId }] : [];
    });
  }

  #sysctl(name: string, value: string): void {
    try {
      if (!tryWriteSysctl(name, value))
        this.#log.warn({ sysctl: name }, 'this kernel does not have the setting');
    } catch (error) {
      this.#log.warn({ sysctl: name, error: messageOf(error) }, 'cannot change the setting');
    }
  }
}

function broadcastOf(address: { address: string; prefixLength: number }): string {
  return Prefix.parse(`${address.address}/${address.prefixLength}`).broadcast?.toString() ?? '';
}
