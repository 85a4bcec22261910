/** Ports in request bodies. Neighbours become one entry at once: sixteen thousand of them are one thing to everybody behind. */

import { foldPortSet, type PortRun, portMap, portRun } from '../../base/port-runs.ts';
import type { PortBinding, PortMap, PortSet } from '../../base/wire/index.ts';
import {
  array,
  checkObject,
  type Decoder,
  emptyObject,
  filled,
  mapMember,
  nullable,
  string,
  struct,
} from '../decode.ts';

const portBinding = struct<PortBinding>('PortBinding', { HostIp: filled(string), HostPort: filled(string) });
const hostSides = nullable(array(portBinding));

/** `{"80/tcp": [{"HostPort": "8080"}]}` */
export const foldedPortMap: Decoder<PortMap> = {
  type: 'map[string][]PortBinding',
  nullable: false,
  zero: () => ({}),
  decode(value, path) {
    checkObject(value, path, this.type);
    return portMap(runs(value as Record<string, unknown>, path));
  },
};

function* runs(value: Record<string, unknown>, path: string): Generator<PortRun> {
  // Without a list of all of them, which would be thousands of objects more.
  for (const key in value) {
    const hosts = value[key];
    yield portRun(key, isPlain(hosts) ? hosts : mapMember(hostSides, hosts, path, key));
  }
}

/** What nearly all clients send, and what decoding would only copy. */
function isPlain(hosts: unknown): hosts is PortBinding[] {
  return (
    Array.isArray(hosts) &&
    hosts.every(
      (host) =>
        typeof host?.HostIp === 'string' &&
        typeof host.HostPort === 'string' &&
        Object.keys(host).length === 2,
    )
  );
}

/** `{"80/tcp": {}}` */
export const foldedPortSet: Decoder<PortSet> = {
  type: 'map[string]struct {}',
  nullable: false,
  zero: () => ({}),
  decode(value, path) {
    checkObject(value, path, this.type);
    const keys = Object.keys(value);
    for (const key of keys) mapMember(emptyObject, (value as Record<string, unknown>)[key], path, key);
    return foldPortSet(keys);
  },
};
