/**
 * Places that are kept: a container stays where it is while others come and go. Who leaves leaves a hole, which the next who
 * comes fills; holes at the end are given up.
 */
export class Slots {
  readonly #racks = new Map<string, Array<string | undefined>>();

  /** The members of a rack by their places. Ones that are new take the first free places, in the order given. */
  assign(rack: string, members: readonly string[]): ReadonlyArray<string | undefined> {
    const present = new Set(members);
    const places = (this.#racks.get(rack) ?? []).map((member) =>
      member !== undefined && present.has(member) ? member : undefined,
    );
    const placed = new Set(places);
    for (const member of members) {
      if (placed.has(member)) continue;
      const free = places.indexOf(undefined);
      if (free === -1) places.push(member);
      else places[free] = member;
    }
    while (places.length > 0 && places.at(-1) === undefined) places.pop();
    this.#racks.set(rack, places);
    return places;
  }
}
