/** IP prefixes (CIDR blocks) as values: what may be asked about a subnet without looking at the kernel. */

import { invalid } from './errors.ts';
import { ADDRESS_BITS, compareIp, Ip, type IpFamily } from './ip.ts';

const LENGTH = /^(?:0|[1-9][0-9]{0,2})$/;

/** An address with the length of the prefix it lives in, as a link carries it: `172.17.0.1/16`. */
export interface InterfaceAddress {
  readonly address: Ip;
  readonly prefix: Prefix;
}

/** An immutable prefix. Host bits are always zero: `172.17.0.1/16` becomes `172.17.0.0/16`. */
export class Prefix {
  /** The lowest address of the prefix. */
  readonly address: Ip;
  /** Number of fixed bits: 0 … 32 or 0 … 128. */
  readonly length: number;

  constructor(address: Ip, length: number) {
    const bits = ADDRESS_BITS[address.family];
    if (!Number.isInteger(length) || length < 0 || length > bits) {
      throw invalid(`make prefix of ${address}: length ${length} is not within 0 and ${bits}`);
    }
    const hostBits = BigInt(bits - length);
    this.address = new Ip(address.family, (address.value >> hostBits) << hostBits);
    this.length = length;
  }

  /** Reads `address/length`; host bits are cleared. Throws `invalid`: `invalid CIDR address: …`. */
  static parse(text: string): Prefix {
    return parseInterfaceAddress(text).prefix;
  }

  static tryParse(text: string): Prefix | undefined {
    return readInterfaceAddress(text)?.prefix;
  }

  /** The prefix that holds one address only: /32 or /128. */
  static host(address: Ip): Prefix {
    return new Prefix(address, ADDRESS_BITS[address.family]);
  }

  get family(): IpFamily {
    return this.address.family;
  }

  /** Number of addresses, network and broadcast address included. */
  get size(): bigint {
    return 1n << BigInt(ADDRESS_BITS[this.family] - this.length);
  }

  get first(): Ip {
    return this.address;
  }

  get last(): Ip {
    return this.address.add(this.size - 1n);
  }

  /** The IPv4 broadcast address; `undefined` for IPv6 and for /31 (RFC 3021) and /32, which have none. */
  get broadcast(): Ip | undefined {
    return this.family === 4 && this.length < 31 ? this.last : undefined;
  }

  /** The IPv4 netmask as an address: `255.255.0.0`. */
  get netmask(): Ip {
    const bits = BigInt(ADDRESS_BITS[this.family]);
    return new Ip(this.family, ((1n << bits) - 1n) ^ (this.size - 1n));
  }

  /** True for an address in the prefix, or a prefix that lies wholly within it. Other family: false. */
  contains(other: Ip | Prefix): boolean {
    if (other.family !== this.family) return false;
    if (other instanceof Prefix) return other.length >= this.length && this.contains(other.address);
    const hostBits = BigInt(ADDRESS_BITS[this.family] - this.length);
    return other.value >> hostBits === this.address.value >> hostBits;
  }

  /** True when both have an address in common. */
  overlaps(other: Prefix): boolean {
    return this.contains(other.address) || other.contains(this.address);
  }

  equals(other: Prefix): boolean {
    return this.length === other.length && this.address.equals(other.address);
  }

  /** The address `offset` above the first. Throws `invalid` when it is not in the prefix. */
  at(offset: number | bigint): Ip {
    const offsetValue = BigInt(offset);
    if (offsetValue < 0n || offsetValue >= this.size) {
      throw invalid(`take address ${offset} of ${this}: it has ${this.size} addresses`);
    }
    return this.address.add(offsetValue);
  }

  /** The prefixes of `length` bits within this one, in order, made one at a time (a /8 has 65,536 /24s). */
  *subnets(length: number): Generator<Prefix, void, undefined> {
    if (length < this.length || length > ADDRESS_BITS[this.family]) {
      throw invalid(
        `split ${this} into /${length}: not within /${this.length} and /${ADDRESS_BITS[this.family]}`,
      );
    }
    const step = 1n << BigInt(ADDRESS_BITS[this.family] - length);
    for (let offset = 0n; offset < this.size; offset += step)
      yield new Prefix(this.address.add(offset), length);
  }

  /** Canonical text: `172.17.0.0/16`, `fd00::/64`. */
  toString(): string {
    return `${this.address}/${this.length}`;
  }

  toJSON(): string {
    return this.toString();
  }
}

/** Sorts by first address, then the wider prefix first. */
export function comparePrefix(a: Prefix, b: Prefix): number {
  return compareIp(a.address, b.address) || a.length - b.length;
}

/**
 * Reads `172.17.0.1/16` as an address on a link: the host bits are kept in `address`.
 * Throws `invalid`: `invalid CIDR address: …`.
 */
export function parseInterfaceAddress(text: string): InterfaceAddress {
  const read = readInterfaceAddress(text);
  if (read === undefined) throw invalid(`invalid CIDR address: ${JSON.stringify(text)}`);
  return read;
}

function readInterfaceAddress(text: string): InterfaceAddress | undefined {
  const slash = text.lastIndexOf('/');
  if (slash < 0) return undefined;
  const address = Ip.tryParse(text.slice(0, slash));
  const length = text.slice(slash + 1);
  if (address === undefined || !LENGTH.test(length) || Number(length) > ADDRESS_BITS[address.family])
    return undefined;
  return { address, prefix: new Prefix(address, Number(length)) };
}
