/** From desired state to the firewall's intent. Pure. */

import { parsePortSpec } from '../../base/ports.ts';
import { type FirewallIntent, networkIntent } from '../firewall/index.ts';
import type { Link, NetworkSpec } from '../model/index.ts';
import type { SandboxRecord } from './sandbox-record.ts';

export type IntentOptions = Omit<FirewallIntent, 'networks'>;

export function firewallIntent(
  options: IntentOptions,
  networks: readonly NetworkSpec[],
  sandboxes: readonly SandboxRecord[],
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
      .map((spec) => networkIntent(spec, ports.get(spec.id) ?? [], linksOn(spec, present))),
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
