/** Published ports as a person reads them. */

import type { MapPort } from '../../src/base/wire/index.ts';

const EVERY_ADDRESS: ReadonlySet<string> = new Set(['0.0.0.0', '::']);

/** `8080`, `127.0.0.1:53`, `[::1]:9000-9009`: where it is published; every address of the host is left out. */
export function publishedAt({ hostIp, hostPort, hostPortEnd }: MapPort): string {
  const port = range(hostPort, hostPortEnd);
  if (EVERY_ADDRESS.has(hostIp)) return port;
  return `${hostIp.includes(':') ? `[${hostIp}]` : hostIp}:${port}`;
}

/** `80/tcp`, `9000-9009/udp` */
export function servedAs({ hostPort, hostPortEnd, containerPort, proto }: MapPort): string {
  const length = (hostPortEnd ?? hostPort) - hostPort;
  return `${range(containerPort, length > 0 ? containerPort + length : undefined)}/${proto}`;
}

/** One line for each: the same port on every IPv4 and every IPv6 address is one. */
export function portLines(ports: readonly MapPort[]): string[] {
  const line = (port: MapPort) =>
    isRouted(port) ? servedAs(port) : `${publishedAt(port)} → ${servedAs(port)}`;
  return [...new Set(ports.map(line))];
}

/** In gateway mode `routed` it is reached at the container's own address: no port of the host is used. */
export const isRouted = ({ hostPort }: MapPort) => hostPort === 0;

const range = (first: number, last: number | undefined) =>
  last === undefined ? `${first}` : `${first}-${last}`;
