/** What a health check means: when the next one is due, and what its result makes of the container. Pure. */

import type { Health, HealthConfig } from '../../base/wire/index.ts';

/** Docker's defaults, in milliseconds. */
const DEFAULTS = { interval: 30_000, timeout: 30_000, startPeriod: 0, startInterval: 5000, retries: 3 };
/** Results kept. */
const KEPT = 5;

/** A health check's numbers, times in milliseconds. */
export type HealthTiming = Readonly<typeof DEFAULTS>;
export type HealthResult = Health['Log'][number];

/** What to run inside; undefined when there is no check. */
export function testCommand(
  config: HealthConfig | undefined,
  shell: string[] | undefined,
): string[] | undefined {
  const [kind, ...rest] = config?.Test ?? [];
  if (rest.length === 0) return undefined;
  if (kind === 'CMD') return rest;
  return kind === 'CMD-SHELL' ? [...(shell ?? ['/bin/sh', '-c']), ...rest] : undefined;
}

/** Nanoseconds become milliseconds; what is 0 or absent is Docker's default. */
export function timingOf(config: HealthConfig): HealthTiming {
  const milliseconds = (nanos: number | undefined, otherwise: number) => (nanos ? nanos / 1e6 : otherwise);
  return {
    interval: milliseconds(config.Interval, DEFAULTS.interval),
    timeout: milliseconds(config.Timeout, DEFAULTS.timeout),
    startPeriod: milliseconds(config.StartPeriod, DEFAULTS.startPeriod),
    startInterval: milliseconds(config.StartInterval, DEFAULTS.startInterval),
    retries: config.Retries || DEFAULTS.retries,
  };
}

/** Milliseconds until the next check of a container that runs for `uptime` milliseconds: while it starts, more often. */
export function pauseBefore(status: Health['Status'], uptime: number, timing: HealthTiming): number {
  return status === 'starting' && uptime < timing.startPeriod ? timing.startInterval : timing.interval;
}

/**
 * The health after `result`, of a check that began when the container had run for `uptime` milliseconds. One success is enough to be
 * healthy; a failure while the container starts is shown, and not counted.
 */
export function healthAfter(
  health: Health,
  result: HealthResult,
  uptime: number,
  timing: HealthTiming,
): Health {
  const Log = [...health.Log, result].slice(-KEPT);
  if (result.ExitCode === 0) return { Status: 'healthy', FailingStreak: 0, Log };
  if (health.Status === 'starting' && uptime < timing.startPeriod) return { ...health, Log };
  const FailingStreak = health.FailingStreak + 1;
  return { Status: FailingStreak >= timing.retries ? 'unhealthy' : health.Status, FailingStreak, Log };
}
