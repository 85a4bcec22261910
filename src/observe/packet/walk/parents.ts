/** Interfaces that stand on one that others share (macvlan, ipvlan). Pure. */

import type { Ip } from '../../../base/ip.ts';
import type { Link } from '../../../kernel/netlink/index.ts';
import type { HostSnapshot, Namespace } from '../snapshot.ts';

/** Kinds of links that stand on one of the host's, their parent. */
const SHARING: ReadonlySet<string> = new Set(['macvlan', 'ipvlan']);

/**
 * The model knows nothing of what goes on among the interfaces that share a parent: who reaches whom there is a matter of modes and of
 * the switch that the parent is plugged into. It says so, where an address that another namespace has is asked for by such a way.
 */
export function sharedParent(
  { namespaces }: HostSnapshot,
  here: Namespace,
  address: Ip,
  from?: Link,
): string | undefined {
  const text = address.toString();
  for (const { id, links, addresses } of namespaces.values()) {
    if (id === here.id) continue;
    const index = addresses.find((own) => own.address === text)?.link;
    if (index === undefined) continue;
    const kind = [from, links.find((link) => link.index === index)]
      .map((link) => link?.kind ?? '')
      .find((candidate) => SHARING.has(candidate));
    if (kind !== undefined) return `the way to ${text} is ${kind}, over an interface that others share`;
  }
  return undefined;
}
