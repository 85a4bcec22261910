/** The addresses of one network: its subnets together. */

import { invalid } from '../../base/errors.ts';
import { Ip, type IpFamily } from '../../base/ip.ts';
import type { EndpointAddress } from '../model/endpoint.ts';
import type { SubnetSpec } from '../model/network.ts';
import { AddressPool, type InUseProbe, noneAvailable } from './address-pool.ts';

export interface NetworkAddressesOptions {
  /** For error messages. */
  readonly name: string;
  readonly id: string;
  readonly subnets: readonly SubnetSpec[];
  /** False: a subnet that names no gateway has none. Default true. */
  readonly chooseGateway?: boolean;
}

export interface AllocateOptions {
  /** `--ip`, `--ip6`: this address and no other. */
  readonly requested?: string;
  readonly isInUse?: InUseProbe;
}

/** Gives out addresses of a network's subnets, in the order of the subnets. */
export class NetworkAddresses {
  readonly pools: readonly AddressPool[];
  readonly #name: string;
  readonly #id: string;

  constructor(options: NetworkAddressesOptions) {
    const { chooseGateway = true } = options;
    this.#name = options.name;
    this.#id = options.id;
    this.pools = options.subnets.map((subnet) => new AddressPool(subnet, { chooseGateway }));
  }

  /** The subnets with their gateways filled in, for the network's specification. */
  get subnets(): { subnet: string; gateway?: string }[] {
    return this.pools.map((pool) => ({
      subnet: pool.subnet.toString(),
      ...(pool.gateway === undefined ? {} : { gateway: pool.gateway.toString() }),
    }));
  }

  /** True when the network has a subnet of the family. */
  has(family: IpFamily): boolean {
    return this.pools.some((pool) => pool.subnet.family === family);
  }

  /**
   * Takes an address of `family`, with what an interface needs to use it. In Docker's words it throws `invalid` (an address
   * of none of the subnets), `forbidden` (taken) or `unavailable` (all are taken).
   */
  allocate(family: IpFamily, options: AllocateOptions = {}): EndpointAddress {
    const pools = this.pools.filter((pool) => pool.subnet.family === family);
    const { isInUse } = options;
    if (options.requested !== undefined) {
      const requested = Ip.parse(options.requested);
      const pool = pools.find((candidate) => candidate.subnet.contains(requested));
      if (pool === undefined) {
        throw invalid(`invalid address ${requested}: It does not belong to any of this network's subnets`);
      }
      return describe(pool, pool.request(requested, isInUse));
    }
    for (const pool of pools) {
      const address = pool.allocate(isInUse);
      if (address !== undefined) return describe(pool, address);
    }
    throw noneAvailable(
      `no available IPv${family} addresses on this network's address pools: ${this.#name} (${this.#id})`,
    );
  }

  /** Marks a known address as taken; false when no subnet can hold it. Doing so again changes nothing. */
  restore(address: string): boolean {
    const ip = Ip.parse(address);
    return this.pools.some((pool) => pool.restore(ip));
  }

  /** Frees an address; false when it was not taken. */
  release(address: string): boolean {
    const ip = Ip.parse(address);
    return this.pools.some((pool) => pool.release(ip));
  }
}

function describe(pool: AddressPool, address: Ip): EndpointAddress {
  return {
    address: address.toString(),
    prefixLength: pool.subnet.length,
    ...(pool.gateway === undefined ? {} : { gateway: pool.gateway.toString() }),
  };
}
