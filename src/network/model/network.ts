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
  /** True: nobody named it, it came from the default pools. Then nobody names addresses of it either, as in Docker. */
  readonly fromPool?: true;
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

/**
 * How the containers of a macvlan network see each other (the kernel's `enum macvlan_mode`).
 *
 * - `bridge`: directly. The default.
 * - `private`: not at all.
 * - `vepa`: by way of the switch that the parent is plugged into, which has to send frames back where they came from.
 * - `passthru`: there is only one, which takes the parent for itself.
 */
export type MacvlanMode = 'bridge' | 'private' | 'vepa' | 'passthru';
export const MACVLAN_MODES: readonly MacvlanMode[] = ['bridge', 'private', 'vepa', 'passthru'];

/** `l2` switches frames, `l3` routes packets, `l3s` does so with the host's netfilter in the way. The default is `l2`. */
export type IpvlanMode = 'l2' | 'l3' | 'l3s';
export const IPVLAN_MODES: readonly IpvlanMode[] = ['l2', 'l3', 'l3s'];

/** How the containers of an ipvlan network see each other: as with macvlan. The default is `bridge`. */
export type IpvlanFlag = 'bridge' | 'private' | 'vepa';
export const IPVLAN_FLAGS: readonly IpvlanFlag[] = ['bridge', 'private', 'vepa'];

/** Settings of the drivers whose containers share an interface of the host: macvlan and ipvlan. */
export interface ParentSpec {
  /** The interface of the host: `eth0`, a VLAN on it (`eth0.10`), or `dm-<12 hex>`. */
  readonly device: string;
  /** No parent was named: `device` leads nowhere, and is made and removed with the network. */
  readonly isDummy: boolean;
  /** The first four for macvlan, the others for ipvlan. */
  readonly mode: MacvlanMode | IpvlanMode;
  /** Present exactly for ipvlan. */
  readonly flag?: IpvlanFlag;
  /** Bytes. Default: the parent's. */
  readonly mtu?: number;
}

/** How often a new interface tells its neighbours its addresses. */
export interface AdvertiseSpec {
  /** Messages for each address, 0 to 3. Default 3. */
  readonly count?: number;
  /** Milliseconds between them, 100 to 2,000. Default 1,000. */
  readonly interval?: number;
}

/** A network as it was created. */
export interface NetworkSpec {
  /** 64 hex digits. */
  readonly id: string;
  readonly name: string;
  /** `bridge`, `host`, `null` (the network called `none`), `macvlan`, `ipvlan`. */
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
  /** Present exactly when `driver` is `macvlan` or `ipvlan`. */
  readonly parent?: ParentSpec;
  /** Absent: as ever. */
  readonly advertise?: AdvertiseSpec;
  /** As the user gave them (or, for the default network, as Docker shows them). */
  readonly options: Readonly<Record<string, string>>;
  readonly labels: Readonly<Record<string, string>>;
}

/** One that somebody made, not one of the three that every daemon has: there containers have names, and addresses may be chosen. */
export function isUserDefined(spec: NetworkSpec): boolean {
  return spec.bridge === undefined ? spec.parent !== undefined : !spec.bridge.isDefault;
}

/** True when nobody on the network has a way out. */
export function isClosed(spec: NetworkSpec): boolean {
  return spec.internal || spec.parent?.isDummy === true;
}
