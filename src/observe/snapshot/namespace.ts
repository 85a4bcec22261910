/** Reads one network namespace into plain values. */

import { isErrno } from '../../kernel/ffi/errno.ts';
import { type Link, listLocalSockets, type RouteClient } from '../../kernel/netlink/index.ts';
import { type NetnsHandle, withNetns } from '../../kernel/netns/index.ts';
import { tryReadSysctl } from '../../kernel/sysctl.ts';
import { EMPTY_RULEBOOK, type Rulebook } from '../packet/rulebook.ts';
import type { Namespace, Sysctls } from '../packet/snapshot.ts';

/** What every namespace is read of. */
export type NamespaceBasics = Omit<Namespace, 'peers'>;

/** Links and addresses: who is there. */
export function readPartial(route: RouteClient, id: string, title: string): NamespaceBasics {
  return {
    id,
    title,
    partial: true,
    links: route.links(),
    addresses: route.addresses(),
    routes: [],
    rules: [],
    fixedNeighbours: [],
    sysctls: NO_SYSCTLS,
    sockets: [],
    firewall: EMPTY_RULEBOOK,
  };
}

/** Everything that decides about packets. */
export function readWhole(
  route: RouteClient,
  netns: NetnsHandle,
  id: string,
  title: string,
  firewall: Rulebook,
): NamespaceBasics {
  const basics = readPartial(route, id, title);
  return {
    ...basics,
    partial: false,
    routes: route.routes({ table: 0 }),
    rules: [...route.rules(4), ...ipv6Rules(route)],
    fixedNeighbours: route
      .neighbours()
      .filter(({ state }) => state === 'permanent')
      .flatMap(({ link, address, mac }) =>
        address === undefined || mac === undefined ? [] : [{ link, address, mac }],
      ),
    sysctls: withNetns(netns, () => readSysctls(basics.links)),
    sockets: listLocalSockets(netns),
    firewall,
  };
}

function ipv6Rules(route: RouteClient) {
  try {
    return route.rules(6);
  } catch (error) {
    // A kernel without IPv6.
    if (isErrno(error, 'EOPNOTSUPP') || isErrno(error, 'EAFNOSUPPORT')) return [];
    throw error;
  }
}

/** Nothing is switched on. */
const NO_SYSCTLS: Sysctls = {
  forwarding: () => false,
  reversePathFilter: () => 0,
  routeLocalnet: () => false,
  acceptLocal: () => false,
  bridgeCallsFirewall: () => false,
};

/** Of the namespace that the thread is in. Read at once, so that all of it is of one moment. */
function readSysctls(links: readonly Link[]): Sysctls {
  const number = (name: string) => Number(tryReadSysctl(name) ?? 0);
  const perLink = (setting: string) => {
    const all = number(`net/ipv4/conf/all/${setting}`);
    const values = new Map(links.map(({ name }) => [name, number(`net/ipv4/conf/${name}/${setting}`)]));
    return (link: string) => Math.max(all, values.get(link) ?? 0);
  };
  const forwarding4 = new Map(links.map(({ name }) => [name, number(`net/ipv4/conf/${name}/forwarding`)]));
  const forwarding6 = number('net/ipv6/conf/all/forwarding');
  const [filter, localnet, local] = [
    perLink('rp_filter'),
    perLink('route_localnet'),
    perLink('accept_local'),
  ];
  const bridge = {
    4: number('net/bridge/bridge-nf-call-iptables'),
    6: number('net/bridge/bridge-nf-call-ip6tables'),
  };
  return {
    // IPv6 asks the switch of all interfaces (ip6_forward() in net/ipv6/ip6_output.c), IPv4 that of the one.
    forwarding: (family, link) => (family === 6 ? forwarding6 : (forwarding4.get(link) ?? 0)) !== 0,
    reversePathFilter: filter,
    routeLocalnet: (link) => localnet(link) !== 0,
    acceptLocal: (link) => local(link) !== 0,
    bridgeCallsFirewall: (family) => bridge[family] !== 0,
  };
}
