/** Which published ports are a matter of rules. */

import type { Ip, IpFamily } from '../../base/ip.ts';
import {
  type FirewallIntent,
  isDirectlyAddressed,
  type NetworkFamilyIntent,
  type NetworkIntent,
} from './intent.ts';
import { joinMappings, type MappingRun } from './iptables/ranges.ts';

/**
 * The published ports of a network that the kernel serves in one family, joined into runs.
 *
 * @param read reads an address of either family; throws `invalid` when it is none
 */
export function kernelRuns(
  network: NetworkIntent,
  family: IpFamily,
  read: (address: string) => Ip,
): MappingRun[] {
  if (network.ports.length === 0) return [];
  return joinMappings(
    network.ports.filter((port) => {
      if (port.proxyProtocol) return false;
      // A host address of the other family is the userland proxy's business: the kernel does not translate between them.
      return read(port.hostIp).family === family && read(port.containerIp).family === family;
    }),
  );
}

/**
 * Whether a rule lets packets from elsewhere in. A port on loopback is for this host alone, whose packets no rule stops;
 * where containers are addressed directly, the rule would open it to others. (Elsewhere it is harmless, and Docker's.)
 */
export function letsIn(
  intent: FirewallIntent,
  network: NetworkIntent,
  part: NetworkFamilyIntent,
  hostIp: Ip,
): boolean {
  if (part.mode === 'nat-unprotected') return false;
  const isDirect = part.mode === 'routed' || isDirectlyAddressed(intent, network, part);
  return !(isDirect && hostIp.isLoopback);
}
