/** Through which of its interfaces a namespace reaches the world. */

import { RouteClient, replaceRoute } from '../../kernel/netlink/index.ts';
import type { NetnsHandle } from '../../kernel/netns/index.ts';

/** `gateway` undefined: everybody is reached over the interface itself. */
export interface DefaultRoute {
  ifname: string;
  gateway: string | undefined;
}

/** By family; undefined: not at all. */
export interface DefaultRoutes {
  v4: DefaultRoute | undefined;
  v6: DefaultRoute | undefined;
}

/** Makes these the namespace's default routes. A family without one has none afterwards. */
export function setDefaultRoutes(netns: NetnsHandle, routes: DefaultRoutes): void {
  using inside = RouteClient.open(netns);
  for (const [family, wanted] of [
    [4, routes.v4],
    [6, routes.v6],
  ] as const) {
    const link = wanted === undefined ? undefined : inside.link(wanted.ifname).index;
    const present = inside.routes({ family }).filter((route) => route.destination === 'default');
    for (const route of present) {
      if (route.link !== link || route.gateway !== wanted?.gateway) {
        inside.deleteRoute({ destination: 'default', family, link: route.link, gateway: route.gateway });
      }
    }
    if (wanted !== undefined) {
      inside.batch([replaceRoute({ destination: 'default', family, gateway: wanted.gateway, link })]);
    }
  }
}
