/** What an earlier daemon left without a record, because it was killed between two steps. */

import { existsSync, readdirSync } from 'node:fs';
import { join } from 'node:path';
import type { Log } from '../../base/log.ts';
import type { RouteClient } from '../../kernel/netlink/index.ts';
import { removeNetns } from '../../kernel/netns/index.ts';
import { deleteLinkIfThere, ownerOf } from '../drivers/ownership.ts';
import type { NetworkSpec } from '../model/index.ts';
import type { SandboxRecord } from './sandbox-record.ts';

export async function sweepLeftovers(
  sandboxes: readonly SandboxRecord[],
  networks: readonly NetworkSpec[],
  parts: { netnsFolder: string; keep: string; route: RouteClient; log: Log },
): Promise<void> {
  const { netnsFolder, route, log } = parts;
  const paths = new Set([...sandboxes.map(({ path }) => path), join(netnsFolder, parts.keep)]);
  for (const name of existsSync(netnsFolder) ? readdirSync(netnsFolder) : []) {
    const path = join(netnsFolder, name);
    if (paths.has(path)) continue;
    log.info({ path }, 'removing a namespace that nothing belongs to');
    removeNetns(path);
  }
  const known = new Set([
    ...networks.map(({ id }) => id),
    ...sandboxes.flatMap(({ endpoints }) => endpoints.map(({ id }) => id)),
  ]);
  for (const link of route.links()) {
    const owner = ownerOf(link);
    if (owner === undefined) continue;
    if (known.has('endpointId' in owner ? owner.endpointId : owner.networkId)) continue;
    log.info({ link: link.name }, 'removing a link that nothing belongs to');
    await deleteLinkIfThere(route, link.index);
  }
}
