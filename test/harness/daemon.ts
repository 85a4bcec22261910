/** Our daemon on a test host, with roots of its own. */

import assert from 'node:assert/strict';
import { type ChildProcess, spawn } from 'node:child_process';
import { once } from 'node:events';
import {
  closeSync,
  existsSync,
  mkdirSync,
  mkdtempSync,
  openSync,
  readdirSync,
  readFileSync,
  rmSync,
  writeFileSync,
} from 'node:fs';
import { request } from 'node:http';
import { join } from 'node:path';
import { type Client, type ClientName, createClient } from './client.ts';
import type { TestHost } from './host.ts';
import { buildImages, type ImageName } from './images.ts';
import { soon } from './netns.ts';
import { cgroups, mounts } from './teardown.ts';

const PROGRAM = join(import.meta.dirname, '../../bin/bridgeportd');

/** Milliseconds until a daemon that has been started has to answer, and until one that was told to has to end. */
const START_PATIENCE = 15_000;
const END_PATIENCE = 30_000;

export interface DaemonOptions {
  /** Further words of its command line. */
  args?: readonly string[];
  /** What its daemon.json says; a text is written as it is. */
  config?: Record<string, unknown> | string;
  /** Images it has from the beginning. */
  images?: readonly ImageName[];
  /** What it finds in /etc/resolv.conf; default the machine's own. See `resolvConf`. */
  resolvConf?: string;
}

export interface Answer {
  status: number;
  text: string;
  /** The body read as JSON. */
  json<T = Record<string, unknown>>(): T;
}

export class TestDaemon {
  readonly host: TestHost;
  readonly root: string;
  readonly socket: string;
  readonly dataRoot: string;
  readonly execRoot: string;
  readonly configFile: string;
  /** The file that it has for /etc/resolv.conf, if one was asked for: it may be edited. */
  readonly resolvConf: string | undefined;
  readonly docker: Client;
  readonly bridgeport: Client;
  /** Words of the command line that the next start has. */
  args: readonly string[];
  #process: ChildProcess | undefined;

  constructor(host: TestHost, options: DaemonOptions = {}) {
    this.host = host;
    this.root = mkdtempSync(join(host.root, 'd-'));
    this.socket = join(this.root, 'd.sock');
    this.dataRoot = join(this.root, 'data');
    this.execRoot = join(this.root, 'exec');
    this.configFile = join(this.root, 'daemon.json');
    this.args = options.args ?? [];
    const home = join(this.root, 'home');
    mkdirSync(home);
    this.docker = createClient('docker', this.socket, home);
    this.bridgeport = createClient('bridgeport', this.socket, home);
    this.configure(options.config ?? {});
    this.resolvConf = options.resolvConf === undefined ? undefined : join(this.root, 'resolv.conf');
    if (this.resolvConf !== undefined) writeFileSync(this.resolvConf, options.resolvConf ?? '');
  }

  client(name: ClientName): Client {
    return this[name];
  }

  /** Writes daemon.json, as an editor would. */
  configure(config: Record<string, unknown> | string): void {
    writeFileSync(this.configFile, typeof config === 'string' ? config : JSON.stringify(config, null, 2));
  }

  /** The whole command line, with `nsenter` before it. */
  get command(): string[] {
    const mount = 'mount --bind "$0" /etc/resolv.conf && exec "$@"';
    return [
      ...this.host.enter,
      ...(this.resolvConf === undefined ? [] : ['unshare', '--mount', 'sh', '-c', mount, this.resolvConf]),
      PROGRAM,
      ...['--data-root', this.dataRoot, '--exec-root', this.execRoot],
      ...['--pidfile', join(this.root, 'pid'), '-H', `unix://${this.socket}`],
      ...['--config-file', this.configFile, '--cgroup-parent', this.host.cgroup],
      ...this.args,
    ];
  }

  get pid(): number {
    assert.ok(this.#process?.pid, 'the daemon has been started');
    return this.#process.pid;
  }

  get running(): boolean {
    const child = this.#process;
    return child !== undefined && child.exitCode === null && child.signalCode === null;
  }

  /** Executes it without waiting for it to be ready. */
  launch(): ChildProcess {
    const log = openSync(join(this.root, 'log'), 'a');
    const [program = '', ...args] = this.command;
    this.#process = spawn(program, args, { stdio: ['ignore', log, log] });
    closeSync(log);
    return this.#process;
  }

  /** Starts it and waits until it answers. */
  async start(): Promise<void> {
    const child = this.launch();
    try {
      await soon(async () => {
        if (!this.running) return;
        assert.equal((await this.api('GET', '/_ping')).text, 'OK');
      }, START_PATIENCE);
      assert.ok(this.running, `the daemon ended with ${child.exitCode ?? child.signalCode}`);
    } catch (error) {
      throw new Error(`the daemon did not get ready: ${String(error)}\n${this.logTail()}`);
    }
  }

  /** Ends it as an init system would. @returns its exit status */
  stop(signal: NodeJS.Signals = 'SIGTERM'): Promise<number> {
    return this.#end(signal);
  }

  /** `kill -9`: the daemon alone, nothing that it started. */
  async kill(): Promise<void> {
    await this.#end('SIGKILL');
  }

  /** Its host loses its power and gets it back, and the daemon is started. What was in /run is gone. */
  async powerCut(): Promise<void> {
    const ended = this.#process === undefined ? undefined : once(this.#process, 'exit');
    await this.host.powerCut();
    await ended;
    rmSync(this.execRoot, { recursive: true, force: true });
    for (const file of [this.socket, join(this.root, 'pid')]) rmSync(file, { force: true });
    await this.start();
  }

  async restart(): Promise<void> {
    await this.stop();
    await this.start();
  }

  async #end(signal: NodeJS.Signals): Promise<number> {
    const child = this.#process;
    assert.ok(child !== undefined, 'the daemon has been started');
    if (this.running) {
      const ended = new Promise((resolve, reject) => {
        child.once('exit', resolve);
        const late = () => reject(new Error(`the daemon did not end on ${signal}\n${this.logTail()}`));
        setTimeout(late, END_PATIENCE).unref();
      });
      child.kill(signal);
      await ended;
    }
    return child.exitCode ?? 128;
  }

  /** Everything it has logged so far. */
  log(): string {
    const path = join(this.root, 'log');
    return existsSync(path) ? readFileSync(path, 'utf8') : '';
  }

  logTail(lines = 40): string {
    return this.log().trimEnd().split('\n').slice(-lines).join('\n');
  }

  /** One request to its socket; an object goes as JSON, a text or buffer as it is. */
  api(method: string, path: string, body?: unknown, headers: Record<string, string> = {}): Promise<Answer> {
    const raw = typeof body === 'string' || Buffer.isBuffer(body);
    const payload = body === undefined ? undefined : raw ? body : JSON.stringify(body);
    return new Promise((resolve, reject) => {
      const ask = request(
        {
          socketPath: this.socket,
          method,
          path,
          timeout: 30_000,
          headers: {
            ...(payload === undefined
              ? {}
              : { 'content-type': 'application/json', 'content-length': Buffer.byteLength(payload) }),
            ...headers,
          },
          agent: false,
        },
        (response) => {
          const chunks: Buffer[] = [];
          response.on('data', (chunk: Buffer) => chunks.push(chunk));
          response.on('error', reject);
          response.on('end', () => {
            const text = Buffer.concat(chunks).toString();
            resolve({ status: response.statusCode ?? 0, text, json: () => JSON.parse(text) });
          });
        },
      );
      ask.on('timeout', () => ask.destroy(new Error(`${method} ${path}: no answer in 30 s`)));
      ask.on('error', reject);
      ask.end(payload);
    });
  }

  async load(names: readonly ImageName[]): Promise<void> {
    if (names.length === 0) return;
    const archive = await buildImages(names);
    const answer = await this.api('POST', '/images/load', archive, { 'content-type': 'application/x-tar' });
    assert.equal(answer.status, 200, answer.text);
    assert.ok(!answer.text.includes('"error"'), answer.text);
  }

  /** Removes every container, running or not, with its anonymous volumes. */
  async removeContainers(): Promise<void> {
    const all = (await this.api('GET', '/containers/json?all=1')).json<Array<{ Id: string }>>();
    const removals = all.map(({ Id }) => this.api('DELETE', `/containers/${Id}?force=1&v=1`));
    for (const { status, text } of await Promise.all(removals)) assert.ok([204, 404].includes(status), text);
  }

  /** Removes every network that was made, once its containers are gone. */
  async removeNetworks(): Promise<void> {
    const filters = encodeURIComponent(JSON.stringify({ type: ['custom'] }));
    const all = (await this.api('GET', `/networks?filters=${filters}`)).json<Array<{ Id: string }>>();
    for (const { Id } of all) {
      const { status, text } = await this.api('DELETE', `/networks/${Id}`);
      assert.ok([204, 404].includes(status), text);
    }
  }

  /** What containers left behind, in sentences: meant for when there is none any more. */
  async residue(): Promise<string[]> {
    const folder = (name: string) => {
      const path = join(this.execRoot, name);
      return existsSync(path) ? readdirSync(path).map((entry) => `file ${join(path, entry)}`) : [];
    };
    const netns = join(this.execRoot, 'netns');
    const [veths, filter, nat] = await Promise.all([
      this.host.veths(),
      this.host.rules('filter'),
      this.host.rules('nat'),
    ]);
    return [
      ...veths.map((name) => `link ${name}`),
      ...filter.filter((rule) => rule.startsWith('-A DOCKER ')).map((rule) => `rule ${rule}`),
      ...nat.filter((rule) => /DNAT|--dport/.test(rule)).map((rule) => `rule ${rule}`),
      ...folder('netns').filter((file) => !file.endsWith('/default')), // the host's own
      ...folder('io'),
      ...mounts(this.root)
        .filter((point) => ![netns, join(netns, 'default')].includes(point))
        .map((point) => `mount ${point}`),
      ...cgroups(this.host.cgroup)
        .filter((path) => !path.endsWith(`/${this.host.cgroup}`))
        .map((path) => `cgroup ${path}`),
    ];
  }

  /** Waits for what is on its way out, then names what stayed. */
  async expectNoResidue(): Promise<void> {
    await soon(async () => assert.deepEqual(await this.residue(), []), 8000);
  }
}

/** Starts a daemon on `host`; it ends with its host. */
export async function startDaemon(host: TestHost, options: DaemonOptions = {}): Promise<TestDaemon> {
  const daemon = new TestDaemon(host, options);
  await daemon.start();
  await daemon.load(options.images ?? []);
  return daemon;
}
