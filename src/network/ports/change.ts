/** What becomes of published ports when some of them are added or taken away while others stay. Pure. */

import { BridgeportError, conflict } from '../../base/errors.ts';
import { parsePortRange } from '../../base/ports.ts';
import type { PortBinding, PortMap } from '../../base/wire/index.ts';
import type { PortMapping } from '../model/index.ts';

const WILDCARDS = ['0.0.0.0', '::'];

/** Both maps in one. Throws `conflict` when a container's port is to be bound twice to the same port of the host. */
export function withPorts(bindings: PortMap, added: PortMap): PortMap {
  const merged: PortMap = { ...bindings };
  for (const [port, hosts] of Object.entries(added)) {
    const present = merged[port] ?? [];
    for (const { HostIp: ip, HostPort: number } of hosts ?? []) {
      const isSame = (other: PortBinding) => other.HostIp === ip && other.HostPort === number;
      if (number !== '' && number !== '0' && present.some(isSame)) {
        throw conflict(`publish ${port}: it is published on host port ${number} already`);
      }
    }
    merged[port] = [...present, ...(hosts ?? [])];
  }
  return merged;
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
  const sides = new Map(Object.entries(removal).map(([port, hosts]) => [port, sidesOf(hosts ?? [])]));
  const found = new Set<Side>();
  const hit = (port: string, hostIp: string, hostPort: number) => {
    const matching = (sides.get(port) ?? []).filter((side) => covers(side, hostIp, hostPort));
    for (const side of matching) found.add(side);
    return matching.length > 0;
  };
  const rest: PortMap = {};
  for (const [port, hosts] of Object.entries(bindings)) {
    const wanted = sides.get(port);
    const left = wanted === undefined ? hosts : bindingsLeft(port, hosts ?? [], mappings, wanted, found);
    if (wanted === undefined || (left?.length ?? 0) > 0) rest[port] = left;
  }
  const kept: PortMapping[] = [];
  const lost: PortMapping[] = [];
  for (const mapping of mappings) {
    const parts = split(mapping, (containerPort, hostPort) =>
      hit(`${containerPort}/${mapping.proto}`, mapping.hostIp, hostPort),
    );
    kept.push(...parts.kept);
    lost.push(...parts.lost);
  }
  for (const [port, wanted] of sides) {
    const missing = wanted.find((side) => !found.has(side));
    if (missing !== undefined) {
      const host = missing.start === 0 ? '' : ` on host port ${missing.start}`;
      const at = missing.hostIp === '' ? '' : ` of ${missing.hostIp}`;
      throw new BridgeportError('not-found', `unpublish ${port}: it is not published${host}${at}`);
    }
  }
  return { bindings: rest, kept, lost };
}

function sidesOf(hosts: readonly PortBinding[]): Side[] {
  if (hosts.length === 0) return [{ hostIp: '', start: 0, end: 0 }];
  return hosts.map(({ HostIp, HostPort }) => ({
    hostIp: HostIp,
    ...parsePortRange(HostPort === '' ? '0' : HostPort),
  }));
}

function covers({ hostIp, start, end }: Side, ip: string, port: number): boolean {
  return (hostIp === '' || hostIp === ip) && (start === 0 || (start <= port && port <= end));
}

/** What is left of one container port's bindings. */
function bindingsLeft(
  port: string,
  hosts: readonly PortBinding[],
  mappings: readonly PortMapping[],
  sides: readonly Side[],
  found: Set<Side>,
): PortBinding[] {
  // Most ports are asked for by number: where they are bound need not be looked up.
  const isPlain = hosts.every(isFixed) && sides.every(({ hostIp }) => hostIp === '');
  const actual = isPlain ? [] : hostSides(port, mappings);
  const chosen = isPlain ? [] : chosenPorts(hosts, actual);
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
    found.add(side);
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

/** Where one container port is bound. */
function hostSides(
  port: string,
  mappings: readonly PortMapping[],
): Array<{ hostIp: string; hostPort: number }> {
  const [number, proto] = port.split('/');
  const containerPort = Number(number);
  return mappings
    .filter(
      (mapping) =>
        mapping.proto === proto &&
        mapping.containerPort <= containerPort &&
        containerPort <= (mapping.containerPortEnd ?? mapping.containerPort),
    )
    .map((mapping) => ({
      hostIp: mapping.hostIp,
      hostPort: mapping.hostPort === 0 ? 0 : mapping.hostPort + containerPort - mapping.containerPort,
    }));
}

/** Which port each binding got that left the choice to us, by its index: they were chosen in this order. */
function chosenPorts(
  hosts: readonly PortBinding[],
  actual: ReadonlyArray<{ hostPort: number }>,
): Array<number | undefined> {
  const fixed = new Set(hosts.filter(isFixed).map(({ HostPort }) => Number(HostPort)));
  const free = [...new Set(actual.map(({ hostPort }) => hostPort))].filter((port) => !fixed.has(port));
  return hosts.map((binding) => (isFixed(binding) ? undefined : free.shift()));
}

/** The ports of a mapping for which `goes` says yes, and the others, each joined into runs again. */
function split(
  mapping: PortMapping,
  goes: (containerPort: number, hostPort: number) => boolean,
): { kept: PortMapping[]; lost: PortMapping[] } {
  const size = (mapping.containerPortEnd ?? mapping.containerPort) - mapping.containerPort + 1;
  const runs: Array<{ lost: boolean; first: number; last: number }> = [];
  for (let offset = 0; offset < size; offset++) {
    const lost = goes(mapping.containerPort + offset, mapping.hostPort === 0 ? 0 : mapping.hostPort + offset);
    const last = runs.at(-1);
    if (last?.lost === lost) last.last = offset;
    else runs.push({ lost, first: offset, last: offset });
  }
  const parts = (lost: boolean) =>
    runs
      .filter((run) => run.lost === lost)
      .map(({ first, last }) => (last - first + 1 === size ? mapping : part(mapping, first, last)));
  return { kept: parts(false), lost: parts(true) };
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
