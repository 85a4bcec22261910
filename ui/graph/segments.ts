/** Bends as cytoscape wants them: by how far along the straight line between the ends, and how far beside it. */

import type { Point } from '../layout/elk.ts';

export interface Segments {
  /** 0 at the source, 1 at the target. */
  weights: number[];
  /** Positive to the right of the way from the source to the target, where y grows downwards. */
  distances: number[];
}

/** @param points the two ends, and the bends between them */
export function segmentsOf(points: readonly Point[]): Segments {
  const [from, ...rest] = points;
  const to = rest.pop();
  if (from === undefined || to === undefined) return { weights: [], distances: [] };
  const way = { x: to.x - from.x, y: to.y - from.y };
  const length = Math.hypot(way.x, way.y) || 1;
  const along = (point: Point) => ((point.x - from.x) * way.x + (point.y - from.y) * way.y) / length ** 2;
  const beside = (point: Point) => ((point.y - from.y) * way.x - (point.x - from.x) * way.y) / length;
  return { weights: rest.map(along), distances: rest.map(beside) };
}
