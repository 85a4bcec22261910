/** Published ports of sandboxes: where they lead, and how they change while a container runs. Rules are the caller's to sync. */

import { inAction, invalid } from '../../base/errors.ts';
import type { PortMap } from '../../base/wire/index.ts';
import { type EndpointSpec, type PortMapping, publishingEndpoints } from '../model/index.ts';
import { withoutPorts, withPorts } from '../ports/change.ts';
import type { PortPublisher, PublishTarget } from '../ports/publisher.ts';
import { publishRequests } from '../ports/request.ts';
import type { StaleFlows } from '../ports/stale-flows.ts';
import type { NetworkRegistry } from './network-registry.ts';
import type { SandboxRecord } from './sandbox-record.ts';

export interface PublishingParts {
  networks: NetworkRegistry;
  publisher: PortPublisher;
  staleFlows: StaleFlows;
  syncFirewall: () => Promise<void>;
  save: (record: SandboxRecord) => void;
}

export class Publishing {
  readonly #parts: PublishingParts;

  constructor(parts: PublishingParts) {
    this.#parts = parts;
  }

  /** Publishes what the sandbox asks for; nothing where its networks have no way out. */
  async open(record: SandboxRecord): Promise<void> {
    const target = this.#target(record);
    const requests = publishRequests({
      bindings: record.request.portBindings,
      exposed: record.request.exposedPorts,
      publishAll: record.request.publishAllPorts,
      defaultHostIp: this.#defaultHostIp(record, target),
      proxyProtocol: record.request.proxyProtocol,
    });
    if (isNowhere(target) || requests.length === 0) return;
    try {
      record.ports = await this.#parts.publisher.publish(target, requests);
    } catch (error) {
      const { containerName } = record.request;
      const endpointId = (target.v4 ?? target.v6)?.endpointId;
      // In Docker's words, before what it was.
      throw inAction(
        `driver failed programming external connectivity on endpoint ${containerName} (${endpointId})`,
        error,
      );
    }
    this.#parts.save(record);
  }

  /** After endpoints came or went: published ports follow the default routes. */
  async follow(record: SandboxRecord): Promise<void> {
    const target = this.#target(record);
    const stays = record.ports.every(
      ({ endpointId }) => endpointId === target.v4?.endpointId || endpointId === target.v6?.endpointId,
    );
    if (stays && record.ports.length > 0) return;
    await this.reopen(record);
  }

  /** Publishes anew what the sandbox asks for now. */
  async reopen(record: SandboxRecord): Promise<void> {
    await this.#parts.publisher.unpublish(record.ports);
    record.ports = [];
    await this.open(record);
    this.#parts.save(record);
  }

  /**
   * Publishes more ports of a sandbox that is open; all of them or none.
   *
   * @param bindings what the container asks for, before: all of it, with that of `-P` written out
   * @returns what it asks for afterwards, and the mappings that were made
   */
  async add(
    record: SandboxRecord,
    bindings: PortMap,
    added: PortMap,
  ): Promise<{ bindings: PortMap; made: PortMapping[] }> {
    const { publisher, staleFlows, syncFirewall, save } = this.#parts;
    const target = this.#target(record);
    if (isNowhere(target)) {
      throw invalid(
        `publish ports of ${record.request.containerName}: none of its networks has a way out (internal, or none)`,
      );
    }
    const portBindings = withPorts(bindings, added);
    const made = await publisher.publish(
      target,
      publishRequests({
        bindings: added,
        exposed: [],
        publishAll: false,
        defaultHostIp: this.#defaultHostIp(record, target),
        proxyProtocol: record.request.proxyProtocol,
      }),
    );
    const { ports, request } = record;
    record.ports = [...ports, ...made];
    record.request = { ...request, portBindings, publishAllPorts: false };
    save(record);
    try {
      await syncFirewall();
    } catch (error) {
      Object.assign(record, { ports, request });
      save(record);
      await publisher.unpublish(made).catch(() => {});
      throw error;
    }
    staleFlows.forget(made);
    return { bindings: portBindings, made };
  }

  /**
   * Takes published ports of an open sandbox away, and ends what travels by them; the others do not notice.
   *
   * @param bindings what the container asks for, before: as in `add()`
   * @param removal what shall go: see `withoutPorts()`
   * @returns what it asks for afterwards, and the mappings that went
   */
  async remove(
    record: SandboxRecord,
    bindings: PortMap,
    removal: PortMap,
  ): Promise<{ bindings: PortMap; lost: PortMapping[] }> {
    const { publisher, staleFlows, syncFirewall, save } = this.#parts;
    const { ports: before, request } = record;
    const change = withoutPorts(bindings, before, removal);
    record.ports = change.kept;
    record.request = { ...request, portBindings: change.bindings, publishAllPorts: false };
    save(record);
    try {
      // The rules first: what is given free may be taken by another program at once, whose clients are not ours to translate.
      await syncFirewall();
      await publisher.replace(before, change.kept);
    } catch (error) {
      Object.assign(record, { ports: before, request });
      save(record);
      await syncFirewall().catch(() => {});
      throw error;
    }
    staleFlows.forget(change.lost, { connections: true });
    return { bindings: change.bindings, lost: change.lost };
  }

  /** Ports are published where answers go out; a container on internal networks only publishes nothing. */
  #target(record: SandboxRecord): PublishTarget {
    const networkOf = (id: string) => this.#parts.networks.byId(id);
    const { v4, v6 } = publishingEndpoints(record.endpoints, networkOf);
    const bridgeOf = (endpoint: EndpointSpec) => networkOf(endpoint.networkId)?.bridge;
    return {
      v4: v4?.v4 && {
        endpointId: v4.id,
        address: v4.v4.address,
        routed: bridgeOf(v4)?.gatewayModeV4 === 'routed',
      },
      v6: v6?.v6 && {
        endpointId: v6.id,
        address: v6.v6.address,
        routed: bridgeOf(v6)?.gatewayModeV6 === 'routed',
      },
    };
  }

  #defaultHostIp(record: SandboxRecord, { v4, v6 }: PublishTarget): string {
    const way = v4 ?? v6;
    const network = record.endpoints.find(({ id }) => id === way?.endpointId)?.networkId ?? '';
    return this.#parts.networks.byId(network)?.bridge?.hostBindingV4 ?? '';
  }
}

function isNowhere({ v4, v6 }: PublishTarget): boolean {
  return v4 === undefined && v6 === undefined;
}
