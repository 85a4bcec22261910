/** What `inspect`, `ps`, `port` and events show of published ports. Pure. */

import { hostPort } from '../../base/ip.ts';
import { portMap, portPieces } from '../../base/port-runs.ts';
import { formatPortRange, type PortSpec, parsePortSpec } from '../../base/ports.ts';
import type { PortMap } from '../../base/wire/index.ts';
import type { PortMapping } from '../model/index.ts';

/** Every exposed port, with the host sides that are bound; null for one that is exposed only. Neighbours are one entry. */
export function portMapOf(exposed: readonly string[], mappings: readonly PortMapping[]): PortMap {
  const specs: Array<PortSpec & { mapping?: PortMapping }> = [
    ...exposed.map(parsePortSpec),
    ...mappings.map((mapping) => {
      const { proto, containerPort: start, containerPortEnd: end = start } = mapping;
      return { proto, start, end, mapping };
    }),
  ];
  return portMap(
    portPieces(specs).map(({ proto, start, end, of }) => {
      const bound = of.flatMap(({ mapping }) => mapping ?? []);
      const hosts = bound.map(({ hostIp, hostPort, containerPort }) => ({
        HostIp: hostIp,
        // As in Docker: a routed port has no port of the host.
        HostPort: hostPort === 0 ? '' : `${hostPort + start - containerPort}`,
      }));
      return { proto, start, end, hosts: hosts.length === 0 ? null : hosts };
    }),
  );
}

/** `0.0.0.0:8080->80/tcp, [::]:9000-9002->9000-9002/tcp`: as `ps` writes them. */
export function formatMappings(mappings: readonly PortMapping[]): string {
  return mappings
    .map((mapping) => {
      const { hostIp, proto, containerPort, containerPortEnd = containerPort } = mapping;
      const inside = `${formatPortRange({ start: containerPort, end: containerPortEnd })}/${proto}`;
      if (mapping.hostPort === 0) return inside;
      const last = mapping.hostPortEnd === undefined ? '' : `-${mapping.hostPortEnd}`;
      return `${hostPort(hostIp, mapping.hostPort)}${last}->${inside}`;
    })
    .join(', ');
}
