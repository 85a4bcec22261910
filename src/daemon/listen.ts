/** From `--host` and the TLS flags to what the API server listens on. */

import { readFileSync } from 'node:fs';
import type { ListenAddress as ApiAddress } from '../api/listen.ts';
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

/** The socket's group, when this host has it. */
function groupId(name: string): number | undefined {
  try {
    const line = readFileSync('/etc/group', 'utf8')
      .split('\n')
      .find((text) => text.startsWith(`${name}:`));
    return line === undefined ? undefined : Number(line.split(':')[2]);
  } catch {
    return undefined;
  }
}
