/** Networks as such: made and removed with what their drivers need, found, listed, inspected. Sandboxes join them elsewhere. */

import { BridgeportError, messageOf, runAll } from '../../base/errors.ts';
import { bridgeName, newId } from '../../base/ids.ts';
import { Ip } from '../../base/ip.ts';
import type { Log } from '../../base/log.ts';
import { Prefix } from '../../base/prefix.ts';
import { nowString } from '../../base/time.ts';
import type { NetworkCreateBody, NetworkInspect } from '../../base/wire/index.ts';
import type { RouteClient } from '../../kernel/netlink/index.ts';
import type { Store, Table } from '../../store/store.ts';
import type { ResolvConf } from '../dns/index.ts';
import type { NetworkDriver, NetworkDrivers } from '../drivers/driver.ts';
import type { AllocateSubnetOptions, SubnetSpace } from '../ipam/index.ts';
import type { EndpointSpec, NetworkSpec } from '../model/index.ts';
import { initDefaultBridge } from './bridges.ts';
import { createSpec } from './create-spec.ts';
import { type DefaultBridgeSettings, type NetworkIdentity, plainSpec } from './default-networks.ts';
import type { Forwarding } from './forwarding.ts';
import { HostRoutes } from './host-routes.ts';
import { NetworkRegistry } from './network-registry.ts';
import { RouteConflicts } from './route-conflicts.ts';
import { networkView } from './view.ts';

export interface NetworksParts {
  store: Store;
  pools: SubnetSpace;
  defaultBridge: DefaultBridgeSettings;
  /** `--default-network-opt`, by the driver's name. */
  defaultNetworkOptions: Readonly<Record<string, Readonly<Record<string, string>>>>;
  /** In the daemon's namespace. */
  route: RouteClient;
  drivers: NetworkDrivers;
  forwarding: Forwarding;
  /** The host's own, as it is now. */
  resolvConf: () => ResolvConf;
  /** Brings the firewall up to date. */
  syncFirewall: () => Promise<void>;
  /** The endpoints that are on a network now. */
  members: (spec: NetworkSpec) => Array<{ endpoint: EndpointSpec; containerName: string }>;
  emit: (action: string, networkId: string, attributes: Record<string, string>) => void;
  /** A network has come or is going. */
  onAdded: (spec: NetworkSpec) => void;
  onRemoved: (spec: NetworkSpec) => void;
  log: Log;
}

export class Networks {
  readonly registry: NetworkRegistry;
  readonly #parts: NetworksParts;
  readonly #identityTable: Table<NetworkIdentity>;
  readonly #hostRoutes: HostRoutes;
  readonly #conflicts: RouteConflicts;

  constructor(parts: NetworksParts) {
    this.#parts = parts;
    this.registry = new NetworkRegistry(parts.store, parts.pools, parts.drivers);
    this.#identityTable = parts.store.table<NetworkIdentity>('network_identities');
    this.#hostRoutes = new HostRoutes({
      route: parts.route,
      isOurs: (link) => this.registry.isBridge(link),
      onChange: () => this.reportConflicts(),
    });
    // A macvlan network is on the host's LAN, and so is the host.
    const bridged = () => this.registry.all().filter((spec) => spec.bridge !== undefined);
    this.#conflicts = new RouteConflicts({ ...parts, networks: bridged });
  }

  /** Nothing is watched any more. */
  close(): void {
    this.#hostRoutes[Symbol.dispose]();
  }

  /** Makes the predefined networks and the bridges of the stored ones. Throws when docker0 cannot be as the flags want it. */
  init(): void {
    const { route, drivers, forwarding, defaultBridge, pools } = this.#parts;
    const stored = this.registry.stored();
    // Their subnets first, so that docker0 does not choose one of them.
    for (const spec of stored) {
      this.registry.restore(spec);
      this.#parts.onAdded(spec);
    }
    for (const name of ['host', 'none'] as const) {
      this.registry.addPredefined(plainSpec(this.#identity(name), name));
    }
    if (defaultBridge.bridge !== 'none') {
      forwarding.ensure(4);
      if (defaultBridge.enableIPv6) forwarding.ensure(6);
      const spec = initDefaultBridge(defaultBridge, this.#identity('bridge'), {
        route,
        driver: drivers.find('bridge') as NetworkDriver,
        pools,
        inUse: () => this.#inUse(),
      });
      this.registry.addPredefined(spec);
      this.#hostRoutes.reread();
    }
    this.#setUp(stored);
  }

  /**
   * Bridges that somebody took away, brought down or robbed of their addresses are made again, and their containers put back on them; the
   * rest stays as it is.
   */
  repair(): void {
    const networks = this.registry.all();
    this.#setUp(networks);
    for (const spec of networks) {
      for (const { endpoint, containerName } of this.#parts.members(spec)) {
        try {
          this.#parts.drivers.of(spec)?.repairEndpoint(endpoint, spec);
        } catch (error) {
          this.#parts.log.error(
            { network: spec.name, container: containerName, error: messageOf(error) },
            'cannot put a container back on its network',
          );
        }
      }
    }
  }

  async create(body: NetworkCreateBody): Promise<{ Id: string; Warning: string }> {
    const { defaultBridge, drivers, syncFirewall, emit } = this.#parts;
    const wanted = createSpec({
      body,
      id: newId(),
      createdAt: nowString(),
      mtu: defaultBridge.mtu,
      hostBinding: defaultBridge.ip,
      defaultOptions: this.#parts.defaultNetworkOptions,
      driver: (name) => drivers.find(name),
    });
    const device = wanted.bridge?.name;
    if (device !== undefined && this.registry.isBridge(device)) {
      throw new BridgeportError('forbidden', `bridge name "${device}" is used by another network`);
    }
    const spec = this.registry.create(wanted, () => this.#inUse());
    try {
      this.#setup(spec);
      await syncFirewall();
    } catch (error) {
      await this.#destroy(spec).catch(() => {});
      throw error;
    }
    this.#parts.onAdded(spec);
    emit('create', spec.id, { name: spec.name, type: spec.driver });
    this.#rereadRoutes(spec);
    this.reportConflicts();
    return { Id: spec.id, Warning: this.#conflicts.warnings(spec).join('\n') };
  }

  /** Reports what has come between routes of the host and networks, or is over, since the last time. */
  reportConflicts(): void {
    try {
      this.#conflicts.update(this.#hostRoutes.all());
    } catch (error) {
      this.#parts.log.warn({ error: messageOf(error) }, "cannot compare the host's routes with the networks");
    }
  }

  /** Throws `forbidden`, in Docker's words, for predefined networks and those in use. */
  async remove(ref: string): Promise<void> {
    const spec = this.registry.find(ref);
    this.registry.refusePredefined(spec);
    const members = this.#parts.members(spec);
    if (members.length > 0) {
      const names = members.map(
        ({ endpoint, containerName }) => `name:"${containerName}" id:"${endpoint.id.slice(0, 12)}"`,
      );
      throw new BridgeportError(
        'forbidden',
        `error while removing network: network ${spec.name} has active endpoints (${names.join(', ')})`,
      );
    }
    await this.#destroy(spec);
    this.#parts.emit('destroy', spec.id, { name: spec.name, type: spec.driver });
  }

  /** Has anybody an endpoint on it? */
  isUsed(spec: NetworkSpec): boolean {
    return this.#parts.members(spec).length > 0;
  }

  list(): NetworkInspect[] {
    return this.registry.all().map((spec) => this.#view(spec));
  }

  inspect(ref: string): NetworkInspect {
    return this.#view(this.registry.find(ref));
  }

  /** Addresses of the host, of its neighbours and of its name servers: no subnet that we choose may have them. */
  #inUse(): AllocateSubnetOptions {
    const { avoid = [], discouraged = [] } = this.#hostRoutes.inUse();
    const servers = this.#parts.resolvConf().nameservers.flatMap((address) => Ip.tryParse(address) ?? []);
    return { avoid: [...avoid, ...servers.map((server) => Prefix.host(server))], discouraged };
  }

  #view(spec: NetworkSpec): NetworkInspect {
    return networkView(spec, this.#parts.members(spec));
  }

  #setUp(specs: readonly NetworkSpec[]): void {
    for (const spec of specs) {
      try {
        this.#setup(spec);
      } catch (error) {
        this.#parts.log.error({ network: spec.name, error: messageOf(error) }, 'cannot make a network again');
      }
    }
  }

  #setup(spec: NetworkSpec): void {
    const { drivers, forwarding } = this.#parts;
    drivers.of(spec)?.setup(spec, this.#others(spec));
    if (spec.internal || spec.bridge === undefined) return;
    if (spec.enableIPv4) forwarding.ensure(4);
    if (spec.enableIPv6) forwarding.ensure(6);
  }

  async #destroy(spec: NetworkSpec): Promise<void> {
    const { drivers, syncFirewall } = this.#parts;
    this.registry.remove(spec);
    this.#parts.onRemoved(spec);
    // The kernel is slow at both, and each is tried whatever becomes of the other.
    const outcomes = await Promise.allSettled([
      syncFirewall(),
      drivers.of(spec)?.teardown(spec, this.#others(spec)),
    ]);
    this.#rereadRoutes(spec);
    const failures = outcomes.filter((outcome) => outcome.status === 'rejected');
    await runAll(
      `remove network ${spec.name}`,
      failures.map(
        ({ reason }) =>
          () =>
            Promise.reject(reason),
      ),
    );
  }

  /** A bridge that was named by hand may have been there before its network, and may stay, with routes of its own. */
  #rereadRoutes({ id, bridge }: NetworkSpec): void {
    if (bridge !== undefined && bridge.name !== bridgeName(id)) this.#hostRoutes.reread();
  }

  #others(spec: NetworkSpec): NetworkSpec[] {
    return this.registry.all().filter((other) => other.id !== spec.id);
  }

  #identity(name: string): NetworkIdentity {
    const known = this.#identityTable.get(name);
    if (known !== undefined) return known;
    const identity = { id: newId(), createdAt: nowString() };
    this.#identityTable.put(name, identity);
    return identity;
  }
}
