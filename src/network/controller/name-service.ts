/** Tells the embedded resolver what is on the networks: which names, whose addresses, who asks whom. */

import { shortId } from '../../base/ids.ts';
import {
  type DnsSandbox,
  type DnsServer,
  type NetworkZone,
  ndots,
  type ResolvConf,
  type ZoneHost,
  type ZoneLink,
} from '../dns/index.ts';
import { type EndpointSpec, isClosed, isUserDefined, type NetworkSpec } from '../model/index.ts';
import type { NetworkRegistry } from './network-registry.ts';
import type { SandboxRequest } from './sandbox.ts';
import type { SandboxRecord } from './sandbox-record.ts';

export interface NameServiceParts {
  dns: DnsServer;
  networks: NetworkRegistry;
  /** The daemon's `--dns` and `--dns-opt`, for containers that name none of their own. */
  servers: readonly string[];
  options: readonly string[];
  /** The host's file, for those who have neither. */
  resolvConf: () => ResolvConf;
}

export class NameService {
  readonly #parts: NameServiceParts;
  readonly #dns: DnsServer;
  readonly #networks: NetworkRegistry;

  constructor(parts: NameServiceParts) {
    this.#parts = parts;
    this.#dns = parts.dns;
    this.#networks = parts.networks;
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

  /** Names of a container that are not asked elsewhere while it does not run; none once it is removed. */
  reserve(containerId: string, names: readonly string[]): void {
    this.#dns.reserveNames(containerId, names);
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
    const { request } = record;
    const { servers: ownServers, options: ownOptions, resolvConf } = this.#parts;
    const servers = request.dns.length > 0 ? request.dns : ownServers;
    const options = [request.dnsOptions, ownOptions, resolvConf().options].find((list) => list.length > 0);
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
      // Its search list goes first, as it wants.
      forwardSingleLabel: ndots(options ?? []) === 0,
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
