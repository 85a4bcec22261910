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

import { existsSync, readdirSync, rmSync } from 'node:fs';
import { basename, join } from 'node:path';
import { setTimeout as sleep } from 'node:timers/promises';
import { isKind, messageOf } from '../../base/errors.ts';
import { isId } from '../../base/ids.ts';
import { isStatus, type Shim, type TaskProcess } from '../../runtime/containerd/client.ts';
import type { EngineContext } from '../context.ts';
import type { ContainerRecord } from './record.ts';

/** Milliseconds to wait for the end of a task that was killed. */
const KILL_WAIT = 5000;
/** Milliseconds that a shim may take to answer before it is killed. */
const ANSWER_WAIT = 5000;
/** Milliseconds in which containerd has taken a bundle away that has no shim any more, and between looks. */
const BUNDLE = { wait: 2000, look: 20 };
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
    for (const shim of await containerd.shims()) if (shim.containerId === id) this.#killShim(shim);
    if (containerd.bundles !== undefined) await this.#removeBundle(join(containerd.bundles, id));
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

  /** Ids of the containers that have a bundle, as far as we can know. */
  async bundles(): Promise<string[]> {
    const { bundles: folder } = this.#parts.containerd;
    if (folder === undefined || !existsSync(folder)) return [];
    const names = readdirSync(folder);
    // To remove a bundle containerd first gives it a hidden name, which must be free: not that of one whose removal was broken off.
    for (const name of names) if (name.startsWith('.')) await this.#removeBundle(join(folder, name));
    return names.filter(isId);
  }

  /** Makes what remains are perhaps in the way of; if they are, once more without them. */
  async replace<T>(make: () => Promise<T>, remove: () => Promise<void>): Promise<T> {
    try {
      return await make();
    } catch (error) {
      const bundle = bundleInTheWay(error);
      if (bundle === undefined && !isKind(error, 'conflict')) throw error;
      await remove();
      if (bundle !== undefined) await this.#removeBundle(bundle);
      return make();
    }
  }

  /** One that has no task. */
  #killShim({ pid }: Shim): void {
    const shim = this.#parts.host.identify(pid);
    if (shim !== undefined) this.#parts.host.signal(shim, SIGKILL);
  }

  /** The folder of a task that containerd does not know. If it is still waiting for the shim's end, it takes it away itself. */
  async #removeBundle(path: string): Promise<void> {
    for (const until = performance.now() + BUNDLE.wait; existsSync(path); await sleep(BUNDLE.look)) {
      if (performance.now() < until) continue;
      const rootfs = join(path, 'rootfs');
      while (this.#parts.host.isMountPoint(rootfs)) this.#parts.host.unmount(rootfs);
      rmSync(path, { recursive: true, force: true });
    }
  }
}

/** `…: failed to start shim: mkdir /…/io.containerd.runtime.v2.task/NAMESPACE/ID: file exists: unknown` */
function bundleInTheWay(error: unknown): string | undefined {
  const path = /failed to start shim: mkdir (\/\S+): file exists/.exec(messageOf(error))?.[1];
  return path !== undefined && isId(basename(path)) ? path : undefined;
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
