/** The large layout, by the Eclipse Layout Kernel: from the world by the interfaces to the racks, and the wires between them. */

import type { ElkExtendedEdge, ElkNode, ElkPort } from 'elkjs/lib/elk-api.js';
import { nicId } from '../model/things.ts';
import { BOX, HOST_PAD, LAYER_GAP, NIC, RUN, WALL, WORLD } from './measures.ts';
import type { Outline } from './outline.ts';

/** Layers from left to right, in the order of the map: the same map is drawn the same way each time. */
const OPTIONS = {
  'elk.algorithm': 'layered',
  'elk.direction': 'RIGHT',
  'elk.edgeRouting': 'ORTHOGONAL',
  'elk.layered.considerModelOrder.strategy': 'NODES_AND_EDGES',
  'elk.layered.crossingMinimization.forceNodeModelOrder': 'true',
  // It would change the order all the same, and racks would change places when a container on two of them goes.
  'elk.layered.crossingMinimization.greedySwitch.type': 'OFF',
  'elk.layered.nodePlacement.strategy': 'NETWORK_SIMPLEX',
  'elk.layered.spacing.nodeNodeBetweenLayers': `${LAYER_GAP}`,
  'elk.spacing.nodeNode': '24',
  'elk.spacing.edgeNode': '20',
  'elk.layered.spacing.edgeNodeBetweenLayers': '24',
} as const;

const FIXED = { 'elk.portConstraints': 'FIXED_POS', 'elk.alignment': 'LEFT' };

const port = (id: string, side: 'EAST' | 'WEST', x: number, y: number): ElkPort => ({
  id,
  x,
  y,
  width: 0,
  height: 0,
  layoutOptions: { 'elk.port.side': side },
});

export const entryPort = (rackId: string) => `${rackId}:entry`;
export const exitPort = (rackId: string) => `${rackId}:exit`;
export const ethPort = (boxId: string, network: string) => `${boxId}:${network}`;

export function toElk({ nics, racks, loose }: Outline): ElkNode {
  const edges: ElkExtendedEdge[] = [];
  const join = (id: string, from: string, to: string) => edges.push({ id, sources: [from], targets: [to] });
  for (const { nic } of nics) {
    join(`out:${nic.name}`, 'world', nicId(nic.name));
    join(`in:${nic.name}`, nicId(nic.name), 'wall');
  }
  // What has no way is laid out as if it had one.
  for (const { id, way = 'wall' } of racks) join(`way:${id}`, way, entryPort(id));
  for (const { thing, eths } of loose) {
    for (const eth of eths) {
      const rack = racks.find(({ network }) => network.id === eth.networkId);
      if (rack)
        join(
          `wire:${thing.container.id}:${eth.networkId}`,
          exitPort(rack.id),
          ethPort(thing.id, eth.networkId),
        );
    }
  }
  return {
    id: 'root',
    layoutOptions: OPTIONS,
    children: [
      { id: 'world', ...WORLD },
      ...nics.map(({ nic, height }) => ({ id: nicId(nic.name), width: NIC.width, height })),
      { id: 'wall', ...WALL },
      ...racks.map(({ id, rack }) => ({
        id,
        width: rack.width,
        height: rack.height,
        layoutOptions: FIXED,
        ports: [
          port(entryPort(id), 'WEST', 0, rack.entry),
          port(exitPort(id), 'EAST', rack.width, rack.entry),
        ],
      })),
      ...loose.map(({ thing, height, eths }) => ({
        id: thing.id,
        width: RUN + BOX.width,
        height,
        layoutOptions: FIXED,
        ports: eths.map((eth) => port(ethPort(thing.id, eth.networkId), 'WEST', 0, eth.y)),
      })),
    ],
    edges,
  };
}

export interface Point {
  x: number;
  y: number;
}

/** Where everything is, from the picture's own corner. */
export interface Places {
  /** Corner and size, by id. */
  boxes: Map<string, { x: number; y: number; width: number; height: number }>;
  /** The bends of each way, its two ends among them. */
  ways: Map<string, Point[]>;
}

/**
 * Takes the answer apart; `toElk()` has laid out boxes in no rack with the run of their wires. The host is the frame around everything but the world; were it a node of the layout, the kernel
 * would keep the order of the map only outside of it.
 */
export function fromElk({ children = [], edges = [] }: ElkNode, { loose }: Pick<Outline, 'loose'>): Places {
  const hanging = new Set(loose.map(({ thing }) => thing.id));
  const boxes: Places['boxes'] = new Map(
    children.map(({ id, x = 0, y = 0, width = 0, height = 0 }) => {
      const run = hanging.has(id) ? RUN : 0;
      return [id, { x: x + run, y, width: width - run, height }];
    }),
  );
  const inside = [...boxes].filter(([id]) => id !== 'world').map(([, box]) => box);
  const left = Math.min(...inside.map(({ x }) => x)) - HOST_PAD.side;
  const top = Math.min(...inside.map(({ y }) => y)) - HOST_PAD.top;
  const right = Math.max(...inside.map(({ x, width }) => x + width)) + HOST_PAD.side;
  const bottom = Math.max(...inside.map(({ y, height }) => y + height)) + HOST_PAD.side;
  boxes.set('host', { x: left, y: top, width: right - left, height: bottom - top });
  const ways = new Map(
    edges.map(({ id, sections = [] }) => [
      id,
      sections.flatMap(({ startPoint, bendPoints = [], endPoint: { x, y } }) => [
        startPoint,
        ...bendPoints,
        { x: id.startsWith('wire:') ? x + RUN : x, y },
      ]),
    ]),
  );
  return { boxes, ways };
}
