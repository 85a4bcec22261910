import { readdirSync, readFileSync } from 'node:fs';
import { join } from 'node:path';
import type { MapEndpoint, NetworkMap } from './model.ts';

/**
 * Adds what the Docker API does not tell, the veth names, from this machine's own /proc and /sys: for an engine on the same machine, seen
 * by root. Nothing is added where they do not tell.
 *
 * @param root where they are, for tests
 */
export function withLocalVeths(map: NetworkMap, root = '/'): NetworkMap {
  const names = ownInterfaces(root);
  const endpoints = map.endpoints.map((endpoint): MapEndpoint => {
    const { hostVeth, mac, container } = endpoint;
    if (hostVeth !== undefined || mac === undefined || container.pid === undefined) return endpoint;
    // A container's /sys shows the interfaces of its own namespace, and of a veth the number of its other end.
    const inside = interfacesIn(join(root, 'proc', String(container.pid), 'root/sys/class/net'));
    const own = inside.find((link) => link.mac === mac && link.index !== link.peer);
    const name = own && names.get(own.peer);
    if (own === undefined || name === undefined) return endpoint;
    return {
      ...endpoint,
      hostVeth: { name, index: own.peer },
      inside: { name: own.name, index: own.index },
    };
  });
  return { ...map, endpoints };
}

/**
 * Names by number. /proc/net is of the network namespace that this process is in (proc(5)), where /sys is of the one in which it was
 * mounted; igmp is the table there that has both for every interface.
 */
function ownInterfaces(root: string): Map<number, string> {
  const lines = textOf(join(root, 'proc/self/net/igmp')).matchAll(/^(\d+)\s+(\S+)\s*:/gm);
  return new Map([...lines].map(([, index, name = '']) => [Number(index), name]));
}

interface LocalInterface {
  name: string;
  index: number;
  /** The interface below it, or a veth's other end; its own number where there is none. */
  peer: number;
  mac: string;
}

function interfacesIn(folder: string): LocalInterface[] {
  try {
    return readdirSync(folder).map((name) => {
      const read = (file: string) => readFileSync(join(folder, name, file), 'utf8').trim();
      return { name, index: Number(read('ifindex')), peer: Number(read('iflink')), mac: read('address') };
    });
  } catch {
    return [];
  }
}

function textOf(path: string): string {
  try {
    return readFileSync(path, 'utf8');
  } catch {
    return '';
  }
}
