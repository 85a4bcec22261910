/** Who may reach each published port: from the intent of the firewall and the addresses of the host. Pure. */

import { Ip, type IpFamily } from '../../base/ip.ts';
import { Prefix, parseInterfaceAddress } from '../../base/prefix.ts';
import type { PortExposure } from '../../base/wire/index.ts';
import {
  type FirewallIntent,
  familyOf,
  isDirectlyAddressed,
  type NetworkIntent,
} from '../../network/firewall/index.ts';
import type { PortMapping } from '../../network/model/index.ts';
import type { Deciders } from './deciders.ts';

export interface HostAddress {
  readonly address: string;
  readonly prefixLength: number;
  /** Name of the interface. */
  readonly link: string;
}

export interface ExposureFacts {
  readonly intent: FirewallIntent;
  /** False (`iptables: false`): the userland proxy alone serves the ports, and no rule protects anything. */
  readonly kernelServes: boolean;
  readonly addresses: readonly HostAddress[];
  /** Whose an endpoint is; one that is not known is left out. */
  readonly containerOf: (endpointId: string) => { id: string; name: string } | undefined;
  readonly deciders: Readonly<Record<IpFamily, Deciders>>;
}

/** One of the host's addresses that lead to a port. */
export interface BoundAddress extends HostAddress {
  /** `10.0.0.0/24 on eth0` */
  readonly network: string;
}

export interface ExposedPort {
  /** As far as the engine's own doing goes. */
  readonly exposure: PortExposure;
  readonly mapping: PortMapping;
  /** One of each network that it is reached from; none in gateway mode `routed`. */
  readonly bound: readonly BoundAddress[];
}

/** In the order of networks, and of ports on each. */
export function portExposures(facts: ExposureFacts): ExposedPort[] {
  return facts.intent.networks.flatMap((network) =>
    network.ports.flatMap((mapping) => {
      const container = facts.containerOf(mapping.endpointId);
      return container === undefined ? [] : [exposureOf(mapping, network, container, facts)];
    }),
  );
}

type Reach = Pick<PortExposure, 'reach' | 'from' | 'otherNetworks' | 'notes'> & {
  readonly bound?: readonly BoundAddress[];
};

function exposureOf(
  mapping: PortMapping,
  network: NetworkIntent,
  container: PortExposure['container'],
  facts: ExposureFacts,
): ExposedPort {
  const { proto, containerPort, containerPortEnd, hostIp, hostPort, hostPortEnd } = mapping;
  const { family } = Ip.parse(hostIp);
  const { bound = [], ...reached } = reachOf(mapping, network, facts);
  const byProxy = !facts.kernelServes || Ip.parse(mapping.containerIp).family !== family;
  const { forward, input } = facts.deciders[family];
  const isOpen = reached.reach === 'world' || reached.reach === 'lan';
  const exposure: PortExposure = {
    container,
    network: network.name,
    proto,
    containerPort,
    ...(containerPortEnd === undefined ? {} : { containerPortEnd }),
    hostIp,
    hostPort,
    ...(hostPortEnd === undefined ? {} : { hostPortEnd }),
    ...reached,
    deciders: isOpen ? [...(byProxy ? input : forward)] : [],
  };
  return { exposure, mapping, bound };
}

function reachOf(mapping: PortMapping, network: NetworkIntent, facts: ExposureFacts): Reach {
  const nobody = (why: string): Reach => ({ reach: 'nobody', from: [], otherNetworks: false, notes: [why] });
  const hostIp = Ip.parse(mapping.hostIp);
  const target = Ip.parse(mapping.containerIp);
  const part = familyOf(network, target.family);
  if (network.internal || part?.mode === 'isolated') return nobody(`${network.name} is internal`);
  if (hostIp.isLoopback) return { reach: 'host', from: [], otherNetworks: false, notes: [] };
  const subnets = part?.subnets ?? [];
  if (part?.mode === 'routed') {
    return {
      reach: isGlobal(target) ? 'world' : 'lan',
      from: subnets.map((subnet) => `a route to ${subnet}`),
      otherNetworks: true,
      notes: [],
    };
  }
  const bound = boundAddresses(hostIp, facts);
  if (bound.length === 0) {
    return nobody(
      hostIp.isUnspecified
        ? `the host has no IPv${hostIp.family} address`
        : `the host does not have the address ${hostIp}`,
    );
  }
  return {
    reach: bound.some(({ address }) => isGlobal(Ip.parse(address))) ? 'world' : 'lan',
    from: bound.map(({ network: from }) => from),
    bound,
    otherNetworks: true,
    notes: directNotes(mapping, network, subnets, facts),
  };
}

/** Where the port is met besides the host's address. */
function directNotes(
  { containerIp, containerPort, proto }: PortMapping,
  network: NetworkIntent,
  subnets: readonly string[],
  { intent, kernelServes }: ExposureFacts,
): string[] {
  const part = familyOf(network, Ip.parse(containerIp).family);
  const route = `whoever has a route to ${subnets.join(', ')}`;
  if (!kernelServes || part?.mode === 'nat-unprotected')
    return [`every port of ${containerIp} is open to ${route}`];
  if (part === undefined || !isDirectlyAddressed(intent, network, part)) return [];
  const trusted = network.trustedHostInterfaces ?? [];
  const whom = intent.allowDirectRouting === true ? route : `neighbours on ${trusted.join(', ')}`;
  return [`${containerIp} port ${containerPort}/${proto} is open to ${whom}`];
}

/** The host's addresses that lead to the port, one of each network. Those of bridges are met by containers only, link-local ones by the link. */
function boundAddresses(hostIp: Ip, { addresses, intent }: ExposureFacts): BoundAddress[] {
  const bridges = new Set(intent.networks.map(({ bridge }) => bridge));
  const leading = addresses.filter(({ address, link }) => {
    const ip = Ip.parse(address);
    if (!hostIp.isUnspecified) return ip.equals(hostIp);
    return ip.family === hostIp.family && !ip.isLoopback && !ip.isLinkLocal && !bridges.has(link);
  });
  const byNetwork = new Map<string, BoundAddress>();
  for (const at of leading) {
    const network = `${parseInterfaceAddress(`${at.address}/${at.prefixLength}`).prefix} on ${at.link}`;
    if (!byNetwork.has(network)) byNetwork.set(network, { ...at, network });
  }
  return [...byNetwork.values()];
}

/** Blocks that no router of the Internet carries (IANA's special-purpose registries, RFC 6890). */
const NOT_GLOBAL: readonly Prefix[] = [
  '0.0.0.0/8',
  '10.0.0.0/8',
  '100.64.0.0/10',
  '127.0.0.0/8',
  '169.254.0.0/16',
  '172.16.0.0/12',
  '192.0.0.0/24',
  '192.0.2.0/24',
  '192.168.0.0/16',
  '198.18.0.0/15',
  '198.51.100.0/24',
  '203.0.113.0/24',
  '224.0.0.0/3',
  '2001:db8::/32',
].map((text) => Prefix.parse(text));

/** Of IPv6 only this is given out as global unicast (RFC 4291, IANA's IPv6 address space). */
const GLOBAL_V6 = Prefix.parse('2000::/3');

/** True for an address that the world can send to. */
export function isGlobal(ip: Ip): boolean {
  if (ip.family === 6 && !GLOBAL_V6.contains(ip)) return false;
  return !NOT_GLOBAL.some((prefix) => prefix.family === ip.family && prefix.contains(ip));
}
