/**
 * A network as a rack: its bridge is a bar, and every container hangs on it by a straight wire. Many containers make several
 * columns, each with a bar of its own, which a rail along the top joins: ┌─┬─┬─
 */

import { BAR, BOX, NETWORK, WIRE } from './measures.ts';

export interface RackMember {
  id: string;
  height: number;
}

/** Corner and size, relative to the rack's own corner. */
export interface Box {
  x: number;
  y: number;
  width: number;
  height: number;
}

export interface Rack {
  width: number;
  height: number;
  /** By the member's id. */
  boxes: Map<string, Box>;
  /** The bars, from left to right, one at least. */
  bars: Box[];
  /** Joins the bars, and leads out to the right when somebody is connected there. */
  rail: Box | undefined;
  /** Height at which wires from outside arrive, on either side. */
  entry: number;
}

export interface RackOptions {
  /** Places of one column. */
  rows: number;
  /** True when the network has a bridge to hang on. */
  wired: boolean;
  /** True when containers outside the rack are connected to it too. */
  exit: boolean;
}

/** @param members by their places; undefined is a hole as high as a box without further lines */
export function arrangeRack(
  members: ReadonlyArray<RackMember | undefined>,
  { rows, wired, exit }: RackOptions,
): Rack {
  const lead = wired ? BAR + WIRE : 0;
  const columnCount = Math.max(1, Math.ceil(members.length / rows));
  const pitch = lead + BOX.width + NETWORK.gutter;
  const top = NETWORK.head + (wired ? BAR + BOX.gap : 0);
  const boxes = new Map<string, Box>();
  const bars: Box[] = [];
  let bottom = top + (members.length === 0 ? 0 : BOX.head);
  for (let column = 0; column < columnCount; column++) {
    const x = NETWORK.pad + column * pitch;
    let y = top;
    for (const member of members.slice(column * rows, (column + 1) * rows)) {
      const height = member?.height ?? BOX.head;
      if (member !== undefined) boxes.set(member.id, { x: x + lead, y, width: BOX.width, height });
      y += height + BOX.gap;
    }
    const end = Math.max(y - BOX.gap, top + BAR);
    if (wired) bars.push({ x, y: NETWORK.head, width: BAR, height: end - NETWORK.head });
    bottom = Math.max(bottom, end);
  }
  const width = NETWORK.pad * 2 + columnCount * pitch - NETWORK.gutter;
  const railEnd = exit ? width : NETWORK.pad + (columnCount - 1) * pitch + BAR;
  const hasRail = wired && (exit || columnCount > 1);
  return {
    width,
    height: bottom + NETWORK.pad,
    boxes,
    bars,
    rail: hasRail
      ? { x: NETWORK.pad, y: NETWORK.head, width: railEnd - NETWORK.pad, height: BAR }
      : undefined,
    entry: NETWORK.head + BAR / 2,
  };
}

/** Places of a column that are tried. Few, so that one container more seldom turns everything round. */
const ROWS = [2, 3, 4, 6, 8, 12, 16, 24, 32, 48, 64];

/** Width to height of what is drawn in. */
const SHAPE = 1.15;

/** How much better the shape has to get before everything moves: a factor. */
const WORTH_MOVING = 1.6;

/**
 * Places of a column that make the whole about as wide as the picture's frame.
 *
 * @param sizes how many members each rack has
 * @param beside width of what stands beside the racks
 * @param before what it was; kept while it fits
 */
export function rowsFor(sizes: readonly number[], beside: number, before?: number): number {
  const misfit = (rows: number) => misfitOf(sizes, beside, rows);
  const [best = 2] = ROWS.toSorted((a, b) => misfit(a) - misfit(b));
  const keeps = before !== undefined && misfit(before) < misfit(best) * WORTH_MOVING;
  return keeps ? before : best;
}

/** 1 for the wanted shape, 2 for one that is twice as wide or twice as high. */
function misfitOf(sizes: readonly number[], beside: number, rows: number): number {
  const width = WIRE + BAR + BOX.width + NETWORK.gutter;
  const height = BOX.head + BOX.line + BOX.gap;
  const columns = Math.max(1, ...sizes.map((size) => Math.ceil(size / rows)));
  const high = sizes.reduce(
    (sum, size) => sum + NETWORK.head + NETWORK.pad * 2 + Math.min(rows, Math.max(size, 1)) * height,
    1,
  );
  return Math.exp(Math.abs(Math.log((columns * width + beside) / high / SHAPE)));
}
