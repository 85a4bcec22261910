/** Ports in request bodies. Neighbours become one entry at once: sixteen thousand of them are one thing to everybody behind. */

import { foldPortSet, portMap, portRun } from '../../base/port-runs.ts';
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
    const entries = Object.entries(value);
    return portMap(entries.map(([key, hosts]) => portRun(key, mapMember(hostSides, hosts, path, key))));
  },
};

/** `{"80/tcp": {}}` */
export const foldedPortSet: Decoder<PortSet> = {
  type: 'map[string]struct {}',
  nullable: false,
  zero: () => ({}),
  decode(value, path) {
    checkObject(value, path, this.type);
    for (const [key, entry] of Object.entries(value)) mapMember(emptyObject, entry, path, key);
    return foldPortSet(Object.keys(value));
  },
};
