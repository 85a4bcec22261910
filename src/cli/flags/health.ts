/** A health check as the API's `Config.Healthcheck` holds it; times in nanoseconds. */
export interface HealthConfig {
  Test?: string[];
  Interval?: number;
  Timeout?: number;
  StartPeriod?: number;
  StartInterval?: number;
  Retries?: number;
}

/** The health flags, by their names without `health-`. */
export interface HealthFlags {
  command: string;
  interval: number;
  timeout: number;
  retries: number;
  startPeriod: number;
  startInterval: number;
  disabled: boolean;
}

/** The health check that the flags describe; undefined leaves the image's own. Throws an `Error` for a contradiction. */
export function healthConfig(flags: HealthFlags): HealthConfig | undefined {
  const { command, interval, timeout, retries, startPeriod, startInterval } = flags;
  const any = Boolean(command || interval || timeout || retries || startPeriod || startInterval);
  if (flags.disabled) {
    if (any) throw new Error('--no-healthcheck conflicts with --health-* options');
    return { Test: ['NONE'] };
  }
  if (!any) return undefined;
  const limits = {
    interval,
    timeout,
    retries,
    'start-period': startPeriod,
    'start-interval': startInterval,
  };
  for (const [name, value] of Object.entries(limits)) {
    if (value < 0) throw new Error(`--health-${name} cannot be negative`);
  }
  return {
    ...(command ? { Test: ['CMD-SHELL', command] } : {}),
    Interval: interval,
    Timeout: timeout,
    StartPeriod: startPeriod,
    StartInterval: startInterval,
    Retries: retries,
  };
}
