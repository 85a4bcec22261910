/** From `--host` and the TLS flags to what the API server listens on. */

import { readFileSync } from 'node:fs';
import type { ListenAddress as ApiAddress } from '../api/listen.ts';
import { invalid } from '../base/errors.ts';
import { type ListenAddress, parseHost } from '../config/hosts.ts';
import type { DaemonConfig } from '../config/table.ts';

/** Undefined for kinds that are not built (`fd://`). */
export function apiAddress(address: ListenAddress, config: DaemonConfig): ApiAddress | undefined {
  if (address.kind === 'unix') return { kind: 'unix', path: address.path, gid: groupId(config.group) };
  if (address.kind !== 'tcp') return undefined;
  const tls = config.tls
    ? {
        cert: readFileSync(config.tlscert),
        key: readFileSync(config.tlskey),
        ...(config.tlsverify ? { ca: readFileSync(config.tlscacert), verify: true } : {}),
      }
    : undefined;
  return { kind: 'tcp', host: address.host, port: address.port, tls };
}

/** Where `--ui-address` says that the page is served; undefined: nowhere. */
export function pageAddress({ uiAddress }: DaemonConfig): { host: string; port: number } | undefined {
  if (uiAddress === '') return undefined;
  const address = parseHost(uiAddress);
  return address.kind === 'tcp' ? { host: address.host, port: address.port } : undefined;
}

/** Missing it is no error: then the socket is root's alone. */
const DEFAULT_GROUP = 'docker';

/** The socket's group, by name or number. @throws kind `invalid` when this host does not have it and it was asked for */
export function groupId(group: string, groups = readGroups()): number | undefined {
  const line = groups.split('\n').find((text) => text.startsWith(`${group}:`));
  if (line !== undefined) return Number(line.split(':')[2]);
  if (/^\d+$/.test(group)) return Number(group);
  if (group === '' || group === DEFAULT_GROUP) return undefined;
  throw invalid(`--group: group ${group} not found`);
}

function readGroups(): string {
  try {
    return readFileSync('/etc/group', 'utf8');
  } catch {
    return '';
  }
}
