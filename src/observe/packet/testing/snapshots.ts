/** Small hosts as values, for tests of the model. */

import type {
  InterfaceAddress,
  Link,
  LocalSocket,
  Route,
  RoutingRule,
} from '../../../kernel/netlink/index.ts';
import { readIptables } from '../iptables/tables.ts';
import { EMPTY_RULEBOOK, type Rulebook } from '../rulebook.ts';
import { HOST, type HostSnapshot, type Namespace, type Sysctls } from '../snapshot.ts';

/** A link as the kernel would tell it, as far as the model looks. */
export function link(index: number, name: string, fields: Partial<Link> = {}): Link {
  return {
    index,
    name,
    altNames: [],
    type: 1,
    flags: 0,
    up: true,
    lowerUp: true,
    loopback: false,
    operState: 'up',
    mtu: 1500,
    mac: `02:00:00:00:00:${index.toString(16).padStart(2, '0')}`,
    master: undefined,
    link: undefined,
    linkNetnsId: undefined,
    kind: undefined,
    portKind: undefined,
    alias: undefined,
    group: 0,
    txQueueLength: 0,
    promiscuity: 0,
    bridge: undefined,
    bridgePort: undefined,
    stats: {
      rxPackets: 0,
      txPackets: 0,
      rxBytes: 0,
      txBytes: 0,
      rxErrors: 0,
      txErrors: 0,
      rxDropped: 0,
      txDropped: 0,
      multicast: 0,
      collisions: 0,
    },
    ...fields,
  };
}

const address = (on: number, text: string): InterfaceAddress => {
  const [ip = '', length = ''] = text.split('/');
  return {
    link: on,
    family: ip.includes(':') ? 6 : 4,
    address: ip,
    prefixLength: Number(length),
    peer: undefined,
    broadcast: undefined,
    scope: 'universe',
    label: undefined,
    secondary: false,
    permanent: true,
    deprecated: false,
    tentative: false,
    dadFailed: false,
  };
};

export const route = (destination: string, on: number, fields: Partial<Route> = {}): Route => ({
  family: destination.includes(':') || fields.gateway?.includes(':') ? 6 : 4,
  destination,
  gateway: undefined,
  link: on,
  source: undefined,
  metric: 0,
  table: 254,
  protocol: 2,
  scope: 'link',
  type: 'unicast',
  multipath: false,
  ...fields,
});

export const routingRule = (
  priority: number,
  table: number,
  fields: Partial<RoutingRule> = {},
): RoutingRule => ({
  family: 4,
  priority,
  inverted: false,
  source: undefined,
  destination: undefined,
  inputLink: undefined,
  outputLink: undefined,
  mark: undefined,
  protocol: undefined,
  hasMore: false,
  action: 'table',
  table,
  suppressPrefixLength: undefined,
  ...fields,
});

export const listener = (bound: string, port: number, fields: Partial<LocalSocket> = {}): LocalSocket => ({
  protocol: 'tcp',
  family: bound.includes(':') ? 6 : 4,
  address: bound,
  port,
  ipv6Only: false,
  link: 0,
  uid: 0,
  inode: port,
  ...fields,
});

const RULES = [routingRule(0, 255), routingRule(32766, 254), routingRule(32767, 253)];
const local = (ip: string, on: number) =>
  route(`${ip}/32`, on, { table: 255, type: 'local', scope: 'host', source: ip });

export const sysctls = (fields: Partial<Sysctls> = {}): Sysctls => ({
  forwarding: () => true,
  reversePathFilter: () => 0,
  routeLocalnet: () => false,
  acceptLocal: () => false,
  bridgeCallsFirewall: () => false,
  ...fields,
});

/** Rules of iptables, from what `iptables-save` prints. */
export function iptables(saved: string): Rulebook {
  return { tables: readIptables(saved, 'iptables', 4), unread: [] };
}

export const A = 'a'.repeat(64);
export const B = 'b'.repeat(64);

export interface Changes {
  readonly host?: Partial<Namespace>;
  readonly a?: Partial<Namespace>;
  readonly b?: Partial<Namespace>;
}

/**
 * `a` 172.17.0.2 and `b` 172.17.0.3 on docker0 172.17.0.1/16; eth0 10.9.0.1/24 with a default route by 10.9.0.254. `b` listens on
 * port 80.
 */
export function twoContainers({ host = {}, a = {}, b = {} }: Changes = {}): HostSnapshot {
  const lo = link(1, 'lo', { loopback: true, mtu: 65536 });
  const common = {
    partial: false,
    rules: RULES,
    fixedNeighbours: [],
    sysctls: sysctls(),
    firewall: EMPTY_RULEBOOK,
  };
  const container = (id: string, ip: string, peer: number, fields: Partial<Namespace>): Namespace => ({
    ...common,
    id,
    title: id.slice(0, 1),
    links: [lo, link(2, 'eth0', { kind: 'veth', link: peer })],
    addresses: [address(2, `${ip}/16`)],
    routes: [
      route('127.0.0.0/8', 1, { table: 255, type: 'local', source: '127.0.0.1' }),
      local(ip, 2),
      route('172.17.0.0/16', 2, { source: ip }),
      route('default', 2, { gateway: '172.17.0.1' }),
    ],
    sockets: [],
    peers: new Map([[2, { namespace: HOST, link: peer }]]),
    ...fields,
  });
  const root: Namespace = {
    ...common,
    id: HOST,
    title: HOST,
    links: [
      lo,
      link(2, 'eth0'),
      link(3, 'docker0', { kind: 'bridge' }),
      link(4, 'vetha', { kind: 'veth', master: 3, link: 2, portKind: 'bridge' }),
      link(5, 'vethb', { kind: 'veth', master: 3, link: 2, portKind: 'bridge' }),
    ],
    addresses: [address(2, '10.9.0.1/24'), address(3, '172.17.0.1/16')],
    routes: [
      route('127.0.0.0/8', 1, { table: 255, type: 'local', source: '127.0.0.1' }),
      local('10.9.0.1', 2),
      local('172.17.0.1', 3),
      route('10.9.0.0/24', 2, { source: '10.9.0.1' }),
      route('172.17.0.0/16', 3, { source: '172.17.0.1' }),
      route('default', 2, { gateway: '10.9.0.254' }),
    ],
    sockets: [],
    peers: new Map([
      [4, { namespace: A, link: 2 }],
      [5, { namespace: B, link: 2 }],
    ]),
    ...host,
  };
  return {
    namespaces: new Map([
      [HOST, root],
      [A, container(A, '172.17.0.2', 4, a)],
      [B, container(B, '172.17.0.3', 5, { sockets: [listener('0.0.0.0', 80)], ...b })],
    ]),
  };
}
