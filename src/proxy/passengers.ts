/** What travels on a route, to be found when the route is closed. */

/** Something that lives as long as its mapping allows: a TCP connection or a UDP flow. */
export interface Passenger {
  /** For `Passengers` alone; -1 at first. */
  seat: number;
  /** Ends it at once; TCP peers see a reset. */
  abort(): void;
}

/**
 * A set of passengers. Not a `Set`: V8's makes a new table every few dozen additions, and an old table, once it has outlived two
 * small collections, keeps all it ever held from them, and the next table too. Nearly every connection then stayed in memory until
 * the next great collection, 75 MB after 120,000 of them.
 */
export class Passengers {
  readonly #seats: Passenger[] = [];

  add(passenger: Passenger): void {
    passenger.seat = this.#seats.length;
    this.#seats.push(passenger);
  }

  /** @returns whether it was there */
  delete(passenger: Passenger): boolean {
    const { seat } = passenger;
    if (this.#seats[seat] !== passenger) return false;
    const last = this.#seats.pop()!;
    if (last !== passenger) {
      this.#seats[seat] = last;
      last.seat = seat;
    }
    passenger.seat = -1;
    return true;
  }

  get size(): number {
    return this.#seats.length;
  }

  /** Those who are there now; they may leave meanwhile. */
  all(): Passenger[] {
    return [...this.#seats];
  }
}
