/** Takes away what a run of a container consists of, once its first process has ended. */

import { rmSync } from 'node:fs';
import { join } from 'node:path';
import { messageOf, runAll } from '../../base/errors.ts';
import type { EngineContext } from '../context.ts';
import type { Container } from './container.ts';
import { ignoreMissing, onceMore } from './run-remains.ts';
import { closeSharedMemory } from './shared-memory.ts';

/** Milliseconds that reading the rest of the output may take after the end. */
const DRAIN_TIMEOUT = 3000;

/** Every step is tried; what fails is logged, since the run has ended all the same. `ended`: further steps of the engine. */
export async function takeRunAway(
  context: EngineContext,
  container: Container,
  ended: () => Promise<void>,
): Promise<void> {
  const { containerd, network, settings, log } = context;
  const { record } = container;
  // Meanwhile: the runtime is busy with processes of its own, and none of this container is in the namespace any more.
  const disconnected = network.leave(record.id);
  disconnected.catch(() => {}); // its failure is one of those below
  await runAll(`end of container ${record.id}`, [
    // All output first: deleting the task ends the shim, which drops what it could not hand over.
    () => drain(context, container),
    () => onceMore(() => containerd.tasks.delete(record.id).catch(ignoreMissing)),
    () => onceMore(() => containerd.containers.delete(record.id).catch(ignoreMissing)),
    ended,
    () => disconnected,
    () => closeSharedMemory(context, record.id),
    () => rmSync(join(settings.execRoot, 'io', record.id), { recursive: true, force: true }),
  ]).catch((error) =>
    log.warn({ container: record.id, error: messageOf(error) }, 'clean-up after the end failed'),
  );
}

async function drain({ host }: EngineContext, container: Container): Promise<void> {
  const { io } = container;
  if (io !== undefined) {
    io.resume();
    await host.releaseFifos(container.id).catch(() => {});
    await within(io.drained, DRAIN_TIMEOUT);
    io.destroy();
  }
  container.io = undefined;
  container.log?.close();
  container.log = undefined;
  container.process = undefined;
}

/** True when `promise` settled in time, which is in milliseconds. */
export async function within(promise: Promise<unknown>, milliseconds: number): Promise<boolean> {
  const { promise: late, resolve } = Promise.withResolvers<false>();
  const timer = setTimeout(() => resolve(false), milliseconds);
  try {
    return await Promise.race([promise.then(() => true), late]);
  } finally {
    clearTimeout(timer);
  }
}
