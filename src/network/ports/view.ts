/** What `inspect`, `ps`, `port` and events show of published ports. Pure. */

import { hostPort } from '../../base/ip.ts';
import { formatPortRange } from '../../base/ports.ts';
import type { PortMap } from '../../base/wire/index.ts';
import type { PortMapping } from '../model/index.ts';

/** Every exposed port, with the host sides that are bound; null for one that is exposed only. */
export function portMapOf(exposed: readonly string[], mappings: readonly PortMapping[]): PortMap {
  const map: PortMap = Object.fromEntries(exposed.map((port) => [port, null]));
  for (const mapping of mappings) {
    const last = mapping.containerPortEnd ?? mapping.containerPort;
    for (let port = mapping.containerPort; port <= last; port++) {
      const key = `${port}/${mapping.proto}`;
      const bindings = map[key] ?? [];
      // As in Docker: a routed port has no port of the host.
      const hostPort =
        mapping.hostPort === 0 ? '' : String(mapping.hostPort + (port - mapping.containerPort));
      bindings.push({ HostIp: mapping.hostIp, HostPort: hostPort });
      map[key] = bindings;
    }
  }
  return map;
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
