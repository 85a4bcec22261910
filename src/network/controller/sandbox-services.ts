/** What the parts of the controller that change sandboxes have in common; made by the controller. */

import type { NetworkDrivers } from '../drivers/driver.ts';
import type { NetworkSpec } from '../model/index.ts';
import type { PortPublisher } from '../ports/publisher.ts';
import type { StaleFlows } from '../ports/stale-flows.ts';
import type { EndpointFactory } from './endpoint-factory.ts';
import type { NameService } from './name-service.ts';
import type { SandboxNamespaces } from './namespaces.ts';
import type { NetworkRegistry } from './network-registry.ts';
import type { Publishing } from './publishing.ts';
import type { SandboxRecords } from './sandbox-records.ts';
import type { SandboxRequests } from './sandbox-requests.ts';
import type { SandboxView } from './sandbox-view.ts';

export interface SandboxServices {
  records: SandboxRecords;
  networks: NetworkRegistry;
  requests: SandboxRequests;
  view: SandboxView;
  drivers: NetworkDrivers;
  endpoints: EndpointFactory;
  namespaces: SandboxNamespaces;
  names: NameService;
  publishing: Publishing;
  publisher: PortPublisher;
  staleFlows: StaleFlows;
  /** Folder for namespaces. */
  netnsFolder: string;
  /** Brings the firewall up to date. */
  syncFirewall: () => Promise<void>;
  /** Tells of a container that has joined or left a network: `connect`, `disconnect`. */
  emitMember: (action: string, spec: NetworkSpec, containerId: string) => void;
}
