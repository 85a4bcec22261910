/** Finds in the kernel what an engine's records do not tell: which interface inside is an endpoint's, and the other end of its pair. */

import { type InterfaceAddress, type Link, RouteClient } from '../../kernel/netlink/index.ts';
import type { NetnsHandle } from '../../kernel/netns/index.ts';
import type { EndpointSpec } from '../../network/model/index.ts';
import type { TopologyContainer } from './records.ts';

/**
 * Containers with the interfaces' names filled in; what cannot be found stays as it is.
 *
 * @param netns the host's namespace; the thread's own by default
 */
export function withVeths(
  containers: readonly TopologyContainer[],
  netns?: NetnsHandle | string,
): TopologyContainer[] {
  using route = RouteClient.open(netns);
  const hostLinks = new Map(route.links().map((link) => [link.index, link]));
  return containers.map((container) => {
    const { sandbox } = container;
    if (sandbox === undefined || sandbox.endpoints.length === 0) return container;
    try {
      using inside = RouteClient.open(sandbox.path);
      const [links, addresses] = [inside.links(), inside.addresses()];
      const endpoints = sandbox.endpoints.map((endpoint): EndpointSpec => {
        const inner = innerLink(endpoint, links, addresses);
        return inner === undefined ? endpoint : wired(endpoint, inner, hostLinks);
      });
      return { ...container, sandbox: { ...sandbox, endpoints } };
    } catch {
      // It ended between the list and this look.
      return container;
    }
  });
}

/** The interface inside that is an endpoint's, by what an API tells of it: its address, or its MAC address. */
export function innerLink(
  endpoint: EndpointSpec,
  links: readonly Link[],
  addresses: readonly InterfaceAddress[],
): Link | undefined {
  const held = addresses.find(({ address }) =>
    [endpoint.v4?.address, endpoint.v6?.address].includes(address),
  );
  // An ipvlan interface has the MAC address of its parent, and so not of its own.
  return links.find(({ index }) => index === held?.link) ?? links.find(({ mac }) => mac === endpoint.mac);
}

function wired(endpoint: EndpointSpec, inner: Link, hostLinks: ReadonlyMap<number, Link>): EndpointSpec {
  const outer = inner.link === undefined ? undefined : hostLinks.get(inner.link);
  const isPair = outer?.kind === 'veth' && outer.link === inner.index;
  return { ...endpoint, ifname: inner.name, ...(isPair ? { hostVeth: outer.name } : {}) };
}
