/** What is to be laid out: everything with its size, and nothing yet with its place. */

import type { MapInterface, MapNetwork, NetworkMap } from '../../src/base/wire/index.ts';
import { portLines } from '../model/ports.ts';
import { containersOf, networkId, nicId, shownNetworks, type Thing } from '../model/things.ts';
import { BESIDE, BOX, LAYER_GAP, MAX_LINES, NIC, RUN } from './measures.ts';
import { arrangeRack, type Rack, rowsFor } from './rack.ts';
import type { Slots } from './slots.ts';

export type ContainerThing = Extract<Thing, { kind: 'container' }>;

/** One interface of a container: where its wire ends, and what is written beside it. */
export interface EthLine {
  networkId: string;
  /** From the top of the box. */
  y: number;
  /** False for the networks `host` and `none`. */
  wired: boolean;
}

export interface ContainerBox {
  thing: ContainerThing;
  height: number;
  eths: EthLine[];
  /** Below the interfaces: published ports, and who shares the namespace. */
  lines: string[];
}

export interface RackOutline {
  id: string;
  network: MapNetwork;
  rack: Rack;
  /** In the rack, by the ids of their things. */
  members: Map<string, ContainerBox>;
  /** The thing through which its packets go outside; undefined when they do not. */
  way: string | undefined;
}

export interface Outline {
  /** Places of a column. */
  rows: number;
  nics: Array<{ nic: MapInterface; height: number }>;
  racks: RackOutline[];
  /** Containers on several networks, which hang in none of the racks. */
  loose: ContainerBox[];
}

export interface OutlineOptions {
  slots: Slots;
  /** `Outline.rows` of the picture that is shown. */
  rowsBefore: number | undefined;
  /** `shares with` in the page's language. */
  shares: (names: string) => string;
}

export function outlineOf(map: NetworkMap, { slots, rowsBefore, shares }: OutlineOptions): Outline {
  const networks = shownNetworks(map);
  const wired = new Set(networks.filter(isWired).map(({ id }) => id));
  const boxes = [...containersOf(map).values()].map((thing) => boxOf(thing, wired, shares));
  const loose = boxes.filter(({ thing }) => thing.endpoints.length > 1);
  const racked = networks.map((network) => ({
    network,
    boxes: new Map(
      boxes
        .filter(({ thing }) => thing.endpoints.length === 1 && thing.endpoints[0]?.networkId === network.id)
        .map((box) => [box.thing.id, box]),
    ),
  }));
  const rows = rowsFor(
    racked.map((rack) => rack.boxes.size),
    BESIDE + (loose.length > 0 ? LAYER_GAP + RUN + BOX.width : 0),
    rowsBefore,
  );
  return {
    rows,
    nics: map.host.interfaces.map((nic) => ({
      nic,
      height: NIC.head + Math.max(1, nic.addresses.length) * NIC.line,
    })),
    racks: racked.map(({ network, boxes: members }) => {
      const places = slots.assign(network.id, [...members.keys()]).map((id) => {
        const box = id === undefined ? undefined : members.get(id);
        return box && { id: box.thing.id, height: box.height };
      });
      const exit = loose.some(({ eths }) => eths.some((eth) => eth.networkId === network.id));
      return {
        id: networkId(network.id),
        network,
        rack: arrangeRack(places, { rows, wired: wired.has(network.id), exit }),
        members,
        way: wayOf(network, map),
      };
    }),
    loose,
  };
}

/** A bridge is behind the firewall; what hangs on an interface of the host (macvlan, ipvlan) is not. */
function wayOf(network: MapNetwork, { host }: NetworkMap): string | undefined {
  if (network.internal) return undefined;
  if (network.bridge !== undefined) return 'wall';
  const parent = host.interfaces.find(({ name }) => name === network.parent);
  return parent && nicId(parent.name);
}

/** `host` and `none` are no wire. */
const isWired = ({ driver }: MapNetwork) => driver !== 'host' && driver !== 'null';

function boxOf(
  thing: ContainerThing,
  wired: ReadonlySet<string>,
  shares: (names: string) => string,
): ContainerBox {
  const { endpoints } = thing;
  const guests = endpoints.flatMap(({ sharedBy }) => sharedBy ?? []).map(({ name }) => name);
  const all = [
    ...endpoints.flatMap(({ ports }) => portLines(ports)),
    ...(guests.length > 0 ? [shares(guests.join(', '))] : []),
  ];
  const lines =
    all.length > MAX_LINES ? [...all.slice(0, MAX_LINES - 1), `+${all.length - MAX_LINES + 1} …`] : all;
  const eths = endpoints.map(({ networkId: id }, at) => ({
    networkId: id,
    y: 34 + at * BOX.line,
    wired: wired.has(id),
  }));
  return {
    thing,
    eths,
    lines,
    height: BOX.head + (eths.length - 1) * BOX.line + lines.length * BOX.line,
  };
}
