/** What becomes of published ports when some of them are added or taken away while others stay. Pure. */

import { BridgeportError, conflict } from '../../base/errors.ts';
import { hostsAt, type PortRun, portMap, portPieces, portRuns, remainder } from '../../base/port-runs.ts';
import { type PortRange, type PortSpec, parsePortRange } from '../../base/ports.ts';
import type { PortBinding, PortMap } from '../../base/wire/index.ts';
import type { PortMapping } from '../model/index.ts';

const WILDCARDS = ['0.0.0.0', '::'];

/** Both maps in one. Throws `conflict` when a container's port is to be bound twice to the same port of the host. */
export function withPorts(bindings: PortMap, added: PortMap): PortMap {
  const [present, more] = [portRuns(bindings), portRuns(added)];
  const isNew = new Set(more);
  return portMap(
    portPieces([...present, ...more]).map(({ proto, start, end, of }) => {
      const hosts = (wanted: boolean) =>
        of.filter((run) => isNew.has(run) === wanted).flatMap((run) => hostsAt(run, start) ?? []);
      const before = hosts(false);
      for (const { HostIp: ip, HostPort: number } of hosts(true)) {
        const isSame = (other: PortBinding) => other.HostIp === ip && other.HostPort === number;
        if (number !== '' && number !== '0' && before.some(isSame)) {
          throw conflict(`publish ${start}/${proto}: it is published on host port ${number} already`);
        }
      }
      const isEmpty = of.every((run) => run.hosts === null);
      return { proto, start, end, hosts: isEmpty ? null : [...before, ...hosts(true)] };
    }),
  );
}

export interface PortRemoval {
  /** What is asked for from now on. */
  bindings: PortMap;
  /** The mappings that stay; of a run, what is left of it. One that is left whole is the same object. */
  kept: PortMapping[];
  /** The others, or the parts of them that go. */
  lost: PortMapping[];
}

/** A host side that shall go. */
interface Side {
  /** Empty: every address. */
  hostIp: string;
  /** 0: every port. */
  start: number;
  end: number;
}

/** Whose ports a range of the container's are. */
type Part =
  | (PortSpec & { as: 'asked'; run: PortRun })
  | (PortSpec & { as: 'removed'; run: PortRun; found: PortRange[][] })
  | (PortSpec & { as: 'mapped'; mapping: PortMapping; lost: PortRange[] });

/**
 * Takes published ports away.
 *
 * @param bindings what was asked for
 * @param mappings what came of it; empty when the container does not run
 * @param removal host sides by container port; an empty list, address or port means all of them
 * @throws `not-found` for a port that is not published
 */
export function withoutPorts(
  bindings: PortMap,
  mappings: readonly PortMapping[],
  removal: PortMap,
): PortRemoval {
  const asked = portRuns(bindings).map((run) => ({ ...run, as: 'asked' as const, run }));
  const removed = portRuns(removal).map((run) => {
    return { ...run, as: 'removed' as const, run, found: sidesAt(run, run.start).map((): PortRange[] => []) };
  });
  const mapped = mappings.map((mapping) => {
    const { proto, containerPort: start, containerPortEnd: end = start } = mapping;
    return { proto, start, end, as: 'mapped' as const, mapping, lost: [] as PortRange[] };
  });
  const rest: PortRun[] = [];
  // All that has a part in a piece has it in each of its ports: looking at the first is enough.
  for (const { proto, start, end, of } of portPieces<Part>([...asked, ...removed, ...mapped])) {
    const piece = { start, end };
    const going = of.find((part) => part.as === 'removed');
    const sides = going === undefined ? [] : sidesAt(going.run, start);
    const find = (side: Side) => going?.found[sides.indexOf(side)]?.push(piece);
    const there = of.flatMap((part) => (part.as === 'mapped' ? part.mapping : []));
    const wish = of.find((part) => part.as === 'asked');
    if (wish !== undefined) {
      const hosts = hostsAt(wish.run, start);
      const left = going === undefined ? hosts : bindingsLeft(start, hosts ?? [], there, sides, find);
      if (going === undefined || (left?.length ?? 0) > 0) rest.push({ proto, start, end, hosts: left });
    }
    for (const part of of) {
      if (part.as !== 'mapped') continue;
      const matching = sides.filter((side) =>
        covers(side, part.mapping.hostIp, hostPortOf(part.mapping, start)),
      );
      for (const side of matching) find(side);
      if (matching.length > 0) part.lost.push(piece);
    }
  }
  for (const { run, found } of removed) {
    for (const [index, pieces] of found.entries()) refuseMissing(run, index, pieces);
  }
  const parts = mapped.map(({ mapping, lost }) => split(mapping, lost));
  return {
    bindings: portMap(rest),
    kept: parts.flatMap(({ kept }) => kept),
    lost: parts.flatMap(({ lost }) => lost),
  };
}

/** Throws `not-found` naming the first port of the run of which its host side of that index was not found. */
function refuseMissing(run: PortRun, index: number, found: readonly PortRange[]): void {
  const [missing] = remainder(run, found);
  if (missing === undefined) return;
  const { hostIp, start } = sidesAt(run, missing.start)[index] as Side;
  const host = start === 0 ? '' : ` on host port ${start}`;
  const at = hostIp === '' ? '' : ` of ${hostIp}`;
  throw new BridgeportError(
    'not-found',
    `unpublish ${missing.start}/${run.proto}: it is not published${host}${at}`,
  );
}

/** The host sides of one port of a removal. */
function sidesAt(run: PortRun, port: number): Side[] {
  const hosts = hostsAt(run, port) ?? [];
  if (hosts.length === 0) return [{ hostIp: '', start: 0, end: 0 }];
  return hosts.map(({ HostIp, HostPort }) => ({
    hostIp: HostIp,
    ...parsePortRange(HostPort === '' ? '0' : HostPort),
  }));
}

function covers({ hostIp, start, end }: Side, ip: string, port: number): boolean {
  return (hostIp === '' || hostIp === ip) && (start === 0 || (start <= port && port <= end));
}

function hostPortOf({ hostPort, containerPort }: PortMapping, port: number): number {
  return hostPort === 0 ? 0 : hostPort + port - containerPort;
}

/**
 * What is left of one container port's bindings.
 *
 * @param there the mappings that have the port
 * @param find told of each side that hits something
 */
function bindingsLeft(
  port: number,
  hosts: readonly PortBinding[],
  there: readonly PortMapping[],
  sides: readonly Side[],
  find: (side: Side) => void,
): PortBinding[] {
  const actual = there.map((mapping) => ({ hostIp: mapping.hostIp, hostPort: hostPortOf(mapping, port) }));
  const chosen = chosenPorts(hosts, actual);
  return hosts.flatMap((binding, index) => {
    const number = isFixed(binding) ? Number(binding.HostPort) : chosen[index];
    const atAll = binding.HostIp === '';
    const side = sides.find(
      ({ hostIp, start, end }) =>
        (start === 0 || (number !== undefined && start <= number && number <= end)) &&
        (hostIp === '' ||
          hostIp === binding.HostIp ||
          (atAll && (WILDCARDS.includes(hostIp) || actual.some((one) => one.hostIp === hostIp)))),
    );
    if (side === undefined) return [binding];
    find(side);
    // Asked for on all addresses, and taken away on those of one family.
    const other = WILDCARDS.find((ip) => ip !== side.hostIp);
    const isHalf = atAll && WILDCARDS.includes(side.hostIp) && other !== undefined;
    const otherIsThere = actual.length === 0 || actual.some(({ hostIp }) => hostIp === other);
    return isHalf && otherIsThere ? [{ ...binding, HostIp: other }] : [];
  });
}

function isFixed({ HostPort }: PortBinding): boolean {
  return HostPort !== '' && HostPort !== '0' && !HostPort.includes('-');
}

/** Which port each binding got that left the choice to us, by its index: they were chosen in this order. */
function chosenPorts(
  hosts: readonly PortBinding[],
  actual: ReadonlyArray<{ hostIp: string; hostPort: number }>,
): Array<number | undefined> {
  const fixed = new Set(hosts.filter(isFixed).map(({ HostPort }) => Number(HostPort)));
  let left = actual.filter(({ hostPort }) => !fixed.has(hostPort));
  return hosts.map((binding) => {
    if (isFixed(binding)) return undefined;
    const isHere = ({ hostIp }: { hostIp: string }) => binding.HostIp === '' || hostIp === binding.HostIp;
    const chosen = left.find(isHere)?.hostPort;
    left = left.filter((one) => one.hostPort !== chosen || !isHere(one));
    return chosen;
  });
}

/** The lost ports of a mapping, given by the container's, and the others, each as runs. */
function split(
  mapping: PortMapping,
  lost: readonly PortRange[],
): { kept: PortMapping[]; lost: PortMapping[] } {
  const { containerPort: start, containerPortEnd: end = start } = mapping;
  const kept = remainder({ start, end }, lost);
  const parts = (ranges: readonly PortRange[]) =>
    ranges.map((range) =>
      range.start === start && range.end === end
        ? mapping
        : part(mapping, range.start - start, range.end - start),
    );
  return { kept: parts(kept), lost: parts(remainder({ start, end }, kept)) };
}

function part(mapping: PortMapping, first: number, last: number): PortMapping {
  const { containerPortEnd: _container, hostPortEnd: _host, ...rest } = mapping;
  const { containerPort, hostPort } = mapping;
  const isRun = last > first;
  return {
    ...rest,
    containerPort: containerPort + first,
    ...(isRun ? { containerPortEnd: containerPort + last } : {}),
    hostPort: hostPort === 0 ? 0 : hostPort + first,
    ...(isRun && hostPort !== 0 ? { hostPortEnd: hostPort + last } : {}),
  };
}
