/** The names on the networks, and who sees which of them. */

import { invalid } from '../../../base/errors.ts';
import { Ip, type IpFamily } from '../../../base/ip.ts';
import { Prefix } from '../../../base/prefix.ts';
import { bytesOfName, canonicalName, encodeName } from '../message/name.ts';

/** One endpoint's entry in its network. Plain data. */
export interface ZoneHost {
  /** Names the entry: one per network. */
  readonly endpointId: string;
  /** The container's name first (it is what PTR answers tell), then aliases, the short id. Dots are allowed. */
  readonly names: readonly string[];
  /** Canonical texts, IPv4 and IPv6. May be empty: the name exists, and has no addresses. */
  readonly addresses: readonly string[];
}

/** A network's names. Plain data. */
export interface NetworkZone {
  readonly id: string;
  readonly name: string;
  /** CIDR texts: addresses within are answered for here, whether somebody has them or not. */
  readonly subnets: readonly string[];
  readonly hosts: readonly ZoneHost[];
}

/** A name that only one container has for another: `--link db:database`. */
export interface ZoneLink {
  readonly networkId: string;
  /** The name: `database`. */
  readonly alias: string;
  /** A name on the network: `db`. */
  readonly target: string;
}

/** What a sandbox sees. Plain data. */
export interface ZoneView {
  /** Ids of its networks, in the order in which they are searched: the first one that knows a name answers. */
  readonly networks: readonly string[];
  readonly links: readonly ZoneLink[];
}

/** What is known of a name: addresses as 4 or 16 bytes. */
export interface ZoneEntry {
  readonly v4: readonly Uint8Array[];
  readonly v6: readonly Uint8Array[];
}

/** What is known of an address. */
export interface ReverseEntry {
  /** `name.network` in the form of a message; `undefined`: nobody has the address. */
  readonly name: Buffer | undefined;
}

interface IndexedHost {
  readonly names: readonly string[];
  /** Canonical texts. */
  readonly addresses: readonly string[];
  readonly v4: readonly Uint8Array[];
  readonly v6: readonly Uint8Array[];
  readonly reverseName: Buffer | undefined;
}

/** A view as it is used for look-ups. */
export interface CompiledView {
  readonly networks: readonly string[];
  /** By canonical alias. */
  readonly links: ReadonlyMap<string, readonly ZoneLink[]>;
}

export function compileView(view: ZoneView): CompiledView {
  return {
    networks: [...view.networks],
    links: Map.groupBy(view.links, (link) => canonicalName(link.alias)),
  };
}

/** All networks of the daemon. Changing one host costs as much as it has names, whatever the network holds. */
export class Zones {
  readonly #networks = new Map<string, Network>();
  /** How many entries and owners have a name, over all networks: whatever is in here is a container's name. */
  readonly #known = new Map<string, number>();
  readonly #reserved = new Map<string, readonly string[]>();

  /** Adds a network or replaces what is known of it. Throws `invalid` for an address or subnet that is none. */
  setNetwork(zone: NetworkZone): void {
    const network = new Network(zone);
    for (const host of zone.hosts) network.set(host);
    this.removeNetwork(zone.id);
    this.#networks.set(zone.id, network);
    for (const name of network.allNames()) this.#count(name, 1);
  }

  /** Idempotent. */
  removeNetwork(id: string): void {
    for (const name of this.#networks.get(id)?.allNames() ?? []) this.#count(name, -1);
    this.#networks.delete(id);
  }

  /** Adds an endpoint to a network or replaces it. Throws `invalid` when the network is unknown. */
  setHost(networkId: string, host: ZoneHost): void {
    const network = this.#networks.get(networkId);
    if (network === undefined)
      throw invalid(`set names of ${host.endpointId}: network ${networkId} is unknown`);
    const before = network.namesOf(host.endpointId);
    network.set(host);
    for (const name of before) this.#count(name, -1);
    for (const name of network.namesOf(host.endpointId)) this.#count(name, 1);
  }

  /** Idempotent. */
  removeHost(networkId: string, endpointId: string): void {
    const network = this.#networks.get(networkId);
    for (const name of network?.namesOf(endpointId) ?? []) this.#count(name, -1);
    network?.remove(endpointId);
  }

  /**
   * Names that somebody has who may be on no network now (a container that does not run): nobody sees them, and no upstream is asked for
   * them. Replaces what was reserved for the owner before.
   */
  reserve(owner: string, names: Iterable<string>): void {
    const before = this.#reserved.get(owner) ?? [];
    const after = [...new Set([...names].map(canonicalName))];
    for (const name of after) this.#count(name, 1);
    for (const name of before) this.#count(name, -1);
    if (after.length > 0) this.#reserved.set(owner, after);
    else this.#reserved.delete(owner);
  }

  /** True for any container's name, seen or not. `name` is canonical. */
  isKnown(name: string): boolean {
    return this.#known.has(name);
  }

  /**
   * What a sandbox sees under a name: `undefined` when it is not a name here. As in Docker, `a.b.c` may be a name with dots,
   * `a.b` on the network `c`, or `a` on the network `b.c`; a link goes before a name on the network.
   *
   * @param name canonical, as `readName()` gives it
   */
  find(view: CompiledView, name: string): ZoneEntry | undefined {
    const whole = this.#findOn(view, name, undefined);
    if (whole !== undefined) return whole;
    for (let dot = name.lastIndexOf('.'); dot > 0; dot = name.lastIndexOf('.', dot - 1)) {
      const entry = this.#findOn(view, name.slice(0, dot), name.slice(dot + 1));
      if (entry !== undefined) return entry;
    }
    return undefined;
  }

  /** What a sandbox sees of an address; `undefined` when it is in none of its networks. */
  findAddress(view: CompiledView, address: Ip): ReverseEntry | undefined {
    let isLocal = false;
    for (const id of view.networks) {
      const network = this.#networks.get(id);
      const name = network?.reverse(address);
      if (name !== undefined) return { name };
      isLocal ||= network?.contains(address) ?? false;
    }
    return isLocal ? { name: undefined } : undefined;
  }

  #findOn(view: CompiledView, name: string, networkName: string | undefined): ZoneEntry | undefined {
    const links = view.links.size === 0 ? undefined : view.links.get(name);
    for (const id of view.networks) {
      const network = this.#networks.get(id);
      if (network === undefined || (networkName !== undefined && network.name !== networkName)) continue;
      const link = links?.find((candidate) => candidate.networkId === id);
      const entry = network.find(link === undefined ? name : canonicalName(link.target));
      if (entry !== undefined) return entry;
    }
    return undefined;
  }

  #count(name: string, change: 1 | -1): void {
    const count = (this.#known.get(name) ?? 0) + change;
    if (count > 0) this.#known.set(name, count);
    else this.#known.delete(name);
  }
}

/** One network's index. */
class Network {
  /** Canonical. */
  readonly name: string;
  /** As its owner writes it: for PTR answers. */
  readonly #spelling: string;
  readonly #subnets: readonly Prefix[];
  readonly #hosts = new Map<string, IndexedHost>();
  /** By canonical name; several hosts may share an alias. */
  readonly #byName = new Map<string, Set<IndexedHost>>();
  readonly #byAddress = new Map<string, IndexedHost>();

  constructor(zone: NetworkZone) {
    this.name = canonicalName(zone.name);
    this.#spelling = bytesOfName(zone.name);
    this.#subnets = zone.subnets.map((subnet) => Prefix.parse(subnet));
  }

  set(host: ZoneHost): void {
    const first = host.names[0];
    const addresses = host.addresses.map((address) => Ip.parse(address));
    const bytesOf = (family: IpFamily) =>
      addresses.filter((address) => address.family === family).map((address) => address.toBytes());
    const indexed: IndexedHost = {
      names: [...new Set(host.names.map(canonicalName))],
      addresses: addresses.map(String),
      v4: bytesOf(4),
      v6: bytesOf(6),
      reverseName: first === undefined ? undefined : encodeName(`${bytesOfName(first)}.${this.#spelling}`),
    };
    this.remove(host.endpointId);
    this.#hosts.set(host.endpointId, indexed);
    for (const name of indexed.names) {
      const sharing = this.#byName.get(name);
      if (sharing === undefined) this.#byName.set(name, new Set([indexed]));
      else sharing.add(indexed);
    }
    for (const address of indexed.addresses) this.#byAddress.set(address, indexed);
  }

  remove(endpointId: string): void {
    const indexed = this.#hosts.get(endpointId);
    if (indexed === undefined) return;
    this.#hosts.delete(endpointId);
    for (const name of indexed.names) {
      const sharing = this.#byName.get(name);
      sharing?.delete(indexed);
      if (sharing?.size === 0) this.#byName.delete(name);
    }
    for (const address of indexed.addresses) {
      // It may have been given to another endpoint already.
      if (this.#byAddress.get(address) === indexed) this.#byAddress.delete(address);
    }
  }

  namesOf(endpointId: string): readonly string[] {
    return this.#hosts.get(endpointId)?.names ?? [];
  }

  *allNames(): Generator<string> {
    for (const host of this.#hosts.values()) yield* host.names;
  }

  find(name: string): ZoneEntry | undefined {
    const hosts = this.#byName.get(name);
    if (hosts === undefined) return undefined;
    return {
      v4: [...hosts].flatMap((host) => host.v4),
      v6: [...hosts].flatMap((host) => host.v6),
    };
  }

  reverse(address: Ip): Buffer | undefined {
    return this.#byAddress.get(address.toString())?.reverseName;
  }

  contains(address: Ip): boolean {
    return this.#subnets.some((subnet) => subnet.contains(address));
  }
}
