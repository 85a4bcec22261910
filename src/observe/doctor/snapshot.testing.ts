/** A host that is whole, and what the doctor says of it when something is not, for tests of checks. */

import { parseIptablesSave } from '../../kernel/iptables/index.ts';
import type { InterfaceAddress, Link, Route } from '../../kernel/netlink/index.ts';
import type { EndpointSpec, NetworkSpec, PortMapping } from '../../network/model/index.ts';
import type { TopologyContainer } from '../topology/records.ts';
import { examine } from './examine.ts';
import type { HostFacts, RuleFacts, Snapshot } from './snapshot.ts';

export const link = (fields: Partial<Link>): Link =>
  ({ index: 1, name: 'x', up: true, lowerUp: true, loopback: false, mtu: 1500, ...fields }) as Link;
export const address = (index: number, text: string, prefixLength: number): InterfaceAddress =>
  ({ link: index, family: 4, address: text, prefixLength, dadFailed: false }) as InterfaceAddress;
export const route = (fields: Partial<Route>): Route =>
  ({ family: 4, type: 'unicast', metric: 0, table: 254, protocol: 3, multipath: false, ...fields }) as Route;

export const network = {
  id: 'n'.repeat(64),
  name: 'bridge',
  driver: 'bridge',
  internal: false,
  ipam: { driver: 'default', options: {}, subnets: [{ subnet: '172.17.0.0/16', gateway: '172.17.0.1' }] },
  bridge: { name: 'docker0', isDefault: true, icc: true, gatewayModeV4: 'nat', gatewayModeV6: 'nat' },
} as unknown as NetworkSpec;
export const mapping: PortMapping = {
  endpointId: 'e',
  proto: 'tcp',
  containerIp: '172.17.0.2',
  containerPort: 80,
  hostIp: '0.0.0.0',
  hostPort: 8080,
};
export const container = {
  id: 'c'.repeat(64),
  name: 'web',
  state: 'running',
  pid: 42,
  networkIds: ['n'.repeat(64)],
  publishes: ['80/tcp'],
  labels: {},
  sandbox: {
    path: '/x',
    endpoints: [
      {
        id: 'e',
        networkId: network.id,
        ifname: 'eth0',
        hostVeth: 'veth1',
        mac: '02:42:ac:11:00:02',
        v4: { address: '172.17.0.2', prefixLength: 16, gateway: '172.17.0.1' },
      } as unknown as EndpointSpec,
    ],
    ports: [mapping],
  },
} as unknown as TopologyContainer;

export const host: HostFacts = {
  links: [
    link({ index: 2, name: 'eth0' }),
    link({ index: 3, name: 'docker0', kind: 'bridge' }),
    link({ index: 4, name: 'veth1', kind: 'veth', master: 3 }),
  ],
  addresses: [address(2, '192.0.2.7', 24), address(3, '172.17.0.1', 16)],
  routes: [route({ destination: 'default', link: 2, gateway: '192.0.2.1' })],
  sysctl: (name) => (name === 'net/ipv4/ip_local_port_range' ? '32768 60999' : '1'),
  waysTo: new Map([['172.17.0.2', route({ destination: '172.17.0.2/32', link: 3 })]]),
  forwarding: [],
};
export const rules: RuleFacts = {
  missing: [],
  wanted: 2,
  tables: new Map(),
  legacy: new Map(),
  foreign: [],
  ours: new Set(['filter FORWARD -j DOCKER-USER']),
};
export const whole: Snapshot = {
  engine: { repair: ['kill -HUP 7'], keepsContainers: true },
  firewall: 'iptables',
  networks: [network],
  containers: [container],
  host: () => host,
  sandboxes: [
    {
      container,
      listeners: () => [],
      inside: () => ({
        links: [link({ index: 5, name: 'eth0', mac: '02:42:ac:11:00:02', link: 4 })],
        addresses: [address(5, '172.17.0.2', 16)],
        routes: [route({ destination: 'default', link: 5, gateway: '172.17.0.1' })],
      }),
    },
  ],
  rules: () => rules,
  conntrack: () => ({ entries: 1, limit: 1000, dropped: 0, earlyDropped: 0, insertFailed: 0 }),
  ports: () => ({ stats: undefined, wanted: [], lost: [] }),
  resolver: () => ({ upstreams: [] }),
  claims: () => [],
  leftovers: () => [],
};
export const found = (changes: Partial<Snapshot>) =>
  examine({ ...whole, ...changes }, { host: 'box', language: 'en' }).findings.map(
    ({ check, severity, owner, text }) => ({
      what: `${check} ${severity} ${owner.kind} ${owner.name}`,
      text,
    }),
  );
export const commands = (changes: Partial<Snapshot>) => [
  ...new Set(
    examine({ ...whole, ...changes }, { host: 'box', language: 'en' }).findings.flatMap(
      (each) => each.commands,
    ),
  ),
];
export const whats = (changes: Partial<Snapshot>) => found(changes).map(({ what }) => what);
export const withRules = (changes: Partial<RuleFacts>) => ({ rules: () => ({ ...rules, ...changes }) });
export const tables = (text: string) => new Map([[4, parseIptablesSave(text)]] as const);
