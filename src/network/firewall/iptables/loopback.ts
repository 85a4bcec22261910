/** Protection of ports that are published on loopback addresses. */

import type { FirewallIntent } from '../intent.ts';
import type { RuleBuilder } from './builder.ts';

/**
 * Table raw: no packet from elsewhere may be for 127.0.0.0/8.
 *
 * A neighbour that sends a frame for 127.0.0.1 to this host's MAC address would be translated before the kernel looks
 * for such "martians", so that a port published on loopback would be open to the neighbour. Without the proxy it is worse:
 * `route_localnet`, which the bridges then need, lets containers reach everything that listens on the host's loopback.
 * The whole /8 is dropped, and not single ports: no packet that comes in by another interface may lawfully carry such an
 * address (RFC 1122, 3.2.1.3). IPv6 needs no rule: the kernel drops ::1 from outside before netfilter sees it.
 */
export function addLoopbackProtection(builder: RuleBuilder, intent: FirewallIntent): void {
  if (builder.family !== 4) return;
  const published = intent.networks.some((network) =>
    network.ports.some((port) => {
      const hostIp = builder.address(port.hostIp);
      return hostIp.family === 4 && hostIp.isLoopback;
    }),
  );
  if (!published && intent.userlandProxy) return;
  builder.add('raw', 'PREROUTING', ['-d 127.0.0.0/8 ! -i lo -j DROP'], { key: 'loopback-drop' });
}
