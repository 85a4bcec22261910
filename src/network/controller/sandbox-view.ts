/** What a sandbox's record means to others. */

import type { EndpointSettings } from '../../base/wire/index.ts';
import { RESOLVER_ADDRESS } from '../dns/index.ts';
import { type EndpointSpec, isUserDefined, type NetworkSpec, publishingEndpoints } from '../model/index.ts';
import { portMapOf } from '../ports/view.ts';
import { dnsNames, type NameService } from './name-service.ts';
import type { NetworkRegistry } from './network-registry.ts';
import type { SandboxInfo } from './sandbox.ts';
import type { SandboxRecord } from './sandbox-record.ts';
import type { SandboxRequests } from './sandbox-requests.ts';
import { endpointView } from './view.ts';

export class SandboxView {
  readonly #networks: NetworkRegistry;
  readonly #requests: SandboxRequests;
  readonly #names: NameService;

  constructor(networks: NetworkRegistry, requests: SandboxRequests, names: NameService) {
    this.#networks = networks;
    this.#requests = requests;
    this.#names = names;
  }

  /** The networks that it is on; that of its mode when it has no endpoint (`host`, `none`). */
  networksOf(record: SandboxRecord): NetworkSpec[] {
    if (record.endpoints.length === 0) return [this.#networks.find(record.request.mode)];
    return record.endpoints.flatMap(({ networkId }) => this.#networks.byId(networkId) ?? []);
  }

  info(record: SandboxRecord): SandboxInfo {
    const networks = this.#requests.wanted(record.request).map(([ref, asked]) => {
      const spec = this.#networks.find(ref);
      const endpoint = record.endpoints.find(({ networkId }) => networkId === spec.id);
      return [spec.name, this.#endpointView(spec, asked, endpoint, record)] as const;
    });
    return {
      id: record.id,
      path: record.path,
      ports: portMapOf(this.#shownPorts(record), record.ports),
      networks: Object.fromEntries(networks),
      resolver: this.#names.serves(record) ? RESOLVER_ADDRESS : undefined,
    };
  }

  /** As in Docker, a container whose ports could not be published anyway (`host`, `none`, internal networks) shows none. */
  #shownPorts(record: SandboxRecord): string[] {
    const { v4, v6 } = publishingEndpoints(record.endpoints, (id) => this.#networks.byId(id));
    return v4 === undefined && v6 === undefined ? [] : record.request.exposedPorts;
  }

  #endpointView(
    spec: NetworkSpec,
    asked: EndpointSettings,
    endpoint: EndpointSpec | undefined,
    record: SandboxRecord,
  ): EndpointSettings {
    const view = endpointView(spec.id, asked, endpoint);
    const hasNames = endpoint !== undefined && isUserDefined(spec);
    return hasNames ? { ...view, DNSNames: dnsNames(endpoint, record.request) } : view;
  }
}
