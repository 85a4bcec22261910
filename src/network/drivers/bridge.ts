/** The bridge driver: a Linux bridge in the daemon's namespace, and a veth pair into it for every endpoint. */

import { messageOf } from '../../base/errors.ts';
import type { Log } from '../../base/log.ts';
import { randomMac } from '../../base/mac.ts';
import { Prefix } from '../../base/prefix.ts';
import { isErrno } from '../../kernel/ffi/errno.ts';
import { addAddress, type Link, RouteClient, replaceRoute, setLink } from '../../kernel/netlink/index.ts';
import { type NetnsHandle, withNetns } from '../../kernel/netns/index.ts';
import { tryWriteSysctl } from '../../kernel/sysctl.ts';
import type { EndpointSpec } from '../model/index.ts';

/** Marks what this driver made: the interface alias of the host's end is this word and the endpoint's id. */
export const OWNER_MARK = 'bridgeport';

export interface BridgeAddress {
  address: string;
  prefixLength: number;
}

export interface BridgeSettings {
  name: string;
  mtu: number;
  /** The bridge's own addresses, of either family: `172.17.0.1/16`. Others that it has are left alone. */
  addresses: readonly BridgeAddress[];
  /** Loopback addresses of the host may be translated to containers (userland proxy off). */
  routeLocalnet: boolean;
  /** Frames between ports of the bridge meet the firewall; needed to keep containers apart, and to translate back. */
  filterBridged: boolean;
}

/** Through which of its interfaces a namespace reaches the world, by family; undefined: not at all. */
export interface DefaultRoutes {
  v4: { ifname: string; gateway: string } | undefined;
  v6: { ifname: string; gateway: string } | undefined;
}

export class BridgeDriver {
  readonly #route: RouteClient;
  readonly #log: Log;

  /** `route` is a client in the daemon's namespace. */
  constructor(route: RouteClient, log: Log) {
    this.#route = route;
    this.#log = log;
  }

  /** Makes the bridge or takes the one that is there. Repeating it changes nothing. */
  ensureBridge(settings: BridgeSettings): Link {
    const { name } = settings;
    let bridge = this.#route.findLink(name);
    if (bridge === undefined) {
      bridge = this.#route.addLink({ kind: 'bridge', name, mac: randomMac(), mtu: settings.mtu });
      this.#log.info({ bridge: name, mac: bridge.mac }, 'bridge made');
    } else if (bridge.mtu !== settings.mtu) {
      this.#route.setLink(bridge.index, { mtu: settings.mtu });
    }
    const hasIPv6 = settings.addresses.some(({ address }) => address.includes(':'));
    if (hasIPv6) {
      this.#sysctl(`net/ipv6/conf/${name}/disable_ipv6`, '0');
      // Neighbours are asked for from the link-local address: while that is tentative, for a second or two, nothing from
      // elsewhere would find a container.
      this.#sysctl(`net/ipv6/conf/${name}/accept_dad`, '0');
    }
    for (const { address, prefixLength } of settings.addresses) {
      this.#route.replaceAddress({
        link: bridge.index,
        address,
        prefixLength,
        ...(address.includes(':') ? { nodad: true } : { broadcast: broadcastOf(address, prefixLength) }),
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

  /** Takes a bridge away; what is gone already is fine. */
  async deleteBridge(name: string): Promise<void> {
    await this.#delete(name);
  }

  /**
   * Makes the veth pair with the inner end directly in `netns` and brings it up with its addresses. The namespace has no other
   * interface of that name. Default routes are a matter of all endpoints together: see `setDefaultRoutes()`.
   */
  createEndpoint(
    endpoint: EndpointSpec,
    bridge: Link,
    netns: NetnsHandle,
    options: { mtu: number; hairpin: boolean },
  ): void {
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
    const { v4, v6, ifname } = endpoint;
    withNetns(netns, () => {
      // The kernel then announces the addresses (gratuitous ARP, unsolicited neighbour advertisement) when the link comes up, so
      // that nobody keeps an old neighbour.
      tryWriteSysctl(`net/ipv4/conf/${ifname}/arp_notify`, '1');
      if (v6 === undefined) return;
      tryWriteSysctl(`net/ipv6/conf/${ifname}/ndisc_notify`, '1');
      tryWriteSysctl(`net/ipv6/conf/${ifname}/accept_dad`, '0');
      tryWriteSysctl(`net/ipv6/conf/${ifname}/disable_ipv6`, '0');
    });
    using inside = RouteClient.open(netns);
    const link = host.link as number;
    inside.batch([
      ...(v4 === undefined
        ? []
        : [addAddress({ link, ...addressOf(v4), broadcast: broadcastOf(v4.address, v4.prefixLength) })]),
      ...(v6 === undefined ? [] : [addAddress({ link, ...addressOf(v6), nodad: true })]),
      setLink(link, { up: true }),
    ]);
  }

  /** Makes these the namespace's default routes. A family without one has none afterwards. */
  setDefaultRoutes(netns: NetnsHandle, routes: DefaultRoutes): void {
    using inside = RouteClient.open(netns);
    for (const [family, wanted] of [
      [4, routes.v4],
      [6, routes.v6],
    ] as const) {
      const link = wanted === undefined ? undefined : inside.link(wanted.ifname).index;
      const present = inside.routes({ family }).filter((route) => route.destination === 'default');
      for (const route of present) {
        if (route.link !== link || route.gateway !== wanted?.gateway) {
          inside.deleteRoute({ destination: 'default', family, link: route.link, gateway: route.gateway });
        }
      }
      if (wanted !== undefined) {
        inside.batch([replaceRoute({ destination: 'default', family, gateway: wanted.gateway, link })]);
      }
    }
  }

  /** Takes the pair away; what is gone already is fine. */
  async deleteEndpoint(hostVeth: string): Promise<void> {
    await this.#delete(hostVeth);
  }

  /** Host ends that carry our mark, with the endpoint ids in it. */
  ownedLinks(): Array<{ name: string; endpointId: string }> {
    return this.#route.links({ kind: 'veth' }).flatMap((link) => {
      const [mark, endpointId] = (link.alias ?? '').split(' ');
      return mark === OWNER_MARK && endpointId !== undefined ? [{ name: link.name, endpointId }] : [];
    });
  }

  async #delete(name: string): Promise<void> {
    try {
      await this.#route.deleteLinkAsync(name);
    } catch (error) {
      if (!isErrno(error, 'ENODEV')) throw error;
    }
  }

  #sysctl(name: string, value: string): void {
    try {
      if (!tryWriteSysctl(name, value)) {
        this.#log.warn({ sysctl: name }, 'this kernel does not have the setting');
      }
    } catch (error) {
      this.#log.warn({ sysctl: name, error: messageOf(error) }, 'cannot change the setting');
    }
  }
}

function addressOf({ address, prefixLength }: BridgeAddress): BridgeAddress {
  return { address, prefixLength };
}

function broadcastOf(address: string, prefixLength: number): string | undefined {
  return Prefix.parse(`${address}/${prefixLength}`).broadcast?.toString();
}
