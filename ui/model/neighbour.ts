/** Where an arrow key leads. */

interface Place {
  id: string;
  /** Its centre. */
  x: number;
  y: number;
  width: number;
  height: number;
}

/**
 * The nearest place in a direction. One beside the way costs thrice its distance from it, so that what lies straight ahead
 * is reached first; a frame around the present place is not ahead of it.
 *
 * @param direction one of the axes: [1, 0] is to the right, [0, 1] down
 */
export function neighbour(
  places: readonly Place[],
  from: string,
  [dx, dy]: readonly [x: number, y: number],
): string | undefined {
  const start = places.find(({ id }) => id === from);
  if (start === undefined) return undefined;
  let best: { id: string; cost: number } | undefined;
  for (const place of places) {
    if (place.id === from) continue;
    // The middle of a large frame is far from where one enters it: its near edge counts.
    const [x, y] = nearEdge(place, start);
    const ahead = (x - start.x) * dx + (y - start.y) * dy;
    const beside = Math.abs((x - start.x) * dy) + Math.abs((y - start.y) * dx);
    if (ahead < 4 || encloses(place, start)) continue;
    const cost = ahead + 3 * beside;
    if (best === undefined || cost < best.cost) best = { id: place.id, cost };
  }
  return best?.id;
}

/** The point of `place` that is nearest to the middle of `start`, or its own middle where `start` lies around it. */
function nearEdge(place: Place, start: Place): [x: number, y: number] {
  if (encloses(start, place)) return [place.x, place.y];
  const clamp = (value: number, middle: number, size: number) =>
    Math.min(Math.max(value, middle - size / 2), middle + size / 2);
  return [clamp(start.x, place.x, place.width), clamp(start.y, place.y, place.height)];
}

const encloses = (outer: Place, inner: Place) =>
  Math.abs(outer.x - inner.x) < outer.width / 2 && Math.abs(outer.y - inner.y) < outer.height / 2;
