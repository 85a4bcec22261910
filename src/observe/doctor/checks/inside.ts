/** Has a container what it was given: its addresses, its way out, and a server where its ports lead? Pure. */

import { hostPort, isIp } from '../../../base/ip.ts';
import type { LocalSocket } from '../../../kernel/netlink/index.ts';
import type { PortMapping } from '../../../network/model/index.ts';
import { giveAddress, giveDefaultRoute, inside } from '../commands.ts';
import { type Check, type Finding, ofContainer } from '../finding.ts';
import { members, waysOut } from '../view.ts';

const RT_TABLE_MAIN = 254;
/** The default route, or the first half of how a VPN writes one. */
const DEFAULTS: ReadonlySet<string> = new Set(['default', '0.0.0.0/1', '::/1', '2000::/3']);
/** The embedded resolver's, which are not the container's own. */
const RESOLVER = '127.0.0.11';

export const addressMissing: Check = {
  id: 'address-missing',
  find: (snapshot) =>
    members(snapshot).flatMap(({ container, endpoint, sandbox }): Finding[] => {
      const { links, addresses } = sandbox.inside();
      const link = links.find(({ name }) => name === endpoint.ifname);
      // What has no interface, or one that is down, is told by `veth-down`.
      if (link?.up !== true) return [];
      const held = new Set(addresses.flatMap((each) => (each.link === link.index ? each.address : [])));
      return [endpoint.v4, endpoint.v6].flatMap((part): Finding[] => {
        if (part === undefined || held.has(part.address)) return [];
        const routes = waysOut(snapshot, container)
          .filter((way) => way.endpoint.id === endpoint.id && way.address === part)
          .map(({ address }) => giveDefaultRoute(address, link.name));
        return [
          {
            check: 'address-missing',
            severity: 'error',
            owner: ofContainer(container),
            facts: { address: part.address, link: link.name },
            evidence: [`${inside(container, 'ip', 'address', 'show', 'dev', link.name)}: no ${part.address}`],
            // The routes by way of it went with it.
            commands: [giveAddress(part, link.name), ...routes].map((words) => inside(container, ...words)),
          },
        ];
      });
    }),
};

/** A container may route as it likes (one that is a VPN's client does), but hardly without any way out. */
export const defaultRouteMissing: Check = {
  id: 'default-route-missing',
  find: (snapshot) =>
    snapshot.sandboxes.flatMap(({ container, inside: read }) =>
      waysOut(snapshot, container).flatMap(({ endpoint, address }): Finding[] => {
        const { links, addresses, routes } = read();
        const link = links.find(({ name }) => name === endpoint.ifname);
        // That is told by the checks of these.
        if (link?.up !== true || !addresses.some((held) => held.address === address.address)) return [];
        const family = isIp(address.address, 6) ? 6 : 4;
        const leads = routes.some(
          (route) =>
            route.family === family && DEFAULTS.has(route.destination) && route.table === RT_TABLE_MAIN,
        );
        if (leads) return [];
        const show = ['ip', ...(family === 6 ? ['-6'] : []), 'route', 'show', 'default'];
        return [
          {
            check: 'default-route-missing',
            severity: 'warning',
            owner: ofContainer(container),
            facts: { family, gateway: address.gateway ?? link.name },
            evidence: [`${inside(container, ...show)}: nothing`],
            commands: [inside(container, ...giveDefaultRoute(address, link.name))],
          },
        ];
      }),
    ),
};

export const listenerUnreached: Check = {
  id: 'listener-unreached',
  find: (snapshot) =>
    snapshot.sandboxes.flatMap(({ container, listeners }) => {
      const ports = container.sandbox?.ports ?? [];
      if (ports.length === 0) return [];
      const byPort = Map.groupBy(
        listeners().filter(({ address }) => address !== RESOLVER),
        ({ protocol, port }) => `${port}/${protocol}`,
      );
      return [...byPort].flatMap(([name, sockets]): Finding[] => {
        const [{ protocol, port }] = sockets as [LocalSocket];
        const mapping = ports.find((candidate) => leadsTo(candidate, protocol, port));
        if (mapping === undefined || sockets.some((socket) => hears(socket, mapping.containerIp))) return [];
        const at = [...new Set(sockets.map(({ address }) => address))];
        const show = inside(container, 'ss', protocol === 'tcp' ? '-lnt' : '-lnu');
        return [
          {
            check: 'listener-unreached',
            severity: 'error',
            owner: ofContainer(container),
            facts: { port: name, addresses: at.join(', '), containerIp: mapping.containerIp },
            evidence: at.map((address) => `${show}: ${hostPort(address, port)}`),
            commands: [],
          },
        ];
      });
    }),
};

function leadsTo(mapping: PortMapping, protocol: string, port: number): boolean {
  const { proto, containerPort, containerPortEnd = containerPort } = mapping;
  return proto === protocol && port >= containerPort && port <= containerPortEnd;
}

/** Whether a packet to the address gets to the socket. */
function hears({ address, family, ipv6Only }: LocalSocket, destination: string): boolean {
  if (address === destination || address === `::ffff:${destination}`) return true;
  if (address === '0.0.0.0') return isIp(destination, 4);
  return family === 6 && address === '::' && (isIp(destination, 6) || !ipv6Only);
}
