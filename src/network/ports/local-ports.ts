/** Local ports of the proxy's outgoing connections: how many are left for each target, and a warning before none is. */

import type { Log } from '../../base/log.ts';
import { type PortRange, rangeSize } from '../../base/ports.ts';
import type { ProxyStats, ProxyTargetStats } from '../../base/proxy-control.ts';
import type { LocalPortUse, PortKeeperState } from '../../base/wire/index.ts';

/** Share of the local ports in use from which on it is told, and below which it may be told again. */
const WARN_FROM = 0.8;
const CALM_BELOW = 0.7;
/** Milliseconds between two looks: at 3,000 connections a second, a tenth of the ports are used up meanwhile. */
const INTERVAL = 10_000;

/** @param range `net.ipv4.ip_local_port_range` */
export function portKeeperState(stats: ProxyStats | undefined, range: PortRange): PortKeeperState {
  const localPorts = { start: range.start, end: range.end };
  if (stats === undefined) return { localPorts, targets: [] };
  const { pid, ports, rssBytes, descriptors, tcp, udp, targets } = stats;
  return {
    keeper: { pid, ports, rssBytes, descriptors, connections: tcp.active, flows: udp.active },
    localPorts,
    targets: targets.map((target) => localPortUse(target, range)),
  };
}

function localPortUse(target: ProxyTargetStats, range: PortRange): LocalPortUse {
  const { active: connections, timeWait } = target;
  const free = Math.max(0, rangeSize(range) - connections - timeWait);
  return {
    target: target.target,
    connections,
    timeWait,
    free,
    reused: target.reused,
    exhausted: target.exhausted,
  };
}

export interface LocalPortSources {
  /** Undefined while no keeper runs. */
  stats(): Promise<ProxyStats | undefined>;
  range(): PortRange;
  log: Log;
}

/** Looks from time to time, and warns: once while a target stays short of ports, and for every connection that was refused. */
export class LocalPortWatch {
  readonly #sources: LocalPortSources;
  readonly #short = new Set<string>();
  readonly #refused = new Map<string, number>();
  #timer: NodeJS.Timeout | undefined;

  constructor(sources: LocalPortSources) {
    this.#sources = sources;
  }

  start(): void {
    const look = () =>
      this.look()
        // A keeper that is being replaced is the keeper's own matter.
        .catch(() => {})
        .finally(() => {
          this.#timer?.refresh();
        });
    this.#timer = setTimeout(() => void look(), INTERVAL);
    this.#timer.unref();
  }

  stop(): void {
    clearTimeout(this.#timer);
    this.#timer = undefined;
  }

  async look(): Promise<void> {
    const { stats, range, log } = this.#sources;
    const { targets } = portKeeperState(await stats(), range());
    const size = rangeSize(range());
    for (const use of targets) {
      const share = 1 - use.free / size;
      if (share >= WARN_FROM && !this.#short.has(use.target)) {
        this.#short.add(use.target);
        log.warn(
          { ...use },
          `local ports towards ${use.target} run short: ${use.free} of ${size} are free (net.ipv4.ip_local_port_range)`,
        );
      } else if (share < CALM_BELOW) this.#short.delete(use.target);
      const more = use.exhausted - (this.#refused.get(use.target) ?? 0);
      if (more > 0) {
        log.warn({ ...use }, `${more} connections to ${use.target} were refused for want of a local port`);
      }
      this.#refused.set(use.target, use.exhausted);
    }
    const present = new Set(targets.map(({ target }) => target));
    for (const target of [...this.#short, ...this.#refused.keys()]) {
      if (present.has(target)) continue;
      this.#short.delete(target);
      this.#refused.delete(target);
    }
  }
}
