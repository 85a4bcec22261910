/** Which published ports are a matter of rules. */

import type { Ip, IpFamily } from '../../base/ip.ts';
import type { NetworkFamilyIntent, NetworkIntent } from './intent.ts';
import { joinMappings, type MappingRun } from './iptables/ranges.ts';

/**
 * The published ports of a network that the kernel serves in one family, joined into runs.
 *
 * @param read reads an address of either family; throws `invalid` when it is none
 */
export function kernelRuns(
  network: NetworkIntent,
  part: NetworkFamilyIntent,
  family: IpFamily,
  read: (address: string) => Ip,
): MappingRun[] {
  return joinMappings(
    network.ports.filter((port) => {
      const hostIp = read(port.hostIp);
      // A host address of the other family is the userland proxy's business: the kernel does not translate between them.
      if (hostIp.family !== family || read(port.containerIp).family !== family) return false;
      // Meant for this host alone, which reaches a routed container anyway: others are not let in.
      return part.mode !== 'routed' || !hostIp.isLoopback;
    }),
  );
}
