/** From `-v`, `--mount`, `--volumes-from` and the image's VOLUMEs to the mounts of a new container. */

import {
  chmodSync,
  cpSync,
  existsSync,
  lchownSync,
  lstatSync,
  mkdirSync,
  mkdtempSync,
  readdirSync,
  rmSync,
  statSync,
} from 'node:fs';
import { join, posix } from 'node:path';
import { invalid, messageOf } from '../../base/errors.ts';
import type { MountPoint, MountRequest } from '../../base/wire/index.ts';
import type { MountResolver } from '../containers/create.ts';
import type { ContainerRecord } from '../containers/record.ts';
import type { ContainerRegistry } from '../containers/registry.ts';
import type { EngineContext } from '../context.ts';
import { type BindSpec, checkTarget, parseBind } from './bind-spec.ts';
import type { VolumeService } from './service.ts';

interface Planned {
  mount: MountPoint;
  /** A new volume that shall get what the image has at its target. */
  copyInto: string | undefined;
}

/** First part of the names of folders below the exec root on which snapshots are mounted for a moment. */
export const COPY_FOLDER = 'copy-';

export class VolumeMounts implements MountResolver {
  readonly #context: EngineContext;
  readonly #volumes: VolumeService;
  readonly #registry: ContainerRegistry;

  constructor(context: EngineContext, registry: ContainerRegistry, volumes: VolumeService) {
    this.#context = context;
    this.#registry = registry;
    this.#volumes = volumes;
  }

  async resolve(record: ContainerRecord): Promise<{ mounts: MountPoint[]; undo: () => Promise<void> }> {
    const made: string[] = [];
    const undo = async () => {
      for (const name of made) this.#volumes.takeBack(name);
    };
    try {
      const planned = this.#plan(record, made);
      const mounts = planned.map(({ mount }) => mount);
      const release = this.#volumes.hold(mounts.flatMap(({ Name: name }) => name ?? []));
      try {
        await this.#copyUp(record, planned);
      } finally {
        // Not before the caller has taken the mounts over.
        setImmediate(release);
      }
      return { mounts, undo };
    } catch (error) {
      await undo().catch(() => {});
      throw error;
    }
  }

  #plan(record: ContainerRecord, made: string[]): Planned[] {
    const { hostConfig, config } = record;
    const byTarget = new Map<string, Planned>();
    for (const from of hostConfig.VolumesFrom ?? []) {
      for (const mount of this.#volumesFrom(from))
        byTarget.set(mount.Destination, { mount, copyInto: undefined });
    }
    const explicit = new Set<string>();
    const claim = (target: string) => {
      if (explicit.has(target)) throw invalid(`Duplicate mount point: ${target}`);
      explicit.add(target);
    };
    for (const target of Object.keys(hostConfig.Tmpfs ?? {})) claim(posix.normalize(target));
    const add = (planned: Planned) => {
      claim(planned.mount.Destination);
      byTarget.set(planned.mount.Destination, planned);
    };
    for (const text of hostConfig.Binds ?? []) add(this.#bind(parseBind(text), made));
    for (const request of hostConfig.Mounts ?? []) {
      if (request.Type === 'tmpfs') {
        const target = checkTarget(request.Target, request.Target);
        claim(target);
        hostConfig.Tmpfs = { ...hostConfig.Tmpfs, [target]: tmpfsOptions(request) };
      } else add(this.#mount(request, made));
    }
    for (const target of Object.keys(config.Volumes ?? {})) {
      const path = checkTarget(target, target);
      const isTmpfs = Object.keys(hostConfig.Tmpfs ?? {}).some((tmpfs) => posix.normalize(tmpfs) === path);
      if (byTarget.has(path) || isTmpfs) continue;
      byTarget.set(path, this.#volume(undefined, path, { readOnly: false, copy: true, mode: '', made }));
    }
    return [...byTarget.values()];
  }

  /** `name`, `id` or `name:ro` */
  #volumesFrom(text: string): MountPoint[] {
    const [ref = '', mode = ''] = text.split(':');
    if (!['', 'ro', 'rw', 'z', 'Z'].includes(mode)) throw invalid(`invalid mode: ${mode}`);
    return this.#registry
      .find(ref)
      .record.mounts.filter((mount) => mount.Type === 'bind' || mount.Type === 'volume')
      .map((mount) => ({ ...mount, RW: mount.RW && mode !== 'ro', Mode: mode }));
  }

  #bind(spec: BindSpec, made: string[]): Planned {
    if (!spec.isPath) return this.#volume(spec.source, spec.target, { ...spec, made });
    const source = posix.normalize(spec.source as string);
    // As in Docker: `-v` makes a folder that is missing, `--mount` refuses.
    if (!existsSync(source)) mkdirSync(source, { recursive: true, mode: 0o755 });
    return {
      mount: bindMount(source, spec.target, spec.readOnly, spec.propagation, spec.mode),
      copyInto: undefined,
    };
  }

  #mount(request: MountRequest, made: string[]): Planned {
    const target = checkTarget(request.Target ?? '', JSON.stringify(request.Target));
    const readOnly = request.ReadOnly ?? false;
    if (request.Type === 'bind') {
      const source = request.Source ?? '';
      if (!source.startsWith('/')) {
        throw invalid(
          `invalid mount config for type "bind": invalid mount path: '${source}' mount path must be absolute`,
        );
      }
      if (!existsSync(source)) {
        if (request.BindOptions?.CreateMountpoint !== true) {
          throw invalid(`invalid mount config for type "bind": bind source path does not exist: ${source}`);
        }
        mkdirSync(source, { recursive: true, mode: 0o755 });
      }
      return {
        mount: bindMount(source, target, readOnly, request.BindOptions?.Propagation ?? '', ''),
        copyInto: undefined,
      };
    }
    if (request.Type === 'volume') {
      return this.#volume(request.Source || undefined, target, {
        readOnly,
        copy: request.VolumeOptions?.NoCopy !== true,
        mode: '',
        made,
        labels: request.VolumeOptions?.Labels ?? {},
        driver: request.VolumeOptions?.DriverConfig?.Name ?? '',
        options: request.VolumeOptions?.DriverConfig?.Options ?? {},
      });
    }
    throw invalid(`invalid mount config: mount type "${request.Type}" is not implemented by Bridgeport yet`);
  }

  #volume(
    name: string | undefined,
    target: string,
    options: {
      readOnly: boolean;
      copy: boolean;
      mode: string;
      made: string[];
      labels?: Record<string, string>;
      driver?: string;
      options?: Record<string, string>;
    },
  ): Planned {
    const { record, made } = this.#volumes.ensure(name, options);
    if (made) options.made.push(record.name);
    const source = this.#volumes.path(record.name);
    return {
      mount: {
        Type: 'volume',
        Name: record.name,
        Source: source,
        Destination: target,
        Driver: 'local',
        Mode: options.mode || (name === undefined ? '' : 'z'),
        RW: !options.readOnly,
        Propagation: '',
      },
      copyInto: options.copy && readdirSync(source).length === 0 ? source : undefined,
    };
  }

  /** An empty volume gets what the image has at its target, owner and mode included. */
  async #copyUp(record: ContainerRecord, planned: Planned[]): Promise<void> {
    const wanted = planned.filter(({ copyInto }) => copyInto !== undefined);
    if (wanted.length === 0) return;
    const { containerd, host, settings } = this.#context;
    const mounts = await containerd.snapshotter(record.snapshotter).mounts(record.id);
    const rootfs = mkdtempSync(join(settings.execRoot, COPY_FOLDER));
    try {
      host.mountRootfs(mounts, rootfs);
      for (const { mount, copyInto } of wanted) copyTree(rootfs, mount.Destination, copyInto as string);
    } finally {
      host.unmount(rootfs);
      rmSync(rootfs, { recursive: true, force: true });
    }
  }
}

function copyTree(rootfs: string, target: string, into: string): void {
  const from = join(rootfs, target);
  try {
    // A link in the image could lead out of it.
    if (!isPlainFolder(rootfs, target)) return;
    cpSync(from, into, { recursive: true, preserveTimestamps: true, verbatimSymlinks: true });
    copyOwners(from, into);
  } catch (error) {
    throw invalid(`copy the image's "${target}" into the new volume: ${messageOf(error)}`, { cause: error });
  }
}

function isPlainFolder(rootfs: string, target: string): boolean {
  let path = rootfs;
  for (const part of target.split('/').filter(Boolean)) {
    path = join(path, part);
    if (!existsSync(path) || !lstatSync(path).isDirectory()) return false;
  }
  return true;
}

function copyOwners(from: string, to: string): void {
  const stat = lstatSync(from);
  lchownSync(to, stat.uid, stat.gid);
  if (!stat.isSymbolicLink()) chmodSync(to, stat.mode & 0o7777);
  if (!stat.isDirectory()) return;
  for (const name of readdirSync(from)) copyOwners(join(from, name), join(to, name));
}

function bindMount(
  source: string,
  target: string,
  readOnly: boolean,
  propagation: string,
  mode: string,
): MountPoint {
  statSync(source);
  return {
    Type: 'bind',
    Source: source,
    Destination: target,
    Mode: mode,
    RW: !readOnly,
    Propagation: propagation || 'rprivate',
  };
}

function tmpfsOptions(request: MountRequest): string {
  const { SizeBytes: size, Mode: mode } = request.TmpfsOptions ?? {};
  return [
    ...(request.ReadOnly ? ['ro'] : []),
    ...(size ? [`size=${size}`] : []),
    ...(mode ? [`mode=${mode.toString(8)}`] : []),
  ].join(',');
}
