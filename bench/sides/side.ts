/** One of the daemons that are compared: on a host of its own (a network namespace), with roots of its own. */

import { type ChildProcess, spawn } from 'node:child_process';
import { closeSync, mkdirSync, openSync, readFileSync, writeFileSync } from 'node:fs';
import { Agent, request } from 'node:http';
import { basename, join } from 'node:path';
import { setTimeout as sleep } from 'node:timers/promises';
import { type Client, createClient } from '../../test/harness/client.ts';
import type { TestHost } from '../../test/harness/host.ts';
import { CpuAccount } from './cpu-account.ts';
import { type MemoryUse, memoryOf } from './memory.ts';

export type SideName = 'ours' | 'peer';

/** Milliseconds until a daemon has to answer, and until one that was told to end has to have ended. */
const START_PATIENCE = 30_000;
const END_PATIENCE = 60_000;
/** Milliseconds that one request may take: 500 ports of the peer need 40 s. */
const REQUEST_PATIENCE = 180_000;

export interface SideOptions {
  name: SideName;
  host: TestHost;
  /** Path of the daemon. */
  program: string;
  /** What its daemon.json says. */
  config: Record<string, unknown>;
  /** Its arguments, given its folder, which holds the daemon.json. */
  args: (paths: { root: string; socket: string; cgroup: string }) => string[];
}

export class Side {
  readonly name: SideName;
  /** The program's own name. */
  readonly program: string;
  readonly host: TestHost;
  readonly docker: Client;
  readonly #command: string[];
  readonly #socket: string;
  readonly #log: string;
  readonly #account: CpuAccount;
  readonly #agent = new Agent({ keepAlive: true });
  #process: ChildProcess | undefined;

  constructor({ name, host, program, config, args }: SideOptions) {
    this.name = name;
    this.program = basename(program);
    this.host = host;
    const root = join(host.root, name);
    const home = join(root, 'home');
    mkdirSync(home, { recursive: true });
    writeFileSync(join(root, 'daemon.json'), JSON.stringify(config));
    this.#socket = join(root, 'd.sock');
    this.#log = join(root, 'log');
    this.docker = createClient('docker', this.#socket, home);
    this.#account = new CpuAccount(host.cgroup);
    this.#command = [
      ...host.enter,
      program,
      ...args({ root, socket: this.#socket, cgroup: `/${host.cgroup}` }),
    ];
  }

  /** For `DOCKER_HOST` and the like. */
  get url(): string {
    return `unix://${this.#socket}`;
  }

  /** @returns milliseconds from its execution to its first answer */
  async start(): Promise<number> {
    const log = openSync(this.#log, 'a');
    const [program = '', ...args] = this.#command;
    const since = performance.now();
    const child = spawn(program, args, { stdio: ['ignore', log, log] });
    if (child.pid !== undefined) this.#account.take(child.pid);
    closeSync(log);
    this.#process = child;
    while (!(await this.#answers())) {
      if (child.exitCode !== null || performance.now() - since > START_PATIENCE) {
        throw new Error(`${this.program} did not get ready:\n${this.logTail()}`);
      }
      await sleep(2);
    }
    return performance.now() - since;
  }

  /** Ends it as an init system would. */
  async stop(): Promise<void> {
    const child = this.#process;
    if (child === undefined || child.exitCode !== null || child.signalCode !== null) return;
    const ended = new Promise<void>((resolve) => child.once('exit', () => resolve()));
    child.kill('SIGTERM');
    await Promise.race([
      ended,
      sleep(END_PATIENCE, undefined, { ref: false }).then(() => {
        throw new Error(`${this.program} did not end:\n${this.logTail()}`);
      }),
    ]);
  }

  /** Milliseconds of CPU that the daemon, what it started and its containers have used so far, all processors together. */
  cpuTime(): number {
    return this.#account.milliseconds();
  }

  /** Memory of the daemon and its helpers; containers and their shims are left out. */
  memory(): MemoryUse[] {
    return memoryOf(this.#account.processes());
  }

  /** One request over a connection that is kept; fails unless it is answered by one of the statuses. */
  api(method: string, path: string, body?: unknown, statuses = [200, 201, 204]): Promise<string> {
    const payload = body === undefined ? undefined : Buffer.isBuffer(body) ? body : JSON.stringify(body);
    const type = Buffer.isBuffer(body) ? 'application/x-tar' : 'application/json';
    return new Promise((resolve, reject) => {
      const ask = request(
        {
          socketPath: this.#socket,
          agent: this.#agent,
          method,
          path,
          timeout: REQUEST_PATIENCE,
          headers:
            payload === undefined
              ? {}
              : { 'content-type': type, 'content-length': Buffer.byteLength(payload) },
        },
        (response) => {
          const chunks: Buffer[] = [];
          response.on('data', (chunk: Buffer) => chunks.push(chunk));
          response.on('error', reject);
          response.on('end', () => {
            const text = Buffer.concat(chunks).toString();
            const status = response.statusCode ?? 0;
            if (statuses.includes(status)) return resolve(text);
            reject(new Error(`${this.program}: ${method} ${path}: ${status} ${text}`));
          });
        },
      );
      ask.on('timeout', () => ask.destroy(new Error(`${this.program}: ${method} ${path}: no answer`)));
      ask.on('error', reject);
      ask.end(payload);
    });
  }

  /** Makes a container of the busybox image that sleeps. @returns its id */
  async create(options: { name?: string; hostConfig?: object; exposed?: string[] } = {}): Promise<string> {
    const name = options.name === undefined ? '' : `?name=${options.name}`;
    const answer = await this.api('POST', `/v1.41/containers/create${name}`, {
      Image: 'busybox',
      Cmd: ['sleep', '100000'],
      ExposedPorts: Object.fromEntries((options.exposed ?? []).map((port) => [port, {}])),
      HostConfig: options.hostConfig ?? {},
    });
    return (JSON.parse(answer) as { Id: string }).Id;
  }

  /** Removes every container, and lets what goes on behind the answer come to its end. */
  async clear(): Promise<void> {
    const all = JSON.parse(await this.api('GET', '/v1.41/containers/json?all=1')) as Array<{ Id: string }>;
    await Promise.all(
      all.map(({ Id }) => this.api('DELETE', `/v1.41/containers/${Id}?force=1&v=1`, undefined, [204, 404])),
    );
    await sleep(150);
  }

  logTail(lines = 30): string {
    return readFileSync(this.#log, 'utf8').trimEnd().split('\n').slice(-lines).join('\n');
  }

  #answers(): Promise<boolean> {
    return this.api('GET', '/_ping').then(
      () => true,
      () => false,
    );
  }
}
