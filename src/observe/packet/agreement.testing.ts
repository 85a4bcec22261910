/** What the model says of the cells of the firewall's conformance table, in the table's own words. */

import { Ip } from '../../base/ip.ts';
import { silentLog } from '../../base/log.ts';
import {
  type Cell,
  describeCell,
  expectedOutcome,
  type Outcome,
} from '../../network/firewall/conformance/cell.ts';
import {
  addressOf,
  type Container,
  gatewayOf,
  hostAddress,
} from '../../network/firewall/conformance/layout.ts';
import type { ConformanceWorld } from '../../network/firewall/conformance/stations.testing.ts';
import { SnapshotReader } from '../snapshot/read.ts';
import { HOST, type HostSnapshot } from './snapshot.ts';
import { type Asker, exchange } from './walk/exchange.ts';

/** Interfaces of the host that lead to the stations outside. */
const OUTSIDE_LINKS = { lan: 'eth0', world: 'eth1' } as const;

/** Cells of which the model, reading the world's kernel, says something else than the table, which packets have confirmed. */
export async function modelDisagreements(
  world: ConformanceWorld,
  cells: readonly Cell[],
  userlandProxy: boolean,
): Promise<string[]> {
  const asked = cells.filter((cell) => cell.bridged !== true || world.world.bridgedPacketsAreFiltered);
  const places = world.containers().map(({ who, path }) => ({ id: who, title: who, path }));
  using reader = new SnapshotReader(places, { netns: world.world.host.netns, log: silentLog });
  const snapshot = await reader.read(new Set([HOST, ...places.map(({ id }) => id)]));
  return asked.flatMap((cell) => {
    const outcome = modelOutcome(snapshot, cell, world.target(cell));
    const expected = expectedOutcome(cell, userlandProxy);
    return outcome === expected
      ? []
      : [`${describeCell(cell)}: the model says ${outcome}, packets ${expected}`];
  });
}

/** Containers are namespaces with their station's name as id. `undecided`: the model cannot tell. */
function modelOutcome(
  snapshot: HostSnapshot,
  cell: Cell,
  target: { address: string; port: number },
): Outcome | 'undecided' | string {
  const { from, to, proto, family } = cell;
  const asker: Asker =
    from === 'lan' || from === 'world'
      ? { kind: 'outside', id: HOST, link: OUTSIDE_LINKS[from], source: Ip.parse(addressOf(from, family)) }
      : { kind: 'namespace', id: from === 'host' ? HOST : from };
  const destination = { ip: Ip.parse(target.address), port: target.port };
  const { works, there, back, seenAs } = exchange(snapshot, {
    asker,
    protocol: proto === 'udp' ? 'udp' : 'tcp',
    destination,
  });
  if (works === undefined) return 'undecided';
  const { end } = there;
  if (end.kind === 'stopped') {
    const refused = end.cause.kind === 'no-socket' || end.cause.kind === 'other-address';
    return refused && proto === 'tcp' ? 'refused' : 'silence';
  }
  if (back?.end.kind === 'stopped') return proto === 'tcp' ? 'silence' : 'unanswered';
  const isHostService = 'station' in to && to.station === 'host';
  if (end.namespace === HOST && end.kind === 'delivered' && !isHostService) return 'proxy';
  const seen = seenAs?.toString();
  if ('network' in to && seen === gatewayOf(to.network, family)) return 'gateway';
  if (seen === hostAddress('lan', family) || seen === hostAddress('world', family)) return 'host';
  return seen === addressOf(from as Container, family) ? 'itself' : `as ${seen}`;
}
