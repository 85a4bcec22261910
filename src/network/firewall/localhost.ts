/**
 * Localhost by the kernel, beside a userland proxy: what this host sends to 127.0.0.0/8 is translated like everything else, and gets
 * a source that the container can answer. The bridges then need `route_localnet`; docs/decisions/0019 says why that is safe.
 */

import { type FirewallIntent, inFamily, type NetworkIntent } from './intent.ts';

/** Names of the bridges behind which the kernel serves published ports to localhost, although there is a proxy. */
export function localhostBridges(intent: FirewallIntent): string[] {
  const isOn = intent.userlandProxy && intent.localhostByKernel === true && inFamily(intent.enabled, 4);
  return isOn ? intent.networks.filter(servesLocalhost).map(({ bridge }) => bridge) : [];
}

/**
 * Names of the bridges by which packets with loopback addresses leave, so that the kernel has to be told to route them
 * (`route_localnet`): all of them where there is no proxy.
 */
export function loopbackBridges(intent: FirewallIntent): string[] {
  if (intent.userlandProxy || !inFamily(intent.enabled, 4)) return localhostBridges(intent);
  return intent.networks.filter(({ v4 }) => v4 !== undefined).map(({ bridge }) => bridge);
}

/** True when there may be such packets: then nobody else's may carry loopback addresses. */
export function routesLoopback(intent: FirewallIntent): boolean {
  return !intent.userlandProxy || localhostBridges(intent).length > 0;
}

/** True for a host address that stands for 127.0.0.1 or another address of 127.0.0.0/8 too. */
export function isOnLoopback(hostIp: string): boolean {
  return hostIp === '0.0.0.0' || hostIp.startsWith('127.');
}

function servesLocalhost({ internal, v4, ports }: NetworkIntent): boolean {
  if (ports.length === 0 || internal || v4 === undefined || v4.mode === 'isolated' || v4.mode === 'routed')
    return false;
  return ports.some(
    ({ hostIp, hostPort, containerIp, proxyProtocol }) =>
      hostPort !== 0 && !proxyProtocol && isOnLoopback(hostIp) && !containerIp.includes(':'),
  );
}
