/** Health checks: runs the test of each container at its interval and keeps the last results. */

import { setTimeout as sleep } from 'node:timers/promises';
import { messageOf } from '../../base/errors.ts';
import type { Log } from '../../base/log.ts';
import { nowString } from '../../base/time.ts';
import type { Container } from '../containers/container.ts';
import type { Lifecycle } from '../containers/lifecycle.ts';
import type { ContainerRegistry } from '../containers/registry.ts';
import type { ExecService } from '../exec/service.ts';
import {
  type HealthResult,
  type HealthTiming,
  healthAfter,
  pauseBefore,
  testCommand,
  timingOf,
} from './state.ts';

/** Bytes of output that are kept of a check. */
const MAX_OUTPUT = 4096;

export class HealthMonitor {
  readonly #registry: ContainerRegistry;
  readonly #lifecycle: Lifecycle;
  readonly #execs: ExecService;
  readonly #log: Log;
  readonly #running = new Map<string, AbortController>();

  constructor(registry: ContainerRegistry, lifecycle: Lifecycle, execs: ExecService, log: Log) {
    this.#registry = registry;
    this.#lifecycle = lifecycle;
    this.#execs = execs;
    this.#log = log;
  }

  /** Begins to test a container that has just started or was adopted (then its state so far is kept). */
  start(container: Container, options: { keepState: boolean }): void {
    this.stop(container);
    const { config, state } = container.record;
    const cmd = testCommand(config.Healthcheck, config.Shell);
    if (config.Healthcheck === undefined || cmd === undefined) {
      state.health = undefined;
      return;
    }
    if (!options.keepState || state.health === undefined) {
      state.health = { Status: 'starting', FailingStreak: 0, Log: [] };
      this.#registry.save(container);
    }
    const ending = new AbortController();
    this.#running.set(container.id, ending);
    this.#run(container, timingOf(config.Healthcheck), cmd, ending.signal).catch((error) =>
      this.#log.error({ container: container.id, error: messageOf(error) }, 'health checks ended'),
    );
  }

  stop(container: Container): void {
    this.#running.get(container.id)?.abort();
    this.#running.delete(container.id);
  }

  async #run(container: Container, timing: HealthTiming, cmd: string[], signal: AbortSignal): Promise<void> {
    const { state } = container.record;
    // By the monotonic clock from here on: a wall clock that is put right would end the start period at once, or never.
    const startedAt = performance.now() - Math.max(0, Date.now() - Date.parse(state.startedAt));
    while (!signal.aborted) {
      const pause = pauseBefore(state.health?.Status ?? 'none', performance.now() - startedAt, timing);
      await sleep(pause, undefined, { signal, ref: false }).catch(() => {});
      if (signal.aborted || state.status === 'paused') continue;
      const uptime = performance.now() - startedAt;
      const result = await this.#probe(container, cmd, timing.timeout, signal);
      if (!signal.aborted) this.#record(container, result, uptime, timing);
    }
  }

  async #probe(
    container: Container,
    cmd: string[],
    timeout: number,
    signal: AbortSignal,
  ): Promise<HealthResult> {
    const Start = nowString();
    const late = AbortSignal.timeout(timeout);
    try {
      const { exitCode, output } = await this.#execs.capture(container, cmd, {
        maxOutput: MAX_OUTPUT,
        signal: AbortSignal.any([signal, late]),
      });
      const End = nowString();
      if (!late.aborted) return { Start, End, ExitCode: exitCode, Output: output };
      const said = output === '' ? '' : `: ${output}`;
      return {
        Start,
        End,
        ExitCode: -1,
        Output: `Health check exceeded timeout (${timeout / 1000}s)${said}`,
      };
    } catch (error) {
      return { Start, End: nowString(), ExitCode: -1, Output: messageOf(error) };
    }
  }

  #record(container: Container, result: HealthResult, uptime: number, timing: HealthTiming): void {
    const { state } = container.record;
    if (state.health === undefined) return;
    const before = state.health.Status;
    state.health = healthAfter(state.health, result, uptime, timing);
    this.#registry.save(container);
    if (state.health.Status !== before)
      this.#lifecycle.emit(container, `health_status: ${state.health.Status}`);
  }
}
