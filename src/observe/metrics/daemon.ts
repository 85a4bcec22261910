/** The daemon itself: its version, whether it could read everything, what it had to repair, its process. */

import { readdirSync, readFileSync } from 'node:fs';
import { family, type MetricFamily, single } from './exposition.ts';

export function buildFamily(version: string): MetricFamily {
  return family(
    'gauge',
    'bridgeport_build_info',
    'Always 1; the version of Bridgeport is in the label.',
    [version],
    (text) => ({ labels: { version: text }, value: 1 }),
  );
}

/** @param parts by their names, whether they could be read */
export function successFamily(parts: ReadonlyArray<{ name: string; isRead: boolean }>): MetricFamily {
  return family(
    'gauge',
    'bridgeport_scrape_success',
    '1: this part of the metrics could be read; 0: it is left out, and the log says why.',
    parts,
    ({ name, isRead }) => ({ labels: { part: name }, value: isRead ? 1 : 0 }),
  );
}

/** @param repairs how often, by part */
export function repairsFamily(repairs: Readonly<Record<string, number>>): MetricFamily {
  return family(
    'counter',
    'bridgeport_repairs_total',
    'How often something of ours was put right that others had taken away: firewall (rules), port_keeper (started again).',
    Object.entries(repairs),
    ([part, value]) => ({ labels: { part }, value }),
  );
}

/**
 * In the terms of Prometheus's client libraries, with a prefix: a bare `process_…` clashes with node_exporter's own where this text is
 * handed to its textfile collector.
 */
export function processFamilies(): MetricFamily[] {
  const prefix = 'bridgeport_process';
  const { user, system } = process.cpuUsage();
  return [
    single(
      'counter',
      `${prefix}_cpu_seconds_total`,
      'User and system CPU time of the daemon.',
      (user + system) / 1e6,
    ),
    single(
      'gauge',
      `${prefix}_resident_memory_bytes`,
      'Resident memory of the daemon.',
      process.memoryUsage.rss(),
    ),
    single(
      'gauge',
      `${prefix}_open_fds`,
      'File descriptors of the daemon.',
      readdirSync('/proc/self/fd').length,
    ),
    single('gauge', `${prefix}_max_fds`, 'File descriptors it may have.', mostFiles()),
    single(
      'gauge',
      `${prefix}_start_time_seconds`,
      'When the daemon started, in seconds since 1970.',
      Math.round(performance.timeOrigin) / 1000,
    ),
  ];
}

/** The soft limit RLIMIT_NOFILE, proc_pid_limits(5); undefined for none. */
function mostFiles(): number | undefined {
  const limit = /^Max open files +(\d+)/m.exec(readFileSync('/proc/self/limits', 'utf8'))?.[1];
  return limit === undefined ? undefined : Number(limit);
}
