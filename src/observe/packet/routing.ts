/**
 * Route look-ups over a namespace's rules and tables, as the kernel makes them (fib_rules.c, fib_trie.c, ip6_fib.c): rules in order,
 * in each table the longest prefix, among equal ones the lowest metric. Pure.
 */

import { Ip, type IpFamily } from '../../base/ip.ts';
import { Prefix } from '../../base/prefix.ts';
import type { Route, RoutingRule } from '../../kernel/netlink/index.ts';
import { linkByIndex, type Namespace } from './snapshot.ts';

export interface RouteQuestion {
  readonly destination: Ip;
  readonly source?: Ip | undefined;
  /** Name of the interface that the packet came by; undefined for what is sent here. */
  readonly input?: string | undefined;
  readonly mark?: number;
  readonly protocol?: number;
}

export type RouteAnswer =
  /** For this namespace itself. */
  | { readonly kind: 'local'; readonly route: Route }
  | {
      readonly kind: 'forward';
      readonly route: Route;
      /** Name of the interface it leaves by. */
      readonly output: string;
      /** Whose link-layer address is asked for: the gateway, or the destination itself. */
      readonly nextHop: Ip;
    }
  /** `type` is `blackhole`, `unreachable` or `prohibit`. */
  | { readonly kind: 'refused'; readonly type: string; readonly route?: Route }
  | { readonly kind: 'none' }
  /** A rule or route that the model does not know stands in the way. */
  | { readonly kind: 'unknown'; readonly because: string };

export function lookUpRoute(namespace: Namespace, question: RouteQuestion): RouteAnswer {
  const { destination } = question;
  for (const rule of namespace.rules) {
    if (rule.family !== destination.family || !ruleMatches(rule, question)) continue;
    if (rule.hasMore && !isDefaultRule(rule)) {
      return { kind: 'unknown', because: `ip rule ${rule.priority}` };
    }
    if (rule.action === 'nop' || rule.action === 'goto') continue;
    if (rule.action !== 'table') return { kind: 'refused', type: rule.action };
    const route = bestRoute(namespace, rule.table, destination, rule.suppressPrefixLength);
    if (route === undefined || route.type === 'throw') continue;
    return answerOf(namespace, route, destination);
  }
  return { kind: 'none' };
}

function answerOf(namespace: Namespace, route: Route, destination: Ip): RouteAnswer {
  switch (route.type) {
    case 'local':
    case 'broadcast':
    case 'anycast':
    case 'multicast':
      return { kind: 'local', route };
    case 'unicast': {
      if (route.multipath) return { kind: 'unknown', because: `${route.destination}: several next hops` };
      const link = route.link === undefined ? undefined : linkByIndex(namespace, route.link);
      if (link === undefined) return { kind: 'none' };
      const nextHop = route.gateway === undefined ? destination : Ip.parse(route.gateway);
      return { kind: 'forward', route, output: link.name, nextHop };
    }
    default:
      return { kind: 'refused', type: route.type, route };
  }
}

/** Rules that every namespace has ask nothing. */
function isDefaultRule({ priority }: RoutingRule): boolean {
  return priority === 0 || priority >= 32766;
}

function ruleMatches(
  rule: RoutingRule,
  { destination, source, input, mark = 0, protocol }: RouteQuestion,
): boolean {
  const matches =
    contains(rule.destination, destination) &&
    contains(rule.source, source ?? new Ip(destination.family, 0n)) &&
    (rule.inputLink === undefined || rule.inputLink === (input ?? 'lo')) &&
    rule.outputLink === undefined &&
    (rule.mark === undefined || (mark & rule.mark.mask) >>> 0 === rule.mark.value) &&
    (rule.protocol === undefined || rule.protocol === protocol);
  return matches !== rule.inverted;
}

function contains(prefix: string | undefined, address: Ip): boolean {
  return prefix === undefined || Prefix.parse(prefix).contains(address);
}

function bestRoute(
  { routes, links }: Namespace,
  table: number,
  destination: Ip,
  suppress: number | undefined,
): Route | undefined {
  let best: { route: Route; length: number } | undefined;
  for (const route of routes) {
    if (route.table !== table || route.family !== destination.family) continue;
    const prefix = route.destination === 'default' ? undefined : Prefix.parse(route.destination);
    if (prefix !== undefined && !prefix.contains(destination)) continue;
    // Routes of a link that is down lead nowhere and are not used (RTNH_F_DEAD).
    const link = route.link === undefined ? undefined : links.find(({ index }) => index === route.link);
    if (link !== undefined && !link.up) continue;
    const length = prefix?.length ?? 0;
    if (
      best === undefined ||
      length > best.length ||
      (length === best.length && route.metric < best.route.metric)
    ) {
      best = { route, length };
    }
  }
  if (best === undefined || (suppress !== undefined && best.length <= suppress)) return undefined;
  return best.route;
}

/** The address that a packet gets which is sent here without one. */
export function sourceAddress(namespace: Namespace, answer: RouteAnswer, destination: Ip): Ip | undefined {
  if (answer.kind !== 'local' && answer.kind !== 'forward') return undefined;
  const { route } = answer;
  if (answer.kind === 'local' && destination.family === 6) return destination;
  if (route.source !== undefined) return Ip.parse(route.source);
  if (answer.kind === 'local') return destination;
  return (
    interfaceAddress(namespace, route.link, destination.family, answer.nextHop) ??
    anyAddress(namespace, destination.family)
  );
}

/** An address of a link, one in the prefix of `near` before others, as IPv4 and IPv6 choose. */
export function interfaceAddress(
  { addresses }: Namespace,
  link: number | undefined,
  family: IpFamily,
  near: Ip | undefined,
): Ip | undefined {
  const own = addresses.filter(
    (address) => address.link === link && address.family === family && address.scope !== 'host',
  );
  // A global address goes before a link-local one, unless the neighbour itself is link-local.
  const fit = own.filter(({ scope }) => (scope === 'link') === (near?.isLinkLocal === true && family === 6));
  const usable = fit.length > 0 ? fit : own;
  const inPrefix = usable.find(
    ({ address, prefixLength, secondary }) =>
      !secondary && near !== undefined && new Prefix(Ip.parse(address), prefixLength).contains(near),
  );
  const chosen = inPrefix ?? usable[0];
  return chosen && Ip.parse(chosen.address);
}

function anyAddress({ addresses }: Namespace, family: IpFamily): Ip | undefined {
  const found = addresses.find((address) => address.family === family && address.scope === 'universe');
  return found && Ip.parse(found.address);
}

/** `local`, `unicast`, `broadcast`, `multicast` …: what a packet for this address would be (fib `type`, `-m addrtype`). */
export function addressType(namespace: Namespace, address: Ip): string | undefined {
  if (address.isMulticast) return 'multicast';
  if (address.isUnspecified && address.family === 4) return 'unspec';
  const answer = lookUpRoute(namespace, { destination: address });
  switch (answer.kind) {
    case 'local':
      return answer.route.type;
    case 'forward':
      return 'unicast';
    case 'refused':
      return answer.type;
    case 'none':
      return 'unreachable';
    case 'unknown':
      return undefined;
  }
}

/** True when some interface of the namespace has the address, or routes it to itself. */
export function isOwnAddress(namespace: Namespace, address: Ip): boolean {
  return lookUpRoute(namespace, { destination: address }).kind === 'local' && !address.isMulticast;
}
