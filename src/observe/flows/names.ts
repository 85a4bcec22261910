/** Whose an address is, or was: a container's, this host's, or somebody else's. */

import { Ip } from '../../base/ip.ts';
import { type InterfaceAddress, RouteClient } from '../../kernel/netlink/index.ts';
import type { TopologyRecords } from '../topology/records.ts';
import type { Span } from './age.ts';

export interface AddressOwner {
  /** A container's, or `host`. */
  readonly name: string;
  readonly network?: string;
}

interface Tenure {
  readonly owner: AddressOwner;
  /** Milliseconds since 1970; minus infinity where it is not known. */
  readonly since: number;
  /** Infinity of who has it now. */
  readonly until: number;
}

const HOST: AddressOwner = { name: 'host' };
const [EVER, STILL] = [Number.NEGATIVE_INFINITY, Number.POSITIVE_INFINITY];
/** Milliseconds that what was read is believed. */
const FRESH = 1000;

export class AddressBook {
  readonly #records: TopologyRecords;
  readonly #hostAddresses: () => readonly Pick<InterfaceAddress, 'address'>[];
  /** By address; who has it now is the last of them. */
  #tenures = new Map<string, Tenure[]>();
  #readAt = Number.NEGATIVE_INFINITY;

  /** @param hostAddresses default: those of the namespace that the thread is in */
  constructor(
    records: TopologyRecords,
    hostAddresses: () => readonly Pick<InterfaceAddress, 'address'>[] = readHostAddresses,
  ) {
    this.#records = records;
    this.#hostAddresses = hostAddresses;
  }

  /**
   * @param then default: now
   * @returns `undefined` also when nothing is remembered of that time, and when the address passed from one to another within it
   */
  ownerOf(address: string, then?: Span): AddressOwner | undefined {
    const now = performance.now();
    if (now - this.#readAt > FRESH) {
      this.#read();
      this.#readAt = now;
    }
    const tenures = this.#tenures.get(address);
    if (tenures === undefined) return Ip.tryParse(address)?.isLoopback ? HOST : undefined;
    if (then === undefined) return tenures.findLast(({ until }) => until === STILL)?.owner;
    const { from, to } = then;
    const first = tenures.findLast(({ since, until }) => since <= from && from <= until)?.owner;
    // Between two owners, what is still heard of is the first one's.
    const last = tenures.findLast(({ since }) => since <= to)?.owner;
    return first === undefined || isSame(first, last) ? last : undefined;
  }

  #read(): void {
    const networks = new Map(this.#records.networks().map(({ id, name }) => [id, name]));
    const ownerIn = (name: string, networkId: string): AddressOwner => {
      const network = networks.get(networkId);
      return { name, ...(network && { network }) };
    };
    const tenures = new Map<string, Tenure[]>();
    const add = (address: string, tenure: Tenure) => {
      const known = tenures.get(address);
      if (known === undefined) tenures.set(address, [tenure]);
      else known.push(tenure);
    };
    for (const { address } of this.#hostAddresses()) add(address, { owner: HOST, since: EVER, until: STILL });
    for (const { address, containerName, networkId, since = EVER, until } of this.#records.pastOwners?.() ??
      []) {
      add(address, { owner: ownerIn(containerName, networkId), since, until });
    }
    for (const { name, sandbox } of this.#records.containers()) {
      for (const { networkId, v4, v6, createdAt = EVER } of sandbox?.endpoints ?? []) {
        const tenure = { owner: ownerIn(name, networkId), since: createdAt, until: STILL };
        for (const part of [v4, v6]) if (part !== undefined) add(part.address, tenure);
      }
    }
    this.#tenures = tenures;
  }
}

const isSame = (a: AddressOwner, b: AddressOwner | undefined) =>
  a.name === b?.name && a.network === b.network;

function readHostAddresses(): InterfaceAddress[] {
  using client = RouteClient.open();
  return client.addresses();
}
