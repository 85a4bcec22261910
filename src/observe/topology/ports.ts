/** Published ports as the picture shows them. Pure. */

import { isIp } from '../../base/ip.ts';
import { remainder } from '../../base/port-runs.ts';
import { formatPortSpec, parsePortSpec } from '../../base/ports.ts';
import type { MapPort } from '../../base/wire/index.ts';
import type { PortMapping } from '../../network/model/index.ts';

/** How this daemon serves ports. */
export interface ServingSettings {
  /** Rules translate packets (`--iptables`). */
  kernelServes: boolean;
  /** The proxy forwards what reaches its socket (`--userland-proxy`); off, it only holds the port. */
  userlandProxy: boolean;
}

/** In ascending order of container ports; neighbours that keep their distance are one run. */
export function mapPorts(mappings: readonly PortMapping[], settings: ServingSettings): MapPort[] {
  const ports = mappings.flatMap(routedSingly).map((mapping): MapPort => {
    const { hostIp, hostPort, hostPortEnd, containerPort, proto } = mapping;
    return {
      hostIp,
      hostPort,
      ...(hostPortEnd === undefined || hostPortEnd === hostPort ? {} : { hostPortEnd }),
      containerPort,
      proto,
      servedBy: servedBy(mapping, settings),
    };
  });
  return joinRuns(ports).sort(
    (a, b) => a.containerPort - b.containerPort || compare(a.proto, b.proto) || compare(a.hostIp, b.hostIp),
  );
}

/** A routed run has no host ports that could tell its length. */
function routedSingly(mapping: PortMapping): PortMapping[] {
  const { hostPort, containerPort, containerPortEnd = containerPort, ...rest } = mapping;
  if (hostPort !== 0) return [mapping];
  return Array.from({ length: containerPortEnd - containerPort + 1 }, (_, offset) => ({
    ...rest,
    hostPort,
    containerPort: containerPort + offset,
  }));
}

/** Rules cannot translate between address families, and the proxy does not speak SCTP. */
export function servedBy(
  { hostIp, hostPort, containerIp, proto, proxyProtocol }: PortMapping,
  { kernelServes, userlandProxy }: ServingSettings,
): NonNullable<MapPort['servedBy']> {
  const crosses = isIp(hostIp, 6) !== isIp(containerIp, 6);
  if (hostPort === 0) return 'kernel';
  if (crosses || !kernelServes || proxyProtocol) return 'proxy';
  return userlandProxy && proto !== 'sctp' ? 'both' : 'kernel';
}

/** Those of `exposed` (`80/tcp`, `8000-8010/tcp`) that no mapping publishes, in the order of their numbers. */
export function unpublished(exposed: readonly string[], mappings: readonly PortMapping[]): string[] {
  const published = mappings.map(({ proto, containerPort: start, containerPortEnd: end = start }) => {
    return { proto, start, end };
  });
  return exposed
    .map(parsePortSpec)
    .flatMap(({ proto, ...range }) => {
      const taken = published.filter((mapping) => mapping.proto === proto);
      return remainder(range, taken).map((left) => ({ proto, ...left }));
    })
    .sort((a, b) => a.start - b.start || compare(a.proto, b.proto))
    .map(formatPortSpec);
}

function joinRuns(ports: readonly MapPort[]): MapPort[] {
  const sorted = [...ports].sort(
    (a, b) => compare(a.proto, b.proto) || compare(a.hostIp, b.hostIp) || a.hostPort - b.hostPort,
  );
  const runs: MapPort[] = [];
  for (const port of sorted) {
    const run = runs.at(-1);
    if (run !== undefined && continues(run, port)) run.hostPortEnd = port.hostPortEnd ?? port.hostPort;
    else runs.push(port);
  }
  return runs;
}

function continues(run: MapPort, port: MapPort): boolean {
  return (
    run.proto === port.proto &&
    run.hostIp === port.hostIp &&
    run.servedBy === port.servedBy &&
    (run.hostPortEnd ?? run.hostPort) + 1 === port.hostPort &&
    port.hostPort - run.hostPort === port.containerPort - run.containerPort
  );
}

const compare = (a: string, b: string) => (a < b ? -1 : a > b ? 1 : 0);
