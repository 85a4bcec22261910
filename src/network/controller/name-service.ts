/** Tells the embedded resolver what is on the networks: which names, whose addresses, who asks whom. */

import { shortId } from '../../base/ids.ts';
import type { DnsSandbox, DnsServer, NetworkZone, ZoneHost, ZoneLink } from '../dns/index.ts';
import { type EndpointSpec, isClosed, isUserDefined, type NetworkSpec } from '../model/index.ts';
import type { NetworkRegistry } from './network-registry.ts';
import type { SandboxRequest } from './sandbox.ts';
import type { SandboxRecord } from './sandbox-record.ts';

export class NameService {
  readonly #dns: DnsServer;
  readonly #networks: NetworkRegistry;
  /** The daemon's `--dns`, for containers that name no server of their own. */
  readonly #servers: readonly string[];

  constructor(dns: DnsServer, networks: NetworkRegistry, servers: readonly string[]) {
    this.#dns = dns;
    this.#networks = networks;
    this.#servers = servers;
  }

  addNetwork(spec: NetworkSpec): void {
    if (!isUserDefined(spec)) return;
    const zone: NetworkZone = {
      id: spec.id,
      name: spec.name,
      subnets: spec.ipam.subnets.map(({ subnet }) => subnet),
      hosts: [],
    };
    this.#dns.setNetwork(zone);
  }

  removeNetwork(spec: NetworkSpec): void {
    this.#dns.removeNetwork(spec.id);
  }

  /** Does a container with these endpoints use the embedded resolver? */
  serves(record: SandboxRecord): boolean {
    return this.#named(record).length > 0;
  }

  /** What the resolver answers for these endpoints, by network. */
  names(record: SandboxRecord): Record<string, string[]> {
    return Object.fromEntries(
      this.#named(record).map(({ endpoint, spec }) => [spec.id, dnsNames(endpoint, record.request)]),
    );
  }

  /** Again after every change of its endpoints or its name. Before the container's process exists, its first question is answered. */
  update(record: SandboxRecord): void {
    const named = this.#named(record);
    for (const { endpoint, spec } of named) {
      this.#dns.setHost(spec.id, zoneHost(endpoint, record.request));
    }
    if (named.length === 0) {
      this.#dns.stop(record.id);
      return;
    }
    this.#dns.serve(this.#sandbox(record, named));
  }

  /** The endpoint leaves its network. */
  removeEndpoint(endpoint: EndpointSpec): void {
    this.#dns.removeHost(endpoint.networkId, endpoint.id);
  }

  remove(record: SandboxRecord): void {
    this.#dns.stop(record.id);
    for (const endpoint of record.endpoints) this.removeEndpoint(endpoint);
  }

  #sandbox(record: SandboxRecord, named: Array<{ spec: NetworkSpec }>): DnsSandbox {
    const servers = record.request.dns.length > 0 ? record.request.dns : this.#servers;
    const links: ZoneLink[] = named.flatMap(({ spec }) => {
      const asked = record.request.networks[spec.name] ?? record.request.networks[spec.id];
      return (asked?.Links ?? []).map((link) => {
        const [target = '', alias = target] = link.split(':');
        return { networkId: spec.id, alias, target };
      });
    });
    return {
      id: record.id,
      netns: record.path,
      networks: named.map(({ spec }) => spec.id),
      links,
      internal: record.endpoints.every(({ networkId }) => {
        const spec = this.#networks.byId(networkId);
        return spec === undefined || isClosed(spec);
      }),
      ...(servers.length > 0
        ? { upstreams: servers.map((address) => ({ address, from: 'container' as const })) }
        : {}),
    };
  }

  /** The default bridge has links and no names, as in Docker. */
  #named(record: SandboxRecord): Array<{ endpoint: EndpointSpec; spec: NetworkSpec }> {
    return record.endpoints.flatMap((endpoint) => {
      const spec = this.#networks.byId(endpoint.networkId);
      return spec !== undefined && isUserDefined(spec) ? [{ endpoint, spec }] : [];
    });
  }
}

function zoneHost(endpoint: EndpointSpec, request: SandboxRequest): ZoneHost {
  return {
    endpointId: endpoint.id,
    names: dnsNames(endpoint, request),
    addresses: [endpoint.v4, endpoint.v6].flatMap((part) => part?.address ?? []),
  };
}

/** As Docker lists them: the container's name, its aliases, its short id, its host name. */
export function dnsNames(endpoint: EndpointSpec, request: SandboxRequest): string[] {
  const names = [request.containerName, ...endpoint.aliases, shortId(request.containerId), request.hostname];
  return [...new Set(names.filter(Boolean))];
}
