import { isKind, messageOf } from '../../base/errors.ts';
import type { CliContext } from '../context.ts';
import { askDocker, observe } from '../explain/observe.ts';
import { mapFromDocker } from './from-docker.ts';
import type { NetworkMap } from './model.ts';

/**
 * The picture's data: from `GET /bridgeport/map`, or, where the daemon does not have that (a Docker Engine), from the observer of this
 * machine. Where that cannot look (another machine, another namespace, not root), what the Docker API tells is all there is, with a
 * note that says why. `names` keeps only the networks of these names or ids; with `traffic` the host's counters come along, except from
 * the Docker API.
 *
 * Throws an `Error` for a name that no network has.
 */
export async function fetchMap(
  context: CliContext,
  names: readonly string[],
  { traffic = false }: { traffic?: boolean } = {},
): Promise<NetworkMap> {
  let map: NetworkMap;
  try {
    map = await observe<NetworkMap>(context, '/bridgeport/map', traffic ? { traffic: '1' } : {});
  } catch (error) {
    if (!isKind(error, 'not-implemented')) throw error;
    map = await fromApi(context, messageOf(error));
  }
  return names.length > 0 ? only(map, names) : map;
}

async function fromApi(context: CliContext, note: string): Promise<NetworkMap> {
  const [docker, info] = await Promise.all([
    askDocker(context),
    context.client.json<{ Name?: string; IPv4Forwarding?: boolean }>('GET', '/info'),
  ]);
  return mapFromDocker({ ...docker, info, note });
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
