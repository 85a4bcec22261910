/** Whose an address is: a container's, this host's, or somebody else's. */

import { Ip } from '../../base/ip.ts';
import { type InterfaceAddress, RouteClient } from '../../kernel/netlink/index.ts';
import type { TopologyRecords } from '../topology/records.ts';

export interface AddressOwner {
  /** A container's, or `host`. */
  readonly name: string;
  readonly network?: string;
}

/** Milliseconds that what was read is believed. */
const FRESH = 1000;

export class AddressBook {
  readonly #records: TopologyRecords;
  readonly #hostAddresses: () => readonly Pick<InterfaceAddress, 'address'>[];
  #owners = new Map<string, AddressOwner>();
  #readAt = Number.NEGATIVE_INFINITY;

  /** @param hostAddresses default: those of the namespace that the thread is in */
  constructor(records: TopologyRecords, hostAddresses = readHostAddresses) {
    this.#records = records;
    this.#hostAddresses = hostAddresses;
  }

  ownerOf(address: string): AddressOwner | undefined {
    const now = performance.now();
    if (now - this.#readAt > FRESH) {
      this.#read();
      this.#readAt = now;
    }
    return this.#owners.get(address) ?? (Ip.tryParse(address)?.isLoopback ? { name: 'host' } : undefined);
  }

  #read(): void {
    const networks = new Map(this.#records.networks().map(({ id, name }) => [id, name]));
    this.#owners = new Map(this.#hostAddresses().map(({ address }) => [address, { name: 'host' }]));
    for (const { name, sandbox } of this.#records.containers()) {
      for (const { networkId, v4, v6 } of sandbox?.endpoints ?? []) {
        const network = networks.get(networkId);
        for (const part of [v4, v6]) {
          if (part !== undefined) this.#owners.set(part.address, { name, ...(network && { network }) });
        }
      }
    }
  }
}

function readHostAddresses(): InterfaceAddress[] {
  using client = RouteClient.open();
  return client.addresses();
}
