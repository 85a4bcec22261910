import assert from 'node:assert/strict';
import { readFileSync } from 'node:fs';
import { describe, it } from 'node:test';
import type { ProxyStats } from '../../base/proxy-control.ts';
import type { Link } from '../../kernel/netlink/index.ts';
import type { EndpointSpec, NetworkSpec } from '../../network/model/index.ts';
import type { RuleDrops } from '../firewall/drops.ts';
import type { TopologyContainer, TopologyRecords } from '../topology/records.ts';
import { conntrackFamilies } from './conntrack.ts';
import { type DnsCounters, dnsFamilies } from './dns.ts';
import { type MetricFamily, renderMetrics, single } from './exposition.ts';
import { firewallFamilies } from './firewall.ts';
import { interfaceFamilies } from './interfaces.ts';
import { OperationCounters } from './operations.ts';
import { proxyFamilies } from './proxy.ts';

const records: TopologyRecords = {
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

const dns: DnsCounters = {
  sandboxes: 1,
  queries: { udp: 5, tcp: 0 },
  local: 2,
  forwarded: 3,
  malformed: 0,
  rcodes: { 0: 4, 3: 1, 11: 1 },
  faults: 0,
  forward: { cacheHits: 1, cacheMisses: 2, cacheEntries: 1, coalesced: 0, overLimit: 0, unanswered: 1 },
  upstreams: ['a', 'b'].map(() => ({
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

function everyFamily(): MetricFamily[] {
  const operations = new OperationCounters();
  operations.count({ method: 'POST', route: '/containers/{name}/start', status: 204, seconds: 0.2 });
  operations.count({ method: 'GET', route: '/events', status: 200, seconds: undefined });
  return [
    single('gauge', 'bridgeport_build_info', '', 1),
    single('counter', 'bridgeport_repairs_total', '', 0),
    ...interfaceFamilies(records, [link('veth1', 100, 200), link('br-1', 30, 40)], () => [
      link('eth1', 7, 8),
    ]),
    ...proxyFamilies(records, stats, 28_232),
    ...dnsFamilies(dns, [1, 2]),
    ...conntrackFamilies({ entries: 1, limit: 9, dropped: 0, earlyDropped: 0, insertFailed: 0 }),
    ...firewallFamilies(records, drops),
    ...operations.families(),
  ];
}

const text = renderMetrics(everyFamily());
const has = (line: string) => assert.ok(text.split('\n').includes(line), `${line}\nis not among\n${text}`);

describe('families of metrics', () => {
  it('what the end of a pair on the host sends is what the container receives', () => {
    has(
      'bridgeport_container_network_receive_bytes_total{container="web",network="back",interface="eth0"} 200',
    );
    has(
      'bridgeport_container_network_transmit_bytes_total{container="web",network="back",interface="eth0"} 100',
    );
    has(
      'bridgeport_container_network_dropped_packets_total{container="web",network="back",interface="eth0",direction="receive"} 4',
    );
    // Without a pair (macvlan) the interface inside is read.
    has('bridgeport_container_network_receive_bytes_total{container="web",network="n2",interface="eth1"} 7');
    has('bridgeport_network_receive_bytes_total{network="back",interface="br-1"} 30');
  });

  it('targets of the proxy are told by the container, with the local ports that are left', () => {
    has('bridgeport_published_ports{container="web",proto="tcp"} 4');
    has('bridgeport_proxy_target_free_local_ports{container="web",target="172.17.0.2:80"} 232');
    has('bridgeport_proxy_connection_errors_total{reason="connect"} 2');
    assert.ok(renderMetrics(proxyFamilies(records, undefined, 1)).includes('\nbridgeport_proxy_up 0\n'));
  });

  it('drops of one reason are added up, and rules of others have a reason too', () => {
    has(
      'bridgeport_firewall_dropped_packets_total{family="ipv4",reason="icc-drop",chain="filter X",network="back"} 3',
    );
    has(
      'bridgeport_firewall_dropped_bytes_total{family="ipv4",reason="foreign-rule",chain="filter INPUT",network=""} 200',
    );
  });

  it('a server that several containers ask is one series; answers are told by the name of their code', () => {
    has('bridgeport_dns_upstream_queries_total{server="192.0.2.53:53",from="container"} 4');
    has(
      'bridgeport_dns_upstream_latency_seconds_bucket{server="192.0.2.53:53",from="container",le="0.001"} 2',
    );
    has('bridgeport_dns_answers_total{code="NXDOMAIN"} 1');
    has('bridgeport_dns_answers_total{code="11"} 1');
  });

  it('answers that last as long as somebody listens are counted and not timed', () => {
    has('bridgeport_api_requests_total{method="GET",route="/events",code="200"} 1');
    assert.ok(!/duration_seconds\w*\{[^}]*events/.test(text));
    has('bridgeport_api_request_duration_seconds_count{method="POST",route="/containers/{name}/start"} 1');
  });
});

interface Panel {
  id: number;
  type: string;
  title: string;
  gridPos: { x: number; y: number; w: number; h: number };
  targets?: Array<{ expr: string; refId: string }>;
}

describe('the Grafana dashboard', () => {
  const board = JSON.parse(
    readFileSync(new URL('../../../docs/grafana/bridgeport.json', import.meta.url), 'utf8'),
  ) as {
    uid: string;
    title: string;
    schemaVersion: number;
    panels: Panel[];
    templating: { list: Array<{ name: string; definition?: string }> };
  };
  const names = new Set(
    everyFamily().flatMap(({ name, type }) =>
      type === 'histogram' ? [`${name}_bucket`, `${name}_sum`, `${name}_count`] : [name],
    ),
  );

  it('asks for metrics that exist, in every panel and variable', () => {
    const asked = [
      ...board.panels.flatMap(({ targets = [] }) => targets.map(({ expr }) => expr)),
      ...board.templating.list.flatMap(({ definition }) => definition ?? []),
    ].flatMap((expr) => expr.match(/\b(?:bridgeport|engine_daemon)_\w+/g) ?? []);
    assert.ok(asked.length > 30);
    assert.deepEqual(
      asked.filter((name) => !names.has(name)),
      [],
    );
  });

  it('has what Grafana needs to load it: ids of their own, a place for each panel, a query in each graph', () => {
    const { panels } = board;
    assert.equal(new Set(panels.map(({ id }) => id)).size, panels.length);
    for (const { type, title, gridPos, targets = [] } of panels) {
      assert.ok(gridPos.x >= 0 && gridPos.w > 0 && gridPos.x + gridPos.w <= 24 && gridPos.h > 0, title);
      assert.equal(targets.length > 0, type !== 'row', title);
      assert.equal(new Set(targets.map(({ refId }) => refId)).size, targets.length, title);
    }
    const variables = board.templating.list.map(({ name }) => name);
    const used = JSON.stringify(panels).match(/\$\{?(\w+)/g) ?? [];
    for (const use of used) {
      const name = use.replace(/^\$\{?/, '');
      assert.ok(name.startsWith('__') || variables.includes(name), use);
    }
  });
});
