/** Published ports for this host's own loopback addresses, beside the userland proxy. */

import { isOnLoopback } from '../localhost.ts';
import { portMatch, type RuleBuilder } from './builder.ts';
import type { FamilyNetwork } from './network.ts';
import { destination, portOrigin, translationSteps } from './port.ts';
import type { MappingRun } from './ranges.ts';

/**
 * A chain of its own, not another jump into DOCKER: `OUTPUT ! -d 127.0.0.0/8 -j DOCKER` and the two references to that chain are
 * what everybody knows of a Docker with its proxy, and what others' scripts look for.
 */
export function addLocalhost(
  builder: RuleBuilder,
  { network, bridge }: FamilyNetwork,
  runs: readonly MappingRun[],
): void {
  if (builder.family !== 4) return;
  for (const run of runs) {
    if (run.hostPort === 0 || !isOnLoopback(run.hostIp)) continue;
    const at = builder.address(run.hostIp).isUnspecified ? [] : [`-d ${builder.host(run.hostIp)}`];
    for (const step of translationSteps(run)) {
      const ports = portMatch(run.proto, '--dport', step.hostPort, step.hostPortEnd);
      builder.add(
        'nat',
        'DOCKER-LOCALHOST',
        [...at, ...ports, `-j DNAT --to-destination ${destination(builder, step)}`],
        portOrigin('port-translate', network, step),
      );
    }
  }
  builder.add('nat', 'POSTROUTING', [`-s 127.0.0.0/8 -o ${bridge} -j MASQUERADE`], {
    key: 'localhost-masquerade',
    networkId: network.id,
  });
}

/** What leads this host's own packets for its loopback addresses there. */
export function addLocalhostJump(builder: RuleBuilder): void {
  builder.add('nat', 'OUTPUT', ['-d 127.0.0.0/8 -j DOCKER-LOCALHOST'], { key: 'localhost-jump' });
}
