import { cut } from './csv.ts';

/** A ulimit as the API's `HostConfig.Ulimits` holds it; -1 is unlimited. */
export interface Ulimit {
  Name: string;
  Soft: number;
  Hard: number;
}

/** Names of setrlimit(2)'s resources that Docker knows. */
const ULIMITS = new Set(
  'core cpu data fsize locks memlock msgqueue nice nofile nproc rss rtprio rttime sigpending stack'.split(
    ' ',
  ),
);

/**
 * One `--ulimit` value: `nofile=1024` or `nofile=1024:2048`.
 *
 * Throws an `Error`: `invalid ulimit type: foo`, `ulimit soft limit must be less than or equal to hard limit: 2 > 1`.
 */
export function parseUlimit(value: string): Ulimit {
  const [name, limits] = cut(value);
  if (limits === undefined) throw new Error(`invalid ulimit argument: ${value}`);
  if (!ULIMITS.has(name)) throw new Error(`invalid ulimit type: ${name}`);
  const parts = limits.split(':');
  if (parts.length > 2) {
    throw new Error(`too many limit value arguments - ${limits}, can only have up to two, \`soft[:hard]\``);
  }
  const [soft, hard = soft] = parts.map((part) => {
    if (!/^[+-]?\d+$/.test(part)) {
      throw new Error(`strconv.ParseInt: parsing ${JSON.stringify(part)}: invalid syntax`);
    }
    return Number(part);
  }) as [number, number | undefined];
  if (hard !== -1 && (soft === -1 || soft > hard)) {
    const shown = soft === -1 ? `soft: -1 (unlimited), hard: ${hard}` : `${soft} > ${hard}`;
    throw new Error(`ulimit soft limit must be less than or equal to hard limit: ${shown}`);
  }
  return { Name: name, Soft: soft, Hard: hard };
}

/**
 * Billionths of a CPU from `--cpus`: `1.5` or `3/2`.
 *
 * Throws an `Error`: `failed to parse x as a rational number`, `value is too precise`.
 */
export function parseCpus(value: string): number {
  const [top, bottom] = value.split('/');
  const whole = /^[+-]?\d+$/;
  const decimal = /^[+-]?(\d+\.?\d*|\.\d+)(e[+-]?\d+)?$/i;
  const valid =
    bottom === undefined
      ? decimal.test(value)
      : whole.test(top!) && whole.test(bottom) && Number(bottom) !== 0;
  if (!valid || value.split('/').length > 2) {
    throw new Error(`failed to parse ${value} as a rational number`);
  }
  if (bottom === undefined && (value.replace(/e.*/i, '').split('.')[1]?.replace(/0+$/, '').length ?? 0) > 9) {
    throw new Error('value is too precise');
  }
  const nano = (Number(top) / Number(bottom ?? 1)) * 1e9;
  if (bottom !== undefined && !Number.isInteger(nano)) throw new Error('value is too precise');
  return Math.round(nano);
}

/** A restart policy as the API's `HostConfig.RestartPolicy` holds it. */
export interface RestartPolicy {
  Name: string;
  MaximumRetryCount: number;
}

/** `--restart`: `no`, `always`, `unless-stopped`, `on-failure[:5]`. The daemon checks the name. */
export function parseRestartPolicy(value: string): RestartPolicy {
  const [name, count] = cut(value, ':');
  if (count !== undefined && name === '') {
    throw new Error('invalid restart policy format: no policy provided before colon');
  }
  if (count && !/^[+-]?\d+$/.test(count)) {
    throw new Error('invalid restart policy format: maximum retry count must be an integer');
  }
  return { Name: name, MaximumRetryCount: count ? Number(count) : 0 };
}

/** Kernel parameters that belong to a namespace, so that a container may have its own. */
const SYSCTLS = new Set([
  'kernel.msgmax',
  'kernel.msgmnb',
  'kernel.msgmni',
  'kernel.sem',
  'kernel.shmall',
  'kernel.shmmax',
  'kernel.shmmni',
  'kernel.shm_rmid_forced',
]);

/** One `--sysctl` value: `net.ipv4.ip_forward=1`. */
export function sysctlValue(value: string): string {
  const [key, setting] = cut(value);
  const namespaced = SYSCTLS.has(key) || key.startsWith('net.') || key.startsWith('fs.mqueue.');
  if (setting === undefined || !namespaced) throw new Error(`sysctl '${value}' is not allowed`);
  return value;
}

/** Capabilities by their full names, sorted, each once: `net_admin` is `CAP_NET_ADMIN`, `all` is `ALL`. */
export function capabilities(values: readonly string[]): string[] {
  const full = values.map((value) => {
    const name = value.trim().toUpperCase();
    return name === 'ALL' || name.startsWith('CAP_') ? name : `CAP_${name}`;
  });
  return [...new Set(full)].sort();
}
