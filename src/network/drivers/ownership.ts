/** How a link of ours is told from others: its alias, which `ip link` shows, is a word and an id. */

import { isErrno } from '../../kernel/ffi/errno.ts';
import type { RouteClient } from '../../kernel/netlink/index.ts';

const OWNER_MARK = 'bridgeport';

/** On the host's end of an endpoint's veth pair. */
export const endpointMark = (endpointId: string) => `${OWNER_MARK} ${endpointId}`;
/** On a link that was made for a whole network: its bridge, its parent. */
export const networkMark = (networkId: string) => `${OWNER_MARK} network ${networkId}`;

/** Whom a link was made for; undefined for links that are not ours. */
export type LinkOwner = { endpointId: string } | { networkId: string };

export function ownerOf(link: { alias: string | undefined }): LinkOwner | undefined {
  const [mark, first, second] = (link.alias ?? '').split(' ');
  if (mark !== OWNER_MARK || first === undefined) return undefined;
  if (first !== 'network') return { endpointId: first };
  return second === undefined ? undefined : { networkId: second };
}

/** Deletes a link; one that is gone already is fine. */
export async function deleteLinkIfThere(route: RouteClient, link: string | number): Promise<void> {
  try {
    await route.deleteLinkAsync(link);
  } catch (error) {
    if (!isErrno(error, 'ENODEV')) throw error;
  }
}
