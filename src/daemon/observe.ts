/** Puts together what only looks: the map, the metrics, the doctor, who reaches which port, the rules and the ways of packets. */

import { hostname } from 'node:os';
import type { ObserveBackend } from '../api/backend.ts';
import type { Log } from '../base/log.ts';
import type { PortRange } from '../base/ports.ts';
import type { NetworkController } from '../network/controller/controller.ts';
import { type DnsServer, LATENCY_BOUNDS, RESOLVER_ADDRESS } from '../network/dns/index.ts';
import { portKeeperState } from '../network/ports/local-ports.ts';
import type { ProxyProcess } from '../network/ports/proxy-process.ts';
import type { PortPublisher } from '../network/ports/publisher.ts';
import { openCapture } from '../observe/capture/capture.ts';
import { examine } from '../observe/doctor/examine.ts';
import { readSnapshot } from '../observe/doctor/read/snapshot.ts';
import { Explainer } from '../observe/explain/explainer.ts';
import type { EmbeddedResolver } from '../observe/explain/names.ts';
import { networkOwner } from '../observe/explain/why/parties.ts';
import { readExposure } from '../observe/exposure/read.ts';
import type { FirewallName } from '../observe/firewall/drops.ts';
import { kernelCounters } from '../observe/firewall/kernel.ts';
import { flows } from '../observe/flows/stream.ts';
import { MetricsCollector } from '../observe/metrics/collect.ts';
import type { OperationCounters } from '../observe/metrics/operations.ts';
import type { TopologyContainer, TopologyRecords } from '../observe/topology/records.ts';
import { readTraffic } from '../observe/topology/traffic.ts';
import { doctorSources } from './doctor.ts';
import { createResolveName } from './resolve-name.ts';
import { ruleReaders } from './rule-readers.ts';
import { topologyReader } from './topology.ts';

export interface ObserveParts {
  version: string;
  records: TopologyRecords;
  network: NetworkController;
  keeper: ProxyProcess;
  publisher: PortPublisher;
  /** `net.ipv4.ip_local_port_range` */
  localPortRange: () => PortRange;
  dns: DnsServer;
  /** `--dns` of the daemon. */
  nameServers: readonly string[];
  dataRoot: string;
  execRoot: string;
  firewall: FirewallName;
  userlandProxy: boolean;
  operations: OperationCounters;
  log: Log;
}

/** Served by the sandbox that its namespace belongs to. */
function embeddedResolver(container: TopologyContainer, parts: ObserveParts): EmbeddedResolver | undefined {
  const owner = networkOwner(container, parts.records);
  const id = owner.sandbox?.endpoints[0]?.sandboxId;
  const forwarding = id === undefined ? undefined : parts.dns.forwarding(id);
  return (
    forwarding && {
      address: RESOLVER_ADDRESS,
      upstreams: forwarding.upstreams,
      asksSingleLabels: forwarding.singleLabels,
    }
  );
}

export function createObserveBackend(parts: ObserveParts): ObserveBackend {
  const { records, network, keeper, dns, firewall, operations, log } = parts;
  const dropCounters = { name: firewall, intent: () => network.intent(), counters: kernelCounters };
  const metrics = new MetricsCollector({
    version: parts.version,
    records,
    firewall: dropCounters,
    daemon: {
      keeper: () => keeper.stats(),
      dns: { metrics: () => dns.metrics(), latencyBounds: LATENCY_BOUNDS },
      operations,
      repairs: () => ({ firewall: network.firewallRepairs, port_keeper: keeper.restarts }),
    },
    log,
  });
  const doctor = doctorSources(parts);
  const explainer = new Explainer({
    engine: 'Bridgeport',
    firewall,
    userlandProxy: parts.userlandProxy,
    records: { ...records, intent: () => (firewall === 'none' ? undefined : network.intent()) },
    resolve: createResolveName((container) => embeddedResolver(container, parts)),
    log,
  });
  const exposure = {
    intent: () => network.intent(),
    kernelServes: firewall !== 'none',
    records,
    rules: ruleReaders,
    explainer,
    log,
  };
  return {
    rules: (language) => explainer.rules(language),
    why: (question) => explainer.why(question),
    ports: async () => portKeeperState(await keeper.stats(), parts.localPortRange()),
    map: topologyReader(records, parts),
    exposure: (language) => readExposure(exposure, language),
    traffic: async () => readTraffic(),
    metrics: () => metrics.collect(),
    capture: (query) => openCapture(records, query),
    flows: (query) => flows({ records, firewall: dropCounters, log }, query),
    doctor: async (language) => examine(await readSnapshot(doctor), { host: hostname(), language }),
  };
}
