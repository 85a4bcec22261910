/** What `inspect`, `ps` and `port` show of published ports. Pure. */

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
