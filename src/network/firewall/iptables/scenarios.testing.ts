/** Intents for tests, in few words, and the scenarios whose rules are kept as golden files. */

import { parsePortSpec } from '../../../base/ports.ts';
import type { Link } from '../../model/link.ts';
import type { PortMapping } from '../../model/port.ts';
import type { FirewallIntent, NetworkIntent } from '../intent.ts';
import { compileIptables } from './compile.ts';
import type { RuleSet } from './rules.ts';

/** Compiles, as pairs of the family's name and its rules. */
export function compiled(intent: FirewallIntent): [family: 'v4' | 'v6', set: RuleSet][] {
  const { v4, v6 } = compileIptables(intent);
  return [
    ['v4', v4],
    ['v6', v6],
  ];
}

export function intentOf(
  networks: readonly NetworkIntent[],
  options: Partial<FirewallIntent> = {},
): FirewallIntent {
  return {
    enabled: { v4: true, v6: true },
    userlandProxy: true,
    forwardDrop: { v4: true, v6: true },
    networks,
    ...options,
  };
}

/** A bridge network with one IPv4 subnet, as Docker makes it unless told otherwise. */
export function network(bridge: string, subnet: string, options: Partial<NetworkIntent> = {}): NetworkIntent {
  return {
    id: `network-${bridge}`,
    name: bridge,
    bridge,
    internal: false,
    icc: true,
    masquerade: true,
    v4: { subnets: [subnet], mode: 'nat' },
    ports: [],
    links: [],
    ...options,
  };
}

/** Reads `[hostIp:]hostPorts:containerPorts[/proto]`; ranges as `8000-8010`. IPv6 host addresses stand in brackets. */
export function published(containerIp: string, text: string): PortMapping {
  const match = /^(?:(\[[^\]]+\]|[\d.]+):)?([\d-]+):([\d-]+)(?:\/(\w+))?$/.exec(text);
  if (match === null) throw new Error(`cannot read ${text}`);
  const [, hostIp = '0.0.0.0', hostPorts = '', containerPorts = '', proto = 'tcp'] = match;
  const host = parsePortSpec(hostPorts);
  const container = parsePortSpec(`${containerPorts}/${proto}`);
  return {
    endpointId: `endpoint-${containerIp}`,
    proto: container.proto,
    containerIp,
    containerPort: container.start,
    containerPortEnd: container.end,
    hostIp: hostIp.replaceAll(/[[\]]/g, ''),
    hostPort: host.start,
    hostPortEnd: host.end,
  };
}

export function link(clientIp: string, serverIp: string, ...exposed: string[]): Link {
  return {
    networkId: 'network-docker0',
    clientEndpointId: `endpoint-${clientIp}`,
    clientIp,
    serverEndpointId: `endpoint-${serverIp}`,
    serverIp,
    alias: 'web',
    exposed: exposed.map(parsePortSpec),
  };
}

const docker0 = (options: Partial<NetworkIntent> = {}) => network('docker0', '172.17.0.0/16', options);

/** Name of the golden file, without its ending, and the intent. */
export const SCENARIOS: Readonly<Record<string, FirewallIntent>> = {
  'default-bridge': intentOf([docker0()]),
  'published-ports': intentOf([
    docker0({
      ports: [
        published('172.17.0.2', '8080:80'),
        published('172.17.0.3', '8081:80'),
        published('172.17.0.3', '127.0.0.1:9090:90'),
        published('172.17.0.3', '10.77.0.1:53:53/udp'),
        // Served by the userland proxy alone.
        published('172.17.0.3', '[::]:8081:80'),
      ],
    }),
  ]),
  'port-ranges': intentOf([
    docker0({
      ports: [
        published('172.17.0.2', '20000-20499:20000-20499'),
        published('172.17.0.2', '20000-20499:20000-20499/udp'),
        published('172.17.0.2', '2000-2002:3000-3002'),
        ...[8443, 8444, 8445].map((port) => published('172.17.0.2', `${port}:${port}`)),
      ],
    }),
  ]),
  'icc-off-with-link': intentOf([
    docker0({
      icc: false,
      ports: [published('172.17.0.2', '8080:80')],
      links: [link('172.17.0.3', '172.17.0.2', '80/tcp', '53/udp', '8000-8003/tcp')],
    }),
  ]),
  'without-userland-proxy': intentOf(
    [
      docker0({ ports: [published('172.17.0.2', '8080:80'), published('172.17.0.2', '127.0.0.1:9090:90')] }),
      network('br-a', '172.18.0.0/16', { ports: [published('172.18.0.2', '7000:70')] }),
      network('br-noicc', '172.19.0.0/16', {
        icc: false,
        v6: { subnets: ['fd00:19::/64'], mode: 'nat' },
        ports: [published('172.19.0.2', '7001:70'), published('fd00:19::2', '[::]:7001:70')],
      }),
    ],
    { userlandProxy: false },
  ),
  'localhost-by-kernel': intentOf(
    [
      docker0({
        ports: [
          published('172.17.0.2', '8080:80'),
          published('172.17.0.2', '127.0.0.1:9090:90/udp'),
          published('172.17.0.2', '10.77.0.1:7000:70'),
          published('172.17.0.2', '20000-20002:30000-30002'),
        ],
      }),
      network('br-a', '172.18.0.0/16'),
    ],
    { localhostByKernel: true },
  ),
  'several-networks': intentOf([
    docker0(),
    network('br-internal', '172.18.0.0/16', { internal: true }),
    network('br-noicc', '172.19.0.0/16', { icc: false, ports: [published('172.19.0.2', '7000:70')] }),
    network('br-nomasq', '172.20.0.0/16', { masquerade: false }),
    network('br-snat', '172.21.0.0/16', {
      v4: { subnets: ['172.21.0.0/16'], mode: 'nat', snatTo: '10.77.0.9' },
      trustedHostInterfaces: ['wg0'],
    }),
  ]),
  'gateway-modes': intentOf([
    docker0(),
    network('br-routed', '172.18.0.0/16', {
      v4: { subnets: ['172.18.0.0/16'], mode: 'routed' },
      v6: { subnets: ['fd00:18::/64'], mode: 'routed' },
      ports: [
        { ...published('172.18.0.2', '80:80'), hostPort: 0, hostPortEnd: 0 },
        { ...published('fd00:18::2', '[::]:80:80'), hostPort: 0, hostPortEnd: 0 },
      ],
    }),
    network('br-open', '172.19.0.0/16', {
      v4: { subnets: ['172.19.0.0/16'], mode: 'nat-unprotected' },
      ports: [published('172.19.0.2', '7000:70')],
    }),
    network('br-isolated', '172.20.0.0/16', {
      internal: true,
      v4: { subnets: ['172.20.0.0/16'], mode: 'isolated' },
    }),
  ]),
  'dual-stack': intentOf([
    docker0({
      v6: { subnets: ['fd00:17::/64'], mode: 'nat' },
      ports: [
        published('172.17.0.2', '8080:80'),
        published('fd00:17::2', '[::]:8080:80'),
        published('fd00:17::2', '[fd00:77::1]:53:53/udp'),
        published('fd00:17::2', '[::]:20000-20499:20000-20499'),
      ],
    }),
  ]),
};
