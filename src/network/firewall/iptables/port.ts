/** Rules of published ports. */

import { hostPort } from '../../../base/ip.ts';
import type { PortRange } from '../../../base/ports.ts';
import type { FirewallIntent, NetworkIntent } from '../intent.ts';
import type { Origin, OriginPort } from '../origin.ts';
import { kernelRuns, letsIn } from '../published.ts';
import { portMatch, type RuleBuilder } from './builder.ts';
import { type FamilyNetwork, isClosed } from './network.ts';
import type { MappingRun } from './ranges.ts';

/** The runs of a network's published ports that the kernel serves in the builder's family. */
export function publishedRuns(builder: RuleBuilder, entry: FamilyNetwork): MappingRun[] {
  if (isClosed(entry)) return [];
  return kernelRuns(entry.network, builder.family, (text) => builder.address(text));
}

/** Filter table, chain DOCKER: published ports are let in. */
export function addPublished(
  builder: RuleBuilder,
  intent: FirewallIntent,
  entry: FamilyNetwork,
  runs: readonly MappingRun[],
): void {
  const { network, part, bridge } = entry;
  if (isClosed(entry)) return;
  if (part.mode === 'routed') {
    const icmp = builder.family === 4 ? 'icmp' : 'ipv6-icmp';
    builder.add('filter', 'DOCKER', [`! -i ${bridge} -o ${bridge} -p ${icmp} -j ACCEPT`], {
      key: 'routed-icmp',
      networkId: network.id,
    });
  }
  const opened = new Map<string, PortRange[]>();
  for (const run of runs) {
    if (!letsIn(intent, network, part, builder.address(run.hostIp))) continue;
    // Two host ports may lead to one container port: let in once.
    const target = `${run.proto} ${run.containerIp}`;
    const ranges = opened.get(target) ?? [];
    if (ranges.some(({ start, end }) => start <= run.containerPort && run.containerPortEnd <= end)) continue;
    ranges.push({ start: run.containerPort, end: run.containerPortEnd });
    opened.set(target, ranges);
    const to = builder.host(run.containerIp);
    const ports = portMatch(run.proto, '--dport', run.containerPort, run.containerPortEnd);
    builder.add(
      'filter',
      'DOCKER',
      [`-d ${to} ! -i ${bridge} -o ${bridge}`, ...ports, '-j ACCEPT'],
      portOrigin('port-accept', network, run),
    );
  }
}

/** Nat table: host ports become container ports, and a container reaches its own published ports. */
export function addPortTranslation(
  builder: RuleBuilder,
  entry: FamilyNetwork,
  runs: readonly MappingRun[],
  userlandProxy: boolean,
): void {
  const { network, part, bridge } = entry;
  if (isClosed(entry) || part.mode === 'routed') return;
  // A link-local client's answers cannot be routed back through translation: leave it to the proxy.
  const notLinkLocal = builder.family === 6 ? ['! -s fe80::/10'] : [];
  const notOwn = userlandProxy ? [`! -i ${bridge}`] : [];
  for (const run of runs) {
    // Bound to nothing on the host: there is nothing to translate.
    if (run.hostPort === 0) continue;
    const atAddress = builder.address(run.hostIp).isUnspecified ? [] : [`-d ${builder.host(run.hostIp)}`];
    for (const step of translationSteps(run)) {
      builder.add(
        'nat',
        'DOCKER',
        [
          ...notLinkLocal,
          ...atAddress,
          ...notOwn,
          ...portMatch(run.proto, '--dport', step.hostPort, step.hostPortEnd),
          `-j DNAT --to-destination ${destination(builder, step)}`,
        ],
        portOrigin('port-translate', network, step),
      );
    }
  }
  for (const run of runs) {
    const own = builder.host(run.containerIp);
    const ports = portMatch(run.proto, '--dport', run.containerPort, run.containerPortEnd);
    builder.add(
      'nat',
      'POSTROUTING',
      [`-s ${own} -d ${own}`, ...ports, '-j MASQUERADE'],
      portOrigin('port-hairpin', network, run),
    );
  }
}

/**
 * A run whose ports keep their numbers is one rule: DNAT without a port leaves the port alone.
 *
 * A shifted run is one rule per port. iptables has `--to-destination ip:lo-hi/base` for it, but measured on Linux 6.18
 * it answers from the wrong port when the same client address and port is in use towards another address of this host:
 * the kernel takes the next free port of the range (`find_free_id` in nf_nat_core.c) where a single port makes it
 * change the source port.
 */
export function translationSteps(run: MappingRun): MappingRun[] {
  if (run.hostPort === run.containerPort) return [run];
  return Array.from({ length: run.hostPortEnd - run.hostPort + 1 }, (_, offset) => ({
    ...run,
    hostPort: run.hostPort + offset,
    hostPortEnd: run.hostPort + offset,
    containerPort: run.containerPort + offset,
    containerPortEnd: run.containerPort + offset,
  }));
}

/** Where DNAT leads to: `172.17.0.2:80`, or the address alone where ports keep their numbers. */
export function destination(builder: RuleBuilder, step: MappingRun): string {
  const ip = builder.ownAddress(step.containerIp);
  return step.hostPort === step.hostPortEnd ? hostPort(ip, step.containerPort) : ip;
}

export function portOrigin(key: Origin['key'], network: NetworkIntent, run: MappingRun): Origin {
  const port: OriginPort = {
    proto: run.proto,
    containerPort: run.containerPort,
    containerPortEnd: run.containerPortEnd,
    ...(run.hostPort === 0
      ? {}
      : { hostIp: run.hostIp, hostPort: run.hostPort, hostPortEnd: run.hostPortEnd }),
  };
  return { key, networkId: network.id, endpointId: run.endpointId, port };
}
