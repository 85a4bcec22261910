/** Removes a container that does not run: its snapshot, its logs, its folder, its record. */

import { rmSync } from 'node:fs';
import { join } from 'node:path';
import { messageOf, runAll } from '../../base/errors.ts';
import type { EngineContext } from '../context.ts';
import { removeLogFiles } from '../logs/json-file.ts';
import { emitContainerEvent } from './attributes.ts';
import type { Container } from './container.ts';
import type { ContainerRegistry } from './registry.ts';
import { ignoreMissing, onceMore } from './run-remains.ts';

/** What else has to go with a container; `volumes`: its anonymous volumes too. */
export type RemovedHook = (container: Container, volumes: boolean) => Promise<void>;

export class Remover {
  readonly #context: EngineContext;
  readonly #registry: ContainerRegistry;
  readonly #removed: RemovedHook;

  constructor(context: EngineContext, registry: ContainerRegistry, removed: RemovedHook) {
    this.#context = context;
    this.#registry = registry;
    this.#removed = removed;
  }

  /**
   * Runs under the container's lock. When a step fails, the others are still tried, and the container stays as `dead`: it cannot be
   * started, and its removal can be tried again, by the user or by the next daemon.
   */
  async remove(container: Container, volumes: boolean): Promise<void> {
    if (this.#registry.byId(container.id) !== container) return;
    const { containerd, settings } = this.#context;
    const { record } = container;
    record.removing = true;
    record.state.status = 'removing';
    this.#registry.save(container);
    try {
      await runAll(`remove container ${record.id}`, [
        () =>
          onceMore(() => containerd.snapshotter(record.snapshotter).remove(record.id).catch(ignoreMissing)),
        () => this.#removed(container, volumes),
        () => removeLogFiles(container.logPath),
        () => rmSync(container.folder, { recursive: true, force: true }),
        () => rmSync(join(settings.execRoot, 'io', record.id), { recursive: true, force: true }),
      ]);
    } catch (error) {
      record.state.status = 'dead';
      record.state.error = messageOf(error);
      this.#registry.save(container);
      container.announceRemoval(record.state.error);
      throw error;
    }
    this.#registry.delete(container);
    emitContainerEvent(this.#context, container, 'destroy');
    container.hub.end();
    container.announceRemoval('');
  }
}
