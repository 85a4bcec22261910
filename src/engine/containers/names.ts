/** The names of containers: who holds which, and links, which are names too. */

import { conflict, invalid } from '../../base/errors.ts';

const NAME = /^[a-zA-Z0-9][a-zA-Z0-9_.-]+$/;

/** Takes an optional leading slash off and checks the rest. Throws `invalid` in Docker's words. */
export function normalizeName(given: string): string {
  const name = given.startsWith('/') ? given.slice(1) : given;
  if (!NAME.test(name)) {
    throw invalid(`Invalid container name (${given}), only [a-zA-Z0-9][a-zA-Z0-9_.-] are allowed`);
  }
  return name;
}

/** Reserves names before their container exists, so that two creates at once cannot both have one. */
export class NameIndex {
  readonly #holders = new Map<string, string>();

  /** Throws `conflict` in Docker's words when another container has it. */
  reserve(name: string, containerId: string): void {
    const holder = this.#holders.get(name);
    if (holder !== undefined && holder !== containerId) {
      throw conflict(
        `Conflict. The container name "/${name}" is already in use by container "${holder}". You have to remove (or rename) that container to be able to reuse that name.`,
      );
    }
    this.#holders.set(name, containerId);
  }

  release(name: string, containerId: string): void {
    if (this.#holders.get(name) === containerId) this.#holders.delete(name);
  }

  holder(name: string): string | undefined {
    return this.#holders.get(name);
  }
}
