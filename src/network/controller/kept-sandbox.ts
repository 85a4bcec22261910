/** Sandboxes that are kept for those who joined them while their owner does not run. Pure. */

import type { EndpointSettings } from '../../base/wire/index.ts';
import { addressesMeet } from '../ports/host-address.ts';
import type { PublishRequest } from '../ports/request.ts';
import type { SandboxRecord } from './sandbox-record.ts';

/** What a container that starts names: nobody else can have it at the same time. */
export interface Claims {
  /** By the network's id. */
  endpoints: ReadonlyArray<{ networkId: string; asked: EndpointSettings }>;
  ports: readonly PublishRequest[];
}

/** Open, with others in it, and its owner away. */
export function isKept({ phase, holders, request }: SandboxRecord): boolean {
  return phase === 'open' && holders.length > 0 && !holders.includes(request.containerId);
}

/**
 * Does the newcomer claim an address or a port of the host that the kept sandbox has? A stopped container has no right to either in
 * Docker, and its successor may be started before it is removed (docker-compose 1).
 */
export function isClaimed(kept: SandboxRecord, { endpoints, ports }: Claims): boolean {
  return (
    endpoints.some(({ networkId, asked }) =>
      kept.endpoints.some(
        (endpoint) =>
          endpoint.networkId === networkId &&
          (isSame(endpoint.v4, asked.IPAMConfig?.IPv4Address) ||
            isSame(endpoint.v6, asked.IPAMConfig?.IPv6Address)),
      ),
    ) || ports.some((wanted) => kept.ports.some((port) => isSamePort(wanted, port)))
  );
}

function isSame(has: { address: string } | undefined, wanted: string | undefined): boolean {
  return has !== undefined && has.address === wanted;
}

function isSamePort(wanted: PublishRequest, has: SandboxRecord['ports'][number]): boolean {
  // Any free port, or one of several, need not be this one.
  if (wanted.hostPort === 0 || wanted.anyOf || wanted.proto !== has.proto) return false;
  const meet = addressesMeet(wanted.hostIp, has.hostIp);
  return meet && wanted.hostPort <= (has.hostPortEnd ?? has.hostPort) && has.hostPort <= wanted.hostPortEnd;
}
