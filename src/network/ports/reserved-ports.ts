/** Ports of the host that no socket holds (the keeper does not speak SCTP): nobody else is kept from them, but no two of our containers get one. */

import { conflict } from '../../base/errors.ts';
import { hostPort as formatHostPort } from '../../base/ip.ts';
import type { PortMapping } from '../model/index.ts';
import { addressesMeet } from './host-address.ts';

export class ReservedPorts {
  readonly #held = new Set<PortMapping>();

  /** All of `mappings` or none. Throws `conflict` in Docker's words. */
  reserve(mappings: readonly PortMapping[]): void {
    for (const mapping of mappings) {
      for (const other of this.#held) {
        const first = firstCommon(mapping, other);
        if (first === undefined || mapping.proto !== other.proto) continue;
        if (!addressesMeet(mapping.hostIp, other.hostIp)) continue;
        const at = formatHostPort(mapping.hostIp, first);
        throw conflict(`Bind for ${at} failed: port is already allocated`);
      }
    }
    this.adopt(mappings);
  }

  /** Those that are published already. */
  adopt(mappings: readonly PortMapping[]): void {
    for (const mapping of mappings) this.#held.add(mapping);
  }

  /** Those that are not reserved are ignored. */
  release(mappings: readonly PortMapping[]): void {
    for (const mapping of mappings) this.#held.delete(mapping);
  }

  all(): PortMapping[] {
    return [...this.#held];
  }
}

function firstCommon(one: PortMapping, other: PortMapping): number | undefined {
  const first = Math.max(one.hostPort, other.hostPort);
  const last = Math.min(one.hostPortEnd ?? one.hostPort, other.hostPortEnd ?? other.hostPort);
  return first <= last ? first : undefined;
}
