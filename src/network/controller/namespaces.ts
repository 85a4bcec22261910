/** A sandbox in the kernel: its namespace, its interfaces and its default routes. */

import type { RouteClient } from '../../kernel/netlink/index.ts';
import { createNetns, type NetnsHandle, openNetns, withNetns } from '../../kernel/netns/index.ts';
import { tryWriteSysctl, writeSysctl } from '../../kernel/sysctl.ts';
import type { BridgeDriver } from '../drivers/bridge.ts';
import type { EndpointSpec } from '../model/index.ts';
import { endpointSysctls } from './endpoint-options.ts';
import type { NetworkRegistry } from './network-registry.ts';
import { chooseGateways, type SandboxRecord } from './sandbox-record.ts';

export class SandboxNamespaces {
  readonly #parts: { networks: NetworkRegistry; route: RouteClient; bridge: BridgeDriver; hairpin: boolean };

  /** `hairpin`: frames may leave by the bridge port they came in by (published ports without a proxy). */
  constructor(parts: {
    networks: NetworkRegistry;
    route: RouteClient;
    bridge: BridgeDriver;
    hairpin: boolean;
  }) {
    this.#parts = parts;
  }

  /** Makes the namespace with a loopback interface. */
  make(record: SandboxRecord): void {
    createNetns(record.path);
    // Interfaces made later get no IPv6 link-local address: a network without IPv6 must not have a second way in.
    withNetns(record.path, () => tryWriteSysctl('net/ipv6/conf/default/disable_ipv6', '1'));
  }

  /** Makes its interfaces and routes. */
  wire(record: SandboxRecord): void {
    if (record.endpoints.length === 0) return;
    using netns = openNetns(record.path);
    for (const endpoint of record.endpoints) this.#makeEndpoint(endpoint, netns);
    this.#setRoutes(record, netns);
  }

  /** Adds an endpoint to a namespace that is there. */
  add(record: SandboxRecord, endpoint: EndpointSpec): void {
    using netns = openNetns(record.path);
    this.#makeEndpoint(endpoint, netns);
    this.#setRoutes(record, netns);
  }

  /** After an endpoint has gone. */
  updateRoutes(record: SandboxRecord): void {
    using netns = openNetns(record.path);
    this.#setRoutes(record, netns);
  }

  #makeEndpoint(endpoint: EndpointSpec, netns: NetnsHandle): void {
    const { networks, route, bridge, hairpin } = this.#parts;
    const device = networks.byId(endpoint.networkId)?.bridge;
    if (device === undefined) return;
    bridge.createEndpoint(endpoint, route.link(device.name), netns, { mtu: device.mtu, hairpin });
    const sysctls = endpointSysctls(endpoint.driverOptions, endpoint.ifname);
    if (sysctls.length === 0) return;
    withNetns(netns, () => {
      for (const { name, value } of sysctls) writeSysctl(name, value);
    });
  }

  #setRoutes(record: SandboxRecord, netns: NetnsHandle): void {
    const { networks, bridge } = this.#parts;
    const { v4, v6 } = chooseGateways(record.endpoints, (id) => networks.byId(id));
    bridge.setDefaultRoutes(netns, {
      v4: v4?.v4?.gateway === undefined ? undefined : { ifname: v4.ifname, gateway: v4.v4.gateway },
      v6: v6?.v6?.gateway === undefined ? undefined : { ifname: v6.ifname, gateway: v6.v6.gateway },
    });
  }
}
