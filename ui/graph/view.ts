/** The picture on the screen. It draws scenes, moves what moved, and tells what is chosen; where things are is decided elsewhere. */

import type { Scene, SceneEdge, SceneNode } from '../layout/scene.ts';
import type { Marks } from '../model/path.ts';
import { type Rate, wireWidth } from '../model/traffic.ts';
import cytoscape, { type Core, type EventObject } from '../vendor/cytoscape.mjs';
import { rateLabel, SILENT } from './rate-label.ts';
import { segmentsOf } from './segments.ts';
import { readPalette, styleSheet } from './style.ts';

export interface GraphEvents {
  /** Something was chosen, or nothing. */
  choose(id: string | undefined, asEnd: boolean): void;
}

const MIN_ZOOM = 0.06;
const MAX_ZOOM = 3;

/** Classes that are not the scene's. */
const KEPT: ReadonlySet<string> = new Set([
  'path',
  'failing',
  'unknown',
  'missed',
  'off-path',
  'unmatched',
  'chosen',
  'far',
  'farther',
  'farthest',
]);

/** Classes of everything, for the sake of its words, and the zoom below which it has them. */
const DISTANCES: ReadonlyArray<readonly [name: string, below: number]> = [
  ['far', 0.6],
  ['farther', 0.4],
  ['farthest', 0.2],
];

/** A picture of few things is not blown up. */
const LARGEST_FIT = 1.25;

/** Pixels between the picture and the edge of its frame. */
const MARGIN = 24;

export class GraphView {
  readonly #cy: Core;
  #scene: Scene = { nodes: [], edges: [] };
  #chosen: string | undefined;
  /** The reader has moved the picture: it stays where it was put. */
  #moved = false;
  #distance = '';
  /** What was drawn, by id. */
  readonly #drawn = new Map<string, string>();

  constructor(frame: HTMLElement, events: GraphEvents) {
    this.#cy = cytoscape({
      container: frame,
      style: styleSheet(readPalette()),
      layout: { name: 'preset' },
      minZoom: MIN_ZOOM,
      maxZoom: MAX_ZOOM,
      autoungrabify: true,
      autounselectify: true,
      boxSelectionEnabled: false,
      pixelRatio: 'auto',
    });
    this.#cy.on('tap', (event: EventObject) => {
      const { target } = event;
      const id = target === this.#cy ? undefined : String(target.data('owner'));
      events.choose(id, event.originalEvent.shiftKey);
    });
    this.#cy.on('zoom', () => this.#setDistance());
    this.#cy.on('dragpan scrollzoom pinchzoom', () => {
      this.#moved = true;
    });
    this.#cy.on('mouseover', 'node, edge', () => frame.classList.add('over'));
    this.#cy.on('mouseout', 'node, edge', () => frame.classList.remove('over'));
    new ResizeObserver(() => {
      this.#cy.resize();
      if (!this.#moved && this.#scene.nodes.length > 0) this.fit();
    }).observe(frame);
  }

  /** Draws `scene`; what was there before stays the same object, and what has not changed is not touched. */
  draw(scene: Scene): void {
    this.#scene = scene;
    const wanted = new Set([...scene.nodes, ...scene.edges].map(({ id }) => id));
    this.#cy.batch(() => {
      for (const id of this.#drawn.keys()) {
        if (!wanted.has(id)) this.#remove(id);
      }
      for (const node of scene.nodes) this.#put(nodeElement(node));
      const at = new Map(scene.nodes.map((node) => [node.id, node]));
      for (const edge of scene.edges) this.#put(edgeElement(edge, at));
      this.#markChosen();
    });
    if (!this.#moved && !this.#isInSight()) this.fit();
  }

  #remove(id: string): void {
    // With a node go its edges, those too that are about to end somewhere else.
    this.#cy
      .getElementById(id)
      .remove()
      .forEach((element) => {
        this.#drawn.delete(element.id());
      });
    this.#drawn.delete(id);
  }

  #put(element: DrawnElement): void {
    const { data, position, classes } = element;
    const text = JSON.stringify(element);
    if (this.#drawn.get(data.id) === text) return;
    const isNew = !this.#drawn.has(data.id);
    this.#drawn.set(data.id, text);
    if (isNew) {
      this.#cy.add({ ...element, data: { ...AT_REST, ...data }, classes: `${classes} ${this.#distance}` });
      return;
    }
    const known = this.#cy.getElementById(data.id);
    const { source, target, ...changing } = data;
    if (source !== known.data('source') || target !== known.data('target')) known.move({ source, target });
    known.data(changing);
    // Its types say that this answers one text.
    const present = known.classes() as unknown as string[];
    known.classes([...classes.split(' '), ...present.filter((name) => KEPT.has(name))]);
    if (position !== undefined) known.position(position);
  }

  /** Words are drawn by how far away they are. */
  #setDistance(): void {
    const zoom = this.#cy.zoom();
    const classes = DISTANCES.filter(([, below]) => zoom < below).map(([name]) => name);
    const distance = classes.join(' ');
    if (distance === this.#distance) return;
    this.#distance = distance;
    this.#cy.batch(() => {
      this.#cy.elements().removeClass(DISTANCES.map(([name]) => name).join(' '));
      if (distance !== '') this.#cy.elements().addClass(distance);
    });
  }

  /** Writes the rates on the wires, by the names of links. */
  showRates(rates: ReadonlyMap<string, Rate>): void {
    this.#cy.batch(() => {
      for (const { id, link, inward } of this.#scene.edges) {
        if (link === undefined) continue;
        const rate = rates.get(link);
        const edge = this.#cy.getElementById(id);
        const label = rate === undefined ? SILENT : rateLabel(rate, inward);
        const thickness = rate === undefined ? 1 : Math.round(wireWidth(rate) * 4) / 4;
        if (edge.data('rate') !== label.rate) edge.data(label);
        if (edge.data('thickness') !== thickness) edge.data('thickness', thickness);
      }
    });
  }

  choose(id: string | undefined): void {
    this.#chosen = id;
    this.#cy.batch(() => this.#markChosen());
    if (id !== undefined) this.#reveal(id);
  }

  #markChosen(): void {
    const id = this.#chosen;
    this.#cy.elements('.chosen').removeClass('chosen');
    if (id === undefined) return;
    const chosen = this.#cy.getElementById(id);
    chosen.addClass('chosen');
    this.#cy.edges().forEach((edge) => {
      if (edge.data('owner') === id) edge.addClass('chosen');
    });
  }

  /** Moves the picture only when the thing is out of sight. */
  #reveal(id: string): void {
    const node = this.#cy.getElementById(id);
    if (node.empty()) return;
    const box = node.renderedBoundingBox({ includeLabels: false });
    const [width, height] = [this.#cy.width(), this.#cy.height()];
    const isSeen = box.x1 < width && box.x2 > 0 && box.y1 < height && box.y2 > 0;
    const isInside = box.x1 >= 0 && box.x2 <= width && box.y1 >= 0 && box.y2 <= height;
    if (!isInside && (!isSeen || box.w < width)) this.#cy.center(node);
  }

  /** Brings a thing to the middle, near enough to be read. */
  show(id: string): void {
    this.#moved = true;
    const node = this.#cy.getElementById(id);
    if (node.empty()) return;
    if (this.#cy.zoom() < 0.8) this.#cy.zoom(1);
    this.#cy.center(node);
  }

  /** Pales what is not marked; nothing is marked when `marks` is undefined. */
  mark(marks: Marks | undefined): void {
    this.#cy.batch(() => {
      this.#cy.elements().removeClass('path failing unknown missed off-path');
      if (marks === undefined) return;
      this.#cy
        .elements('edge, .rack, .bar, .box, .eth, .nic, .wall, .world, .text, .dot')
        .forEach((element) => {
          const onPath = [element.id(), String(element.data('owner'))].some((id) => marks.path.has(id));
          if (!onPath) element.addClass('off-path');
        });
      for (const id of marks.path) this.#cy.getElementById(id).addClass('path');
      for (const id of marks.unknown) this.#cy.getElementById(id).addClass('unknown');
      for (const id of marks.missed) this.#cy.getElementById(id).addClass('missed');
      for (const id of marks.failing) this.#cy.getElementById(id).addClass('failing');
    });
  }

  /** Pales the things that are not in `ids`; all are shown when it is undefined. */
  highlight(ids: ReadonlySet<string> | undefined): void {
    this.#cy.batch(() => {
      this.#cy.elements().removeClass('unmatched');
      if (ids === undefined) return;
      this.#cy.elements('.box, .eth, .dot, .text, .wire').forEach((element) => {
        if (!ids.has(String(element.data('owner')))) element.addClass('unmatched');
      });
    });
  }

  /** Colours are read from the page again. */
  recolour(): void {
    this.#cy.style(styleSheet(readPalette()));
  }

  #isInSight(): boolean {
    const { x1, y1, x2, y2 } = this.#cy.extent();
    const box = this.#cy.elements().boundingBox({ includeLabels: false });
    const fills = Math.max(box.w / (x2 - x1), box.h / (y2 - y1)) > 0.5 || this.#cy.zoom() >= LARGEST_FIT;
    return fills && box.x1 >= x1 && box.y1 >= y1 && box.x2 <= x2 && box.y2 <= y2;
  }

  /** Shows all of it, and from now on what is added too. */
  fit(): void {
    this.#moved = false;
    this.#cy.fit(undefined, MARGIN);
    if (this.#cy.zoom() > LARGEST_FIT) {
      this.#cy.zoom(LARGEST_FIT);
      this.#cy.center();
    }
  }

  zoomBy(factor: number): void {
    const middle = { x: this.#cy.width() / 2, y: this.#cy.height() / 2 };
    this.#moved = true;
    this.#cy.zoom({ level: this.#cy.zoom() * factor, renderedPosition: middle });
  }

  panBy(x: number, y: number): void {
    this.#moved = true;
    this.#cy.panBy({ x, y });
  }
}

interface DrawnElement {
  group: 'nodes' | 'edges';
  data: { id: string; source?: string; target?: string; [key: string]: unknown };
  position?: { x: number; y: number };
  classes: string;
}

/** What `showRates()` writes, before it does. */
const AT_REST = { ...SILENT, thickness: 1 };

function nodeElement(node: SceneNode): DrawnElement {
  const { x, y, classes, ...data } = node;
  return { group: 'nodes', data, position: { x, y }, classes };
}

function edgeElement(edge: SceneEdge, at: ReadonlyMap<string, SceneNode>): DrawnElement {
  const { id, owner, source, target, points, classes, hue } = edge;
  const offset = (name: string, point: { x: number; y: number } | undefined) => {
    const node = at.get(name);
    const [x, y] = [(point?.x ?? 0) - (node?.x ?? 0), (point?.y ?? 0) - (node?.y ?? 0)];
    return `${round(x)}px ${round(y)}px`;
  };
  const { weights, distances } = segmentsOf(points);
  const bent = distances.some((distance) => Math.abs(distance) > 0.5);
  return {
    group: 'edges',
    data: {
      id,
      owner,
      source,
      target,
      hue,
      from: offset(source, points[0]),
      to: offset(target, points.at(-1)),
      ...(bent ? { weights: weights.map(round), distances: distances.map(round) } : {}),
    },
    classes: bent ? `${classes} bent` : classes,
  };
}

const round = (value: number) => Math.round(value * 1000) / 1000;
