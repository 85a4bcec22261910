/** Whose an address was, for whoever reads of it later: the kernel remembers connections for longer than containers live. */

import type { EndpointSpec, PastOwner } from '../model/index.ts';

/** How many are remembered: those of the last hours of a busy host, in less than a megabyte. */
const MOST = 4096;

export class PastOwners {
  readonly #owners: PastOwner[] = [];

  /** The endpoint gives its addresses up now. */
  add({ v4, v6, networkId, createdAt }: EndpointSpec, containerName: string): void {
    for (const part of [v4, v6]) {
      if (part === undefined) continue;
      this.#owners.push({
        address: part.address,
        containerName,
        networkId,
        ...(createdAt === undefined ? {} : { since: createdAt }),
        until: Date.now(),
      });
    }
    if (this.#owners.length > MOST) this.#owners.splice(0, this.#owners.length - MOST);
  }

  /** The earliest first. */
  all(): readonly PastOwner[] {
    return this.#owners;
  }
}
