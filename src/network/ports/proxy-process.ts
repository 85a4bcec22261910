/**
 * Keeps one port keeper running: starts it, or adopts the one that a daemon before us left behind; starts it again when it
 * dies and tells it the wanted mappings anew.
 *
 * The keeper is detached: it is in a session of its own and outlives us, however we end. Only `stop()` ends it.
 */
import { type ChildProcess, spawn } from 'node:child_process';
import { once } from 'node:events';
import { existsSync } from 'node:fs';
import { dirname, join } from 'node:path';
import { setTimeout as sleep } from 'node:timers/promises';
import { fileURLToPath } from 'node:url';
import { isKind, messageOf } from '../../base/errors.ts';
import { Mutex } from '../../base/mutex.ts';
import {
  PROXY_CONTROL_VERSION,
  PROXY_NODE_FLAGS,
  type ProxyBinding,
  type ProxyMapping,
  type ProxyOperation,
  type ProxyRequest,
  type ProxyResults,
  type ProxyStats,
} from '../../base/proxy-control.ts';
import { ProxyClient } from './proxy-client.ts';

/** The keeper's entry: `.ts` beside our source, `.js` beside our compiled form. */
const ENTRY = fileURLToPath(import.meta.url).replace(
  /network\/ports\/proxy-process\.(ts|js)$/,
  'proxy/main.$1',
);

/** What connecting says when no keeper listens; the last while one is being killed that had not accepted yet. */
const NOBODY = ['ENOENT', 'ECONNREFUSED', 'ECONNRESET'];
/** Milliseconds between two looks whether a new keeper answers. */
const POLL = 3;
/** When two keepers in a row live shorter than this, milliseconds, the next is not started at once. */
const HEALTHY_LIFE = 2000;
const LONGEST_PAUSE = 5000;
/** Milliseconds a keeper may take to end before it is killed. */
const SHUTDOWN_TIMEOUT = 2000;
/** Milliseconds between attempts to bind ports that somebody took while no keeper ran. */
const REBIND_PAUSE = 1000;

export interface ProxyLog {
  info(message: string): void;
  warn(message: string): void;
}

export interface ProxyProcessOptions {
  /** Path of the control socket, in a directory that exists; at most 107 bytes. */
  controlPath: string;
  log: ProxyLog;
  /** Node to run, with words before it if need be (`['nsenter', '--net=…', 'node']`); default the one that runs us. */
  node?: readonly string[];
  /** Milliseconds a new keeper may take until it answers; default 5000. */
  startTimeout?: number;
  /** Milliseconds a request may take; default 10,000. */
  requestTimeout?: number;
  /**
   * Directory of the keeper's compile cache, made and filled when it is missing; default `node-cache` beside the control
   * socket. A keeper that starts with it takes half the time and two thirds of the memory.
   */
  cacheDirectory?: string;
  /** Where the keeper's messages go; default our own standard error. */
  stderr?: 'inherit' | 'ignore' | number;
}

export class ProxyProcess {
  readonly #options: Required<ProxyProcessOptions>;
  /** Requests one at a time, so that a restart's `set` and a new `add` cannot overtake each other. */
  readonly #order = new Mutex();
  /** What must be bound, by id. */
  #desired = new Map<string, ProxyMapping>();
  /** Files that shall be kept open, by id. */
  readonly #held = new Map<string, string[]>();
  #client: ProxyClient | undefined;
  #pid: number | undefined;
  #startedAt = 0;
  #failures = 0;
  #restarts = 0;
  #ended = false;
  #rebind: NodeJS.Timeout | undefined;

  constructor(options: ProxyProcessOptions) {
    this.#options = {
      node: [process.execPath],
      startTimeout: 5000,
      requestTimeout: 10_000,
      stderr: 'inherit',
      cacheDirectory: join(dirname(options.controlPath), 'node-cache'),
      ...options,
    };
  }

  /** Process id of the keeper; undefined while there is none. */
  get pid(): number | undefined {
    return this.#pid;
  }

  /** How often a keeper that ended by itself was followed by another. */
  get restarts(): number {
    return this.#restarts;
  }

  /**
   * Adopts the keeper on the control path or starts one. Tell it the wanted mappings with `set()` afterwards. Not needed
   * before `set()` and `add()`, which do the same when there is no keeper yet.
   */
  start(): Promise<void> {
    return this.#order.run(async () => {
      this.#ended = false;
      await this.#connection();
    });
  }

  /** Makes `mappings` the whole state; all or nothing. Connections of unchanged mappings live on. */
  async set(mappings: ProxyMapping[]): Promise<ProxyBinding[]> {
    return this.#order.run(async () => {
      const { bindings } = await this.#request({ op: 'set', mappings });
      this.#desired = new Map(mappings.map((mapping) => [mapping.id, settled(mapping, bindings)]));
      return bindings;
    });
  }

  /**
   * Binds the ports of all `mappings` or of none. One that stands already as asked is left alone. The mappings `instead` leave
   * in the same change: ports that go from one to another stay bound.
   *
   * @throws HostPortError of kind `conflict` when a port is taken
   */
  async add(mappings: ProxyMapping[], instead: string[] = []): Promise<ProxyBinding[]> {
    return this.#order.run(async () => {
      const { bindings } = await this.#request({ op: 'add', mappings, instead });
      for (const id of instead) this.#desired.delete(id);
      for (const mapping of mappings) this.#desired.set(mapping.id, settled(mapping, bindings));
      return bindings;
    });
  }

  /** Gives the ports of these mappings free and resets their connections; unknown ids are ignored. */
  async remove(ids: string[]): Promise<void> {
    return this.#order.run(async () => {
      const known = ids.filter((id) => this.#desired.delete(id));
      if (known.length === 0 && this.#client === undefined) return;
      await this.#request({ op: 'remove', ids });
    });
  }

  /** Has these files kept open, also while we are gone, until they are released. */
  hold(id: string, paths: string[]): Promise<void> {
    return this.#order.run(async () => {
      await this.#request({ op: 'hold', id, paths });
      this.#held.set(id, paths);
    });
  }

  release(ids: string[]): Promise<void> {
    return this.#order.run(async () => {
      for (const id of ids) this.#held.delete(id);
      await this.#request({ op: 'release', ids });
    });
  }

  /** The mappings and held files as the keeper has them. */
  async list(): Promise<ProxyResults['list']> {
    return this.#order.run(() => this.#request({ op: 'list' }));
  }

  /** Undefined while no keeper runs. */
  async stats(): Promise<ProxyStats | undefined> {
    return this.#order.run(() => (this.#client === undefined ? undefined : this.#request({ op: 'stats' })));
  }

  /** Ends the keeper; its ports are free and its connections reset. */
  stop(): Promise<void> {
    return this.#order.run(async () => {
      this.#ended = true;
      clearTimeout(this.#rebind);
      const client = this.#client ?? (await this.#connect());
      this.#client = undefined;
      if (client !== undefined) await this.#shutDown(client);
      this.#pid = undefined;
    });
  }

  /** Lets go of the keeper, which goes on: for a daemon that ends while containers live on. */
  detach(): Promise<void> {
    return this.#order.run(() => {
      this.#ended = true;
      clearTimeout(this.#rebind);
      this.#client?.close();
      this.#client = undefined;
    });
  }

  /** Sends a request; when the keeper dies over it, sends it once more to the next one (all of them may be repeated). */
  async #request<Op extends ProxyOperation>(
    request: Extract<ProxyRequest, { op: Op }>,
  ): Promise<ProxyResults[Op]> {
    const client = await this.#connection();
    try {
      return await client.request(request);
    } catch (error) {
      if (!isKind(error, 'unavailable') || error.errno === 'ETIMEDOUT') throw error;
      this.#lost(client);
      return (await this.#connection()).request(request);
    }
  }

  /** The connection to a living keeper that knows the wanted mappings. */
  async #connection(): Promise<ProxyClient> {
    if (this.#client !== undefined) return this.#client;
    let client = await this.#adopt();
    if (client === undefined) {
      client = await this.#spawn();
      this.#startedAt = performance.now();
    }
    const adopted = client;
    this.#client = adopted;
    adopted.unref();
    void adopted.closed.then(() => this.#lost(adopted));
    if (this.#desired.size > 0) await this.#restore(adopted);
    for (const [id, paths] of this.#held) {
      await adopted
        .request({ op: 'hold', id, paths })
        .catch((error) => this.#options.log.warn(messageOf(error)));
    }
    return adopted;
  }

  #lost(client: ProxyClient): void {
    if (this.#client !== client) return;
    this.#client = undefined;
    const pid = this.#pid;
    this.#pid = undefined;
    if (this.#ended) return;
    this.#restarts++;
    this.#failures = performance.now() - this.#startedAt < HEALTHY_LIFE ? this.#failures + 1 : 0;
    this.#options.log.warn(`the port keeper (process ${pid}) ended; starting it again`);
    void this.#order.run(() => this.#revive());
  }

  async #revive(): Promise<void> {
    while (!this.#ended && this.#client === undefined) {
      if (this.#failures > 1) {
        await sleep(Math.min(50 * 2 ** this.#failures, LONGEST_PAUSE), undefined, { ref: false });
      }
      try {
        await this.#connection();
      } catch (error) {
        this.#failures++;
        this.#options.log.warn(messageOf(error));
      }
    }
  }

  /** Tells a keeper the wanted mappings. A port that is lost to somebody else does not keep the others from theirs. */
  async #restore(client: ProxyClient): Promise<void> {
    const mappings = [...this.#desired.values()];
    try {
      await client.request({ op: 'set', mappings });
      return;
    } catch (error) {
      if (isKind(error, 'unavailable')) throw error;
    }
    for (const mapping of mappings) {
      await client.request({ op: 'add', mappings: [mapping] }).catch((error) => {
        if (isKind(error, 'unavailable')) throw error;
        this.#options.log.warn(messageOf(error));
      });
    }
    this.#rebind = setTimeout(() => {
      this.#order
        .run(async () => {
          if (this.#client !== undefined) await this.#restore(this.#client);
        })
        // The keeper died over it; the next one is told everything anew.
        .catch((error) => this.#options.log.warn(messageOf(error)));
    }, REBIND_PAUSE).unref();
  }

  /** A keeper that listens already and speaks our version; one that speaks another is ended. */
  async #adopt(): Promise<ProxyClient | undefined> {
    const client = await this.#connect();
    if (client === undefined) return undefined;
    const identity = await client.request({ op: 'ping' }).catch((error) => {
      // A keeper that is being killed may still take a connection, and then closes it.
      if (isKind(error, 'unavailable') && error.errno !== 'ETIMEDOUT') return undefined;
      client.close();
      throw error;
    });
    if (identity === undefined) return undefined;
    if (identity.version === PROXY_CONTROL_VERSION) {
      this.#pid = identity.pid;
      return client;
    }
    this.#options.log.info(
      `port keeper ${identity.pid} speaks version ${identity.version}, not ${PROXY_CONTROL_VERSION}: replacing it`,
    );
    await this.#shutDown(client);
    return undefined;
  }

  async #spawn(): Promise<ProxyClient> {
    const { controlPath, startTimeout, cacheDirectory } = this.#options;
    if (ENTRY.endsWith('.ts') && !existsSync(cacheDirectory)) await once(this.#run('--warm'), 'close');
    const child = this.#run('--control', controlPath);
    let ended: string | undefined;
    child.once('error', (error) => {
      ended = error.message;
    });
    child.once('exit', (code, signal) => {
      ended = `it ended with ${signal ?? `status ${code}`}`;
    });
    child.unref();
    const deadline = performance.now() + startTimeout;
    while (ended === undefined && performance.now() < deadline) {
      const client = await this.#connect();
      if (client !== undefined) {
        this.#pid = (await client.request({ op: 'ping' })).pid;
        return client;
      }
      await sleep(POLL);
    }
    child.kill('SIGKILL');
    throw new Error(
      `start the port keeper: ${ended ?? `no answer on ${controlPath} within ${startTimeout} ms`}`,
    );
  }

  /** Starts `main` detached: in a session of its own, so that no signal to ours reaches it. */
  #run(...words: string[]): ChildProcess {
    const { node, stderr, cacheDirectory } = this.#options;
    const [command = process.execPath, ...before] = node;
    return spawn(command, [...before, ...PROXY_NODE_FLAGS, ENTRY, ...words], {
      cwd: '/',
      detached: true,
      stdio: ['ignore', 'ignore', stderr],
      // The one thread is for what `main` has done aside.
      env: { ...process.env, NODE_COMPILE_CACHE: cacheDirectory, UV_THREADPOOL_SIZE: '1' },
    });
  }

  /** A connection to whoever listens on the control path; undefined when nobody does. */
  async #connect(): Promise<ProxyClient | undefined> {
    const { controlPath, requestTimeout } = this.#options;
    try {
      return await ProxyClient.connect(controlPath, { timeout: requestTimeout });
    } catch (error) {
      if (isKind(error, 'unavailable') && NOBODY.includes(error.errno ?? '')) return undefined;
      throw error;
    }
  }

  /** Asks a keeper to end and waits until it has; one that does not answer is killed. */
  async #shutDown(client: ProxyClient): Promise<void> {
    try {
      await client.request({ op: 'shutdown' }, SHUTDOWN_TIMEOUT);
      await client.closed;
    } catch (error) {
      if (!isKind(error, 'unavailable')) throw error;
      if (error.errno === 'ETIMEDOUT' && this.#pid !== undefined) process.kill(this.#pid, 'SIGKILL');
    } finally {
      client.close();
    }
  }
}

/** The mapping with the port that was chosen for it, so that a restart binds the same one. */
function settled(mapping: ProxyMapping, bindings: ProxyBinding[]): ProxyMapping {
  const binding = mapping.hostPort === 0 ? bindings.find(({ id }) => id === mapping.id) : undefined;
  if (binding === undefined) return mapping;
  return { ...mapping, hostPort: binding.hostPort, hostPortEnd: binding.hostPortEnd };
}
