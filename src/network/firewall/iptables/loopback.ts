/** Protection of this host's loopback addresses, and of ports that are published on them. */

import type { FirewallIntent } from '../intent.ts';
import { routesLoopback } from '../localhost.ts';
import type { RuleBuilder } from './builder.ts';

/**
 * Table raw: no packet from elsewhere may be for 127.0.0.0/8, nor come from there.
 *
 * A neighbour that sends a frame for 127.0.0.1 to this host's MAC address would be translated before the kernel looks
 * for such "martians", so that a port published on loopback would be open to the neighbour. Where the kernel serves localhost it
 * is worse: `route_localnet`, which the bridges then need, lets containers reach everything that listens on the host's loopback, and
 * (by 127.0.0.2, which no interface has) send packets that seem to come from the host itself.
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
  const routed = routesLoopback(intent);
  if (!published && !routed) return;
  builder.add('raw', 'PREROUTING', ['-d 127.0.0.0/8 ! -i lo -j DROP'], { key: 'loopback-drop' });
  if (!routed) return;
  builder.add('raw', 'PREROUTING', ['-s 127.0.0.0/8 ! -i lo -j DROP'], { key: 'loopback-source-drop' });
}
