/** Which published port an address and a port stand for. Pure. */

import { Ip } from '../../../base/ip.ts';
import type { PortMapping } from '../../../network/model/index.ts';
import type { PacketProtocol, Side } from '../../packet/packet.ts';
import type { TopologyContainer, TopologyRecords } from '../../topology/records.ts';
import { endpointsOf } from './parties.ts';

/** A published port. */
export interface Published {
  readonly container: TopologyContainer;
  readonly mapping: PortMapping;
}

/** The published port that an address and a port of the host stand for. */
export function publishedAt(
  records: TopologyRecords,
  protocol: PacketProtocol,
  { ip, port }: Side,
): Published | undefined {
  for (const container of records.containers()) {
    // A container's own address is not the host's.
    if (endpointsOf(container).some(({ v4, v6 }) => [v4?.address, v6?.address].includes(ip.toString())))
      return undefined;
  }
  for (const container of records.containers()) {
    const mapping = container.sandbox?.ports.find((candidate) => {
      if (!isAt(candidate, protocol, port) || port === 0) return false;
      const hostIp = Ip.parse(candidate.hostIp);
      return hostIp.isUnspecified ? hostIp.family === ip.family : hostIp.equals(ip);
    });
    if (mapping !== undefined) return { container, mapping };
  }
  return undefined;
}

/** A port that is published on a loopback address only, and was asked for at another. */
export function hiddenAt(
  records: TopologyRecords,
  protocol: PacketProtocol,
  { ip, port }: Side,
): Published | undefined {
  for (const container of records.containers()) {
    const mapping = container.sandbox?.ports.find((candidate) => {
      if (!isAt(candidate, protocol, port)) return false;
      const hostIp = Ip.parse(candidate.hostIp);
      return hostIp.isLoopback && hostIp.family === ip.family && !hostIp.equals(ip);
    });
    if (mapping !== undefined) return { container, mapping };
  }
  return undefined;
}

const isAt = (
  { proto, hostPort, hostPortEnd = hostPort }: PortMapping,
  protocol: PacketProtocol,
  port: number,
) => proto === protocol && port >= hostPort && port <= hostPortEnd;
