/** Who is behind which port of a bridge. Pure. */

import type { Ip } from '../../../base/ip.ts';
import type { Link } from '../../../kernel/netlink/index.ts';
import type { HostSnapshot, Namespace } from '../snapshot.ts';
import type { Cause } from './hops.ts';

/** Whom a frame is for: an address that is asked for by ARP or NDP, or a MAC that is known. */
export interface Neighbour {
  readonly address: Ip;
  readonly mac?: string | undefined;
}

export type PortAnswer =
  | { readonly kind: 'found'; readonly link: Link }
  /** It may be behind this port, whose other end nobody knows. */
  | { readonly kind: 'outside'; readonly link: string }
  | { readonly kind: 'nobody' };

/** The port of a bridge behind which a neighbour is. */
export function findPort(
  snapshot: HostSnapshot,
  namespace: Namespace,
  bridge: Link,
  target: Neighbour,
): PortAnswer {
  const ports = namespace.links.filter(({ master }) => master === bridge.index);
  let outside: Link | undefined;
  for (const port of ports) {
    const peer = namespace.peers.get(port.index);
    const other = peer && snapshot.namespaces.get(peer.namespace);
    const far = other?.links.find(({ index }) => index === peer?.link);
    if (other === undefined || far === undefined) {
      // A veth whose other end is gone or down reaches nobody.
      if (port.up && port.lowerUp) outside ??= port;
      continue;
    }
    const isTarget =
      target.mac === undefined
        ? other.addresses.some(
            ({ link, address }) => link === far.index && address === target.address.toString(),
          )
        : far.mac === target.mac;
    if (isTarget) return { kind: 'found', link: port };
  }
  return outside === undefined ? { kind: 'nobody' } : { kind: 'outside', link: outside.name };
}

/** A MAC that somebody bound to the address by hand; undefined: it is asked for. */
export function neighbourOf({ fixedNeighbours }: Namespace, link: number, address: Ip): string | undefined {
  const text = address.toString();
  return fixedNeighbours.find((entry) => entry.link === link && entry.address === text)?.mac;
}

/** `#define BR_STATE_FORWARDING 3` (linux/if_bridge.h) */
const FORWARDING = 3;

/** Why nothing passes by a link, which may be a port of a bridge. */
export function portCause(namespace: string, link: Link): Cause | undefined {
  if (!link.up) return { kind: 'link-down', link: link.name, on: namespace };
  if (!link.lowerUp) return { kind: 'no-carrier', link: link.name, on: namespace };
  const state = link.bridgePort?.state;
  if (state !== undefined && state !== FORWARDING) return { kind: 'port-blocked', link: link.name, state };
  return undefined;
}
