/** All networks, with the addresses of each, kept in the store. */

import { BridgeportError, conflict, invalid, notFound } from '../../base/errors.ts';
import { Prefix } from '../../base/prefix.ts';
import type { Store, Table } from '../../store/store.ts';
import type { NetworkDrivers } from '../drivers/driver.ts';
import { type AllocateSubnetOptions, NetworkAddresses, type SubnetSpace } from '../ipam/index.ts';
import { isUserDefined, type NetworkSpec, type SubnetSpec } from '../model/index.ts';

export class NetworkRegistry {
  /** By name, in the order they were made, the predefined first. */
  readonly #networks = new Map<string, NetworkSpec>();
  readonly #byId = new Map<string, NetworkSpec>();
  /** Names of their interfaces. */
  readonly #bridges = new Set<string>();
  readonly #addresses = new Map<string, NetworkAddresses>();
  readonly #table: Table<NetworkSpec>;
  readonly #pools: SubnetSpace;
  readonly #drivers: NetworkDrivers;

  constructor(store: Store, pools: SubnetSpace, drivers: NetworkDrivers) {
    this.#table = store.table<NetworkSpec>('networks');
    this.#pools = pools;
    this.#drivers = drivers;
  }

  /** The networks that users made, as an earlier daemon left them. */
  stored(): NetworkSpec[] {
    return this.#table
      .all()
      .map(([, spec]) => spec)
      .sort((a, b) => (a.createdAt < b.createdAt ? -1 : 1));
  }

  /** One of the daemon's own networks: made anew at every start, never stored. */
  addPredefined(spec: NetworkSpec): void {
    this.#add(spec);
  }

  /** One that was stored before. */
  restore(spec: NetworkSpec): void {
    for (const { subnet } of spec.ipam.subnets) this.#pools.restore(Prefix.parse(subnet));
    this.#add(spec);
  }

  /**
   * Takes the subnets (chosen from the pools for families that have none, away from what is `inUse`) and stores the network. Throws
   * `conflict` when the name is taken, `forbidden` when a subnet is.
   */
  create(spec: NetworkSpec, inUse: () => AllocateSubnetOptions): NetworkSpec {
    if (this.#networks.has(spec.name)) throw conflict(`network with name ${spec.name} already exists`);
    const taken: Prefix[] = [];
    try {
      const subnets: SubnetSpec[] = [];
      for (const family of [4, 6] as const) {
        const given = spec.ipam.subnets.filter(({ subnet }) => Prefix.parse(subnet).family === family);
        for (const subnet of given) {
          const prefix = Prefix.parse(subnet.subnet);
          this.#pools.request(prefix);
          taken.push(prefix);
          subnets.push(subnet);
        }
        const wanted = family === 4 ? spec.enableIPv4 : spec.enableIPv6;
        if (given.length === 0 && wanted) {
          const prefix = this.#pools.allocate(family, inUse());
          taken.push(prefix);
          subnets.push({ subnet: prefix.toString(), fromPool: true });
        }
      }
      const chooseGateway = this.#choosesGateway(spec);
      const addresses = new NetworkAddresses({ name: spec.name, id: spec.id, subnets, chooseGateway });
      // The chosen gateways become part of the network: `inspect` shows them.
      const settled = subnets.map((subnet, index) => ({ ...subnet, ...addresses.subnets[index] }));
      const complete: NetworkSpec = { ...spec, ipam: { ...spec.ipam, subnets: settled } };
      this.#table.put(complete.id, complete);
      this.#add(complete);
      return complete;
    } catch (error) {
      for (const prefix of taken) this.#pools.release(prefix);
      throw error;
    }
  }

  remove(spec: NetworkSpec): void {
    this.#table.delete(spec.id);
    this.#networks.delete(spec.name);
    this.#byId.delete(spec.id);
    if (spec.bridge !== undefined) this.#bridges.delete(spec.bridge.name);
    this.#addresses.delete(spec.id);
    for (const { subnet } of spec.ipam.subnets) this.#pools.release(Prefix.parse(subnet));
  }

  /** In the order they were made, the predefined first. */
  all(): readonly NetworkSpec[] {
    return [...this.#networks.values()];
  }

  byId(id: string): NetworkSpec | undefined {
    return this.#byId.get(id);
  }

  /** Is an interface of this name the bridge of a network? */
  isBridge(name: string): boolean {
    return this.#bridges.has(name);
  }

  addresses(networkId: string): NetworkAddresses | undefined {
    return this.#addresses.get(networkId);
  }

  /** By id, name or unambiguous id prefix. Throws `not-found` in Docker's words. */
  find(ref: string): NetworkSpec {
    const exact = this.#byId.get(ref) ?? this.#networks.get(ref === 'default' ? 'bridge' : ref);
    if (exact !== undefined) return exact;
    const matches = ref === '' ? [] : this.all().filter((spec) => spec.id.startsWith(ref));
    if (matches.length > 1) {
      throw invalid(`network ${ref} is ambiguous (${matches.length} matches found based on ID prefix)`);
    }
    const match = matches[0];
    if (match === undefined) throw notFound(`network ${ref} not found`);
    return match;
  }

  isPredefined(spec: NetworkSpec): boolean {
    return !isUserDefined(spec);
  }

  refusePredefined(spec: NetworkSpec): void {
    if (this.isPredefined(spec)) {
      throw new BridgeportError('forbidden', `${spec.name} is a pre-defined network and cannot be removed`);
    }
  }

  #add(spec: NetworkSpec): void {
    this.#networks.set(spec.name, spec);
    this.#byId.set(spec.id, spec);
    if (spec.bridge !== undefined) this.#bridges.add(spec.bridge.name);
    if (spec.ipam.subnets.length > 0) {
      this.#addresses.set(
        spec.id,
        new NetworkAddresses({
          name: spec.name,
          id: spec.id,
          subnets: spec.ipam.subnets,
          chooseGateway: this.#choosesGateway(spec),
        }),
      );
    }
  }

  #choosesGateway(spec: NetworkSpec): boolean {
    return this.#drivers.of(spec)?.traits(spec).choosesGateway ?? true;
  }
}
