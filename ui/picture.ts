/** The picture and its keys: from the map to a layout, and from the layout to the screen. */

import type { NetworkMap } from '../src/base/wire/index.ts';
import { part } from './dom.ts';
import { HUES } from './graph/style.ts';
import { GraphView } from './graph/view.ts';
import { LANGUAGES } from './i18n/languages.ts';
import { fromElk, type Places, toElk } from './layout/elk.ts';
import { type Outline, outlineOf } from './layout/outline.ts';
import { type Scene, sceneOf } from './layout/scene.ts';
import { Slots } from './layout/slots.ts';
import { neighbour } from './model/neighbour.ts';
import type { Marks } from './model/path.ts';
import { nameOf, shownNetworks } from './model/things.ts';
import { labelOf } from './panels/list.ts';
import type { QuestionEnd, Store } from './state.ts';
import { RECOLOURED } from './theme.ts';
import './vendor/elk-api.mjs';

/** Pixels that one key press moves the picture by. */
const STEP = 60;

const ARROWS: Readonly<Record<string, readonly [x: number, y: number]>> = {
  ArrowLeft: [-1, 0],
  ArrowRight: [1, 0],
  ArrowUp: [0, -1],
  ArrowDown: [0, 1],
};

export class Picture {
  readonly #store: Store;
  readonly #view: GraphView;
  readonly #elk = new ELK({ workerUrl: '/bridgeport/ui/vendor/elk-worker.js' });
  readonly #slots = new Slots();
  readonly #colours = new Slots();
  /** Networks, each at the place of its colour. */
  #hues: ReadonlyArray<string | undefined> = [];
  #layout: { shape: string; rows: number; places: Places } | undefined;
  #scene: Scene = { nodes: [], edges: [] };
  /** The newest map, while an older one is still being laid out. */
  #waiting: NetworkMap | undefined;
  #busy = false;
  onAsk: (end: QuestionEnd, name: string) => void = () => {};

  constructor(store: Store) {
    this.#store = store;
    const frame = part('graph');
    frame.tabIndex = 0;
    // Its keys are its own: a screen reader hands them through.
    frame.setAttribute('role', 'application');
    this.#view = new GraphView(frame, {
      choose: (id, asEnd) => {
        const before = store.state.chosen;
        store.set({ chosen: id });
        if (id === undefined) return;
        if (asEnd && before !== undefined && before !== id) {
          this.#ask('from', before);
          this.#ask('to', id);
        } else if (store.state.tab === 'why') this.#ask('next', id);
      },
    });
    frame.addEventListener('keydown', (event) => this.#onKey(event));
    part('zoom-in').addEventListener('click', () => this.#view.zoomBy(1.25));
    part('zoom-out').addEventListener('click', () => this.#view.zoomBy(0.8));
    part('zoom-fit').addEventListener('click', () => this.#view.fit());
    document.documentElement.addEventListener(RECOLOURED, () => this.#view.recolour());
    store.onChange((state, before) => {
      if (state.map !== undefined && state.map !== before.map) {
        const networks = shownNetworks(state.map).map(({ id }) => id);
        this.#hues = this.#colours.assign('networks', networks);
      }
      if (state.map !== undefined && (state.map !== before.map || state.language !== before.language)) {
        void this.#draw(state.map);
      }
      if (state.rates !== before.rates) this.#view.showRates(state.rates);
      if (state.chosen !== before.chosen) this.#view.choose(state.chosen);
      if (state.language !== before.language) this.#drawWords();
    });
    this.#drawWords();
  }

  get view(): GraphView {
    return this.#view;
  }

  /** What is drawn now. */
  get scene(): Scene {
    return this.#scene;
  }

  /** The colour of a network, which it keeps: 0 to 7. */
  hueOf(network: string): number {
    return Math.max(0, this.#hues.indexOf(network)) % HUES;
  }

  mark(marks: Marks | undefined): void {
    this.#view.mark(marks);
    part('clear-path').hidden = marks === undefined;
  }

  async #draw(map: NetworkMap): Promise<void> {
    this.#waiting = map;
    if (this.#busy) return;
    this.#busy = true;
    try {
      for (let next: NetworkMap | undefined = map; next !== undefined; next = this.#waiting) {
        this.#waiting = undefined;
        await this.#lay(next);
      }
    } finally {
      this.#busy = false;
    }
  }

  /** Lays out again only when something came, went or changed its size. */
  async #lay(map: NetworkMap): Promise<void> {
    const words = LANGUAGES[this.#store.state.language];
    const { shares } = words;
    const outline = outlineOf(map, { slots: this.#slots, rowsBefore: this.#layout?.rows, shares });
    const graph = toElk(outline);
    const shape = JSON.stringify(graph);
    if (this.#layout?.shape !== shape) {
      this.#layout = { shape, rows: outline.rows, places: fromElk(await this.#elk.layout(graph), outline) };
    }
    this.#show(map, outline, this.#layout.places);
  }

  #show(map: NetworkMap, outline: Outline, places: Places): void {
    const words = LANGUAGES[this.#store.state.language];
    this.#scene = sceneOf(map, outline, places, { words, hueOf: (id) => this.hueOf(id) });
    this.#view.draw(this.#scene);
    this.#view.showRates(this.#store.state.rates);
    part('graph').dataset.drawn = String(this.#scene.nodes.length);
  }

  #drawWords(): void {
    const words = LANGUAGES[this.#store.state.language];
    part('graph').setAttribute('aria-label', words.graphLabel);
    part('graph-help').textContent = words.graphHelp;
    for (const [id, label] of [
      ['zoom-in', words.zoomIn],
      ['zoom-out', words.zoomOut],
      ['zoom-fit', words.fit],
    ] as const) {
      part(id).setAttribute('aria-label', label);
      part(id).title = label;
    }
    part('clear-path').textContent = words.clearPath;
  }

  #onKey(event: KeyboardEvent): void {
    if (event.ctrlKey || event.altKey || event.metaKey) return;
    const arrow = ARROWS[event.key];
    const { chosen } = this.#store.state;
    if (arrow !== undefined && event.shiftKey) this.#view.panBy(-arrow[0] * STEP, -arrow[1] * STEP);
    else if (arrow !== undefined) this.#step(arrow);
    else if (event.key === '+' || event.key === '=') this.#view.zoomBy(1.25);
    else if (event.key === '-') this.#view.zoomBy(0.8);
    else if (event.key === '0') this.#view.fit();
    else if (event.key === 'Escape') this.#store.set({ chosen: undefined });
    else if (event.key === 'Enter') {
      this.#store.set({ tab: 'details' });
      part('panel').focus();
    } else if ((event.key === 'f' || event.key === 't') && chosen !== undefined) {
      this.#ask(event.key === 'f' ? 'from' : 'to', chosen);
    } else return;
    event.preventDefault();
  }

  /** To the next thing in a direction; from nothing, to the world. */
  #step(direction: readonly [x: number, y: number]): void {
    const { things, chosen, language } = this.#store.state;
    const places = this.#scene.nodes.filter(({ id, owner }) => id === owner && id !== 'host');
    const next = chosen === undefined ? 'world' : neighbour(places, chosen, direction);
    const thing = next === undefined ? undefined : things.get(next);
    if (thing === undefined) return;
    this.#store.set({ chosen: thing.id });
    part('said').textContent = labelOf(thing, LANGUAGES[language]);
  }

  #ask(end: QuestionEnd, id: string): void {
    const thing = this.#store.state.things.get(id);
    const name = thing === undefined ? undefined : nameOf(thing);
    if (name !== undefined) this.onAsk(end, name);
  }
}
