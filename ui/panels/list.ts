/** The list of everything, and the search over it: what the picture shows, for those who read or type. */

import { h, show } from '../dom.ts';
import type { Messages } from '../i18n/en.ts';
import { containerId, nameOf, type Thing } from '../model/things.ts';

export interface Group {
  title: string;
  /** The id of the network whose group it is. */
  network: string | undefined;
  hue: number | undefined;
  things: Thing[];
}

/** From outside inwards: the host and its interfaces, then each network with its containers. One on several is in each. */
export function groupsOf(
  things: ReadonlyMap<string, Thing>,
  words: Messages,
  hueOf: (network: string) => number,
): Group[] {
  const all = [...things.values()];
  const outer = all.filter(({ kind }) => kind !== 'network' && kind !== 'container');
  const networks = all.flatMap((thing) => (thing.kind === 'network' ? [thing] : []));
  return [
    { title: words.host, network: undefined, hue: undefined, things: outer },
    ...networks.map((thing) => ({
      title: `${words.network} ${thing.network.name}`,
      network: thing.network.id,
      hue: hueOf(thing.network.id),
      things: [
        thing,
        ...thing.members.flatMap(({ container }) => things.get(containerId(container.id)) ?? []),
      ],
    })),
  ];
}

/** Whether a thing has `text` in its name, an address, a port, an image or an id. */
export function matches(thing: Thing, text: string): boolean {
  const wanted = text.trim().toLowerCase();
  if (wanted === '') return true;
  return wordsOf(thing).some((word) => word.toLowerCase().includes(wanted));
}

function wordsOf(thing: Thing): string[] {
  const name = nameOf(thing) ?? '';
  switch (thing.kind) {
    case 'nic':
      return [name, thing.nic.mac ?? '', ...thing.nic.addresses];
    case 'network':
      return [
        name,
        thing.network.id,
        thing.network.bridge?.name ?? '',
        ...thing.network.subnets.map(({ subnet }) => subnet),
      ];
    case 'container':
      return [
        name,
        thing.container.id,
        thing.container.image ?? '',
        ...thing.endpoints.flatMap(({ addresses, mac, names, ports, hostVeth }) => [
          ...addresses,
          mac ?? '',
          hostVeth?.name ?? '',
          ...(names ?? []),
          ...ports.flatMap(({ hostPort, containerPort, proto }) => [
            `${hostPort}`,
            `${containerPort}/${proto}`,
          ]),
        ]),
      ];
    default:
      return [name];
  }
}

export interface ListOptions {
  words: Messages;
  chosen: string | undefined;
  search: string;
  hueOf: (network: string) => number;
}

/** Draws the list into `list`, and answers how many things it shows. */
export function showList(
  list: HTMLElement,
  things: ReadonlyMap<string, Thing>,
  { words, chosen, search, hueOf }: ListOptions,
): number {
  const shown = new Set<string>();
  const groups = groupsOf(things, words, hueOf).flatMap((group, at) => {
    const found = group.things.filter((thing) => matches(thing, search));
    for (const { id } of found) shown.add(id);
    if (found.length === 0) return [];
    return [
      h(
        'div',
        { role: 'group', 'aria-labelledby': `group-${at}` },
        h('div', { class: 'head', id: `group-${at}`, role: 'presentation' }, group.title),
        ...found.map((thing) => optionOf(thing, at, { ...group, words, chosen })),
      ),
    ];
  });
  show(list, ...groups);
  // Of one that is in several groups, that which was reached, else the first.
  const selected = [...list.querySelectorAll('[aria-selected="true"]')];
  const active = selected.find(({ id }) => id === list.getAttribute('aria-activedescendant')) ?? selected[0];
  if (active === undefined) list.removeAttribute('aria-activedescendant');
  else list.setAttribute('aria-activedescendant', active.id);
  return shown.size;
}

function optionOf(
  thing: Thing,
  group: number,
  {
    words,
    chosen,
    network,
    hue,
  }: Pick<Group, 'network' | 'hue'> & { words: Messages; chosen: string | undefined },
): HTMLElement {
  const state = thing.kind === 'container' ? thing.container.state : undefined;
  return h(
    'div',
    {
      role: 'option',
      id: `option-${group}-${thing.id}`,
      'data-id': thing.id,
      'aria-selected': thing.id === chosen ? 'true' : 'false',
    },
    thing.kind === 'network' && h('span', { class: `swatch hue-${hue ?? 0}` }),
    state !== undefined &&
      h('span', { class: `dot ${state}`, role: 'img', 'aria-label': words.states[state] ?? state }),
    h('span', { class: 'name' }, labelOf(thing, words)),
    h('span', { class: 'aside' }, asideOf(thing, network)),
  );
}

export function labelOf(thing: Thing, words: Messages): string {
  switch (thing.kind) {
    case 'world':
      return words.world;
    case 'host':
      return words.host;
    case 'wall':
      return words.wall;
    default:
      return nameOf(thing) ?? '';
  }
}

/** @param network in whose group it stands */
function asideOf(thing: Thing, network: string | undefined): string {
  const first = (addresses: readonly string[]) => addresses[0]?.replace(/\/\d+$/, '') ?? '';
  switch (thing.kind) {
    case 'nic':
      return first(thing.nic.addresses);
    case 'network':
      return thing.network.bridge?.name ?? '';
    case 'container':
      return first(thing.endpoints.find(({ networkId }) => networkId === network)?.addresses ?? []);
    default:
      return '';
  }
}
