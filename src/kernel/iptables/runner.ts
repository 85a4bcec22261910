/**
 * iptables and ip6tables as programs: one process per transaction, no shell, in the namespace of the daemon or of one's
 * choice. `iptables-restore --noflush` applies all lines of a table or none (iptables-restore(8); the nf_tables variant
 * commits one netlink transaction, the legacy one replaces the table's blob).
 */
import { existsSync } from 'node:fs';
import { BridgeportError, internal } from '../../base/errors.ts';
import { type NetnsHandle, withNetns } from '../netns/index.ts';
import { startProgram } from '../program.ts';

export interface IptablesRunnerOptions {
  /** 4 for iptables, 6 for ip6tables. */
  family: 4 | 6;
  /** Default: the daemon's own. */
  netns?: NetnsHandle | undefined;
  /** One of the two variants by its own name (`iptables-nft`, `iptables-legacy`). Default: what the machine calls iptables. */
  variant?: 'nft' | 'legacy' | undefined;
  /** Where the programs are. Default: looked up in PATH and the usual system directories. */
  directory?: string | undefined;
  /** How long to wait for another program's xtables lock (the legacy variant has one). Default: 10 s. */
  waitSeconds?: number | undefined;
  /** Told the process id of every program that is started, before it has done anything. */
  onStart?: ((pid: number) => void) | undefined;
}

export interface IptablesVersion {
  /** `1.8.9` */
  readonly version: string;
  readonly backend: 'nf_tables' | 'legacy';
}

export interface RestoreOptions {
  /** Keep what the text does not mention. Default: true; false empties every table the text names. */
  noflush?: boolean;
  /** Restore the counters given in the text. Default: false. */
  counters?: boolean;
  signal?: AbortSignal;
}

/** Directories that a daemon's PATH may lack. */
const SYSTEM_DIRECTORIES = '/usr/local/sbin:/usr/sbin:/sbin:/usr/local/bin:/usr/bin:/bin';

export class IptablesRunner {
  readonly family: 4 | 6;
  readonly #program: string;
  readonly #netns: NetnsHandle | undefined;
  readonly #waitSeconds: number;
  readonly #onStart: ((pid: number) => void) | undefined;

  constructor(options: IptablesRunnerOptions) {
    this.family = options.family;
    const base = options.family === 4 ? 'iptables' : 'ip6tables';
    const program = options.variant === undefined ? base : `${base}-${options.variant}`;
    this.#program = options.directory === undefined ? program : `${options.directory}/${program}`;
    this.#netns = options.netns;
    this.#waitSeconds = options.waitSeconds ?? 10;
    this.#onStart = options.onStart;
  }

  /**
   * Which iptables this is.
   *
   * @throws kind `unavailable`, errno ENOENT when it is not installed
   */
  async version(signal?: AbortSignal): Promise<IptablesVersion> {
    const { stdout } = await this.#run(this.#program, ['--version'], undefined, signal);
    // "iptables v1.8.9 (nf_tables)"; before 1.8 there was one variant, and no bracket.
    const match = /v(\d+(?:\.\d+)*)(?: \((\w+)\))?/.exec(stdout);
    if (!match?.[1]) throw internal(`${this.#program} --version: cannot read ${JSON.stringify(stdout)}`);
    return { version: match[1], backend: match[2] === 'nf_tables' ? 'nf_tables' : 'legacy' };
  }

  /** The rules of one table, or of all that exist; parse them by `parseIptablesSave()`. */
  async save(table?: string, options: { counters?: boolean; signal?: AbortSignal } = {}): Promise<string> {
    const args = [...(options.counters ? ['-c'] : []), ...(table === undefined ? [] : ['-t', table])];
    const { stdout } = await this.#run(`${this.#program}-save`, args, undefined, options.signal);
    return stdout;
  }

  /**
   * Applies `text` (`*filter`, chains, rules, `COMMIT`), as a whole or not at all per table.
   *
   * @throws kind `internal` with iptables's own words and the line they are about
   */
  async restore(text: string, options: RestoreOptions = {}): Promise<void> {
    const args = [`--wait=${this.#waitSeconds}`];
    if (options.noflush ?? true) args.push('--noflush');
    if (options.counters) args.push('--counters');
    await this.#run(`${this.#program}-restore`, args, text, options.signal);
  }

  async #run(
    program: string,
    args: string[],
    input: string | undefined,
    signal: AbortSignal | undefined,
  ): Promise<{ stdout: string }> {
    signal?.throwIfAborted();
    const searched = `${process.env.PATH ?? ''}:${SYSTEM_DIRECTORIES}`;
    const path = findProgram(program, searched);
    const options = {
      env: { PATH: searched, LC_ALL: 'C' },
      signal,
      ...(input === undefined ? {} : { input }),
    };
    const start = () => startProgram(path, args, options);
    const started = this.#netns ? withNetns(this.#netns, start) : start();
    this.#onStart?.(started.pid);
    const { status, signal: killedBy, stdout, stderr } = await started.end;
    if (status === 0) return { stdout };
    signal?.throwIfAborted();
    const end = status === undefined ? `killed by signal ${killedBy}` : `exit status ${status}`;
    throw internal(`${program}: ${explain(stderr, input) || end}`);
  }
}

/** @throws kind `unavailable`, errno ENOENT when it is in none of the directories */
function findProgram(program: string, directories: string): string {
  const candidates = program.includes('/')
    ? [program]
    : directories.split(':').map((directory) => `${directory}/${program}`);
  const found = candidates.find((candidate) => existsSync(candidate));
  if (found !== undefined) return found;
  const remedy = 'the package iptables has it, and --iptables=false does without';
  throw new BridgeportError('unavailable', `${program} is not installed: ${remedy}`, { errno: 'ENOENT' });
}

/**
 * iptables's own words on one line, without its name (which our message has) and the hint to read the manual, and the line
 * they are about. The variants say `line 3 failed`, `Error occurred at line: 3`, or `line 3: RULE_APPEND failed (…)`.
 */
function explain(stderr: string, input: string | undefined): string {
  const words = stderr
    .split('\n')
    .map((line) => line.replaceAll(/\bip6?tables(-restore|-save)?( v[\d.]+ \(\w+\))?: ?/g, '').trim())
    .filter((line) => line !== '' && !/^Try `|^Error occurred at line: \d+$/.test(line))
    .join('; ');
  const number = Number(/\bline:? (\d+)/.exec(stderr)?.[1]);
  const line = input?.split('\n')[number - 1];
  // What only shows when everything is committed (a chain that is missing) is blamed on the COMMIT line: no help.
  return line === undefined || line === 'COMMIT'
    ? words
    : `${words} (line ${number}: ${JSON.stringify(line)})`;
}
