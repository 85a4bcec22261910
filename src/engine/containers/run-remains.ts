/**
 * What the runtime still has of a run whose start or end was interrupted, when the daemon or containerd was killed. Taken away whole,
 * whatever state it is in: the task, its shim and bundle, what runc noted, the cgroups, the record.
 *
 * There are two states that containerd itself does not get out of (1.6.20, found by experiment):
 *
 * - It was killed while it made a task. The next containerd takes the shim over: it shows no task (`get` says NOT_FOUND) and
 *   refuses another (ALREADY_EXISTS), until a `delete`, which says NOT_FOUND too, ends the shim.
 * - We were, and the port keeper too, so that nobody holds the FIFOs any more for which the shim waits in `create`. containerd gives up
 *   and forgets the task; shim and bundle stay, and whoever makes the task anew hears `mkdir …: file exists`.
 *
 * With whom it served, the shim's `runc create` is killed as well, in whatever it did.
 */

import { existsSync, rmSync } from 'node:fs';
import { basename, join } from 'node:path';
import { setTimeout as sleep } from 'node:timers/promises';
import { isKind, messageOf } from '../../base/errors.ts';
import { isStatus, type Shim, type TaskProcess } from '../../runtime/containerd/client.ts';
import type { EngineContext } from '../context.ts';
import type { ContainerRecord } from './record.ts';

/** Milliseconds to wait for the end of a task that was killed. */
const KILL_WAIT = 5000;
/** Milliseconds that a shim may take to answer before it is killed. */
const ANSWER_WAIT = 5000;
/** Milliseconds in which containerd has taken a bundle away whose shim has gone. */
const SHIM_WAIT = 1000;
/** Milliseconds in which it has, when nothing is known of a shim: its own limit for that is 5 s (`cleanupTimeout`). */
const CLEANUP_WAIT = 6000;
/** Milliseconds between looks. */
const LOOK = 20;
const SIGKILL = 9;

type Parts = Pick<EngineContext, 'containerd' | 'host' | 'settings'>;

/** Where the runtime keeps a container's processes, below each hierarchy's mount. */
export function cgroupsPath({ settings }: Pick<Parts, 'settings'>, id: string, parent?: string): string {
  return `/${parent || settings.cgroupParent}/${id}`.replace(/\/+/g, '/');
}

export class RunRemains {
  readonly #parts: Parts;

  constructor(parts: Parts) {
    this.#parts = parts;
  }

  /** Everything; what is not there is fine. `record`: of the container, if there is one. */
  async remove(id: string, record?: ContainerRecord): Promise<void> {
    const { containers } = this.#parts.containerd;
    await this.removeTask(id, record);
    // Last: without it, containerd does not find the task.
    await onceMore(() => containers.delete(id).catch(ignoreMissing));
  }

  /** The task alone, which may run. */
  async removeTask(id: string, record?: ContainerRecord): Promise<void> {
    const { containerd, settings, host } = this.#parts;
    const { tasks } = containerd;
    const limit = { timeoutMs: ANSWER_WAIT };
    // Whatever containerd cannot do because of the shim is done without it below.
    const task = await onceMore(() => tasks.get(id, limit)).catch(() => undefined);
    if (task !== undefined && task.status !== 'stopped') await this.stopTask(task);
    await onceMore(() => tasks.delete(id, limit)).catch(() => {});
    for (const shim of await containerd.shims()) if (shim.containerId === id) await this.#killShim(shim);
    await host.removeCgroups(cgroupsPath(this.#parts, id, record?.hostConfig.CgroupParent));
    rmSync(join(settings.runcRoot, containerd.namespace, id), { recursive: true, force: true });
  }

  /** Kills it, and waits for its end. */
  async stopTask({ containerId, status }: TaskProcess): Promise<void> {
    const { tasks } = this.#parts.containerd;
    if (status === 'paused') await tasks.resume(containerId).catch(() => {});
    await tasks.kill(containerId, SIGKILL, { all: true }).catch(() => {});
    await tasks.wait(containerId, { timeoutMs: KILL_WAIT }).catch(() => {});
  }

  /** Makes what remains are perhaps in the way of; if they are, once more without them. */
  async replace<T>(make: () => Promise<T>, remove: () => Promise<void>): Promise<T> {
    try {
      return await make();
    } catch (error) {
      const bundle = bundleInTheWay(error);
      if (bundle === undefined && !isKind(error, 'conflict')) throw error;
      await remove();
      if (bundle !== undefined) await this.#removeBundle(bundle, CLEANUP_WAIT);
      return make();
    }
  }

  /** One that has no task. If containerd still waits for it, it takes the bundle away itself. */
  async #killShim({ pid, bundle }: Shim): Promise<void> {
    const shim = this.#parts.host.identify(pid);
    if (shim !== undefined) this.#parts.host.signal(shim, SIGKILL);
    await this.#removeBundle(bundle, SHIM_WAIT);
  }

  /** A folder that containerd does not know as a task's: in the time given, in milliseconds, it may be taking it away. */
  async #removeBundle(path: string, patience: number): Promise<void> {
    for (const until = performance.now() + patience; existsSync(path); await sleep(LOOK)) {
      if (performance.now() < until) continue;
      this.#parts.host.unmount(join(path, 'rootfs'));
      rmSync(path, { recursive: true, force: true });
    }
  }
}

/** `…: failed to start shim: mkdir /…/io.containerd.runtime.v2.task/NAMESPACE/ID: file exists: unknown` */
function bundleInTheWay(error: unknown): string | undefined {
  const path = /failed to start shim: mkdir (\/\S+): file exists/.exec(messageOf(error))?.[1];
  return path !== undefined && /^[0-9a-f]{64}$/.test(basename(path)) ? path : undefined;
}

/** A call that may be repeated, for when containerd dies over it: the client waits for the next containerd. */
export async function onceMore<T>(call: () => Promise<T>): Promise<T> {
  try {
    return await call();
  } catch (error) {
    if (!isStatus(error, 'UNAVAILABLE')) throw error;
    return call();
  }
}

export function ignoreMissing(error: unknown): undefined {
  if (!isKind(error, 'not-found')) throw error;
}
