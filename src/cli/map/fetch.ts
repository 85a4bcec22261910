import { isKind } from '../../base/errors.ts';
import type { ContainerInspect, ContainerSummary, NetworkInspect } from '../api/types.ts';
import type { CliContext } from '../context.ts';
import { mapFromDocker } from './from-docker.ts';
import { withLocalVeths } from './local-veths.ts';
import type { NetworkMap } from './model.ts';

/**
 * The picture's data: from `GET /bridgeport/map`, or, where the daemon does not have that (a Docker Engine), from what
 * the Docker API tells and this machine shows. `names` keeps only the networks of these names or ids.
 *
 * Throws an `Error` for a name that no network has.
 */
export async function fetchMap(context: CliContext, names: readonly string[]): Promise<NetworkMap> {
  let map: NetworkMap;
  try {
    map = await context.client.json<NetworkMap>('GET', '/bridgeport/map', { versioned: false });
  } catch (error) {
    if (!isKind(error, 'not-found', 'not-implemented')) throw error;
    map = await askDocker(context);
  }
  return names.length > 0 ? only(map, names) : map;
}

async function askDocker({ client }: CliContext): Promise<NetworkMap> {
  const [summaries, networks, info] = await Promise.all([
    client.json<ContainerSummary[]>('GET', '/containers/json', { query: { all: true } }),
    client.json<NetworkInspect[]>('GET', '/networks'),
    client.json<{ Name?: string; IPv4Forwarding?: boolean }>('GET', '/info'),
  ]);
  const inspected = await Promise.all(
    summaries.map(({ Id }) =>
      client.json<ContainerInspect>('GET', `/containers/${Id}/json`).catch((error: unknown) => {
        // Gone since the list was made.
        if (isKind(error, 'not-found')) return undefined;
        throw error;
      }),
    ),
  );
  const containers = inspected.filter((container) => container !== undefined);
  const map = mapFromDocker({ containers, networks, info });
  // Behind a socket in the file system is an engine of this machine.
  return client.endpoint.socketPath === undefined ? map : withLocalVeths(map);
}

function only(map: NetworkMap, names: readonly string[]): NetworkMap {
  const networks = names.map((name) => {
    // A name may look like the beginning of another network's id, and is meant.
    const found =
      map.networks.find((network) => network.name === name) ??
      map.networks.find((network) => network.id.startsWith(name));
    if (found === undefined) throw new Error(`network ${name} not found`);
    return found;
  });
  const ids = new Set(networks.map(({ id }) => id));
  return { ...map, networks, endpoints: map.endpoints.filter(({ networkId }) => ids.has(networkId)) };
}
