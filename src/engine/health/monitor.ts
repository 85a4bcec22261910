/** Health checks: runs the test of each container at its interval and keeps the last results. */

import { setTimeout as sleep } from 'node:timers/promises';
import { messageOf } from '../../base/errors.ts';
import { nowString } from '../../base/time.ts';
import type { Health, HealthConfig } from '../../base/wire/index.ts';
import type { Container } from '../containers/container.ts';
import type { Lifecycle } from '../containers/lifecycle.ts';
import type { ContainerRegistry } from '../containers/registry.ts';
import type { ExecService } from '../exec/service.ts';

/** Docker's defaults, in milliseconds. */
const DEFAULTS = { interval: 30_000, timeout: 30_000, startPeriod: 0, startInterval: 5000, retries: 3 };
/** Results kept, and bytes of output of each. */
const KEPT = 5;
const MAX_OUTPUT = 4096;

export class HealthMonitor {
  readonly #registry: ContainerRegistry;
  readonly #lifecycle: Lifecycle;
  readonly #execs: ExecService;
  readonly #running = new Map<string, AbortController>();

  constructor(registry: ContainerRegistry, lifecycle: Lifecycle, execs: ExecService) {
    this.#registry = registry;
    this.#lifecycle = lifecycle;
    this.#execs = execs;
  }

  /** Begins to test a container that has just started or was adopted (then its state so far is kept). */
  start(container: Container, options: { keepState: boolean }): void {
    this.stop(container);
    const config = container.record.config.Healthcheck;
    const cmd = testCommand(config, container.record.config.Shell);
    if (config === undefined || cmd === undefined) {
      container.record.state.health = undefined;
      return;
    }
    const known = container.record.state.health;
    if (!options.keepState || known === undefined) {
      container.record.state.health = { Status: 'starting', FailingStreak: 0, Log: [] };
      this.#registry.save(container);
    }
    const ending = new AbortController();
    this.#running.set(container.id, ending);
    void this.#run(container, config, cmd, ending.signal);
  }

  stop(container: Container): void {
    this.#running.get(container.id)?.abort();
    this.#running.delete(container.id);
  }

  async #run(container: Container, config: HealthConfig, cmd: string[], signal: AbortSignal): Promise<void> {
    const times = timing(config);
    const startedAt = Date.parse(container.record.state.startedAt);
    while (!signal.aborted) {
      const starting = container.record.state.health?.Status === 'starting';
      const inStartPeriod = Date.now() - startedAt < times.startPeriod;
      const pause =
        starting && inStartPeriod ? Math.min(times.startInterval, times.interval) : times.interval;
      await sleep(pause, undefined, { signal, ref: false }).catch(() => {});
      if (signal.aborted || container.record.state.status === 'paused') continue;
      const result = await this.#probe(container, cmd, times.timeout, signal);
      if (signal.aborted) return;
      this.#record(container, result, {
        retries: times.retries,
        inStartPeriod: Date.now() - startedAt < times.startPeriod,
      });
    }
  }

  async #probe(
    container: Container,
    cmd: string[],
    timeout: number,
    signal: AbortSignal,
  ): Promise<Health['Log'][number]> {
    const Start = nowString();
    const late = AbortSignal.timeout(timeout);
    try {
      const { exitCode, output } = await this.#execs.capture(container, cmd, {
        maxOutput: MAX_OUTPUT,
        signal: AbortSignal.any([signal, late]),
      });
      const End = nowString();
      if (late.aborted) {
        return {
          Start,
          End,
          ExitCode: -1,
          Output: `Health check exceeded timeout (${timeout / 1000}s): ${output}`,
        };
      }
      return { Start, End, ExitCode: exitCode, Output: output };
    } catch (error) {
      return { Start, End: nowString(), ExitCode: -1, Output: messageOf(error) };
    }
  }

  #record(
    container: Container,
    result: Health['Log'][number],
    options: { retries: number; inStartPeriod: boolean },
  ): void {
    const { health } = container.record.state;
    if (health === undefined) return;
    const before = health.Status;
    health.Log = [...health.Log, result].slice(-KEPT);
    if (result.ExitCode === 0) {
      health.FailingStreak = 0;
      health.Status = 'healthy';
    } else if (!(before === 'starting' && options.inStartPeriod)) {
      health.FailingStreak++;
      if (health.FailingStreak >= options.retries) health.Status = 'unhealthy';
    }
    this.#registry.save(container);
    if (health.Status !== before) this.#lifecycle.emit(container, `health_status: ${health.Status}`);
  }
}

/** What to run inside; undefined when there is no check. */
export function testCommand(
  config: HealthConfig | undefined,
  shell: string[] | undefined,
): string[] | undefined {
  const [kind, ...rest] = config?.Test ?? [];
  switch (kind) {
    case 'CMD':
      return rest.length === 0 ? undefined : rest;
    case 'CMD-SHELL':
      return [...(shell ?? ['/bin/sh', '-c']), rest[0] ?? ''];
    default:
      return undefined;
  }
}

function timing(config: HealthConfig) {
  const milliseconds = (nanos: number | undefined, otherwise: number) => (nanos ? nanos / 1e6 : otherwise);
  return {
    interval: milliseconds(config.Interval, DEFAULTS.interval),
    timeout: milliseconds(config.Timeout, DEFAULTS.timeout),
    startPeriod: milliseconds(config.StartPeriod, DEFAULTS.startPeriod),
    startInterval: milliseconds(config.StartInterval, DEFAULTS.startInterval),
    retries: config.Retries || DEFAULTS.retries,
  };
}
