/** Sizes of what is drawn, in units of the picture: pixels at zoom 1. */

export const BOX = {
  width: 196,
  /** Of the line with the name and the one with the address. */
  head: 46,
  /** Of each further line. */
  line: 14,
  /** Between one box and the next below. */
  gap: 12,
} as const;

/** Length of the wire from a bridge to a box; its rates are written on it. */
export const WIRE = 78;

/** The last stretch of the wire to a box that hangs in no rack, before which no other wire passes: its rates stand there. */
export const RUN = 64;

/** Thickness of a bridge. */
export const BAR = 6;

export const NETWORK = {
  pad: 18,
  /** Of the two lines at its top. */
  head: 52,
  /** Between the boxes of one column and the bridge of the next. */
  gutter: 26,
} as const;

export const NIC = { width: 168, head: 30, line: 14 } as const;
export const WORLD = { width: 92, height: 56 } as const;
export const WALL = { width: 96, height: 64 } as const;
export const HOST_PAD = { top: 46, side: 26 } as const;

/** Lines of a box beside its head, at most. */
export const MAX_LINES = 4;

/** Between the layers: the world, the interfaces, the firewall, the racks. */
export const LAYER_GAP = 64;

/** Width of all that stands to the left of the racks. */
export const BESIDE = WORLD.width + NIC.width + WALL.width + 3 * LAYER_GAP + 2 * HOST_PAD.side;
