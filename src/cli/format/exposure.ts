/** `ps --exposure`: a line per published port, with who can reach it. */

import { isKind } from '../../base/errors.ts';
import type { PortExposure } from '../../base/wire/index.ts';
import type { CliContext } from '../context.ts';
import type { ListView, Row } from './list.ts';
import { bracketed } from './ports.ts';

export const EXPOSURE_VIEW: ListView = {
  type: '*formatter.ExposureContext',
  table: '{{.Names}}\t{{.Network}}\t{{.Port}}\t{{.ReachedBy}}',
  headers: {
    Names: 'NAMES',
    Network: 'NETWORK',
    Port: 'PORT',
    Reach: 'REACH',
    ReachedBy: 'REACHED BY',
    Deciders: 'RULES THAT DECIDE',
  },
};

/** Throws an `Error` when the daemon is a Docker Engine, which cannot tell. */
export async function fetchExposure({ client }: CliContext): Promise<PortExposure[]> {
  try {
    return await client.json<PortExposure[]>('GET', '/bridgeport/exposure', { versioned: false });
  } catch (error) {
    if (!isKind(error, 'not-found', 'not-implemented')) throw error;
    throw new Error('list exposed ports: the daemon does not tell who can reach its ports; bridgeportd does');
  }
}

export function exposureRow(exposure: PortExposure): Row {
  return {
    Names: exposure.container.name,
    Network: exposure.network,
    Port: portText(exposure),
    Reach: exposure.reach,
    ReachedBy: reachText(exposure),
    Deciders: exposure.deciders.join(', '),
  };
}

/** `0.0.0.0:8080->80/tcp`; `80/tcp` of a routed network. */
function portText({
  hostIp,
  hostPort,
  hostPortEnd,
  containerPort,
  containerPortEnd,
  proto,
}: PortExposure): string {
  const range = (start: number, end: number | undefined) =>
    end === undefined || end === start ? `${start}` : `${start}-${end}`;
  const inside = `${range(containerPort, containerPortEnd)}/${proto}`;
  return hostPort === 0 ? inside : `${bracketed(hostIp)}:${range(hostPort, hostPortEnd)}->${inside}`;
}

/** `LAN (10.99.0.0/24 on eth0), other networks; rules in DOCKER-USER decide`. */
export function reachText({ reach, from, otherNetworks, notes, deciders }: PortExposure): string {
  const farthest = { world: 'world', lan: 'LAN', host: 'this host only', nobody: 'nobody' }[reach];
  const where = from.length === 0 ? farthest : `${farthest} (${from.join(', ')})`;
  const who = otherNetworks ? `${where}, other networks` : where;
  const rules = deciders.length === 0 ? [] : [`rules in ${deciders.join(' and ')} decide`];
  return [who, ...notes, ...rules].join('; ');
}
