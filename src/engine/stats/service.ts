/** `docker stats` and `docker top`. */

import { execFile } from 'node:child_process';
import { readFileSync } from 'node:fs';
import { cpus, totalmem } from 'node:os';
import { setTimeout as sleep } from 'node:timers/promises';
import { promisify } from 'node:util';
import { conflict, internal, invalid, isKind, messageOf } from '../../base/errors.ts';
import { nowString, ZERO_TIME } from '../../base/time.ts';
import type { ContainerStats, ContainerTop } from '../../base/wire/index.ts';
import type { Container } from '../containers/container.ts';
import type { ContainerRegistry } from '../containers/registry.ts';
import type { EngineContext } from '../context.ts';
import { emptyCpu, statsSample } from './sample.ts';

/** Milliseconds between two samples. */
const INTERVAL = 1000;
/** proc(5): /proc/stat counts in ticks of USER_HZ, which is 100 on every Linux that Node runs on. */
const NANOS_PER_TICK = 1e9 / 100;

export class StatsService {
  readonly #context: EngineContext;
  readonly #registry: ContainerRegistry;

  constructor(context: EngineContext, registry: ContainerRegistry) {
    this.#context = context;
    this.#registry = registry;
  }

  async stats(
    ref: string,
    options: { stream: boolean; oneShot: boolean; signal: AbortSignal },
  ): Promise<AsyncIterable<ContainerStats>> {
    const container = this.#registry.find(ref);
    if (options.stream) return this.#stream(container, options.signal);
    return this.#once(container, options.oneShot, options.signal);
  }

  async *#once(container: Container, oneShot: boolean, signal: AbortSignal): AsyncGenerator<ContainerStats> {
    if (!container.isRunning) {
      yield idleSample(container);
      return;
    }
    const first = await this.#sample(container, undefined);
    if (oneShot) {
      yield first;
      return;
    }
    await sleep(INTERVAL, undefined, { signal }).catch(() => {});
    if (!signal.aborted) yield await this.#sample(container, first);
  }

  async *#stream(container: Container, signal: AbortSignal): AsyncGenerator<ContainerStats> {
    let before: ContainerStats | undefined;
    while (!signal.aborted && this.#registry.byId(container.id) === container) {
      // A stopped container is shown with zeros until it runs again.
      before = container.isRunning ? await this.#sample(container, before) : idleSample(container);
      yield before;
      await sleep(INTERVAL, undefined, { signal }).catch(() => {});
    }
  }

  async #sample(container: Container, before: ContainerStats | undefined): Promise<ContainerStats> {
    try {
      return statsSample(
        {
          id: container.id,
          name: container.record.name,
          metrics: await this.#context.containerd.tasks.metrics(container.id),
          networks: this.#context.network.interfaceStats(container.id),
          systemCpu: systemCpu(),
          onlineCpus: cpus().length,
          totalMemory: totalmem(),
          read: nowString(),
        },
        before,
      );
    } catch (error) {
      // It ended between the question and the answer.
      if (isKind(error, 'not-found') || !container.isRunning) return idleSample(container);
      throw error;
    }
  }

  /** Lists the container's processes with the host's `ps`, which gets `psArgs` as words, never through a shell. */
  async top(ref: string, psArgs: string): Promise<ContainerTop> {
    const container = this.#registry.find(ref);
    if (!container.isRunning) throw conflict(`container ${container.id} is not running`);
    const pids = new Set((await this.#context.containerd.tasks.pids(container.id)).map(String));
    const words = (psArgs || '-ef').split(/\s+/).filter(Boolean);
    if (words.some((word) => /pid=[^,]/.test(word))) throw invalid(`specifying "pid=NEWNAME" is not allowed`);
    let output: string;
    try {
      ({ stdout: output } = await promisify(execFile)('ps', words, {
        timeout: 10_000,
        maxBuffer: 64 * 1024 * 1024,
      }));
    } catch (cause) {
      throw internal(
        `Error running ps: ${(cause as { stderr?: string }).stderr?.trim() || messageOf(cause)}`,
        { cause },
      );
    }
    return selectProcesses(output, pids);
  }
}

/** Pure: the lines of `ps` whose PID is one of `pids`. Throws `internal` when there is no column PID. */
export function selectProcesses(output: string, pids: ReadonlySet<string>): ContainerTop {
  const [head = '', ...lines] = output.split('\n').filter((line) => line !== '');
  const titles = head.trim().split(/\s+/);
  const column = titles.indexOf('PID');
  if (column < 0) throw internal("Couldn't find PID field in ps output");
  const processes: string[][] = [];
  for (const line of lines) {
    const fields = line.trim().split(/\s+/);
    if (!pids.has(fields[column] ?? '')) continue;
    // The last column is the command, with whatever blanks it has.
    const rest = fields.splice(titles.length - 1).join(' ');
    processes.push([...fields, rest]);
  }
  return { Titles: titles, Processes: processes };
}

function idleSample(container: Container): ContainerStats {
  return {
    read: ZERO_TIME,
    preread: ZERO_TIME,
    pids_stats: {},
    blkio_stats: {},
    num_procs: 0,
    storage_stats: {},
    cpu_stats: emptyCpu(),
    precpu_stats: emptyCpu(),
    memory_stats: {},
    name: `/${container.record.name}`,
    id: container.id,
  };
}

/** The first line of /proc/stat: user, nice, system, idle, iowait, irq, softirq and steal, in nanoseconds together. */
function systemCpu(): number {
  const line = readFileSync('/proc/stat', 'utf8').split('\n', 1)[0] ?? '';
  const ticks = line.split(/\s+/).slice(1, 9).map(Number);
  return ticks.reduce((sum, value) => sum + value, 0) * NANOS_PER_TICK;
}
