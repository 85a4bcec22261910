/** `GET /metrics`: everything that is counted, read when somebody asks. */

import { messageOf } from '../../base/errors.ts';
import type { Log } from '../../base/log.ts';
import type { ProxyStats } from '../../base/proxy-control.ts';
import { type Link, RouteClient } from '../../kernel/netlink/index.ts';
import { readConntrackUse } from '../../kernel/proc/index.ts';
import { tryReadSysctl } from '../../kernel/sysctl.ts';
import type { FirewallIntent } from '../../network/firewall/index.ts';
import { type FirewallName, type RuleCounterSources, readRuleDrops } from '../firewall/drops.ts';
import type { TopologyRecords } from '../topology/records.ts';
import { conntrackFamilies } from './conntrack.ts';
import { buildFamily, processFamilies, repairsFamily, successFamily } from './daemon.ts';
import { type DnsCounters, dnsFamilies } from './dns.ts';
import { type MetricFamily, renderMetrics } from './exposition.ts';
import { firewallFamilies } from './firewall.ts';
import { interfaceFamilies } from './interfaces.ts';
import type { OperationCounters } from './operations.ts';
import { keeperFamilies, publishedFamily } from './proxy.ts';
import { RunningSums } from './running-sums.ts';

/** Where the numbers come from; whoever has them hands them in. */
export interface MetricsSources {
  readonly version: string;
  readonly records: TopologyRecords;
  readonly firewall: {
    readonly name: FirewallName;
    intent(): FirewallIntent;
    readonly counters: RuleCounterSources;
  };
  /** Undefined where the engine is not ours: what it counts is its own. */
  readonly daemon: DaemonSources | undefined;
  readonly log: Log;
}

export interface DaemonSources {
  /** Undefined while no port keeper runs. */
  keeper(): Promise<ProxyStats | undefined>;
  readonly dns: {
    metrics(): DnsCounters;
    /** Milliseconds. */
    readonly latencyBounds: readonly number[];
  };
  readonly operations: OperationCounters;
  /** What was put right although nobody had asked, by part: `firewall`, `port_keeper`. */
  repairs(): Readonly<Record<string, number>>;
}

interface Part {
  readonly name: string;
  read(): MetricFamily[] | Promise<MetricFamily[]>;
}

export class MetricsCollector {
  readonly #sources: MetricsSources;
  readonly #drops = new RunningSums();
  readonly #upstreams = new RunningSums();
  #running: Promise<string> | undefined;

  constructor(sources: MetricsSources) {
    this.#sources = sources;
  }

  /** Those who ask at the same time get the same text: one reading, and no older one after a newer one. */
  collect(): Promise<string> {
    this.#running ??= this.#collect().finally(() => {
      this.#running = undefined;
    });
    return this.#running;
  }

  /** A part that cannot be read is left out, told and logged: the others are still worth having. */
  async #collect(): Promise<string> {
    const parts = await Promise.all(this.#parts().map((part) => this.#read(part)));
    return renderMetrics([
      buildFamily(this.#sources.version),
      successFamily(parts.map(({ name, families }) => ({ name, isRead: families !== undefined }))),
      ...parts.flatMap(({ families = [] }) => families),
    ]);
  }

  async #read({ name, read }: Part): Promise<{ name: string; families: MetricFamily[] | undefined }> {
    try {
      return { name, families: await read() };
    } catch (error) {
      this.#sources.log.warn({ part: name, error: messageOf(error) }, 'cannot read metrics');
      return { name, families: undefined };
    }
  }

  #parts(): Part[] {
    const { records, firewall, daemon } = this.#sources;
    return [
      {
        name: 'containers',
        read() {
          using route = RouteClient.open();
          return [...interfaceFamilies(records, route.links(), linksInside), publishedFamily(records)];
        },
      },
      { name: 'conntrack', read: () => conntrackFamilies(readConntrackUse()) },
      {
        name: 'firewall',
        read: async () => {
          const drops = await readRuleDrops(firewall.name, firewall.intent(), firewall.counters);
          return firewallFamilies(records, drops, this.#drops);
        },
      },
      ...(daemon === undefined ? [] : this.#daemonParts(daemon)),
    ];
  }

  #daemonParts({ keeper, dns, operations, repairs }: DaemonSources): Part[] {
    const { records } = this.#sources;
    return [
      { name: 'daemon', read: () => [...processFamilies(), repairsFamily(repairs())] },
      {
        name: 'port_keeper',
        read: async () => keeperFamilies(records, await keeper(), localPortCount()),
      },
      { name: 'resolver', read: () => dnsFamilies(dns.metrics(), dns.latencyBounds, this.#upstreams) },
      { name: 'operations', read: () => operations.families() },
    ];
  }
}

function localPortCount(): number | undefined {
  const [first, last] = (tryReadSysctl('net/ipv4/ip_local_port_range') ?? '').split(/\s+/).map(Number);
  return first === undefined || last === undefined ? undefined : last - first + 1;
}

function linksInside(path: string): Link[] {
  try {
    using inside = RouteClient.open(path);
    return inside.links();
  } catch {
    // It ended between the list and this look.
    return [];
  }
}
