/** From what a client asks for (`PortBindings`) to the runs of ports that shall be published. Pure. */

import { conflict, invalid } from '../../base/errors.ts';
import { hostPort as formatHostPort, isIp } from '../../base/ip.ts';
import { MAX_PORT, type PortRange, type Protocol, parsePortRange } from '../../base/ports.ts';
import type { PortMap } from '../../base/wire/index.ts';

/** One wish: these container ports on these host ports of one address. */
export interface PublishRequest {
  proto: Protocol;
  containerPort: number;
  /** Inclusive; ports in step with the host's. */
  containerPortEnd: number;
  /** Empty: all addresses, of both families where the host has both. */
  hostIp: string;
  /** 0: any free port. */
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
  const single: PublishRequest[] = [];
  for (const [port, hosts] of Object.entries(wishes.bindings)) {
    for (const host of hosts ?? [])
      single.push(request(port, host.HostIp || wishes.defaultHostIp, host.HostPort, wishes));
  }
  if (wishes.publishAll) {
    for (const port of wishes.exposed) {
      if ((wishes.bindings[port] ?? []).length === 0)
        single.push(request(port, wishes.defaultHostIp, '', wishes));
    }
  }
  refuseTwice(single);
  return joinRuns(single);
}

/** In the words for a port that another container has: people and scripts search for them. */
function refuseTwice(requests: readonly PublishRequest[]): void {
  const seen = new Set<string>();
  for (const { proto, hostIp, hostPort, anyOf } of requests) {
    if (hostPort === 0 || anyOf) continue;
    const at = formatHostPort(hostIp || '0.0.0.0', hostPort);
    if (seen.has(`${at}/${proto}`)) throw conflict(`Bind for ${at} failed: port is already allocated`);
    seen.add(`${at}/${proto}`);
  }
}

function request(
  port: string,
  hostIp: string,
  hostPort: string,
  { proxyProtocol = [] }: PortWishes,
): PublishRequest {
  const [number = '', proto = 'tcp'] = port.split('/');
  const containerPort = Number(number);
  if (hostIp !== '' && !isIp(hostIp)) throw invalid(`invalid host IP address "${hostIp}" for port ${port}`);
  const range = hostPort === '' ? { start: 0, end: 0 } : readHostPorts(hostPort);
  return {
    proto: proto as Protocol,
    containerPort,
    containerPortEnd: containerPort,
    hostIp,
    hostPort: range.start,
    hostPortEnd: range.end,
    anyOf: range.end > range.start,
    proxyProtocol:
      proto === 'tcp' &&
      proxyProtocol.some(({ start, end }) => start <= containerPort && containerPort <= end),
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
      last.containerPortEnd = next.containerPort;
      last.hostPortEnd = next.hostPort;
    } else {
      joined.push({ ...next });
    }
  }
  return joined;
}
