/** What an earlier daemon left without a record, because it was killed between two steps. */

import { existsSync, readdirSync } from 'node:fs';
import { join } from 'node:path';
import type { Log } from '../../base/log.ts';
import { removeNetns } from '../../kernel/netns/index.ts';
import type { BridgeDriver } from '../drivers/bridge.ts';
import type { SandboxRecord } from './sandbox-record.ts';

export async function sweepLeftovers(
  sandboxes: readonly SandboxRecord[],
  parts: { netnsFolder: string; keep: string; bridge: BridgeDriver; log: Log },
): Promise<void> {
  const { netnsFolder, bridge, log } = parts;
  const known = new Set([...sandboxes.map(({ path }) => path), join(netnsFolder, parts.keep)]);
  for (const name of existsSync(netnsFolder) ? readdirSync(netnsFolder) : []) {
    const path = join(netnsFolder, name);
    if (known.has(path)) continue;
    log.info({ path }, 'removing a namespace that nothing belongs to');
    removeNetns(path);
  }
  const endpoints = new Set(sandboxes.flatMap((record) => record.endpoints.map(({ id }) => id)));
  for (const link of bridge.ownedLinks()) {
    if (endpoints.has(link.endpointId)) continue;
    log.info({ link: link.name }, 'removing a link that nothing belongs to');
    await bridge.deleteEndpoint(link.name);
  }
}
