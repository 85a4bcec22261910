/** Whether an engine that only its API tells of has its network in the namespace that is looked at. */

import { RouteClient } from '../../kernel/netlink/index.ts';
import { type NetnsHandle, openCurrentNetns } from '../../kernel/netns/index.ts';
import type { TopologyRecords, TopologySandbox } from './records.ts';
import { innerLink } from './veths.ts';

/**
 * True when the engine's network is surely in another network namespace: a rootless engine's, or that of one that was started in a
 * namespace of its own. Names and addresses would not tell, since there is a `docker0` in each. So the containers are asked, whose veths
 * name the namespace of their other ends; only where none can be, whether any of the bridges is here.
 *
 * @param netns the namespace that is looked at; the thread's own by default
 */
export function isElsewhere(records: TopologyRecords, netns?: NetnsHandle): boolean {
  using own = netns === undefined ? openCurrentNetns() : undefined;
  const here = netns ?? own!;
  const bridges = new Map(
    records.networks().flatMap(({ id, bridge }) => (bridge === undefined ? [] : [[id, bridge.name]])),
  );
  const told = records
    .containers()
    .flatMap(({ sandbox }) => (sandbox === undefined ? [] : wiresHere(sandbox, bridges, here)));
  if (told.length > 0) return !told.includes(true);
  if (bridges.size === 0) return false;
  using route = RouteClient.open(here);
  const names = new Set(route.links().map(({ name }) => name));
  return ![...bridges.values()].some((name) => names.has(name));
}

/** For each endpoint on a bridge, whether the other end of its pair is `here`; nothing of a sandbox that is gone. */
function wiresHere(
  { path, endpoints }: TopologySandbox,
  bridges: ReadonlyMap<string, string>,
  here: NetnsHandle,
): boolean[] {
  // Networks of other drivers may have their other ends anywhere: an overlay's are in a namespace of its own.
  const wired = endpoints.filter(({ networkId }) => bridges.has(networkId));
  if (wired.length === 0) return [];
  try {
    using inside = RouteClient.open(path);
    const [links, addresses] = [inside.links(), inside.addresses()];
    const idOfHere = inside.netnsId(here);
    return wired.map((endpoint) => {
      // Without such an interface the process id is of another process: that of another PID namespace.
      const inner = innerLink(endpoint, links, addresses);
      return idOfHere !== undefined && inner?.linkNetnsId === idOfHere;
    });
  } catch {
    // It ended between the list and this look.
    return [];
  }
}
