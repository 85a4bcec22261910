/** The addresses of one subnet: which are taken, and which comes next. */

import { BridgeportError, invalid } from '../../base/errors.ts';
import { Ip } from '../../base/ip.ts';
import { Prefix } from '../../base/prefix.ts';
import type { SubnetSpec } from '../model/network.ts';
import { IntervalSet } from './interval-set.ts';

/** True when somebody who does not ask us holds the address: the host itself, or a neighbour that answers. */
export type InUseProbe = (address: Ip) => boolean;

/**
 * Gives out the addresses of one subnet in Docker's order: always the lowest free one of the range.
 *
 * Never given out: the first address (IPv4 network address; IPv6 subnet-router anycast, RFC 4291, 2.6.1), the IPv4 broadcast
 * address (a /31 has neither, RFC 3021), the gateway and the auxiliary addresses.
 */
export class AddressPool {
  readonly subnet: Prefix;
  /** Where addresses are taken from when none is asked for: the whole subnet, or `ipRange`. */
  readonly range: Prefix;
  /** The bridge's address, chosen as the lowest free one when the subnet's specification names none. */
  readonly gateway: Ip | undefined;
  readonly #taken = new IntervalSet();
  /** Taken for good: `release()` does not free these. */
  readonly #reserved = new Set<bigint>();

  /**
   * `chooseGateway` false (networks without a host address) leaves a gateway out that is not named.
   * Throws `invalid` for text that is no address or lies outside, `forbidden` when two reservations collide.
   */
  constructor(spec: SubnetSpec, options: { readonly chooseGateway?: boolean } = {}) {
    this.subnet = Prefix.parse(spec.subnet);
    this.range = spec.ipRange === undefined ? this.subnet : Prefix.parse(spec.ipRange);
    if (!this.subnet.contains(this.range)) {
      throw invalid(`invalid ip-range ${this.range}: parent subnet ${this.subnet} doesn't contain ip-range`);
    }
    if (this.subnet.family === 6 || this.subnet.length < 31) this.#reserve(this.subnet.first);
    if (this.subnet.broadcast !== undefined) this.#reserve(this.subnet.broadcast);
    this.gateway = this.#takeGateway(spec.gateway, options.chooseGateway ?? true);
    for (const [name, text] of Object.entries(spec.auxAddresses ?? {})) this.#takeAuxiliary(name, text);
  }

  /** How many addresses of the subnet are taken, reserved ones included. */
  get taken(): bigint {
    return this.#taken.size;
  }

  /**
   * Takes the lowest free address of the range that `isInUse` does not object to; `undefined` when there is none.
   * An address that is in use elsewhere is passed over this time only, and tried again next time.
   */
  allocate(isInUse: InUseProbe = () => false): Ip | undefined {
    const { first, last } = this.range;
    for (let value = this.#taken.nextFree(first.value); value <= last.value; ) {
      const address = new Ip(this.subnet.family, value);
      if (!isInUse(address)) {
        this.#taken.add(value);
        return address;
      }
      value = this.#taken.nextFree(value + 1n);
    }
    return undefined;
  }

  /**
   * Takes the address that was asked for. It may lie outside the range, but not outside the subnet.
   * Throws `invalid` (`requested address is out of range`), or `forbidden` in Docker's words: `Address already in use`.
   */
  request(address: Ip, isInUse: InUseProbe = () => false): Ip {
    if (!this.subnet.contains(address)) throw invalid('requested address is out of range');
    if (this.#taken.has(address.value) || isInUse(address)) throw alreadyInUse();
    this.#taken.add(address.value);
    return address;
  }

  /**
   * Marks an address as taken that was taken before the daemon started. Doing so again changes nothing. False when the
   * address cannot be anybody's here (outside the subnet, or reserved): the endpoint needs a new one.
   */
  restore(address: Ip): boolean {
    if (!this.subnet.contains(address) || this.#reserved.has(address.value)) return false;
    this.#taken.add(address.value);
    return true;
  }

  /** Frees an address. False when it was not taken, or cannot be freed. */
  release(address: Ip): boolean {
    const { value } = address;
    if (!this.subnet.contains(address) || this.#reserved.has(value) || !this.#taken.has(value)) return false;
    this.#taken.remove(value);
    return true;
  }

  isTaken(address: Ip): boolean {
    return this.subnet.contains(address) && this.#taken.has(address.value);
  }

  #takeGateway(text: string | undefined, choose: boolean): Ip | undefined {
    if (text === undefined) {
      if (!choose) return undefined;
      const lowest = this.allocate();
      if (lowest === undefined)
        throw noneAvailable('failed to allocate gateway (): no available addresses on this pool');
      this.#reserved.add(lowest.value);
      return lowest;
    }
    const gateway = Ip.parse(text);
    if (!this.subnet.contains(gateway)) {
      throw invalid(`invalid gateway ${gateway}: parent subnet ${this.subnet} doesn't contain this address`);
    }
    // A bridge that the user made may have its address at either end of the subnet; the kernel does not mind.
    this.#reserve(gateway);
    return gateway;
  }

  #takeAuxiliary(name: string, text: string): void {
    const address = Ip.parse(text);
    if (!this.subnet.contains(address)) {
      throw invalid(
        `invalid auxiliary address ${name}: parent subnet ${this.subnet} doesn't contain this address`,
      );
    }
    if (this.#taken.has(address.value)) {
      throw new BridgeportError(
        'forbidden',
        `failed to allocate secondary ip address (${name}:${address}): Address already in use`,
      );
    }
    this.#reserve(address);
  }

  #reserve(address: Ip): void {
    this.#taken.add(address.value);
    this.#reserved.add(address.value);
  }
}

/** Docker answers 403, not 409, to an address that somebody has. */
export function alreadyInUse(): BridgeportError {
  return new BridgeportError('forbidden', 'Address already in use');
}

export function noneAvailable(message: string): BridgeportError {
  return new BridgeportError('unavailable', message);
}
