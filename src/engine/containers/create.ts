/** Makes a container: everything is checked first, then the name is reserved, then snapshot and record are made. */

import { mkdirSync, rmSync } from 'node:fs';
import { join } from 'node:path';
import { invalid, isKind, messageOf } from '../../base/errors.ts';
import { newId } from '../../base/ids.ts';
import { isUnknownLabel } from '../../base/labels.ts';
import { randomName } from '../../base/names.ts';
import { isUserDefined } from '../../base/network-mode.ts';
import { nowString, ZERO_TIME } from '../../base/time.ts';
import type { ContainerCreateBody, ContainerCreated, MountPoint } from '../../base/wire/index.ts';
import type { EngineContext, ResolvedImage } from '../context.ts';
import { parseLogOptions } from '../logs/options.ts';
import { makeWorkingDirectory } from '../rootfs/working-directory.ts';
import { resolveCapabilities } from '../spec/capabilities.ts';
import { parseDeviceRule, resolveDevices } from '../spec/devices.ts';
import { ociResources } from '../spec/resources.ts';
import { parseSecurityOptions } from '../spec/security-options.ts';
import { containerAttributes } from './attributes.ts';
import { checkNetworkMode } from './check-config.ts';
import { checkResources } from './check-limits.ts';
import { Container } from './container.ts';
import { normalizeName } from './names.ts';
import { normalizeConfig, normalizeHostConfig } from './normalize.ts';
import type { ContainerRecord, LinkRecord } from './record.ts';
import type { ContainerRegistry } from './registry.ts';
import { sandboxRequest } from './start.ts';

/** The volumes of a new container: named, anonymous, bound, taken over from another. */
export interface MountResolver {
  /** Makes what is missing and says where everything is. `undo` takes back what was made. */
  resolve(
    record: ContainerRecord,
    image: ResolvedImage,
  ): Promise<{ mounts: MountPoint[]; undo: () => Promise<void> }>;
}

const NAME_ATTEMPTS = 6;

export class Creator {
  readonly #context: EngineContext;
  readonly #registry: ContainerRegistry;
  readonly #mounts: MountResolver;

  constructor(context: EngineContext, registry: ContainerRegistry, mounts: MountResolver) {
    this.#context = context;
    this.#registry = registry;
    this.#mounts = mounts;
  }

  async create(
    name: string | undefined,
    platform: string | undefined,
    body: ContainerCreateBody,
  ): Promise<ContainerCreated> {
    const { images } = this.#context;
    if (!body.Image) throw invalid('No image was specified');
    const image = await images.resolve(body.Image, platform);
    try {
      return await this.#createFrom(image, name, body);
    } catch (error) {
      // The command line takes "not found" for a missing image, and would go and pull it.
      throw isKind(error, 'not-found') ? invalid(messageOf(error), { cause: error }) : error;
    }
  }

  async #createFrom(
    image: ResolvedImage,
    name: string | undefined,
    body: ContainerCreateBody,
  ): Promise<ContainerCreated> {
    const { settings, events, containerd } = this.#context;
    const id = newId();
    const record = this.#record(id, name, body, image);
    const warnings = this.#check(record);
    if (name === undefined || name === '') this.#reserveRandomName(record);
    else this.#registry.names.reserve(record.name, id);
    let undoMounts = async () => {};
    try {
      mkdirSync(join(settings.dataRoot, 'containers', id), { recursive: true, mode: 0o710 });
      // The label keeps containerd's garbage collector from a snapshot that no running container names.
      const rootfs = await containerd
        .snapshotter(record.snapshotter)
        .prepare(id, image.chainId, { 'containerd.io/gc.root': record.createdAt });
      makeWorkingDirectory(this.#context, rootfs, record.config.WorkingDir);
      const { mounts, undo } = await this.#mounts.resolve(record, image);
      undoMounts = undo;
      record.mounts = mounts;
      this.#registry.add(record);
    } catch (error) {
      await undoMounts().catch(() => {});
      await containerd
        .snapshotter(record.snapshotter)
        .remove(id)
        .catch(() => {});
      rmSync(join(settings.dataRoot, 'containers', id), { recursive: true, force: true });
      this.#registry.names.release(record.name, id);
      throw error;
    }
    events.publish('container', 'create', id, containerAttributes(record));
    return { Id: id, Warnings: warnings };
  }

  #record(
    id: string,
    name: string | undefined,
    body: ContainerCreateBody,
    image: ResolvedImage,
  ): ContainerRecord {
    const { settings } = this.#context;
    const hostConfig = normalizeHostConfig(body.HostConfig, settings.defaults);
    const config = normalizeConfig(body, image.defaults, id);
    checkNetworkMode(body, hostConfig);
    return {
      id,
      name: name === undefined || name === '' ? '' : normalizeName(name),
      createdAt: nowString(),
      imageId: image.id,
      imageName: config.Image,
      platform: image.platform,
      snapshotter: settings.snapshotter,
      config,
      hostConfig,
      // A private container says so here too: one that has left all of its networks does not.
      networks: {
        ...(hostConfig.NetworkMode === 'none' ? { none: {} } : {}),
        ...body.NetworkingConfig?.EndpointsConfig,
      },
      links: isUserDefined(hostConfig.NetworkMode) ? [] : this.#links(hostConfig.Links ?? []),
      mounts: [],
      state: {
        status: 'created',
        pid: 0,
        exitCode: 0,
        error: '',
        oomKilled: false,
        startedAt: ZERO_TIME,
        finishedAt: ZERO_TIME,
      },
      wanted: 'stopped',
      stoppedByUser: false,
      restartCount: 0,
      removing: false,
    };
  }

  /** Finds out at creation what could only fail at start. Returns warnings. */
  #check(record: ContainerRecord): string[] {
    const { settings, host, network } = this.#context;
    const { config, hostConfig } = record;
    checkResources(hostConfig, settings.cpus);
    resolveCapabilities(
      { privileged: hostConfig.Privileged, add: hostConfig.CapAdd, drop: hostConfig.CapDrop },
      host.capabilities,
    );
    resolveDevices(hostConfig.Devices ?? []);
    for (const rule of hostConfig.DeviceCgroupRules ?? []) parseDeviceRule(rule);
    ociResources(hostConfig);
    parseSecurityOptions(hostConfig.SecurityOpt ?? []);
    if (hostConfig.LogConfig.Type !== 'none') parseLogOptions(hostConfig.LogConfig);
    const mode = hostConfig.NetworkMode;
    if (mode.startsWith('container:')) this.#shareNetwork(record);
    else network.validate(sandboxRequest(new Container(record, settings.dataRoot)));
    for (const field of ['IpcMode', 'PidMode'] as const) {
      const ref = /^container:(.*)$/.exec(hostConfig[field])?.[1];
      // By id, so that renaming or replacing the other container cannot change whose namespace this is.
      if (ref !== undefined) hostConfig[field] = `container:${this.#registry.find(ref).id}`;
    }
    const warnings: string[] = [];
    for (const label of Object.keys(config.Labels).filter(isUnknownLabel)) {
      const why = label.startsWith('bridgeport.net.')
        ? 'rate limits are not implemented by Bridgeport yet'
        : 'Bridgeport knows bridgeport.port.PORT.proxy-protocol';
      warnings.push(`The label ${label} has no effect: ${why}`);
    }
    const isShared = mode === 'host' || mode.startsWith('container:');
    if (isShared && Object.keys(hostConfig.PortBindings ?? {}).length > 0 && mode === 'host') {
      warnings.push('Published ports are discarded when using host network mode');
    }
    if (hostConfig.BlkioWeight > 0 && !host.cgroupControllers.includes('blkio.weight')) {
      warnings.push(
        'Your kernel does not support Block I/O weight or the cgroup is not mounted. Weight discarded.',
      );
      hostConfig.BlkioWeight = 0;
    }
    if (config.NetworkDisabled) warnings.push('NetworkDisabled is deprecated; use --network none');
    return warnings;
  }

  /** Whose network it is may still change: a container that is not there (yet) is a matter of the start, as in Docker. */
  #shareNetwork(record: ContainerRecord): void {
    const { hostConfig, config } = record;
    const ref = hostConfig.NetworkMode.slice('container:'.length);
    let owner: Container;
    try {
      owner = this.#registry.find(ref);
    } catch (error) {
      if (isKind(error, 'not-found')) return;
      throw error;
    }
    hostConfig.NetworkMode = `container:${owner.id}`;
    config.Hostname = owner.record.config.Hostname;
  }

  /**
   * Links of the default bridge, which are to containers; on networks that users make they are names of the endpoint
   * alone, of a container that need not be there. `name`, `name:alias` or `id:alias`; the alias is the name's last part when none is given. */
  #links(links: string[]): LinkRecord[] {
    return links.map((link) => {
      const [ref = '', alias] = link.split(':');
      if (ref === '' || link.split(':').length > 2) throw invalid(`invalid link format: "${link}"`);
      const target = this.#linked(ref);
      if (target.record.hostConfig.NetworkMode === 'host') {
        throw invalid(
          "conflicting options: host type networking can't be used with links. This would result in undefined behavior",
        );
      }
      return { containerId: target.id, alias: alias || ref.replace(/^\//, '') };
    });
  }

  #linked(ref: string): Container {
    try {
      return this.#registry.find(ref);
    } catch (cause) {
      throw invalid(`could not get container for ${ref}: ${messageOf(cause)}`, { cause });
    }
  }

  #reserveRandomName(record: ContainerRecord): void {
    for (let attempt = 0; ; attempt++) {
      const name = attempt < NAME_ATTEMPTS ? randomName(attempt) : record.id.slice(0, 12);
      if (this.#registry.names.holder(name) !== undefined) continue;
      record.name = name;
      this.#registry.names.reserve(name, record.id);
      return;
    }
  }
}
