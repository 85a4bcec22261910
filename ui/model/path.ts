/** A packet's way as places of the picture: which of them it passes, and where it ends. */

import type { NetworkMap, WhyParty, WhyReport, WhyStep } from '../../src/base/wire/index.ts';
import { containerId, networkId, nicId } from './things.ts';

/** What is marked in the picture, by the ids of things and wires. */
export interface Marks {
  path: ReadonlySet<string>;
  /** Where it ends. */
  failing: ReadonlySet<string>;
  /** Where it cannot be told. */
  unknown: ReadonlySet<string>;
  /** Ends of the question that no packet came to. */
  missed: ReadonlySet<string>;
}

/** A wire of the picture, and what it joins. */
export interface Wire {
  id: string;
  owner: string;
  /** The host's link that it stands for. */
  link: string | undefined;
}

export function marksOf(report: WhyReport, map: NetworkMap, wires: readonly Wire[]): Marks {
  const path = new Set<string>();
  const failing = new Set<string>();
  const unknown = new Set<string>();
  for (const { steps } of report.legs) {
    for (const step of steps) {
      const places = placesOf(step, map, wires);
      for (const id of places) {
        path.add(id);
        if (step.ok === false) failing.add(id);
        if (step.ok === null) unknown.add(id);
      }
    }
  }
  const missed = new Set<string>();
  for (const id of [placeOf(report.from), placeOf(report.to)]) {
    if (id === undefined) continue;
    if (!path.has(id) && report.answer === 'no' && id === placeOf(report.to)) missed.add(id);
    path.add(id);
  }
  for (const id of ways(path, map, wires)) path.add(id);
  return { path, failing, unknown, missed };
}

function placeOf({ container, network, kind }: WhyParty): string | undefined {
  if (container !== undefined) return containerId(container.id);
  if (network !== undefined) return networkId(network.id);
  return kind === 'world' || kind === 'host' ? kind : undefined;
}

/** The places that a step is about. What happens in the host's own namespace and on no interface of it happens at the firewall. */
function placesOf(step: WhyStep, map: NetworkMap, wires: readonly Wire[]): string[] {
  if (step.containerId !== undefined) return [containerId(step.containerId)];
  const { link } = step;
  if (link !== undefined && step.kind !== 'rules' && step.kind !== 'route') {
    if (map.host.interfaces.some(({ name }) => name === link)) return [nicId(link)];
    const network = map.networks.find(({ bridge }) => bridge?.name === link);
    if (network !== undefined) return [networkId(network.id)];
    const wire = wires.find((one) => one.link === link);
    if (wire !== undefined) return [wire.id];
  }
  const atFirewall = ['rules', 'route', 'translated', 'stopped'].includes(step.kind);
  return atFirewall ? ['wall'] : step.kind === 'proxy' || step.kind === 'arrived' ? ['host'] : [];
}

/** The lines between places that are both on the path. */
function ways(path: ReadonlySet<string>, map: NetworkMap, wires: readonly Wire[]): string[] {
  const found: string[] = [];
  const hasWall = path.has('wall');
  for (const { name } of map.host.interfaces) {
    if (!path.has(nicId(name))) continue;
    if (hasWall) found.push(`in:${name}`);
    if (path.has('world')) found.push(`out:${name}`);
  }
  for (const { id } of map.networks) {
    if (hasWall && path.has(networkId(id))) found.push(`way:${networkId(id)}`);
  }
  for (const { networkId: id, container } of map.endpoints) {
    const wire = `wire:${container.id}:${id}`;
    const joins = path.has(networkId(id)) && path.has(containerId(container.id));
    if (joins && wires.some((one) => one.id === wire)) found.push(wire);
  }
  return found;
}
