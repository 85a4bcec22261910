/** What a network driver is: one kind of network in the kernel, from the options of `network create` to a sandbox's interface. */

import type { IpFamily } from '../../base/ip.ts';
import type { NetnsHandle } from '../../kernel/netns/index.ts';
import type { EndpointSpec, NetworkSpec } from '../model/index.ts';

/** What a user asks of a new network, as far as drivers care. */
export interface WantedNetwork {
  /** 64 hex digits */
  id: string;
  /** `--opt`, as they were given. */
  options: Readonly<Record<string, string>>;
  internal: boolean;
  enableIPv6: boolean;
  /** The daemon's `--mtu`, in bytes. */
  mtu: number;
  /** The daemon's `--ip`: where ports are published when nothing is said; empty: everywhere. */
  hostBinding: string;
}

/** The part of a network's specification that belongs to its driver. */
export type DriverSettings = Pick<NetworkSpec, 'bridge' | 'parent'>;

/** What endpoints on a network are like, for those who plan them. */
export interface EndpointTraits {
  /** A subnet for which the user named no gateway is given one. */
  choosesGateway: boolean;
  /** There is an end in the host's namespace, which needs a name. */
  hasHostEnd: boolean;
  /** MAC addresses of their own. */
  hasOwnMac: boolean;
  /** How packets leave the network: by the subnet's gateway, over the interface without a next hop, or not at all. */
  wayOut: Readonly<Record<IpFamily, 'gateway' | 'on-link' | 'none'>>;
  /** First part of the names of interfaces inside: `eth`. */
  interfacePrefix: string;
}

export const INTERFACE_PREFIX = 'eth';

export interface NetworkDriver {
  /** As `network create --driver` names it. */
  readonly name: string;
  /** Reads the options. Throws `invalid` in Docker's words, `unavailable` where the kernel lacks the kind. Changes nothing. */
  validate(wanted: WantedNetwork): DriverSettings;
  traits(spec: NetworkSpec): EndpointTraits;
  /**
   * Makes what the network has in the daemon's namespace, or takes what is there; repeating it changes nothing.
   *
   * @param others all other networks, which may use the same links
   */
  setup(spec: NetworkSpec, others: readonly NetworkSpec[]): void;
  /** Takes it away, but for what others use and what was not ours; what is gone already is fine. */
  teardown(spec: NetworkSpec, others: readonly NetworkSpec[]): Promise<void>;
  /**
   * Makes the interface in `netns`, which has none of that name, and brings it up with its addresses. Default routes are a matter of
   * all endpoints together: see `setDefaultRoutes()`.
   */
  createEndpoint(endpoint: EndpointSpec, spec: NetworkSpec, netns: NetnsHandle): void;
  /** Puts the host's end where it belongs, and up, when somebody has moved it; one that is gone is left to the container's next start. */
  repairEndpoint(endpoint: EndpointSpec, spec: NetworkSpec): void;
  /** True when what the interface sends reaches its neighbours already. */
  isHeard(endpoint: EndpointSpec): boolean;
  /** Takes the interface away; what is gone already is fine. `netnsPath`: where the namespace is mounted, if it still is. */
  deleteEndpoint(endpoint: EndpointSpec, netnsPath: string): Promise<void>;
}

/** The drivers of a daemon. */
export class NetworkDrivers {
  readonly #byName: ReadonlyMap<string, NetworkDriver>;

  constructor(drivers: readonly NetworkDriver[]) {
    this.#byName = new Map(drivers.map((driver) => [driver.name, driver]));
  }

  find(name: string): NetworkDriver | undefined {
    return this.#byName.get(name);
  }

  /** The driver of a network; undefined for `host` and `none`, which have nothing in the kernel. */
  of(spec: NetworkSpec): NetworkDriver | undefined {
    return this.#byName.get(spec.driver);
  }
}
