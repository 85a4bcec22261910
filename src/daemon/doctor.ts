/** Tells the doctor what should be: from the records of the engine and the network controller. */

import { join } from 'node:path';
import { HOST_NETNS } from '../network/controller/namespaces.ts';
import { ownerOf } from '../network/drivers/ownership.ts';
import type { NameServer } from '../observe/doctor/read/resolver.ts';
import type { DoctorSources } from '../observe/doctor/read/snapshot.ts';
import type { ObserveParts } from './observe.ts';

/** Port of name servers (RFC 1035, 4.2). */
const DNS_PORT = 53;

export function doctorSources(parts: ObserveParts): DoctorSources {
  const { records, network, keeper, publisher, dataRoot, execRoot } = parts;
  const netnsFolder = join(execRoot, 'netns');
  return {
    engine: { repair: [`kill -HUP ${process.pid}`], keepsContainers: true },
    records,
    firewall: parts.firewall,
    intent: () => network.intent(),
    keeper: {
      stats: () => keeper.stats(),
      wanted: (mappings) => mappings.filter((mapping) => publisher.keeperMappings([mapping]).length > 0),
      async lost(mappings) {
        const { bindings } = await keeper.list();
        const held = new Set(bindings.map(({ id }) => id));
        return mappings.filter((mapping) =>
          publisher.keeperMappings([mapping]).some(({ id }) => !held.has(id)),
        );
      },
    },
    nameServers: () => nameServers(parts),
    marks: {
      netnsFolder,
      ownerOf(link) {
        const owner = ownerOf(link);
        return owner && ('endpointId' in owner ? owner.endpointId : owner.networkId);
      },
      roots: [execRoot, dataRoot],
      inUse() {
        const sandboxes = network.sandboxes();
        return {
          namespaces: [...sandboxes.map(({ path }) => path), join(netnsFolder, HOST_NETNS)],
          linkOwners: [
            ...records.networks().map(({ id }) => id),
            ...sandboxes.flatMap(({ endpoints }) => endpoints.map(({ id }) => id)),
          ],
          containers: records.containers().map(({ id }) => id),
        };
      },
    },
  };
}

/** Those that somebody asks: what containers were given (`--dns`), the daemon's (`--dns` too), or else the host's. */
function nameServers({ network, dns, nameServers: ofDaemon }: ObserveParts): NameServer[] {
  const inUse = network
    .sandboxes()
    .filter(({ phase, endpoints }) => phase === 'open' && endpoints.length > 0);
  // What is on internal networks only has no way to a server of the outside, and shall have none.
  const reaching = inUse.filter(({ endpoints }) =>
    endpoints.some(({ networkId }) => network.networks.registry.byId(networkId)?.internal === false),
  );
  const ofContainers = reaching.flatMap(({ request, path }) =>
    request.dns.map((address): NameServer => {
      const container = { id: request.containerId, name: request.containerName };
      return { address, port: DNS_PORT, container, netns: path };
    }),
  );
  const [first] = reaching;
  const general =
    ofDaemon.length > 0
      ? ofDaemon.map(
          (address): NameServer => ({ address, port: DNS_PORT, ...(first && { netns: first.path }) }),
        )
      : dns
          .metrics()
          .upstreams.filter(({ from }) => from === 'host')
          .map(({ address, port }): NameServer => ({ address, port }));
  return [...general, ...ofContainers];
}
