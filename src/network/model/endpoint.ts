/** What an endpoint is: one sandbox's attachment to one network. Plain data, stored by the controller. */

/** An address on the endpoint's interface. */
export interface EndpointAddress {
  /** Canonical text: `172.17.0.2`. */
  readonly address: string;
  /** Length of the subnet's prefix: 16. */
  readonly prefixLength: number;
  /** Next hop of the default route through this network; absent on internal networks. */
  readonly gateway?: string;
  /** True: the default route through this network needs no next hop (ipvlan that routes). */
  readonly onLink?: boolean;
}

/** One attachment of a sandbox (a network namespace) to a network. */
export interface EndpointSpec {
  /** 64 hex digits; `hostVeth` is made from it. */
  readonly id: string;
  readonly networkId: string;
  /** When it was given its addresses, in milliseconds since 1970. Absent where that is not known (those of an older daemon). */
  readonly createdAt?: number;
  /** The namespace's owner: the container whose network this is. */
  readonly containerId: string;
  /** Id of the namespace. Several containers may share one (`--network container:X`). */
  readonly sandboxId: string;
  /** Name of the interface inside: `eth0`. */
  readonly ifname: string;
  /** Name of the other end, in the host's namespace: `veth` and seven hex digits. Absent where there is none (macvlan, ipvlan). */
  readonly hostVeth?: string;
  /** Canonical text: `02:42:ac:11:00:02`. Absent for ipvlan, which has its parent's. */
  readonly mac?: string;
  readonly v4?: EndpointAddress;
  readonly v6?: EndpointAddress;
  /** Further addresses, which IPAM knows nothing of (`--link-local-ip`). Default none. */
  readonly linkLocal?: ReadonlyArray<Pick<EndpointAddress, 'address' | 'prefixLength'>>;
  /** Further names on this network, aside from the container's own. */
  readonly aliases: readonly string[];
  /** The network with the highest value gives the default route. Default 0. */
  readonly gatewayPriority: number;
  /** `com.docker.network.endpoint.*` options, as the user gave them. */
  readonly driverOptions: Readonly<Record<string, string>>;
}

/** Who had an address, and has given it up. */
export interface PastOwner {
  readonly address: string;
  /** Without a slash. */
  readonly containerName: string;
  readonly networkId: string;
  /** Milliseconds since 1970; the first is absent where it is not known. */
  readonly since?: number;
  readonly until: number;
}
