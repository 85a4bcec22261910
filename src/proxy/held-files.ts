/**
 * Files kept open for the daemon: the FIFOs of containers' standard streams. What a container says waits in its FIFO only as long
 * as somebody has that open, and its standard input ends when the last writer goes; the keeper is the process that stays when the
 * daemon is killed.
 */
import { closeSync, constants, openSync } from 'node:fs';
import { invalid } from '../base/errors.ts';

export class HeldFiles {
  readonly #descriptors = new Map<string, number[]>();

  /** Opens every path for both directions, which a FIFO never makes wait. All or none; an id that is held already is left alone. */
  hold(id: unknown, paths: unknown): void {
    if (typeof id !== 'string' || id === '') throw invalid(`id ${JSON.stringify(id)} is no text`);
    if (!Array.isArray(paths) || paths.some((path) => typeof path !== 'string' || !path.startsWith('/'))) {
      throw invalid(`paths ${JSON.stringify(paths)} is no list of absolute paths`);
    }
    if (this.#descriptors.has(id)) return;
    const opened: number[] = [];
    try {
      for (const path of paths) opened.push(openSync(path, constants.O_RDWR | constants.O_NONBLOCK));
    } catch (error) {
      for (const fd of opened) closeSync(fd);
      throw error;
    }
    this.#descriptors.set(id, opened);
  }

  /** Closes what is held under these ids; unknown ones are ignored. */
  release(ids: unknown): void {
    if (!Array.isArray(ids)) throw invalid(`ids ${JSON.stringify(ids)} is no list`);
    for (const id of ids) {
      for (const fd of this.#descriptors.get(id) ?? []) closeSync(fd);
      this.#descriptors.delete(id);
    }
  }

  ids(): string[] {
    return [...this.#descriptors.keys()];
  }
}
