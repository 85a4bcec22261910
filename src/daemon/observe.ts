/** Puts together what only looks: the map, the metrics, who reaches which port. */

import type { ObserveBackend } from '../api/backend.ts';
import type { Log } from '../base/log.ts';
import { IptablesRunner } from '../kernel/iptables/index.ts';
import { NftContext } from '../kernel/nft/index.ts';
import type { NetworkController } from '../network/controller/controller.ts';
import { type DnsServer, LATENCY_BOUNDS } from '../network/dns/index.ts';
import { NFT_TABLE } from '../network/firewall/index.ts';
import type { ProxyProcess } from '../network/ports/proxy-process.ts';
import { readExposure } from '../observe/exposure/read.ts';
import type { FirewallName, RuleCounterSources } from '../observe/firewall/drops.ts';
import { collectMetrics } from '../observe/metrics/collect.ts';
import type { OperationCounters } from '../observe/metrics/operations.ts';
import type { TopologyRecords } from '../observe/topology/records.ts';
import { readTraffic } from '../observe/topology/traffic.ts';
import { topologyReader } from './topology.ts';

export interface ObserveParts {
  version: string;
  records: TopologyRecords;
  network: NetworkController;
  keeper: ProxyProcess;
  dns: DnsServer;
  firewall: FirewallName;
  userlandProxy: boolean;
  operations: OperationCounters;
  log: Log;
}

export function createObserveBackend(parts: ObserveParts): ObserveBackend {
  const { records, network, keeper, dns, firewall, operations, log } = parts;
  const metrics = {
    version: parts.version,
    records,
    keeper: () => keeper.stats(),
    dns: { metrics: () => dns.metrics(), latencyBounds: LATENCY_BOUNDS },
    firewall: { name: firewall, intent: () => network.intent(), counters: ruleCounters() },
    operations,
    repairs: () => ({ firewall: network.firewallRepairs, port_keeper: keeper.restarts }),
    log,
  };
  const exposure = {
    intent: () => network.intent(),
    kernelServes: firewall !== 'none',
    records,
    rules: { saveIptables: (family: 4 | 6) => new IptablesRunner({ family }).save('filter'), listRuleset },
    log,
  };
  return {
    map: topologyReader(records, parts),
    exposure: () => readExposure(exposure),
    traffic: async () => readTraffic(),
    metrics: () => collectMetrics(metrics),
  };
}

/** Everybody's rules, without the elements of sets. */
function listRuleset(): string {
  using context = NftContext.open();
  return context.run('list ruleset', { output: ['stateless', 'terse'] });
}

/** In the daemon's namespace. */
function ruleCounters(): RuleCounterSources {
  return {
    saveIptables: (family) => new IptablesRunner({ family }).save(undefined, { counters: true }),
    listNftables(family) {
      using context = NftContext.open();
      const name = `${family === 4 ? 'ip' : 'ip6'} ${NFT_TABLE}`;
      // Asking for a table that is not there would be an error.
      if (!context.run('list tables').split('\n').includes(`table ${name}`)) return undefined;
      return context.list(`list table ${name}`, { output: ['terse'] });
    },
  };
}
