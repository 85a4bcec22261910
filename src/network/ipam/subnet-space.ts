/** All subnets of the daemon's networks: none may overlap, and a network that names none is given one. */

import { BridgeportError, invalid } from '../../base/errors.ts';
import { ADDRESS_BITS, Ip, type IpFamily } from '../../base/ip.ts';
import { Prefix } from '../../base/prefix.ts';
import { IntervalSet } from './interval-set.ts';

/** One entry of `default-address-pools`: `base` is cut into subnets of `size` bits. */
export interface DefaultPool {
  readonly base: Prefix;
  /** Prefix length of each subnet. */
  readonly size: number;
}

/** Docker's own pools, in its order: 172.17.0.0/16 to 172.31.0.0/16 as /16s, then 192.168.0.0/16 as /20s. */
export const DOCKER_DEFAULT_POOLS: readonly DefaultPool[] = [
  ...[
    '172.17.0.0/16',
    '172.18.0.0/16',
    '172.19.0.0/16',
    '172.20.0.0/14',
    '172.24.0.0/14',
    '172.28.0.0/14',
  ].map((base) => ({ base: Prefix.parse(base), size: 16 })),
  { base: Prefix.parse('192.168.0.0/16'), size: 20 },
];

export interface AllocateSubnetOptions {
  /** Prefixes that the host uses already: nothing that overlaps them is chosen. */
  readonly avoid?: readonly Prefix[];
  /** Prefixes that the host discards (blackhole routes): nothing that overlaps them is chosen while there is anything else. */
  readonly discouraged?: readonly Prefix[];
  /** Wanted prefix length, in place of the pools' own. */
  readonly size?: number;
}

/** Keeps the subnets of all networks apart. */
export class SubnetSpace {
  readonly #pools: readonly DefaultPool[];
  readonly #taken: Readonly<Record<IpFamily, IntervalSet>> = { 4: new IntervalSet(), 6: new IntervalSet() };

  /** Throws `invalid` when a pool cannot be cut as it says. */
  constructor(pools: readonly DefaultPool[] = DOCKER_DEFAULT_POOLS) {
    for (const { base, size } of pools) {
      if (size < base.length || size > ADDRESS_BITS[base.family]) {
        throw invalid(`default address pool ${base}: cannot be cut into subnets of size ${size}`);
      }
    }
    this.#pools = pools;
  }

  /**
   * Takes the first free subnet of the default pools, in their order.
   * Throws `invalid` in Docker's words: `all predefined address pools have been fully subnetted`.
   */
  allocate(family: IpFamily, options: AllocateSubnetOptions = {}): Prefix {
    const { avoid = [], discouraged = [] } = options;
    const subnet =
      this.#choose(family, options.size, [...avoid, ...discouraged]) ??
      (discouraged.length === 0 ? undefined : this.#choose(family, options.size, avoid));
    if (subnet === undefined) throw invalid('all predefined address pools have been fully subnetted');
    this.restore(subnet);
    return subnet;
  }

  #choose(family: IpFamily, wantedSize: number | undefined, avoid: readonly Prefix[]): Prefix | undefined {
    const avoided = new IntervalSet();
    for (const prefix of avoid) {
      if (prefix.family === family) avoided.add(prefix.first.value, prefix.last.value);
    }
    for (const { base, size: ownSize } of this.#pools) {
      const size = wantedSize ?? ownSize;
      if (base.family !== family || size < base.length || size > ADDRESS_BITS[family]) continue;
      const subnet = firstFree(base, size, [this.#taken[family], avoided]);
      if (subnet !== undefined) return subnet;
    }
    return undefined;
  }

  /**
   * Takes the subnet that was asked for. Routes of the host do not matter here: who names a subnet knows why.
   * Throws `forbidden` in Docker's words: `invalid pool request: Pool overlaps with other one on this address space`.
   */
  request(subnet: Prefix): void {
    if (this.overlaps(subnet)) {
      throw new BridgeportError(
        'forbidden',
        'invalid pool request: Pool overlaps with other one on this address space',
      );
    }
    this.restore(subnet);
  }

  /** Marks the subnet of a known network as taken. Doing so again changes nothing. */
  restore(subnet: Prefix): void {
    this.#taken[subnet.family].add(subnet.first.value, subnet.last.value);
  }

  /** Gives a subnet back. */
  release(subnet: Prefix): void {
    this.#taken[subnet.family].remove(subnet.first.value, subnet.last.value);
  }

  /** True when a network has an address in common with `subnet`. */
  overlaps(subnet: Prefix): boolean {
    return this.#taken[subnet.family].overlapping(subnet.first.value, subnet.last.value) !== undefined;
  }
}

/** The lowest subnet of `size` within `base` that none of `sets` touches. Leaps over whatever is in the way. */
function firstFree(base: Prefix, size: number, sets: readonly IntervalSet[]): Prefix | undefined {
  const step = 1n << BigInt(ADDRESS_BITS[base.family] - size);
  let start = base.first.value;
  while (start + step - 1n <= base.last.value) {
    const inTheWay = sets
      .map((set) => set.overlapping(start, start + step - 1n))
      .find((interval) => interval !== undefined);
    if (inTheWay === undefined) return new Prefix(new Ip(base.family, start), size);
    start = ((inTheWay.end + step) / step) * step;
  }
  return undefined;
}
