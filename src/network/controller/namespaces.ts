/** A sandbox in the kernel: its namespace, its interfaces and its default routes. */

import { RouteClient } from '../../kernel/netlink/index.ts';
import { createNetns, type NetnsHandle, openNetns, withNetns } from '../../kernel/netns/index.ts';
import { tryWriteSysctl, writeSysctl } from '../../kernel/sysctl.ts';
import type { Announcer } from '../drivers/announcer.ts';
import { type DefaultRoute, setDefaultRoutes } from '../drivers/default-routes.ts';
import type { NetworkDrivers } from '../drivers/driver.ts';
import { chooseGateways, type EndpointAddress, type EndpointSpec } from '../model/index.ts';
import { endpointSysctls } from './endpoint-options.ts';
import type { NetworkRegistry } from './network-registry.ts';
import type { SandboxRecord } from './sandbox-record.ts';

/** Name under which the daemon's own namespace stands among those of the containers: for `--network host`. */
export const HOST_NETNS = 'default';

export class SandboxNamespaces {
  readonly #networks: NetworkRegistry;
  readonly #drivers: NetworkDrivers;
  readonly #announcer: Announcer;

  constructor(networks: NetworkRegistry, drivers: NetworkDrivers, announcer: Announcer) {
    this.#networks = networks;
    this.#drivers = drivers;
    this.#announcer = announcer;
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

  /** Makes those of its interfaces that are not there, or only half, and its routes: for what a daemon that was killed had begun. */
  async complete(record: SandboxRecord): Promise<void> {
    using netns = openNetns(record.path);
    for (const endpoint of record.endpoints) {
      if (isMade(endpoint, netns)) continue;
      await this.remove(record, endpoint);
      this.#makeEndpoint(endpoint, netns);
    }
    this.#setRoutes(record, netns);
  }

  /** After an endpoint has gone. */
  updateRoutes(record: SandboxRecord): void {
    using netns = openNetns(record.path);
    this.#setRoutes(record, netns);
  }

  /** Takes an endpoint's interface away; the routes stay as they are. */
  async remove(record: SandboxRecord, endpoint: EndpointSpec): Promise<void> {
    this.#announcer.cancel(endpoint.id);
    const spec = this.#networks.byId(endpoint.networkId);
    if (spec !== undefined) await this.#drivers.of(spec)?.deleteEndpoint(endpoint, record.path);
  }

  #makeEndpoint(endpoint: EndpointSpec, netns: NetnsHandle): void {
    const spec = this.#networks.byId(endpoint.networkId);
    if (spec === undefined) return;
    const driver = this.#drivers.of(spec);
    if (driver === undefined) return;
    driver.createEndpoint(endpoint, spec, netns);
    const sysctls = endpointSysctls(endpoint.driverOptions, endpoint.ifname);
    if (sysctls.length > 0) {
      withNetns(netns, () => {
        for (const { name, value } of sysctls) writeSysctl(name, value);
      });
    }
    this.#announcer.announce(endpoint, netns, () => driver.isHeard(endpoint), spec.advertise);
  }

  #setRoutes(record: SandboxRecord, netns: NetnsHandle): void {
    const { v4, v6 } = chooseGateways(record.endpoints, (id) => this.#networks.byId(id));
    setDefaultRoutes(netns, { v4: defaultRoute(v4, v4?.v4), v6: defaultRoute(v6, v6?.v6) });
  }
}

/** Addresses come before the interface is up. */
function isMade({ ifname }: EndpointSpec, netns: NetnsHandle): boolean {
  using inside = RouteClient.open(netns);
  return inside.findLink(ifname)?.up === true;
}

function defaultRoute(
  endpoint: EndpointSpec | undefined,
  address: EndpointAddress | undefined,
): DefaultRoute | undefined {
  return endpoint && address && { ifname: endpoint.ifname, gateway: address.gateway };
}
