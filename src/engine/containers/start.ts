/** One start of a container: everything that has to be there before its process, in reversible steps. */

import { rmSync } from 'node:fs';
import { join } from 'node:path';
import { BridgeportError, conflict, inAction, invalid, messageOf } from '../../base/errors.ts';
import type { Log } from '../../base/log.ts';
import { nowString } from '../../base/time.ts';
import type { OpenSandbox, SandboxInfo, SandboxRequest } from '../../network/controller/sandbox.ts';
import { proxyProtocolPorts } from '../../network/ports/proxy-protocol.ts';
import type { EngineContext } from '../context.ts';
import { ProcessIo } from '../io/process-io.ts';
import { layerFolders, readRootfsFile } from '../rootfs/layers.ts';
import { resolveUser } from '../rootfs/user.ts';
import type { OciMount, OciSpec } from '../spec/oci.ts';
import { parseSecurityOptions } from '../spec/security-options.ts';
import { buildSpec } from '../spec/spec.ts';
import { type Container, logLoss } from './container.ts';
import type { ContainerRecord } from './record.ts';
import type { ContainerRegistry } from './registry.ts';
import { cgroupsPath, ignoreMissing, onceMore, RunRemains } from './run-remains.ts';
import { closeSharedMemory, openSharedMemory, sharedMemoryPath } from './shared-memory.ts';
import { isIPv6Disabled, Surroundings } from './surroundings.ts';

/** What was done so far, to be undone in the opposite order when a later step fails. */
class UndoStack {
  readonly #steps: Array<{ name: string; undo: () => unknown }> = [];

  push(name: string, undo: () => unknown): void {
    this.#steps.push({ name, undo });
  }

  async run(log: Log): Promise<void> {
    for (const { name, undo } of this.#steps.reverse()) {
      try {
        await undo();
      } catch (error) {
        log.warn({ step: name, error: messageOf(error) }, 'undo failed');
      }
    }
  }
}

export class Starter {
  readonly #context: EngineContext;
  readonly #registry: ContainerRegistry;
  readonly #surroundings: Surroundings;
  readonly #remains: RunRemains;

  constructor(context: EngineContext, registry: ContainerRegistry) {
    this.#context = context;
    this.#remains = new RunRemains(context);
    this.#registry = registry;
    this.#surroundings = new Surroundings(context, registry);
  }

  /** Runs under the container's lock. On failure nothing of the run is left and the record says why. */
  async start(container: Container): Promise<void> {
    const { containerd, log } = this.#context;
    const { record } = container;
    const undo = new UndoStack();
    try {
      // What does not need each other goes on at the same time: most of a start is the runtime's, which has processes of its own.
      const [rootfs, network] = await allDone([
        containerd.snapshotter(record.snapshotter).mounts(record.id),
        this.#openNetwork(container, undo),
      ]);
      if (record.hostConfig.IpcMode === 'shareable') {
        undo.push('close the shared memory', () => closeSharedMemory(this.#context, record.id));
        openSharedMemory(this.#context, record);
      }
      const spec = this.#spec(container, network.info, layerFolders(rootfs));
      container.io = ProcessIo.create(
        {
          folder: join(this.#context.settings.execRoot, 'io', record.id),
          terminal: record.config.Tty,
          stdin: record.config.OpenStdin,
          onOutput: (stream, chunk) => container.output(stream, chunk),
        },
        this.#context.host,
      );
      container.hub.onDrain(() => container.io?.resume());
      // In the background: it has to be done before the process can say something, and the runtime takes longer.
      const held = this.#context.host.holdFifos(record.id, container.io.fifos);
      held.catch(() => {});
      container.openLog(logLoss(container, this.#context.log));
      undo.push('close the streams', () => {
        void this.#context.host.releaseFifos(record.id).catch(() => {});
        container.io?.destroy();
        container.io = undefined;
        container.log?.close();
        container.log = undefined;
        rmSync(join(this.#context.settings.execRoot, 'io', record.id), { recursive: true, force: true });
      });
      await this.#remains.replace(
        () =>
          containerd.containers.create({
            id: record.id,
            image: record.imageName,
            spec,
            snapshotter: record.snapshotter,
            snapshotKey: record.id,
          }),
        () => this.#remains.remove(record.id, record),
      );
      undo.push('delete the runtime container', () =>
        onceMore(() => containerd.containers.delete(record.id).catch(ignoreMissing)),
      );
      const wired = network.wire();
      wired.catch(() => {}); // it is waited for below, or before it is undone
      undo.push('let the network be made', () => wired.catch(() => {}));
      // The runtime sets them when it prepares the process, and some are those of an interface: `net.ipv4.conf.eth0.…`.
      if (Object.keys(record.hostConfig.Sysctls ?? {}).some((name) => name.startsWith('net.'))) await wired;
      const task = { containerId: record.id, rootfs, ...container.io.paths, terminal: record.config.Tty };
      const removeTask = () => this.#remains.removeTask(record.id, record);
      const prepared = this.#remains.replace(() => containerd.tasks.create(task), removeTask);
      // Also when it failed: of one over which containerd died, nobody knows how far it came.
      undo.push('delete the task', () => prepared.catch(() => {}).then(removeTask));
      const [{ pid }] = await allDone([prepared, wired, held]);
      container.streamsConnected();
      container.process = this.#context.host.identify(pid, record.id);
      // Recorded before the process runs: a daemon killed now finds a task that it knows.
      Object.assign(record.state, {
        status: 'running',
        pid,
        exitCode: 0,
        error: '',
        oomKilled: false,
        startedAt: nowString(),
      });
      record.wanted = 'running';
      record.stoppedByUser = false;
      this.#registry.save(container);
      await containerd.tasks.start(record.id);
    } catch (error) {
      await undo.run(log.child({ container: record.id }));
      const failure = startFailure(error);
      Object.assign(record.state, {
        status: record.state.startedAt.startsWith('0001') ? 'created' : 'exited',
        pid: 0,
        exitCode: failure.exitCode,
        error: failure.error.message,
      });
      record.wanted = 'stopped';
      this.#registry.save(container);
      throw failure.error;
    }
  }

  async #openNetwork(container: Container, undo: UndoStack): Promise<OpenSandbox> {
    const { network } = this.#context;
    const { record } = container;
    const owner = this.#namespaceOwner(record.hostConfig.NetworkMode);
    undo.push('leave the network', () => network.leave(record.id));
    if (owner !== undefined) {
      const shared = network.join(owner.id, record.id);
      return { info: shared, wire: async () => shared };
    }
    const named = (error: unknown): never => {
      throw inAction('failed to set up container networking', error);
    };
    const { info, wire } = await network.open(sandboxRequest(container)).catch(named);
    return { info, wire: () => wire().catch(named) };
  }

  /** The container behind `container:REF`, which has to run; it may be in the network of yet another. */
  #namespaceOwner(mode: string): Container | undefined {
    if (!mode.startsWith('container:')) return undefined;
    const owner = this.#registry.find(mode.slice('container:'.length));
    if (!owner.isRunning) throw conflict(`cannot join network of a non running container: ${owner.id}`);
    return this.#namespaceOwner(owner.record.hostConfig.NetworkMode) ?? owner;
  }

  #spec(container: Container, sandbox: SandboxInfo, folders: string[]): OciSpec {
    const { host } = this.#context;
    const { record } = container;
    const { config, hostConfig } = record;
    const files = {
      passwd: readRootfsFile(folders, '/etc/passwd', host.files.readXattr) ?? '',
      group: readRootfsFile(folders, '/etc/group', host.files.readXattr) ?? '',
    };
    const { user, home } = resolveUser(config.User, files, hostConfig.GroupAdd ?? []);
    const security = parseSecurityOptions(hostConfig.SecurityOpt ?? []);
    const ipcOwner = this.#processNamespace(hostConfig.IpcMode, 'ipc');
    return buildSpec({
      id: record.id,
      config,
      hostConfig,
      args: [...(config.Entrypoint ?? []), ...(config.Cmd ?? [])],
      env: this.#surroundings.environment(container, home),
      user,
      netns: sandbox.path,
      pidNamespace: this.#processNamespace(hostConfig.PidMode, 'pid')?.path,
      ipcNamespace: ipcOwner?.path,
      utsNamespace: hostConfig.UTSMode === 'host' ? 'host' : undefined,
      mounts: [...this.#networkFiles(container, sandbox), ...volumeMounts(container)],
      shmSource: this.#sharedMemory(record),
      cgroupsPath: cgroupsPath(this.#context, record.id, hostConfig.CgroupParent),
      heldCapabilities: host.capabilities,
      cgroupVersion: host.cgroupVersion,
      seccomp: security.seccomp,
      hasSeccomp: host.hasSeccomp,
      hasX32: host.hasX32,
      noNewPrivileges: security.noNewPrivileges,
      annotations: hostConfig.Annotations ?? {},
      initPath: hostConfig.Init === true ? this.#initPath() : undefined,
    });
  }

  #initPath(): string {
    const { initPath } = this.#context.settings;
    if (initPath === undefined) {
      throw new BridgeportError(
        'unavailable',
        'run with --init: this host has no init program (Debian: package tini)',
      );
    }
    return initPath;
  }

  /** Where `/dev/shm` comes from when it is not the container's alone. */
  #sharedMemory({ id, hostConfig }: ContainerRecord): string | undefined {
    const { IpcMode: mode } = hostConfig;
    if (mode === 'host') return '/dev/shm';
    if (mode === 'shareable') return sharedMemoryPath(this.#context, id);
    const owner = /^container:(.+)$/.exec(mode)?.[1];
    return owner === undefined ? undefined : sharedMemoryPath(this.#context, this.#registry.find(owner).id);
  }

  /** `host`, `container:REF` or an own namespace. */
  #processNamespace(mode: string, kind: 'pid' | 'ipc'): { path: string; pid: number } | undefined {
    if (mode === 'host') return { path: 'host', pid: 0 };
    if (!mode.startsWith('container:')) return undefined;
    const owner = this.#registry.find(mode.slice('container:'.length));
    if (!owner.isRunning)
      throw conflict(`cannot join ${kind.toUpperCase()} of a non running container: ${owner.id}`);
    if (kind === 'ipc' && ['private', 'none'].includes(owner.record.hostConfig.IpcMode)) {
      throw invalid(
        `container ${owner.id}: non-shareable IPC (hint: use IpcMode:shareable for the donor container)`,
      );
    }
    const { pid } = owner.record.state;
    return { path: `/proc/${pid}/ns/${kind}`, pid };
  }

  /** Again when a link's address has changed. */
  writeNetworkFiles(container: Container, sandbox: SandboxInfo): void {
    this.#surroundings.writeFiles(container, sandbox);
  }

  /** A container in another's network uses the other's files. */
  #networkFiles(container: Container, sandbox: SandboxInfo): OciMount[] {
    const owner = this.#namespaceOwner(container.record.hostConfig.NetworkMode) ?? container;
    if (owner === container) this.writeNetworkFiles(container, sandbox);
    return this.#surroundings.fileMounts(container, owner.folder);
  }
}

/**
 * As `Promise.all()`, but waits for every one of them even when one fails, so that nothing is under way any more when the failure is
 * dealt with. Throws the first failure in their order.
 */
async function allDone<T extends readonly unknown[]>(
  promises: readonly [...T],
): Promise<{ -readonly [P in keyof T]: Awaited<T[P]> }> {
  await Promise.allSettled(promises);
  return Promise.all(promises);
}

/** Throws `invalid` for labels that ask for what there is not. */
export function sandboxRequest(container: Container): SandboxRequest {
  const { record } = container;
  return {
    containerId: record.id,
    containerName: record.name,
    hostname: record.config.Hostname,
    dns: record.hostConfig.Dns,
    dnsOptions: record.hostConfig.DnsOptions,
    mode: record.config.NetworkDisabled === true ? 'none' : record.hostConfig.NetworkMode,
    networks: record.networks,
    macAddress: record.config.MacAddress,
    ipv6Disabled: isIPv6Disabled(record.hostConfig),
    exposedPorts: Object.keys(record.config.ExposedPorts ?? {}),
    portBindings: record.hostConfig.PortBindings ?? {},
    publishAllPorts: record.hostConfig.PublishAllPorts,
    proxyProtocol: proxyProtocolPorts(record.config.Labels),
    links: record.links,
  };
}

function volumeMounts(container: Container): OciMount[] {
  return container.record.mounts
    .filter((mount) => mount.Type === 'bind' || mount.Type === 'volume')
    .map((mount) => ({
      destination: mount.Destination,
      type: 'bind',
      source: mount.Source,
      options: ['rbind', mount.RW ? 'rw' : 'ro', mount.Propagation || 'rprivate'],
    }));
}

/** The exit codes of a shell: 127 not found, 126 found and not runnable; 128 for everything else that kept it from starting. */
function startFailure(error: unknown): { exitCode: number; error: Error } {
  const message = messageOf(error);
  // containerd's words from where Docker's begin; before them stands which call it was.
  const words = /failed to create shim task: [\s\S]*/.exec(message)?.[0];
  if (words === undefined)
    return { exitCode: 128, error: error instanceof Error ? error : new Error(message) };
  const exitCode = /executable file not found|no such file or directory|not a directory/.test(message)
    ? 127
    : /permission denied|is a directory|exec format error/.test(message)
      ? 126
      : 128;
  return {
    exitCode,
    error: new BridgeportError(
      exitCode === 128 ? 'internal' : 'invalid',
      `failed to create task for container: ${words}`,
      {
        cause: error,
      },
    ),
  };
}
