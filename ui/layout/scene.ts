/** The picture: every node and edge with its place, its words and its classes. Whoever draws it decides nothing. */

import type { MapEndpoint, NetworkMap } from '../../src/base/wire/index.ts';
import type { Messages } from '../i18n/en.ts';
import { nicId } from '../model/things.ts';
import type { Places, Point } from './elk.ts';
import { BAR, BOX, NIC } from './measures.ts';
import type { ContainerBox, Outline, RackOutline } from './outline.ts';
import type { Box } from './rack.ts';

export interface SceneNode {
  id: string;
  /** The thing that is selected when this is clicked. */
  owner: string;
  /** Its centre. */
  x: number;
  y: number;
  width: number;
  height: number;
  label: string;
  /** What is left of the label from afar. */
  brief: string;
  /** What it is, and in which state. */
  classes: string;
  /** A network's colour, 0 to 7. */
  hue: number;
  /** Room for the label; 0 for no bound. */
  room: number;
}

export interface SceneEdge {
  id: string;
  owner: string;
  source: string;
  target: string;
  /** The two ends, and the bends between them. */
  points: Point[];
  classes: string;
  hue: number;
  /** The host's link whose counters are this edge's rates. */
  link: string | undefined;
  /** True when the far end of the edge is the one that `rx` comes from. */
  inward: boolean;
}

export interface Scene {
  nodes: SceneNode[];
  edges: SceneEdge[];
}

export interface SceneOptions {
  words: Messages;
  /** By the network's id, 0 to 7. */
  hueOf: (network: string) => number;
}

export function sceneOf(map: NetworkMap, outline: Outline, places: Places, options: SceneOptions): Scene {
  return new SceneBuilder(places, options).build(map, outline);
}

class SceneBuilder {
  readonly #nodes: SceneNode[] = [];
  readonly #edges: SceneEdge[] = [];
  readonly #places: Places;
  readonly #words: Messages;
  readonly #hueOf: (network: string) => number;

  constructor(places: Places, { words, hueOf }: SceneOptions) {
    this.#places = places;
    this.#words = words;
    this.#hueOf = hueOf;
  }

  build(map: NetworkMap, outline: Outline): Scene {
    this.#outside(map, outline);
    for (const rack of outline.racks) this.#rack(rack);
    for (const box of outline.loose) this.#loose(box, outline.racks);
    return { nodes: this.#nodes, edges: this.#edges };
  }

  #outside(map: NetworkMap, { nics, racks }: Outline): void {
    const { host } = map;
    const words = this.#words;
    this.#box('world', 'world', this.#at('world'), 'world', { label: words.world });
    const frame = this.#at('host');
    this.#box('host', 'host', frame, 'host');
    this.#text(
      'host:title',
      'host',
      frame.x + 18,
      frame.y + 22,
      host.name ?? words.host,
      'title of-rack',
      frame.width - 40,
    );
    for (const { nic } of nics) {
      const id = nicId(nic.name);
      const box = this.#at(id);
      this.#box(id, id, box, `nic ${nic.up === false ? 'down' : ''}`);
      this.#text(`${id}:name`, id, box.x + 12, box.y + 16, nic.name, 'name of-box', NIC.width - 24);
      nic.addresses.forEach((address, line) => {
        this.#text(
          `${id}:${line}`,
          id,
          box.x + 12,
          box.y + 34 + line * NIC.line,
          address,
          'mono',
          NIC.width - 20,
        );
      });
      const way = nic.defaultRoute === undefined ? 'way' : 'way main';
      this.#edge(`out:${nic.name}`, id, 'world', id, way, { link: nic.name, inward: false });
      this.#edge(`in:${nic.name}`, id, id, 'wall', way);
    }
    const rules = host.firewall === undefined || host.firewall === 'none' ? '' : `\n${host.firewall}`;
    const forwarding = host.ipForward === undefined ? '' : `\n${words.forwards(host.ipForward)}`;
    this.#box('wall', 'wall', this.#at('wall'), host.ipForward === false ? 'wall shut' : 'wall', {
      label: `${words.wall}${rules}${forwarding}`,
      brief: words.wall,
    });
    for (const { id, network, rack, way } of racks) {
      if (way === undefined) continue;
      const bar = rack.rail === undefined ? `${id}:bar:0` : `${id}:rail`;
      const box = this.#at(id);
      const inside = { x: box.x + (rack.bars[0]?.x ?? 0), y: box.y + rack.entry };
      this.#edge(`way:${id}`, id, way, bar, 'way net', {
        hue: this.#hueOf(network.id),
        link: network.bridge?.name,
        inward: true,
        end: inside,
      });
    }
  }

  #rack({ id, network, rack, members }: RackOutline): void {
    const frame = this.#at(id);
    const hue = this.#hueOf(network.id);
    const words = this.#words;
    const state = [network.internal ? 'internal' : '', network.bridge?.up === false ? 'down' : ''].join(' ');
    this.#box(id, id, frame, `rack ${state}`, { hue });
    const room = frame.width - 36;
    const marks = [network.name, ...(network.internal ? [words.internal] : [])].join(' · ');
    this.#text(`${id}:name`, id, frame.x + 18, frame.y + 18, marks, 'name of-rack', room);
    const facts = [
      network.bridge?.name ?? network.parent ?? network.driver,
      ...network.subnets.map(({ subnet }) => subnet),
    ];
    this.#text(`${id}:sub`, id, frame.x + 18, frame.y + 35, facts.join('  '), 'mono', room);
    rack.bars.forEach((bar, at) => {
      this.#box(`${id}:bar:${at}`, id, moved(bar, frame), `bar ${state}`, { hue });
    });
    if (rack.rail !== undefined)
      this.#box(`${id}:rail`, id, moved(rack.rail, frame), `bar ${state}`, { hue });
    for (const [boxId, box] of members) {
      const place = rack.boxes.get(boxId);
      if (place === undefined) continue;
      const corner = moved(place, frame);
      this.#container(box, corner);
      const [endpoint] = box.thing.endpoints;
      const at = rack.bars.findLastIndex(({ x }) => x < place.x);
      const bar = rack.bars[at];
      const [eth] = box.eths;
      if (endpoint === undefined || eth === undefined || bar === undefined) continue;
      const y = corner.y + eth.y;
      this.#wire(box, endpoint, `${id}:bar:${at}`, [
        { x: frame.x + bar.x + BAR, y },
        { x: corner.x, y },
      ]);
    }
  }

  #loose(box: ContainerBox, racks: readonly RackOutline[]): void {
    this.#container(box, this.#at(box.thing.id));
    for (const endpoint of box.thing.endpoints) {
      const rack = racks.find(({ network }) => network.id === endpoint.networkId);
      const points = this.#places.ways.get(`wire:${box.thing.container.id}:${endpoint.networkId}`);
      if (rack?.rack.rail !== undefined && points !== undefined)
        this.#wire(box, endpoint, `${rack.id}:rail`, points, 'wire loose');
    }
  }

  #container({ thing, eths, lines, height }: ContainerBox, corner: Point): void {
    const { id, container, endpoints } = thing;
    const frame = { ...corner, width: BOX.width, height };
    const state =
      container.state === 'running' ? 'running' : container.state === 'paused' ? 'paused' : 'stopped';
    this.#box(id, id, frame, `box ${state}`);
    this.#box(`${id}:dot`, id, { x: frame.x + 13, y: frame.y + 12, width: 8, height: 8 }, `dot ${state}`);
    this.#text(
      `${id}:name`,
      id,
      frame.x + 28,
      frame.y + 16,
      container.name,
      `name of-box ${state}`,
      BOX.width - 40,
    );
    eths.forEach((eth, at) => {
      if (!eth.wired) return;
      const endpoint = endpoints[at];
      const hue = this.#hueOf(eth.networkId);
      const wired = endpoint !== undefined && isAttached(endpoint) ? 'wired' : 'bare';
      const square = { x: frame.x - 4, y: frame.y + eth.y - 4, width: 8, height: 8 };
      this.#box(`${id}:eth:${at}`, id, square, `eth ${wired}`, { hue });
      const address = endpoint?.addresses[0]?.replace(/\/\d+$/, '');
      const words = [endpoint?.inside?.name, address].filter((word) => word !== undefined);
      const label =
        words.length > 0 ? words.join('  ') : (this.#words.states[container.state] ?? container.state);
      this.#text(
        `${id}:eth:${at}:text`,
        id,
        frame.x + 13,
        frame.y + eth.y,
        label,
        `mono ${state}`,
        BOX.width - 22,
      );
    });
    const first = 34 + eths.length * BOX.line;
    lines.forEach((line, at) => {
      const y = frame.y + first + at * BOX.line;
      this.#text(`${id}:line:${at}`, id, frame.x + 13, y, line, `port ${state}`, BOX.width - 22);
    });
  }

  /** A veth pair, from the bridge to the container; where there is no bridge, what stands for it. */
  #wire(
    { thing }: ContainerBox,
    endpoint: MapEndpoint,
    source: string,
    points: Point[],
    classes = 'wire',
  ): void {
    if (!isAttached(endpoint)) return;
    const at = thing.endpoints.indexOf(endpoint);
    this.#edges.push({
      id: `wire:${thing.container.id}:${endpoint.networkId}`,
      owner: thing.id,
      source,
      target: `${thing.id}:eth:${at}`,
      points,
      classes,
      hue: this.#hueOf(endpoint.networkId),
      link: endpoint.hostVeth?.name,
      inward: true,
    });
  }

  #edge(
    id: string,
    owner: string,
    source: string,
    target: string,
    classes: string,
    more: { hue?: number; link?: string | undefined; inward?: boolean; end?: Point } = {},
  ): void {
    const points = this.#places.ways.get(id);
    if (points === undefined || points.length < 2) return;
    this.#edges.push({
      id,
      owner,
      source,
      target,
      points: more.end === undefined ? points : [...points, more.end],
      classes,
      hue: more.hue ?? 0,
      link: more.link,
      inward: more.inward ?? false,
    });
  }

  #at(id: string): Box {
    return this.#places.boxes.get(id) ?? { x: 0, y: 0, width: 0, height: 0 };
  }

  #box(
    id: string,
    owner: string,
    { x, y, width, height }: Box,
    classes: string,
    { label = '', brief = label, hue = 0 }: { label?: string; brief?: string; hue?: number } = {},
  ): void {
    this.#nodes.push({
      id,
      owner,
      x: x + width / 2,
      y: y + height / 2,
      width,
      height,
      label,
      brief,
      classes: classes.trim(),
      hue,
      room: 0,
    });
  }

  /** A line of words that begins at `x`, `y` its middle. */
  #text(id: string, owner: string, x: number, y: number, label: string, classes: string, room: number): void {
    this.#nodes.push({
      id,
      owner,
      x,
      y,
      width: 1,
      height: 1,
      label,
      brief: label,
      classes: `text ${classes}`,
      hue: 0,
      room,
    });
  }
}

/** There is nothing while the container does not run. */
const isAttached = ({ hostVeth, inside }: MapEndpoint) => (hostVeth ?? inside) !== undefined;

const moved = (box: Box, by: Point): Box => ({ ...box, x: box.x + by.x, y: box.y + by.y });
