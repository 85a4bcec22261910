/** `ps --exposure`: a line per published port, with who can reach it. */

import type { ExposureWay, PortExposure } from '../../base/wire/index.ts';
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

/** `LAN (10.99.0.0/24 on eth0), other networks; closed to the world by -A DOCKER-USER … -j DROP (ufw)`. */
export function reachText(exposure: PortExposure): string {
  const { reach, from, otherNetworks, notes, deciders } = exposure;
  const farthest = { world: 'world', lan: 'LAN', host: 'this host only', nobody: 'nobody' }[reach];
  const where = from.length === 0 ? farthest : `${farthest} (${from.join(', ')})`;
  const isOutside = reach === 'world' || reach === 'lan';
  // Rules that keep off everybody outside mostly keep off other networks too; nobody asked for them.
  const who = otherNetworks && isOutside ? `${where}, other networks` : where;
  const others =
    isOutside && deciders.length > 0
      ? [`rules in ${deciders.join(' and ')} may decide otherwise for some`]
      : [];
  return [who, ...closedText(exposure), ...notes, ...others].join('; ');
}

/** By what it is closed, and to whom: each cause once. */
function closedText({ ways = [] }: PortExposure): string[] {
  const closed = new Map<string, string[]>();
  for (const { from, open, closedBy } of ways) {
    if (open !== false) continue;
    const by = closedBy === undefined ? '' : closedByText(closedBy);
    closed.set(by, [...(closed.get(by) ?? []), WHOM[from] ?? from]);
  }
  const isUnknown = ways.filter(({ open }) => open === null).map(({ from }) => WHOM[from] ?? from);
  return [
    ...[...closed].map(([by, whom]) => `closed to ${whom.join(', ')}${by}`),
    ...(isUnknown.length === 0 ? [] : [`cannot be told for ${isUnknown.join(', ')}`]),
  ];
}

const WHOM: Readonly<Record<string, string>> = { world: 'the world', host: 'this host' };

function closedByText({ text, rule, owner }: NonNullable<ExposureWay['closedBy']>): string {
  return rule === undefined ? `: ${text.replace(/\.$/, '')}` : ` by ${rule} (${owner.text})`;
}
