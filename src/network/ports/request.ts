/** From what a client asks for (`PortBindings`) to the runs of ports that shall be published. Pure. */

import { conflict, invalid } from '../../base/errors.ts';
import { hostPort as formatHostPort, Ip, isIp } from '../../base/ip.ts';
import { hostsAt, type PortRun, portPieces, portRuns, remainder } from '../../base/port-runs.ts';
import {
  MAX_PORT,
  type PortRange,
  type PortSpec,
  type Protocol,
  parsePortRange,
  parsePortSpec,
} from '../../base/ports.ts';
import type { PortMap } from '../../base/wire/index.ts';
import { addressesMeet, isWildcard } from './host-address.ts';

/** One wish: these container ports on these host ports of one address. */
export interface PublishRequest {
  proto: Protocol;
  containerPort: number;
  /** Inclusive; ports in step with the host's. */
  containerPortEnd: number;
  /** Empty: all addresses, of both families where the host has both. */
  hostIp: string;
  /** 0: any free port, for each of the container's. */
  hostPort: number;
  hostPortEnd: number;
  /** Only one of `hostPort … hostPortEnd` is wanted, whichever is free; then there is one container port. */
  anyOf: boolean;
  /** The container's server expects a PROXY protocol header. */
  proxyProtocol: boolean;
}

export interface PortWishes {
  /** By container port, `80/tcp`. */
  bindings: PortMap;
  /** `80/tcp` */
  exposed: string[];
  publishAll: boolean;
  /** Host address for bindings that name none; empty: all. */
  defaultHostIp: string;
  /** TCP ports of the container whose server expects a PROXY protocol header. Default none. */
  proxyProtocol?: readonly PortRange[];
}

/** Neighbouring ports with equal offsets become one request. Throws `invalid` naming the value. */
export function publishRequests(wishes: PortWishes): PublishRequest[] {
  const { bindings, exposed, publishAll, defaultHostIp } = wishes;
  const bound = portRuns(bindings).flatMap((run) => cutByProtocol(run, wishes));
  const requests = bound.flatMap((run) =>
    (run.hosts ?? []).map((host) => request(run, host.HostIp || defaultHostIp, host.HostPort, wishes)),
  );
  if (publishAll) {
    for (const spec of exposedOnly(exposed, bindings)) {
      for (const run of cutByProtocol({ ...spec, hosts: null }, wishes)) {
        requests.push(request(run, defaultHostIp, '', wishes));
      }
    }
  }
  refuseTwice(requests);
  return joinRuns(requests);
}

/** Those of `exposed` (`80/tcp`, `8000-8010/tcp`) that have no host side: what `-P` publishes. */
export function exposedOnly(exposed: readonly string[], bindings: PortMap): PortSpec[] {
  const bound = portRuns(bindings).filter(({ hosts }) => hosts !== null && hosts.length > 0);
  return exposed.map(parsePortSpec).flatMap(({ proto, ...range }) =>
    remainder(
      range,
      bound.filter((run) => run.proto === proto),
    ).map((left) => ({ proto, ...left })),
  );
}

/**
 * Together those that ask for the same on other addresses of the host: where the port is not theirs to name, they get the same one, as in
 * Docker.
 */
export function alikeRequests(requests: readonly PublishRequest[]): PublishRequest[][] {
  const groups: PublishRequest[][] = [];
  const byPorts = new Map<string, PublishRequest[][]>();
  for (const request of requests) {
    const { proto, containerPort, containerPortEnd, hostPort, hostPortEnd, hostIp } = request;
    const ports = [proto, containerPort, containerPortEnd, hostPort, hostPortEnd].join(' ');
    const known = byPorts.get(ports) ?? [];
    byPorts.set(ports, known);
    const group = known.find((others) => !others.some((other) => addressesMeet(other.hostIp, hostIp)));
    if (group !== undefined) group.push(request);
    else {
      known.push([request]);
      groups.push(known.at(-1) as PublishRequest[]);
    }
  }
  return groups;
}

/** A run ends where the server begins to expect a PROXY protocol header, or no longer does. */
function cutByProtocol(run: PortRun, { proxyProtocol = [] }: PortWishes): PortRun[] {
  if (run.proto !== 'tcp' || proxyProtocol.length === 0) return [run];
  const pieces = portPieces([run, ...proxyProtocol.map((range) => ({ proto: run.proto, ...range }))]);
  return pieces
    .filter(({ of }) => of.includes(run))
    .map(({ proto, start, end }) => ({ proto, start, end, hosts: hostsAt(run, start) }));
}

/** In the words for a port that another container has: people and scripts search for them. */
function refuseTwice(requests: readonly PublishRequest[]): void {
  const fixed = requests.filter(({ hostPort, anyOf }) => hostPort !== 0 && !anyOf);
  for (const group of Map.groupBy(fixed, ({ proto }) => proto).values()) {
    let before: PublishRequest[] = [];
    for (const next of group.toSorted((a, b) => a.hostPort - b.hostPort)) {
      before = before.filter(({ hostPortEnd }) => hostPortEnd >= next.hostPort);
      const other = before.find(({ hostIp }) => addressesMeet(hostIp, next.hostIp));
      if (other !== undefined) {
        const ip = isWildcard(next.hostIp) ? other.hostIp : next.hostIp;
        const at = formatHostPort(ip || '0.0.0.0', next.hostPort);
        throw conflict(`Bind for ${at} failed: port is already allocated`);
      }
      before.push(next);
    }
  }
}

function request(
  { proto, start, end }: PortSpec,
  hostIp: string,
  hostPort: string,
  { proxyProtocol = [] }: PortWishes,
): PublishRequest {
  if (hostIp !== '' && !isIp(hostIp)) {
    throw invalid(`invalid host IP address "${hostIp}" for port ${start}/${proto}`);
  }
  const range = hostPort === '' ? { start: 0, end: 0 } : readHostPorts(hostPort);
  const isFixed = range.start !== 0 && range.start === range.end;
  return {
    proto,
    containerPort: start,
    containerPortEnd: end,
    // In its one usual spelling.
    hostIp: hostIp === '' ? '' : Ip.parse(hostIp).toString(),
    hostPort: range.start,
    hostPortEnd: isFixed ? range.end + end - start : range.end,
    anyOf: range.end > range.start,
    proxyProtocol: proto === 'tcp' && proxyProtocol.some((one) => one.start <= start && start <= one.end),
  };
}

function readHostPorts(text: string): { start: number; end: number } {
  if (text === '0') return { start: 0, end: 0 };
  const range = parsePortRange(text);
  if (range.end > MAX_PORT) throw invalid(`invalid port range: "${text}"`);
  return range;
}

function joinRuns(single: PublishRequest[]): PublishRequest[] {
  const sorted = single.toSorted(
    (a, b) =>
      a.proto.localeCompare(b.proto) ||
      a.hostIp.localeCompare(b.hostIp) ||
      a.containerPort - b.containerPort ||
      a.hostPort - b.hostPort,
  );
  const joined: PublishRequest[] = [];
  for (const next of sorted) {
    const last = joined.at(-1);
    const continues =
      last !== undefined &&
      !last.anyOf &&
      !next.anyOf &&
      last.hostPort !== 0 &&
      last.proto === next.proto &&
      last.hostIp === next.hostIp &&
      last.proxyProtocol === next.proxyProtocol &&
      last.containerPortEnd + 1 === next.containerPort &&
      last.hostPortEnd + 1 === next.hostPort;
    if (continues) {
      last.containerPortEnd = next.containerPortEnd;
      last.hostPortEnd = next.hostPortEnd;
    } else {
      joined.push({ ...next });
    }
  }
  return joined;
}
