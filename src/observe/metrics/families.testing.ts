/** Families made of a small sample of everything, for tests: every name that we expose. */

import type { ProxyStats } from '../../base/proxy-control.ts';
import type { Link } from '../../kernel/netlink/index.ts';
import type { EndpointSpec, NetworkSpec } from '../../network/model/index.ts';
import type { RuleDrops } from '../firewall/drops.ts';
import type { TopologyContainer, TopologyRecords } from '../topology/records.ts';
import { conntrackFamilies } from './conntrack.ts';
import { buildFamily, processFamilies, repairsFamily, successFamily } from './daemon.ts';
import { type DnsCounters, dnsFamilies } from './dns.ts';
import type { MetricFamily } from './exposition.ts';
import { firewallFamilies } from './firewall.ts';
import { interfaceFamilies } from './interfaces.ts';
import { OperationCounters } from './operations.ts';
import { keeperFamilies, publishedFamily } from './proxy.ts';
import { RunningSums } from './running-sums.ts';

export const records: TopologyRecords = {
  networks: () => [{ id: 'n1', name: 'back', bridge: { name: 'br-1' } } as NetworkSpec],
  containers: () => [
    {
      name: 'web',
      state: 'running',
      sandbox: {
        path: '',
        endpoints: [
          { networkId: 'n1', ifname: 'eth0', hostVeth: 'veth1' } as EndpointSpec,
          { networkId: 'n2', ifname: 'eth1' } as EndpointSpec,
        ],
        ports: [
          {
            endpointId: '',
            proto: 'tcp',
            containerIp: '172.17.0.2',
            containerPort: 80,
            hostIp: '0.0.0.0',
            hostPort: 8080,
            hostPortEnd: 8083,
          },
        ],
      },
    } as unknown as TopologyContainer,
  ],
};

const link = (name: string, rxBytes: number, txBytes: number) =>
  ({
    name,
    stats: {
      rxBytes,
      txBytes,
      rxPackets: 1,
      txPackets: 2,
      rxErrors: 0,
      txErrors: 0,
      rxDropped: 3,
      txDropped: 4,
    },
  }) as Link;

const stats: ProxyStats = {
  pid: 1,
  uptimeSeconds: 5,
  rssBytes: 50_000_000,
  descriptors: { open: 3, limit: 100 },
  ports: 4,
  tcp: {
    active: 1,
    accepted: 9,
    connectFailed: 2,
    reset: 1,
    acceptPaused: 0,
    bytesToTarget: 10,
    bytesToClient: 20,
  },
  udp: { active: 0, created: 0, evicted: 0, datagramsToTarget: 0, datagramsToClient: 0, dropped: 0 },
  targets: [{ target: '172.17.0.2:80', active: 0, timeWait: 28_000, reused: 7, exhausted: 1 }],
};

export const dns: DnsCounters = {
  sandboxes: 1,
  queries: { udp: 5, tcp: 0 },
  local: 2,
  forwarded: 3,
  malformed: 0,
  rcodes: { 0: 4, 3: 1, 11: 1 },
  faults: 0,
  forward: { cacheHits: 1, cacheMisses: 2, cacheEntries: 1, coalesced: 0, overLimit: 0, unanswered: 1 },
  upstreams: ['a', 'b'].map((scope) => ({
    scope,
    address: '192.0.2.53',
    port: 53,
    from: 'container' as const,
    sent: 2,
    answered: 1,
    failed: 0,
    late: 1,
    unreachable: 0,
    suspect: false,
    latency: { counts: [1, 0, 0], sum: 1 },
  })),
};

const drops: RuleDrops[] = [
  {
    family: 4,
    chain: 'filter X',
    rule: '-j DROP',
    origin: { key: 'icc-drop', networkId: 'n1' },
    packets: 2,
    bytes: 80,
  },
  {
    family: 4,
    chain: 'filter X',
    rule: '-i x -j DROP',
    origin: { key: 'icc-drop', networkId: 'n1' },
    packets: 1,
    bytes: 40,
  },
  { family: 4, chain: 'filter INPUT', rule: '-j REJECT', origin: undefined, packets: 5, bytes: 200 },
];

export function everyFamily(): MetricFamily[] {
  const operations = new OperationCounters();
  operations.count({ method: 'POST', route: '/containers/{name}/start', status: 204, seconds: 0.2 });
  operations.count({ method: 'GET', route: '/events', status: 200, seconds: undefined });
  return [
    buildFamily('1.2.3'),
    successFamily([{ name: 'firewall', isRead: true }]),
    repairsFamily({ firewall: 0, port_keeper: 1 }),
    ...interfaceFamilies(records, [link('veth1', 100, 200), link('br-1', 30, 40)], () => [
      link('eth1', 7, 8),
    ]),
    publishedFamily(records),
    ...keeperFamilies(records, stats, 28_232),
    ...dnsFamilies(dns, [1, 2], new RunningSums()),
    ...conntrackFamilies({ entries: 1, limit: 9, dropped: 0, earlyDropped: 0, insertFailed: 0 }),
    ...firewallFamilies(records, drops, new RunningSums()),
    ...operations.families(),
    ...processFamilies(),
  ];
}
