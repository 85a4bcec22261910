/** What can be selected: a picture's parts by ids that stay the same while the picture changes. */

import type {
  MapContainer,
  MapEndpoint,
  MapInterface,
  MapNetwork,
  NetworkMap,
} from '../../src/base/wire/index.ts';

export type Thing =
  | { kind: 'world'; id: 'world' }
  | { kind: 'host'; id: 'host' }
  | { kind: 'wall'; id: 'wall' }
  | { kind: 'nic'; id: string; nic: MapInterface }
  | { kind: 'network'; id: string; network: MapNetwork; members: MapEndpoint[] }
  | { kind: 'container'; id: string; container: MapContainer; endpoints: MapEndpoint[] };

export const nicId = (name: string) => `nic:${name}`;
export const networkId = (id: string) => `net:${id}`;
export const containerId = (id: string) => `box:${id}`;

/** Every thing of a map, by its id: from the world inwards. */
export function thingsOf(map: NetworkMap): Map<string, Thing> {
  const things: Thing[] = [
    { kind: 'world', id: 'world' },
    { kind: 'host', id: 'host' },
    ...map.host.interfaces.map((nic): Thing => ({ kind: 'nic', id: nicId(nic.name), nic })),
    { kind: 'wall', id: 'wall' },
    ...shownNetworks(map).map(
      (network): Thing => ({
        kind: 'network',
        id: networkId(network.id),
        network,
        members: byName(map.endpoints).filter((endpoint) => endpoint.networkId === network.id),
      }),
    ),
    ...containersOf(map).values(),
  ];
  return new Map(things.map((thing) => [thing.id, thing]));
}

/** `web-2` before `web-10`. */
const NAMES = new Intl.Collator('en', { numeric: true });

const byName = (endpoints: readonly MapEndpoint[]) =>
  endpoints.toSorted((a, b) => NAMES.compare(a.container.name, b.container.name));

/** The containers with all their endpoints, in the order of their names. */
export function containersOf(map: NetworkMap): Map<string, Extract<Thing, { kind: 'container' }>> {
  const found = new Map<string, Extract<Thing, { kind: 'container' }>>();
  for (const endpoint of byName(map.endpoints)) {
    const { container } = endpoint;
    const known = found.get(container.id);
    if (known !== undefined) known.endpoints.push(endpoint);
    else {
      const id = containerId(container.id);
      found.set(container.id, { kind: 'container', id, container, endpoints: [endpoint] });
    }
  }
  return found;
}

/** Networks without a wire (`host`, `none`) are there always; they are shown when somebody uses them. */
export function shownNetworks({ networks, endpoints }: NetworkMap): MapNetwork[] {
  return networks.filter(
    ({ id, driver }) =>
      (driver !== 'host' && driver !== 'null') || endpoints.some((endpoint) => endpoint.networkId === id),
  );
}

/** What a person calls it, and what `why` is asked with. The wall has no such name. */
export function nameOf(thing: Thing): string | undefined {
  switch (thing.kind) {
    case 'world':
    case 'host':
      return thing.kind;
    case 'wall':
      return undefined;
    case 'nic':
      return thing.nic.name;
    case 'network':
      return thing.network.name;
    case 'container':
      return thing.container.name;
  }
}
