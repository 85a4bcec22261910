/** The host's side of the picture: what leads out of it. */

import type { MapInterface } from '../../base/wire/index.ts';
import type { Link, Route, RouteClient } from '../../kernel/netlink/index.ts';
import type { InterfaceTable } from './interfaces.ts';

/**
 * Interfaces that lead out: not loopback, not those of our networks (`owned`: bridges, parents that lead nowhere), no veth that hangs on some bridge (ours or another
 * engine's), and no tunnel endpoint that the kernel keeps in every namespace without its being used (`sit0`, `tunl0`). The one with the
 * default route comes first.
 */
export function hostInterfaces(
  table: InterfaceTable,
  route: RouteClient,
  owned: ReadonlySet<string>,
): MapInterface[] {
  const way = defaultRoute(route);
  return table.links
    .filter(
      (link) => !link.loopback && !owned.has(link.name) && !isVethPort(link) && !isIdleTunnel(link, table),
    )
    .map((link): MapInterface => {
      if (link.index !== way?.link) return table.view(link);
      const { gateway } = way;
      return { ...table.view(link), defaultRoute: gateway === undefined ? {} : { gateway } };
    })
    .sort((a, b) => Number(b.defaultRoute !== undefined) - Number(a.defaultRoute !== undefined));
}

/** The one that the kernel prefers: the lowest metric, IPv4 before IPv6. */
function defaultRoute(route: RouteClient): Route | undefined {
  return route
    .routes()
    .filter(
      ({ destination, type, link }) => destination === 'default' && type === 'unicast' && link !== undefined,
    )
    .sort((a, b) => a.family - b.family || a.metric - b.metric)[0];
}

const isVethPort = (link: Link) => link.kind === 'veth' && link.master !== undefined;

const TUNNELS = new Set([
  'sit',
  'ipip',
  'ip6tnl',
  'gre',
  'gretap',
  'ip6gre',
  'ip6gretap',
  'erspan',
  'vti',
  'vti6',
]);

const isIdleTunnel = (link: Link, table: InterfaceTable) =>
  TUNNELS.has(link.kind ?? '') && !link.up && table.addresses(link).length === 0;
