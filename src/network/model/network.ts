/**
 * What a network is: the desired state that the controller stores and everything else reads. Plain data (texts in
 * canonical form, no classes), so that it can be written to disk as it is.
 */

/**
 * How a bridge network meets the world, per address family (Docker's `gateway_mode_ipv4/6`).
 *
 * - `nat`: published ports are translated from the host's addresses; nothing else gets in. The default.
 * - `nat-unprotected`: as `nat`, but every port of a container can be reached by whoever routes to it.
 * - `routed`: no translation either way; published ports are open to whoever routes to the container.
 * - `isolated`: the host has no address on the bridge. Only for internal networks.
 */
export type GatewayMode = 'nat' | 'nat-unprotected' | 'routed' | 'isolated';

export const GATEWAY_MODES: readonly GatewayMode[] = ['nat', 'nat-unprotected', 'routed', 'isolated'];

/** One subnet of a network and how its addresses are given out. */
export interface SubnetSpec {
  /** Canonical prefix: `172.17.0.0/16`. */
  readonly subnet: string;
  /** The bridge's own address. Absent when nothing may hold it (`isolated`, `--gateway` refused). */
  readonly gateway?: string;
  /** Part of `subnet` that addresses are taken from (`--ip-range`, `--fixed-cidr`). Default: all of it. */
  readonly ipRange?: string;
  /** Addresses never given out, by the user's name for them (`--aux-address`). */
  readonly auxAddresses?: Readonly<Record<string, string>>;
}

/** Address management of a network, as `docker network inspect` shows it. */
export interface IpamSpec {
  /** Default `default`. */
  readonly driver: string;
  readonly options: Readonly<Record<string, string>>;
  /** IPv4 first, in the order the user gave. */
  readonly subnets: readonly SubnetSpec[];
}

/** Settings of the bridge driver, read from the network's options. */
export interface BridgeSpec {
  /** Name of the bridge interface: `docker0`, `br-<12 hex>`, or the user's. */
  readonly name: string;
  /** True for the network that containers join when they name none. */
  readonly isDefault: boolean;
  /** False: containers on this bridge do not reach each other, links aside. Default true. */
  readonly icc: boolean;
  /** False: packets leave with the container's own address. Default true. */
  readonly masquerade: boolean;
  /** Host address that published ports bind to when they name none. Default `0.0.0.0`. */
  readonly hostBindingV4: string;
  /** Bytes. Default 1500. */
  readonly mtu: number;
  readonly gatewayModeV4: GatewayMode;
  readonly gatewayModeV6: GatewayMode;
  /** Source address for packets that leave, in place of masquerading (`com.docker.network.host_ipv4`). */
  readonly hostV4?: string;
  readonly hostV6?: string;
  /** Interfaces from which published ports of containers may be addressed directly. */
  readonly trustedHostInterfaces?: readonly string[];
  /** True: the bridge gets no IPv4 address of its own. */
  readonly inhibitV4?: boolean;
  /** First part of interface names inside containers. Default `eth`. */
  readonly containerIfacePrefix?: string;
}

/** A network as it was created. */
export interface NetworkSpec {
  /** 64 hex digits. */
  readonly id: string;
  readonly name: string;
  /** `bridge`, `host`, `null` (the network called `none`), `macvlan`. */
  readonly driver: string;
  /** RFC 3339 time of creation. */
  readonly createdAt: string;
  /** No way out, and none in. */
  readonly internal: boolean;
  readonly attachable: boolean;
  readonly enableIPv4: boolean;
  readonly enableIPv6: boolean;
  readonly ipam: IpamSpec;
  /** Present exactly when `driver` is `bridge`. */
  readonly bridge?: BridgeSpec;
  /** As the user gave them (or, for the default network, as Docker shows them). */
  readonly options: Readonly<Record<string, string>>;
  readonly labels: Readonly<Record<string, string>>;
}
