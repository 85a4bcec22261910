/**
 * A containerd of our own: started when none of ours runs, taken over when one does, started again when it dies.
 *
 * Its life is not tied to ours: it has its own session and logs to a file, so that `kill -9` of the daemon leaves it,
 * its shims and the containers untouched, and the next daemon finds it by its command line. Nor is a container's life
 * tied to its: shims outlive it, and the next containerd on the same state directory finds them.
 *
 * Two of them on one machine do not disturb each other: each has its own root, state and socket, and a shim's socket,
 * `/run/containerd/s/SHA256`, is named after containerd's socket path, the containerd namespace and the container's id.
 * That directory is built into the shim and shared; only runc's state (`RuncOptions.root`) has to be set per daemon.
 */

import { type ChildProcess, spawn } from 'node:child_process';
import { access, constants, mkdir, open, readFile, rename, rm, writeFile } from 'node:fs/promises';
import { delimiter, join } from 'node:path';
import { setTimeout as sleep } from 'node:timers/promises';
import { BridgeportError, messageOf } from '../../base/errors.ts';
import { connectContainerd } from './client.ts';
import { type ConfigOptions, renderConfig } from './config.ts';
import { findProcess, isRunning, waitUntilGone } from './process-table.ts';

export interface ManagedOptions {
  /** Directory for what must last; made if absent. */
  root: string;
  /** Directory for bundles, socket, configuration, pid file and log; made if absent. */
  state: string;
  /** Default `STATE/containerd.sock`; at most 101 bytes. */
  socket?: string | undefined;
  /** Path or name of the program, default `containerd`, looked up in PATH and the usual directories. */
  binary?: string | undefined;
  logLevel?: ConfigOptions['logLevel'];
  /** Milliseconds until it must serve, default 15,000 (a first start on a slow disk; usual is 100). */
  startTimeoutMs?: number | undefined;
  /** Told of everything that is not routine: deaths, restarts, adoption. */
  log?: ((level: 'info' | 'warn' | 'error', message: string) => void) | undefined;
  /** Called when it serves again after an unexpected death: subscribe to events again, and reconcile. */
  onRestart?: (() => void) | undefined;
}

/** Directories of sbin kind that a service's PATH may lack; runc and the shim are looked up by containerd in it. */
const USUAL_PATH = ['/usr/local/sbin', '/usr/local/bin', '/usr/sbin', '/usr/bin', '/sbin', '/bin'];

const START_TIMEOUT = 15_000;
/** Milliseconds that an adopted process gets to answer before it is taken for stuck. */
const ADOPT_TIMEOUT = 5_000;
const STOP_TIMEOUT = 10_000;
/** How often a process that is not our child is looked at, milliseconds. */
const WATCH_INTERVAL = 500;
/** Pauses between restarts, milliseconds: doubled up to the last while it keeps dying within STEADY. */
const FIRST_PAUSE = 50;
const LAST_PAUSE = 5_000;
const STEADY = 10_000;
/** Bytes after which the log is turned into `.1` at a start. */
const LOG_LIMIT = 8 << 20;

export class ManagedContainerd {
  /** Path of the gRPC socket. */
  readonly socket: string;
  readonly #options: ManagedOptions;
  readonly #stopping = new AbortController();
  #pid = 0;
  #adopted = false;
  #watching: Promise<void> = Promise.resolve();

  private constructor(options: ManagedOptions) {
    this.#options = options;
    this.socket = options.socket ?? join(options.state, 'containerd.sock');
  }

  /** Resolves when it serves. `unavailable` when it does not in time or dies; the message ends with its last words. */
  static async start(options: ManagedOptions): Promise<ManagedContainerd> {
    const managed = new ManagedContainerd(options);
    const config = renderConfig({ ...options, socket: managed.socket });
    await mkdir(options.root, { recursive: true, mode: 0o711 });
    await mkdir(options.state, { recursive: true, mode: 0o711 });
    const child = (await managed.#adopt(config)) ? undefined : await managed.#launch();
    managed.#watching = managed.#supervise(child);
    return managed;
  }

  /** Its process id; 0 between a death and the restart. */
  get pid(): number {
    return this.#pid;
  }

  /** True when it was running before us. */
  get adopted(): boolean {
    return this.#adopted;
  }

  /** Leaves it running, and stops looking after it: for a daemon that ends while its containers go on. */
  async release(): Promise<void> {
    this.#stopping.abort();
    await this.#watching;
  }

  /** Ends it (SIGTERM, and after 10 s SIGKILL). Containers that run are left to their shims. */
  async stop(): Promise<void> {
    await this.release();
    const pid = this.#pid;
    if (pid !== 0) await terminate(pid);
    await rm(this.#file('pid'), { force: true });
  }

  #file(extension: 'toml' | 'pid' | 'log'): string {
    return join(this.#options.state, `containerd.${extension}`);
  }

  #log(level: 'info' | 'warn' | 'error', message: string): void {
    this.#options.log?.(level, message);
  }

  /**
   * Takes over the process of an earlier daemon, unless its configuration is not what we want now or it does not answer:
   * then it is ended, which no container notices. Leaves our configuration file in place either way.
   */
  async #adopt(config: string): Promise<boolean> {
    const path = this.#file('toml');
    const before = await readFile(path, 'utf8').catch(() => undefined);
    const hint = Number(await readFile(this.#file('pid'), 'utf8').catch(() => ''));
    const pid = before === undefined ? undefined : await findProcess(['--config', path], hint || undefined);
    if (before !== config) await replaceFile(path, config);
    if (pid === undefined) return false;
    try {
      if (before !== config) throw new Error('its configuration is out of date');
      await this.#serves(ADOPT_TIMEOUT);
    } catch (error) {
      this.#log('warn', `ending containerd ${pid} of an earlier life: ${messageOf(error)}`);
      await terminate(pid);
      return false;
    }
    this.#pid = pid;
    this.#adopted = true;
    await replaceFile(this.#file('pid'), `${pid}\n`);
    this.#log('info', `took over containerd ${pid} of an earlier life`);
    return true;
  }

  async #launch(): Promise<ChildProcess> {
    const path = [...new Set([...(process.env.PATH?.split(delimiter) ?? []), ...USUAL_PATH])];
    const binary = await findProgram(this.#options.binary ?? 'containerd', path);
    const log = await openLog(this.#file('log'));
    let child: ChildProcess;
    let died: Promise<never>;
    try {
      child = spawn(binary, ['--config', this.#file('toml')], {
        cwd: '/',
        // A session of its own: a terminal's ^C is for us alone.
        detached: true,
        // A file, not a pipe: with us gone a pipe would end it by SIGPIPE.
        stdio: ['ignore', log.fd, log.fd],
        env: { ...process.env, PATH: path.join(delimiter) },
      });
      // Before anything is awaited: one that dies at once has been told of by then, and nobody is told twice.
      died = deathOf(child);
    } finally {
      await log.close();
    }
    const abandon = new AbortController();
    try {
      const { startTimeoutMs = START_TIMEOUT } = this.#options;
      await Promise.race([this.#serves(startTimeoutMs, abandon.signal), died]);
      await replaceFile(this.#file('pid'), `${child.pid}\n`);
    } catch (error) {
      abandon.abort();
      child.kill('SIGKILL');
      const words = await lastWords(this.#file('log'));
      throw new BridgeportError('unavailable', `start ${binary}: ${messageOf(error)}${words}`, {
        cause: error,
      });
    }
    this.#pid = child.pid!;
    // It may outlive us, so it must not keep our event loop alive.
    child.unref();
    return child;
  }

  async #serves(timeoutMs: number, signal?: AbortSignal): Promise<void> {
    const client = connectContainerd({ address: this.socket, namespace: 'default' });
    try {
      await client.ready(timeoutMs, signal);
    } finally {
      client.close();
    }
  }

  async #supervise(first: ChildProcess | undefined): Promise<void> {
    const { signal } = this.#stopping;
    let child = first;
    let pause = FIRST_PAUSE;
    try {
      for (;;) {
        const since = performance.now();
        const reason = child ? await exitOf(child, signal) : await this.#goneByItself(signal);
        this.#pid = 0;
        pause = performance.now() - since > STEADY ? FIRST_PAUSE : Math.min(pause * 2, LAST_PAUSE);
        this.#log('error', `containerd ${reason}; starting it again`);
        child = await this.#relaunch(pause);
        this.#log('info', `containerd runs again as process ${this.#pid}`);
        this.#options.onRestart?.();
      }
    } catch (error) {
      if (!signal.aborted) throw error;
    }
  }

  async #goneByItself(signal: AbortSignal): Promise<string> {
    await waitUntilGone(this.#pid, WATCH_INTERVAL, signal);
    return 'went away';
  }

  async #relaunch(firstPause: number): Promise<ChildProcess> {
    for (let pause = firstPause; ; pause = Math.min(pause * 2, LAST_PAUSE)) {
      await sleep(pause, undefined, { signal: this.#stopping.signal, ref: false });
      try {
        return await this.#launch();
      } catch (error) {
        this.#log('error', messageOf(error));
      }
    }
  }
}

/** Rejects when a child that was just spawned cannot be started or ends, and says how. */
function deathOf(child: ChildProcess): Promise<never> {
  const died = new Promise<never>((_, reject) => {
    child.once('error', reject);
    child.once('exit', (code, signal) =>
      reject(new Error(signal ? `killed by ${signal}` : `exited with status ${code}`)),
    );
  });
  died.catch(() => {});
  return died;
}

/** How the child ended, in words; rejects when the signal aborts. */
function exitOf(child: ChildProcess, signal: AbortSignal): Promise<string> {
  return new Promise((resolve, reject) => {
    const ended = () =>
      resolve(
        child.signalCode ? `was killed by ${child.signalCode}` : `exited with status ${child.exitCode}`,
      );
    if (child.exitCode !== null || child.signalCode !== null) return ended();
    child.once('exit', ended);
    signal.addEventListener('abort', () => reject(signal.reason), { once: true });
    if (signal.aborted) reject(signal.reason);
  });
}

async function terminate(pid: number): Promise<void> {
  const send = (signal: NodeJS.Signals) => {
    try {
      process.kill(pid, signal);
    } catch (error) {
      if ((error as NodeJS.ErrnoException).code !== 'ESRCH') throw error;
    }
  };
  send('SIGTERM');
  await waitUntilGone(pid, 10, AbortSignal.timeout(STOP_TIMEOUT)).catch(() => {});
  if (!(await isRunning(pid))) return;
  send('SIGKILL');
  await waitUntilGone(pid, 10, AbortSignal.timeout(STOP_TIMEOUT));
}

async function findProgram(name: string, path: string[]): Promise<string> {
  if (name.includes('/')) return name;
  for (const directory of path) {
    const candidate = join(directory, name);
    const found = await access(candidate, constants.X_OK).then(
      () => true,
      () => false,
    );
    if (found) return candidate;
  }
  throw new BridgeportError(
    'unavailable',
    `start containerd: no program "${name}" in ${path.join(delimiter)}; the package containerd has it`,
  );
}

async function openLog(path: string) {
  const log = await open(path, 'a', 0o640);
  const { size } = await log.stat();
  if (size < LOG_LIMIT) return log;
  await log.close();
  await rename(path, `${path}.1`);
  return open(path, 'a', 0o640);
}

/** The end of the log, as the tail of an error message. */
async function lastWords(path: string): Promise<string> {
  const text = await readFile(path, 'utf8').catch(() => '');
  const lines = text.trimEnd().split('\n').slice(-3).join('\n');
  return lines === '' ? '' : `; its log ends:\n${lines}`;
}

/** Whole or not at all, whenever we are killed. */
async function replaceFile(path: string, text: string): Promise<void> {
  await writeFile(`${path}.new`, text, { mode: 0o644 });
  await rename(`${path}.new`, path);
}
