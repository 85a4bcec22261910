/** Questions about the small host of `packet/testing`, whose containers `a` and `b` are on its default bridge. */

import type { WhyReport } from '../../../../base/wire/index.ts';
import type { NetworkSpec, PortMapping } from '../../../../network/model/index.ts';
import type { HostSnapshot } from '../../../packet/snapshot.ts';
import { A, B, type Changes, twoContainers } from '../../../packet/testing/snapshots.ts';
import type { TopologyContainer } from '../../../topology/records.ts';
import type { ResolveName } from '../../names.ts';
import type { ExplainRecords, ExplainSettings } from '../../records.ts';
import { considerer } from '../consider.ts';
import { type WhyQuestion, why } from '../why.ts';

export const BRIDGE: NetworkSpec = {
  id: 'n'.repeat(64),
  name: 'bridge',
  driver: 'bridge',
  createdAt: '',
  internal: false,
  attachable: false,
  enableIPv4: true,
  enableIPv6: false,
  ipam: { driver: 'default', options: {}, subnets: [{ subnet: '172.17.0.0/16', gateway: '172.17.0.1' }] },
  options: {},
  labels: {},
  bridge: {
    name: 'docker0',
    isDefault: true,
    icc: true,
    masquerade: true,
    hostBindingV4: '',
    mtu: 1500,
    gatewayModeV4: 'nat',
    gatewayModeV6: 'nat',
  },
};

const { bridge: _, ...WITHOUT_BRIDGE } = BRIDGE;
export const LAN: NetworkSpec = { ...WITHOUT_BRIDGE, name: 'lan', driver: 'macvlan' };

export const PORT: PortMapping = {
  endpointId: `e${B}`,
  proto: 'tcp',
  containerIp: '172.17.0.3',
  containerPort: 80,
  hostIp: '0.0.0.0',
  hostPort: 8080,
};

export const container = (
  id: string,
  name: string,
  address: string,
  ports: PortMapping[],
): TopologyContainer => ({
  id,
  name,
  image: name,
  state: 'running',
  pid: 1,
  networkIds: [BRIDGE.id],
  sharesWith: undefined,
  sandbox: {
    path: '',
    endpoints: [
      {
        id: `e${id}`,
        networkId: BRIDGE.id,
        containerId: id,
        sandboxId: id,
        ifname: 'eth0',
        hostVeth: '',
        mac: '',
        v4: { address, prefixLength: 16, gateway: '172.17.0.1' },
        aliases: [],
        gatewayPriority: 0,
        driverOptions: {},
      },
    ],
    ports,
  },
  exposedPorts: [],
  publishes: [],
  labels: {},
  links: [],
  names: {},
});

export const RECORDS: ExplainRecords = {
  networks: () => [BRIDGE],
  containers: () => [container(A, 'a', '172.17.0.2', []), container(B, 'b', '172.17.0.3', [PORT])],
  intent: () => undefined,
};

const nobodyKnows: ResolveName = async (_asking, name) => ({
  questions: [{ name, server: '10.9.0.53', outcome: 'unknown', addresses: [] }],
  addresses: [],
});

export async function ask(
  changes: Changes,
  from: string,
  to: string,
  {
    records = RECORDS,
    resolve = nobodyKnows,
    engine = 'Bridgeport',
    ...more
  }: Partial<WhyQuestion> & {
    records?: ExplainRecords;
    resolve?: ResolveName;
    engine?: ExplainSettings['engine'];
  } = {},
): Promise<WhyReport> {
  const reader = { read: async (): Promise<HostSnapshot> => twoContainers(changes) };
  const settings = { engine, firewall: 'none', userlandProxy: true } as const;
  const { language = 'en' } = more;
  const consider = considerer({ records, settings, reader, programOf: () => undefined, language });
  const options = { records, consider, resolve };
  return (await why({ from, to, language: 'en', ...more }, options)).report;
}
