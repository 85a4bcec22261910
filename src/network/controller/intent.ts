/** From desired state to the firewall's intent. Pure. */

import { parsePortSpec } from '../../base/ports.ts';
import { type FirewallIntent, type NetworkIntent, networkIntent } from '../firewall/index.ts';
import type { Link, NetworkSpec, PortMapping } from '../model/index.ts';
import type { SandboxRecord } from './sandbox-record.ts';

export type IntentOptions = Omit<FirewallIntent, 'networks'>;

/** Gives the same object again for a network of which nothing has changed, so that compilers need not look at it again. */
export class NetworkIntents {
  readonly #known = new WeakMap<NetworkSpec, NetworkIntent>();

  of(spec: NetworkSpec, ports: readonly PortMapping[], links: readonly Link[]): NetworkIntent {
    const known = this.#known.get(spec);
    const isSame =
      known?.ports.length === ports.length &&
      ports.every((port, index) => port === known.ports[index]) &&
      // Those are made anew each time.
      links.length === 0 &&
      known.links.length === 0;
    if (known !== undefined && isSame) return known;
    const intent = networkIntent(spec, ports, links);
    this.#known.set(spec, intent);
    return intent;
  }
}

export function firewallIntent(
  options: IntentOptions,
  networks: readonly NetworkSpec[],
  sandboxes: readonly SandboxRecord[],
  intents: NetworkIntents = new NetworkIntents(),
): FirewallIntent {
  const present = sandboxes.filter(({ phase }) => phase !== 'closing');
  const networkOf = new Map(
    present.flatMap(({ endpoints }) => endpoints.map(({ id, networkId }) => [id, networkId] as const)),
  );
  const ports = Map.groupBy(
    present.flatMap((record) => record.ports),
    ({ endpointId }) => networkOf.get(endpointId),
  );
  return {
    ...options,
    networks: networks
      .filter((spec) => spec.bridge !== undefined)
      .map((spec) => intents.of(spec, ports.get(spec.id) ?? [], linksOn(spec, present))),
  };
}

/** Docker's links are a matter of the default bridge; elsewhere they are names only. */
function linksOn(spec: NetworkSpec, sandboxes: readonly SandboxRecord[]): Link[] {
  if (spec.bridge?.isDefault !== true) return [];
  const byContainer = new Map(sandboxes.map((record) => [record.request.containerId, record]));
  const endpointOn = (record: SandboxRecord | undefined) =>
    record?.endpoints.find(({ networkId }) => networkId === spec.id);
  return sandboxes.flatMap((record) => {
    const client = endpointOn(record);
    return record.request.links.flatMap((link) => {
      const target = byContainer.get(link.containerId);
      const server = endpointOn(target);
      if (client?.v4 === undefined || server?.v4 === undefined || target === undefined) return [];
      return [
        {
          networkId: spec.id,
          clientEndpointId: client.id,
          clientIp: client.v4.address,
          serverEndpointId: server.id,
          serverIp: server.v4.address,
          alias: link.alias,
          exposed: target.request.exposedPorts.map((port) => parsePortSpec(port)),
        },
      ];
    });
  });
}
