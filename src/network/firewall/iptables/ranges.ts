/** Joining of ports into ranges, so that a run of ports costs one rule and not one per port. */

import { invalid } from '../../../base/errors.ts';
import { MAX_PORT, type PortRange } from '../../../base/ports.ts';
import type { PortMapping } from '../../model/port.ts';

/** A port mapping with both ends written out. */
export interface MappingRun extends PortMapping {
  readonly hostPortEnd: number;
  readonly containerPortEnd: number;
}

/** Overlapping and adjacent ranges joined, in ascending order. */
export function mergeRanges(ranges: readonly PortRange[]): PortRange[] {
  const merged: PortRange[] = [];
  for (const { start, end } of ranges.toSorted((a, b) => a.start - b.start)) {
    const last = merged.at(-1);
    if (last !== undefined && start <= last.end + 1) {
      merged[merged.length - 1] = { start: last.start, end: Math.max(last.end, end) };
    } else {
      merged.push({ start, end });
    }
  }
  return merged;
}

/**
 * Mappings of one endpoint joined where host and container ports go on in step. A group (same endpoint, protocol and
 * addresses) stays where its first mapping was; within it, host ports ascend.
 */
export function joinMappings(mappings: readonly PortMapping[]): MappingRun[] {
  const groups = Map.groupBy(mappings.map(withEnds), (mapping) =>
    [mapping.endpointId, mapping.proto, mapping.hostIp, mapping.containerIp].join(' '),
  );
  return [...groups.values()].flatMap((group) => {
    const runs: MappingRun[] = [];
    for (const next of group.toSorted(
      (a, b) => a.hostPort - b.hostPort || a.containerPort - b.containerPort,
    )) {
      const last = runs.at(-1);
      if (last !== undefined && goesOn(last, next)) {
        runs[runs.length - 1] = {
          ...last,
          hostPortEnd: next.hostPortEnd,
          containerPortEnd: next.containerPortEnd,
        };
      } else {
        runs.push(next);
      }
    }
    return runs;
  });
}

function goesOn(last: MappingRun, next: MappingRun): boolean {
  const unbound = last.hostPort === 0 && next.hostPort === 0;
  return (
    (unbound || next.hostPort === last.hostPortEnd + 1) && next.containerPort === last.containerPortEnd + 1
  );
}

function withEnds(mapping: PortMapping): MappingRun {
  const { hostPort, containerPort } = mapping;
  const containerPortEnd = mapping.containerPortEnd ?? containerPort;
  const hostPortEnd =
    mapping.hostPortEnd ?? (hostPort === 0 ? 0 : hostPort + containerPortEnd - containerPort);
  const inStep = hostPort === 0 || hostPortEnd - hostPort === containerPortEnd - containerPort;
  if (
    containerPort < 1 ||
    containerPortEnd < containerPort ||
    Math.max(containerPortEnd, hostPortEnd) > MAX_PORT ||
    !inStep
  ) {
    throw invalid(
      `publish ${mapping.hostIp}:${hostPort}-${hostPortEnd} as ${containerPort}-${containerPortEnd}/${mapping.proto}: not two port ranges of one size`,
    );
  }
  return { ...mapping, hostPortEnd, containerPortEnd };
}
