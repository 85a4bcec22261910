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
import { type DnsCounters, dnsFamilies } from './dns.ts';
import { family, type MetricFamily, renderMetrics } from './exposition.ts';
import { firewallFamilies } from './firewall.ts';
import { interfaceFamilies } from './interfaces.ts';
import type { OperationCounters } from './operations.ts';
import { proxyFamilies } from './proxy.ts';

/** Where the numbers come from; whoever has them hands them in. */
export interface MetricsSources {
  readonly version: string;
  readonly records: TopologyRecords;
  /** Undefined while no port keeper runs. */
  keeper(): Promise<ProxyStats | undefined>;
  readonly dns: {
    metrics(): DnsCounters;
    /** Milliseconds. */
    readonly latencyBounds: readonly number[];
  };
  readonly firewall: {
    readonly name: FirewallName;
    intent(): FirewallIntent;
    readonly counters: RuleCounterSources;
  };
  readonly operations: OperationCounters;
  /** What was put right although nobody had asked, by part: `firewall`, `port_keeper`. */
  repairs(): Readonly<Record<string, number>>;
  readonly log: Log;
}

/** A part that cannot be read is left out and logged: the others are still worth having. */
export async function collectMetrics(sources: MetricsSources): Promise<string> {
  const { records, log } = sources;
  const part = async (name: string, read: () => MetricFamily[] | Promise<MetricFamily[]>) => {
    try {
      return await read();
    } catch (error) {
      log.warn({ part: name, error: messageOf(error) }, 'cannot read metrics');
      return [];
    }
  };
  const { firewall } = sources;
  const parts = await Promise.all([
    part('daemon', () => daemonFamilies(sources)),
    part('interfaces', () => {
      using route = RouteClient.open();
      return interfaceFamilies(records, route.links(), linksInside);
    }),
    part('port keeper', async () => proxyFamilies(records, await sources.keeper(), localPortCount())),
    part('conntrack', () => conntrackFamilies(readConntrackUse())),
    part('firewall', async () =>
      firewallFamilies(records, await readRuleDrops(firewall.name, firewall.intent(), firewall.counters)),
    ),
    part('resolver', () => dnsFamilies(sources.dns.metrics(), sources.dns.latencyBounds)),
    part('operations', () => sources.operations.families()),
  ]);
  return renderMetrics(parts.flat());
}

function daemonFamilies({ version, repairs }: MetricsSources): MetricFamily[] {
  return [
    family('gauge', 'bridgeport_build_info', 'Always 1; the version is in the label.', [version], (text) => ({
      labels: { version: text },
      value: 1,
    })),
    family(
      'counter',
      'bridgeport_repairs_total',
      'How often something of ours was put right that others had taken away: firewall (rules), port_keeper (started again).',
      Object.entries(repairs()),
      ([name, value]) => ({ labels: { part: name }, value }),
    ),
  ];
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
