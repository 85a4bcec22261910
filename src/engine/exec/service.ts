/** `docker exec`: makes, starts, watches and forgets execs. */

import { rmSync } from 'node:fs';
import { join } from 'node:path';
import { conflict, invalid, isKind, messageOf, notFound } from '../../base/errors.ts';
import { newId } from '../../base/ids.ts';
import type { ExecCreateBody, ExecInspect } from '../../base/wire/index.ts';
import type { Container } from '../containers/container.ts';
import type { Lifecycle } from '../containers/lifecycle.ts';
import type { ContainerRegistry } from '../containers/registry.ts';
import type { EngineContext } from '../context.ts';
import { DEFAULT_DETACH_KEYS, parseDetachKeys } from '../io/detach-keys.ts';
import { ProcessIo } from '../io/process-io.ts';
import { openSession, type StreamSession } from '../io/session.ts';
import { layerFolders, readRootfsFile } from '../rootfs/layers.ts';
import { resolveUser } from '../rootfs/user.ts';
import type { OciProcess, OciSpec } from '../spec/oci.ts';
import { capabilitySets } from '../spec/spec.ts';
import { Exec, type ExecConfig } from './exec.ts';

/** Milliseconds an ended exec can still be inspected. */
const KEEP = 5 * 60_000;
/** Exit status of an exec whose end nobody saw. */
const UNKNOWN_EXIT = 255;
/** Milliseconds that reading the rest of the output may take after the end. */
const DRAIN_TIMEOUT = 2000;

export class ExecService {
  readonly #context: EngineContext;
  readonly #registry: ContainerRegistry;
  readonly #lifecycle: Lifecycle;
  readonly #execs = new Map<string, Exec>();

  constructor(context: EngineContext, registry: ContainerRegistry, lifecycle: Lifecycle) {
    this.#context = context;
    this.#registry = registry;
    this.#lifecycle = lifecycle;
  }

  create(ref: string, body: ExecCreateBody): { Id: string } {
    const container = this.#runningContainer(ref);
    if (!Array.isArray(body.Cmd) || body.Cmd.length === 0) throw invalid('No exec command specified');
    if (body.DetachKeys) parseDetachKeys(body.DetachKeys);
    const exec = this.#add(container, {
      cmd: body.Cmd,
      user: body.User ?? '',
      privileged: body.Privileged ?? false,
      tty: body.Tty ?? false,
      stdin: body.AttachStdin ?? false,
      stdout: body.AttachStdout ?? false,
      stderr: body.AttachStderr ?? false,
      detachKeys: body.DetachKeys ?? '',
      env: body.Env ?? [],
      workingDir: body.WorkingDir ?? '',
    });
    this.#emit(container, 'exec_create', exec);
    return { Id: exec.id };
  }

  /** Ready to run; the process starts with `run()`, so that what goes wrong then is shown where its output would be. */
  open(execId: string, consoleSize: [number, number] | undefined): StreamSession {
    const exec = this.#find(execId);
    const container = this.#startable(exec);
    const { config } = exec;
    const session = openSession({
      tty: config.tty,
      hub: exec.hub,
      io: exec.nextIo,
      detachKeys: config.tty ? parseDetachKeys(config.detachKeys || DEFAULT_DETACH_KEYS) : undefined,
      replay: undefined,
      stream: true,
      closeStdin: config.tty ? undefined : () => this.#closeStdin(exec),
      onDetach: () => this.#emit(container, 'exec_detach', exec),
    });
    return {
      tty: config.tty,
      run: async (streams) => {
        try {
          await this.#start(container, exec, consoleSize);
        } catch (error) {
          (streams.stdout ?? streams.stderr)?.write(Buffer.from(`${messageOf(error)}\r\n`));
        }
        await session.run({
          signal: streams.signal,
          ...(config.stdin ? { stdin: streams.stdin } : {}),
          ...(config.stdout ? { stdout: streams.stdout } : {}),
          ...(config.stderr ? { stderr: streams.stderr } : {}),
        });
      },
    };
  }

  async startDetached(execId: string): Promise<void> {
    const exec = this.#find(execId);
    await this.#start(this.#startable(exec), exec, undefined);
  }

  /** Runs a command to its end and gives what it said: for health checks. Killed when the signal is aborted. */
  async capture(
    container: Container,
    cmd: string[],
    options: { maxOutput: number; signal: AbortSignal },
  ): Promise<{ exitCode: number; output: string }> {
    const exec = this.#add(container, {
      cmd,
      user: '',
      privileged: false,
      tty: false,
      stdin: false,
      stdout: true,
      stderr: true,
      detachKeys: '',
      env: [],
      workingDir: '',
    });
    const pieces: Buffer[] = [];
    let room = options.maxOutput;
    const sink = {
      destroyed: false,
      writableEnded: false,
      writableLength: 0,
      write: (chunk: Buffer) => {
        pieces.push(Buffer.from(chunk.subarray(0, room)));
        room = Math.max(0, room - chunk.length);
        return true;
      },
    };
    exec.hub.attach({ stdout: sink, stderr: sink, ended: () => {} });
    const kill = () => {
      void this.#context.containerd.tasks.kill(container.id, 9, { execId: exec.id }).catch(() => {});
    };
    try {
      await this.#start(container, exec, undefined);
      options.signal.addEventListener('abort', kill, { once: true });
      if (options.signal.aborted) kill();
      const exitCode = await exec.ended;
      return { exitCode, output: Buffer.concat(pieces).toString('utf8') };
    } finally {
      options.signal.removeEventListener('abort', kill);
      this.#forget(exec);
    }
  }

  async resize(execId: string, height: number, width: number): Promise<void> {
    const exec = this.#find(execId);
    if (exec.status !== 'running') throw conflict(`exec ${execId} is not running`);
    await this.#context.containerd.tasks.resizePty(exec.containerId, { width, height }, { execId });
  }

  inspect(execId: string): ExecInspect {
    const exec = this.#find(execId);
    const { config } = exec;
    const [entrypoint = '', ...args] = config.cmd;
    return {
      ID: exec.id,
      Running: exec.status === 'running',
      ExitCode: exec.exitCode,
      ProcessConfig: {
        tty: config.tty,
        entrypoint,
        arguments: args,
        privileged: config.privileged,
        ...(config.user === '' ? {} : { user: config.user }),
      },
      OpenStdin: config.stdin,
      OpenStderr: config.stderr,
      OpenStdout: config.stdout,
      CanRemove: exec.status === 'exited',
      ContainerID: exec.containerId,
      DetachKeys: config.detachKeys,
      Pid: exec.pid,
    };
  }

  /** The runtime says that an exec's process has ended. */
  async handleExit(container: Container, execId: string, exitStatus: number): Promise<void> {
    const exec = this.#execs.get(execId);
    if (exec === undefined || exec.status === 'exited') return;
    exec.io?.resume();
    // Output first: deleting the process drops what the shim could not hand over.
    if (exec.io !== undefined) await Promise.race([exec.io.drained, pause(DRAIN_TIMEOUT)]);
    await this.#context.containerd.tasks.deleteProcess(container.id, execId).catch(() => {});
    this.#finish(exec, exitStatus);
    this.#lifecycle.emit(container, 'exec_die', { execID: exec.id, exitCode: String(exitStatus) });
  }

  /** After containerd's events were interrupted: which execs ended without our hearing of it? */
  async afterInterruption(): Promise<void> {
    for (const exec of [...this.#execs.values()]) {
      const container = this.#registry.byId(exec.containerId);
      if (exec.status !== 'running' || container === undefined) continue;
      const found = await this.#context.containerd.tasks
        .get(exec.containerId, { execId: exec.id })
        .catch((error) => (isKind(error, 'not-found') ? undefined : 'unknown'));
      if (found === 'unknown' || (typeof found === 'object' && found.status !== 'stopped')) continue;
      await this.handleExit(container, exec.id, found?.exitStatus ?? UNKNOWN_EXIT);
    }
  }

  /** The container has ended: whatever ran in it has too. */
  containerEnded(container: Container): void {
    for (const execId of container.execIds) {
      const exec = this.#execs.get(execId);
      // What was made and not started goes with the run it was made for, as in Docker.
      if (exec?.status === 'created') this.#forget(exec);
      else if (exec !== undefined && exec.status !== 'exited') this.#finish(exec, 137);
    }
  }

  forgetContainer(container: Container): void {
    for (const exec of this.#execs.values()) if (exec.containerId === container.id) this.#forget(exec);
  }

  async #start(container: Container, exec: Exec, consoleSize: [number, number] | undefined): Promise<void> {
    const { tasks } = this.#context.containerd;
    exec.status = 'starting';
    try {
      const process = await this.#process(container, exec.config, consoleSize);
      exec.io = ProcessIo.create(
        {
          folder: this.#folder(exec),
          terminal: exec.config.tty,
          stdin: exec.config.stdin,
          onOutput: (stream, chunk) => exec.hub.write(stream, chunk),
        },
        this.#context.host,
      );
      exec.hub.onDrain(() => exec.io?.resume());
      await tasks.exec(container.id, {
        execId: exec.id,
        process,
        terminal: exec.config.tty,
        ...exec.io.paths,
      });
      this.#emit(container, 'exec_start', exec);
      const { pid } = await tasks.start(container.id, { execId: exec.id });
      exec.io?.connected();
      // It may have ended already: then the event came before this answer.
      if ((exec.status as string) !== 'exited') Object.assign(exec, { pid, status: 'running' });
      if (exec.io !== undefined) exec.running(exec.io);
    } catch (error) {
      await tasks.deleteProcess(container.id, exec.id).catch(() => {});
      const failure = execFailure(error);
      this.#finish(exec, failure.exitCode);
      throw failure.error;
    }
  }

  async #process(
    container: Container,
    config: ExecConfig,
    consoleSize: [number, number] | undefined,
  ): Promise<OciProcess> {
    const { containerd, host } = this.#context;
    const { record } = container;
    const { process } = (await containerd.containers.get(container.id)).spec as OciSpec;
    let { user } = process;
    let env = process.env;
    if (config.user !== '') {
      const folders = layerFolders(await containerd.snapshotter(record.snapshotter).mounts(record.id));
      const files = {
        passwd: readRootfsFile(folders, '/etc/passwd', host.files.readXattr) ?? '',
        group: readRootfsFile(folders, '/etc/group', host.files.readXattr) ?? '',
      };
      const resolved = resolveUser(config.user, files, record.hostConfig.GroupAdd ?? []);
      user = resolved.user;
      if (!record.config.Env.some((variable) => variable.startsWith('HOME='))) {
        env = [...env.filter((variable) => !variable.startsWith('HOME=')), `HOME=${resolved.home}`];
      }
    }
    const own = new Set(config.env.map((variable) => variable.split('=', 1)[0]));
    env = [...env.filter((variable) => !own.has(variable.split('=', 1)[0] as string)), ...config.env];
    const isTerm = (variable: string) => variable.startsWith('TERM=');
    // The container's terminal is not this process's.
    if (!config.tty && ![...record.config.Env, ...config.env].some(isTerm))
      env = env.filter((variable) => !isTerm(variable));
    if (config.tty && !env.some(isTerm)) env.push('TERM=xterm');
    const capabilities = config.privileged ? [...host.capabilities] : process.capabilities.bounding;
    const [height = 0, width = 0] = consoleSize ?? [];
    const { consoleSize: _unused, ...rest } = process;
    return {
      ...rest,
      terminal: config.tty,
      ...(height > 0 && width > 0 ? { consoleSize: { height, width } } : {}),
      user,
      args: config.cmd,
      env,
      cwd: config.workingDir || process.cwd,
      capabilities: capabilitySets(capabilities, user.uid),
    };
  }

  async #closeStdin(exec: Exec): Promise<void> {
    await exec.io?.endStdin();
    await this.#context.containerd.tasks.closeStdin(exec.containerId, { execId: exec.id }).catch(() => {});
  }

  #add(container: Container, config: ExecConfig): Exec {
    const exec = new Exec(newId(), container.id, config);
    this.#execs.set(exec.id, exec);
    container.execIds.add(exec.id);
    return exec;
  }

  #finish(exec: Exec, exitCode: number): void {
    exec.finish(exitCode);
    // It can still be inspected, but is none of those that the container has.
    this.#registry.byId(exec.containerId)?.execIds.delete(exec.id);
    rmSync(this.#folder(exec), { recursive: true, force: true });
    setTimeout(() => this.#forget(exec), KEEP).unref();
  }

  #forget(exec: Exec): void {
    this.#execs.delete(exec.id);
    this.#registry.byId(exec.containerId)?.execIds.delete(exec.id);
  }

  #folder(exec: Exec): string {
    return join(this.#context.settings.execRoot, 'io', exec.containerId, exec.id);
  }

  #find(execId: string): Exec {
    const exec = this.#execs.get(execId);
    if (exec === undefined) throw notFound(`No such exec instance: ${execId}`);
    return exec;
  }

  #startable(exec: Exec): Container {
    if (exec.status === 'running' || exec.status === 'starting') {
      throw conflict(`exec command ${exec.id} is already running`);
    }
    if (exec.status === 'exited') throw conflict(`exec command ${exec.id} has already run`);
    return this.#runningContainer(exec.containerId);
  }

  #runningContainer(ref: string): Container {
    const container = this.#registry.find(ref);
    const { status } = container.record.state;
    if (status === 'paused') throw conflict(`Container ${ref} is paused, unpause the container before exec`);
    if (status === 'restarting')
      throw conflict(`container ${container.id} is restarting, wait until the container is running`);
    if (status !== 'running') throw conflict(`container ${container.id} is not running`);
    return container;
  }

  #emit(container: Container, action: string, exec: Exec): void {
    const suffix = action === 'exec_detach' ? '' : `: ${exec.config.cmd.join(' ')}`;
    this.#lifecycle.emit(container, `${action}${suffix}`, { execID: exec.id });
  }
}

/** 127: not found, 126: cannot be run; in the runtime's own words. */
function execFailure(error: unknown): { exitCode: number; error: unknown } {
  const words = /OCI runtime exec failed: [\s\S]*/.exec(messageOf(error))?.[0];
  if (words === undefined) return { exitCode: isKind(error, 'invalid') ? 126 : 128, error };
  const notThere = /executable file not found|no such file or directory/.test(words);
  return { exitCode: notThere ? 127 : 126, error: invalid(words, { cause: error }) };
}

function pause(milliseconds: number): Promise<void> {
  return new Promise((resolve) => setTimeout(resolve, milliseconds).unref());
}
