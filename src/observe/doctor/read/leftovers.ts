/** What is ours by its name or mark, and belongs to nothing that is on record. */

import { existsSync, readdirSync } from 'node:fs';
import { join } from 'node:path';
import { listMounts } from '../../../kernel/mounts/index.ts';
import { type Link, RouteClient } from '../../../kernel/netlink/index.ts';
import type { Leftover } from '../snapshot.ts';

/** How the daemon marks what it makes, and what of it is in use: half-made things among it. */
export interface OwnMarks {
  /** Folder of network namespaces. */
  readonly netnsFolder: string;
  /** Id of the endpoint or network that a link was made for; undefined for links that are not ours. */
  ownerOf(link: Link): string | undefined;
  /** Folders below which a mount with a container's id in its path is that container's. */
  readonly roots: readonly string[];
  inUse(): {
    /** Paths. */
    readonly namespaces: readonly string[];
    /** Ids, of endpoints and networks. */
    readonly linkOwners: readonly string[];
    /** Ids. */
    readonly containers: readonly string[];
  };
}

export function readLeftovers({ netnsFolder, ownerOf, roots, inUse }: OwnMarks): Leftover[] {
  const used = inUse();
  const namespaces = (existsSync(netnsFolder) ? readdirSync(netnsFolder) : [])
    .map((name) => join(netnsFolder, name))
    .filter((path) => !used.namespaces.includes(path))
    .map((name): Leftover => ({ kind: 'namespace', name }));

  const owners = new Set(used.linkOwners);
  using route = RouteClient.open();
  const links = route.links().flatMap((link): Leftover[] => {
    const owner = ownerOf(link);
    return owner === undefined || owners.has(owner) ? [] : [{ kind: 'link', name: link.name }];
  });

  const containers = new Set(used.containers);
  const mounts = listMounts().flatMap(({ target }): Leftover[] => {
    if (!roots.some((root) => target.startsWith(`${root}/`))) return [];
    const id = /\/([0-9a-f]{64})(?:\/|$)/.exec(target)?.[1];
    return id === undefined || containers.has(id) ? [] : [{ kind: 'mount', name: target }];
  });
  return [...namespaces, ...links, ...mounts];
}
