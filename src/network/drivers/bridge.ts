/** The bridge driver: a Linux bridge in the daemon's namespace, and a veth pair into it for every endpoint. */

import { BridgeportError, messageOf } from '../../base/errors.ts';
import { bridgeName } from '../../base/ids.ts';
import type { Log } from '../../base/log.ts';
import { randomMac } from '../../base/mac.ts';
import { Prefix } from '../../base/prefix.ts';
import { isErrno } from '../../kernel/ffi/errno.ts';
import type { Link, RouteClient } from '../../kernel/netlink/index.ts';
import type { NetnsHandle } from '../../kernel/netns/index.ts';
import { tryWriteSysctl } from '../../kernel/sysctl.ts';
import type { BridgeSpec, EndpointSpec, GatewayMode, NetworkSpec } from '../model/index.ts';
import { bridgeOptions } from './bridge-options.ts';
import {
  type DriverSettings,
  type EndpointTraits,
  INTERFACE_PREFIX,
  type NetworkDriver,
  type WantedNetwork,
} from './driver.ts';
import { bringUp, broadcastOf, type InterfaceAddress } from './interface.ts';
import { deleteLinkIfThere, endpointMark, networkMark, ownerOf } from './ownership.ts';

/** `#define BR_STATE_FORWARDING 3` (linux/if_bridge.h) */
const FORWARDING = 3;

/** How the daemon's flags shape every bridge. */
export interface BridgeDriverOptions {
  iptables: boolean;
  userlandProxy: boolean;
}

export class BridgeDriver implements NetworkDriver {
  readonly name = 'bridge';
  readonly #route: RouteClient;
  readonly #options: BridgeDriverOptions;
  readonly #log: Log;

  /** `route` is a client in the daemon's namespace. */
  constructor(route: RouteClient, options: BridgeDriverOptions, log: Log) {
    this.#route = route;
    this.#options = options;
    this.#log = log;
  }

  validate(wanted: WantedNetwork): DriverSettings {
    return { bridge: bridgeOptions(wanted) };
  }

  traits(spec: NetworkSpec): EndpointTraits {
    const { gatewayModeV4, gatewayModeV6, containerIfacePrefix } = bridgeOf(spec);
    const wayOut = (mode: GatewayMode) => (spec.internal || mode === 'isolated' ? 'none' : 'gateway');
    return {
      // Where the bridge has no address, nobody may take one for it.
      choosesGateway: gatewayModeV4 !== 'isolated',
      hasHostEnd: true,
      hasOwnMac: true,
      wayOut: { 4: wayOut(gatewayModeV4), 6: wayOut(gatewayModeV6) },
      interfacePrefix: containerIfacePrefix ?? INTERFACE_PREFIX,
    };
  }

  /** The bridge has the gateways' addresses; others that it has are left alone. */
  setup(spec: NetworkSpec): void {
    const { iptables, userlandProxy } = this.#options;
    const settings = bridgeOf(spec);
    const { name } = settings;
    const bridge = this.#ensureLink(spec, settings);
    const addresses = bridgeAddresses(spec);
    const hasIPv6 = addresses.some(({ address }) => address.includes(':'));
    if (hasIPv6) {
      this.#sysctl(`net/ipv6/conf/${name}/disable_ipv6`, '0');
      // Neighbours are asked for from the link-local address: while that is tentative, for a second or two, nothing from
      // elsewhere would find a container.
      this.#sysctl(`net/ipv6/conf/${name}/accept_dad`, '0');
    }
    for (const { address, prefixLength } of addresses) {
      this.#route.replaceAddress({
        link: bridge.index,
        address,
        prefixLength,
        ...(address.includes(':') ? { nodad: true } : { broadcast: broadcastOf(address, prefixLength) }),
      });
    }
    this.#route.setLink(bridge.index, { up: true });
    // Frames between ports of the bridge meet the firewall, which keeps containers apart; without the proxy, what a container asks of
    // a neighbour's published port is translated back there.
    if (iptables && (!settings.icc || !userlandProxy)) {
      this.#sysctl('net/bridge/bridge-nf-call-iptables', '1');
      this.#sysctl('net/bridge/bridge-nf-call-ip6tables', '1');
    }
  }

  /** A bridge that was there before the network, which took it by its name, stays. */
  async teardown(spec: NetworkSpec): Promise<void> {
    const { name } = bridgeOf(spec);
    const link = this.#route.findLink(name);
    if (link === undefined) return;
    if (name === bridgeName(spec.id) || ownerOf(link) !== undefined) {
      await deleteLinkIfThere(this.#route, link.index);
    }
  }

  /** A veth pair, whose inner end is made directly in `netns`. Throws `unavailable` when the bridge can hold no more. */
  createEndpoint(endpoint: EndpointSpec, spec: NetworkSpec, netns: NetnsHandle): void {
    const { name, mtu } = bridgeOf(spec);
    const { hostVeth = '', ifname, mac } = endpoint;
    const master = this.#route.link(name).index;
    const host = this.#refuseFull(name, () =>
      this.#route.addLink({
        kind: 'veth',
        name: hostVeth,
        mtu,
        master,
        up: true,
        peer: { name: ifname, mac, mtu, netns },
      }),
    );
    // The kernel takes no alias with a new link.
    this.#route.setLink(host.index, { alias: endpointMark(endpoint.id) });
    this.#allowHairpin(host);
    bringUp(endpoint, host.link as number, netns);
  }

  repairEndpoint({ hostVeth = '' }: EndpointSpec, spec: NetworkSpec): void {
    const master = this.#route.link(bridgeOf(spec).name).index;
    const host = this.#route.findLink(hostVeth);
    if (host === undefined || (host.master === master && host.up)) return;
    this.#route.setLink(host.index, { master, up: true });
    this.#allowHairpin(host);
  }

  /** Frames may leave by the bridge port they came in by: published ports without a proxy. */
  #allowHairpin({ index }: Link): void {
    if (this.#options.iptables && !this.#options.userlandProxy)
      this.#route.setBridgePort(index, { hairpin: true });
  }

  /**
   * The bridge forwards for a port once the kernel's link watch has seen its carrier, which is a moment after the inner end is up.
   * Asking for the link makes it look (rtnl_getlink() in net/core/rtnetlink.c, since Linux 6.8).
   */
  isHeard({ hostVeth }: EndpointSpec): boolean {
    const port = hostVeth === undefined ? undefined : this.#route.findLink(hostVeth)?.bridgePort;
    return port?.state === FORWARDING;
  }

  async deleteEndpoint({ hostVeth }: EndpointSpec): Promise<void> {
    if (hostVeth !== undefined) await deleteLinkIfThere(this.#route, hostVeth);
  }

  #ensureLink(spec: NetworkSpec, { name, mtu, isDefault }: BridgeSpec): Link {
    const found = this.#route.findLink(name);
    if (found === undefined) {
      const made = this.#route.addLink({ kind: 'bridge', name, mac: randomMac(), mtu });
      // docker0 outlives the daemon: it is nobody's leftover.
      if (!isDefault) this.#route.setLink(made.index, { alias: networkMark(spec.id) });
      this.#log.info({ bridge: name, mac: made.mac }, 'bridge made');
      return made;
    }
    if (found.kind !== 'bridge') {
      throw new BridgeportError('forbidden', `existing interface ${name} is not a bridge`);
    }
    if (found.mtu !== mtu) this.#route.setLink(found.index, { mtu });
    return found;
  }

  /** In words: `#define BR_MAX_PORTS (1 << BR_PORT_BITS)`, 1,024, of which number 0 is none (net/bridge/br_private.h). */
  #refuseFull<T>(bridge: string, add: () => T): T {
    try {
      return add();
    } catch (error) {
      if (!isErrno(error, 'EXFULL')) throw error;
      const ports = this.#route.links({ master: this.#route.link(bridge).index }).length;
      throw new BridgeportError(
        'unavailable',
        `bridge ${bridge} holds ${ports} ports, the most that the kernel allows: ${messageOf(error)}`,
        { cause: error, errno: 'EXFULL' },
      );
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

function bridgeOf({ name, bridge }: NetworkSpec): BridgeSpec {
  if (bridge === undefined) throw new BridgeportError('internal', `network ${name} has no bridge`);
  return bridge;
}

/** The bridge's own addresses, of either family: `172.17.0.1/16`. */
function bridgeAddresses(spec: NetworkSpec): InterfaceAddress[] {
  return spec.ipam.subnets.flatMap(({ subnet, gateway }) => {
    const prefix = Prefix.parse(subnet);
    const { gatewayModeV4, gatewayModeV6, inhibitV4 } = bridgeOf(spec);
    const mode = prefix.family === 4 ? gatewayModeV4 : gatewayModeV6;
    if (gateway === undefined || mode === 'isolated' || (prefix.family === 4 && inhibitV4 === true))
      return [];
    return [{ address: gateway, prefixLength: prefix.length }];
  });
}
