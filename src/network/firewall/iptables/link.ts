/** Rules of links: two per exposed port, there and back, in a network whose containers do not reach each other. */

import type { PortSpec } from '../../../base/ports.ts';
import { portMatch, type RuleBuilder } from './builder.ts';
import { type FamilyNetwork, isClosed } from './network.ts';
import { mergeRanges } from './ranges.ts';

/** Chain DOCKER: what the links of a network open. */
export function addLinks(builder: RuleBuilder, entry: FamilyNetwork): void {
  const { network, bridge } = entry;
  // A closed network's FORWARD block has no jump to DOCKER (nothing is published there), so a link could open nothing.
  if (network.icc || isClosed(entry) || builder.family !== 4) return;
  for (const link of network.links) {
    const client = builder.host(link.clientIp);
    const server = builder.host(link.serverIp);
    for (const ports of mergePorts(link.exposed)) {
      const origin = {
        networkId: network.id,
        endpointId: link.clientEndpointId,
        port: { proto: ports.proto, containerPort: ports.start, containerPortEnd: ports.end },
        link: { serverEndpointId: link.serverEndpointId, alias: link.alias },
      };
      const within = `-i ${bridge} -o ${bridge}`;
      const there = portMatch(ports.proto, '--dport', ports.start, ports.end);
      const back = portMatch(ports.proto, '--sport', ports.start, ports.end);
      builder.add('filter', 'DOCKER', [`-s ${client} -d ${server} ${within}`, ...there, '-j ACCEPT'], {
        key: 'link-request',
        ...origin,
      });
      builder.add('filter', 'DOCKER', [`-s ${server} -d ${client} ${within}`, ...back, '-j ACCEPT'], {
        key: 'link-answer',
        ...origin,
      });
    }
  }
}

/** Adjacent exposed ports become one range; protocols stay in the order they were first named. */
function mergePorts(exposed: readonly PortSpec[]): PortSpec[] {
  const protocols = [...new Set(exposed.map((port) => port.proto))];
  return protocols.flatMap((proto) =>
    mergeRanges(exposed.filter((port) => port.proto === proto)).map((range) => ({ proto, ...range })),
  );
}
