/** What the store keeps of a container's network, and what follows from it. Pure. */

import type { EndpointSpec, PortMapping } from '../model/index.ts';
import type { SandboxRequest } from './sandbox.ts';

export interface SandboxRecord {
  id: string;
  request: SandboxRequest;
  /** Path of the namespace. */
  path: string;
  /** In the order of their interfaces. */
  endpoints: EndpointSpec[];
  ports: PortMapping[];
  /** Ids of the containers whose processes are in the namespace: the owner, while it runs, and those that joined it. */
  holders: string[];
  /** `opening` and `closing` are half-done: a daemon that finds them closes them. */
  phase: 'opening' | 'open' | 'closing';
  /** An endpoint is just coming or going: a daemon that finds it so finishes that. */
  changing?: true;
}

/** Of a daemon before these fields were there. */
type EarlierRecord = Omit<SandboxRecord, 'holders' | 'request'> & {
  holders?: string[];
  request: Omit<SandboxRequest, 'dnsOptions' | 'ipv6Disabled' | 'proxyProtocol'> & Partial<SandboxRequest>;
};

/** A record as it may stand in a store that an earlier version has written, with what it lacks. */
export function completeRecord(record: EarlierRecord): SandboxRecord {
  return {
    ...record,
    holders: record.holders ?? [record.request.containerId],
    request: { dnsOptions: [], ipv6Disabled: false, proxyProtocol: [], ...record.request },
  };
}

/** `eth0`, `eth1` …: the first number that no endpoint of the namespace has. */
export function freeInterfaceName(endpoints: readonly EndpointSpec[], prefix: string): string {
  const taken = new Set(endpoints.map((endpoint) => endpoint.ifname));
  for (let number = 0; ; number++) {
    if (!taken.has(`${prefix}${number}`)) return `${prefix}${number}`;
  }
}
