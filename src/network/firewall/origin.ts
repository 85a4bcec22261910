/**
 * Why a rule exists. Every rule of every compiler carries its origin, so that it can be explained in words and traced
 * back to the network, container, port or link that asked for it.
 */

import type { Protocol } from '../../base/ports.ts';

/** One sentence per kind of rule. `{…}` are filled in by whoever shows the sentence. */
export const SENTENCES = {
  'user-jump': 'Your own chain DOCKER-USER is asked before anything else.',
  'user-return': 'What DOCKER-USER does not decide goes on to the rules below.',
  'isolation-jump': 'Networks are kept apart before anything is accepted.',
  'isolation-known':
    'Packets of connections that were let in already, or that came through a published port, may cross networks.',
  'isolation-from': 'A packet that leaves {network} for another interface has to pass stage 2.',
  'isolation-to': 'A packet from another network may not enter {network}.',
  'isolation-published': 'A packet from another network may enter {network} where a port is published.',
  'isolation-return': 'The packet does not cross from one network to another.',
  'internal-in': '{network} is internal: nothing enters it from elsewhere.',
  'internal-out': '{network} is internal: nothing leaves it.',
  'direct-trusted': '{network} may be addressed directly from a trusted interface.',
  'direct-drop':
    'A new connection that addresses a container of {network} by its own address, and not through a published port, is dropped.',
  established: 'Answers to what containers of {network} asked come back in.',
  'published-jump': 'Whether a packet may enter {network} is decided by its published ports and links.',
  'unprotected-accept': '{network} is unprotected: whoever has a route to it gets in.',
  'routed-drop': 'Nothing else enters {network}, which is routed.',
  'unpublished-drop': 'Nothing else enters {network}, not from where it may be addressed directly either.',
  'routed-icmp': 'Containers of {network}, which is routed, answer ping.',
  outgoing: 'Containers of {network} reach the world.',
  'icc-accept': 'Containers of {network} reach each other.',
  'icc-drop': 'Containers of {network} do not reach each other (icc is off).',
  'icc-published':
    'Containers of {network} reach each other through published ports all the same: those are open to everyone.',
  'icc-neighbours':
    'Containers of {network} find the hardware addresses of each other, so that such a connection is answered.',
  'nat-incoming': 'A packet that arrives for an address of this host may be for a published port.',
  'nat-local': 'A packet that this host sends to itself may be for a published port.',
  'proxy-return': 'Packets from {network} itself to a published port go to the userland proxy.',
  'proxy-lookup': 'Packets from a network itself to a published port go to the userland proxy.',
  masquerade: 'Packets from {network} leave with an address of this host.',
  snat: 'Packets from {network} leave with the address chosen for it.',
  'masquerade-local': 'Packets from this host to {network} carry an address that the container can answer.',
  'port-accept': 'Port {containerPort} of {endpoint} is published: packets for it come in.',
  'port-translate': 'Port {hostPort} of {hostIp} stands for port {containerPort} of {endpoint}.',
  'port-hairpin': '{endpoint} may reach its own published port {hostPort}.',
  'localhost-jump': 'What this host sends to its own loopback addresses may be for a published port.',
  'localhost-masquerade':
    'Packets from localhost to {network} carry an address that the container can answer.',
  'link-request':
    '{endpoint} may open connections to port {containerPort} of {server}, which is linked as {alias}.',
  'link-answer': '{server} may answer {endpoint} from its linked port {containerPort}.',
  'loopback-drop':
    'No packet from elsewhere may carry a loopback address: such ports are open to this host only.',
  'loopback-source-drop': 'No packet from elsewhere may claim to come from this host itself.',
  'known-bridge': '{network} is one of the networks that are kept apart.',
  'leaving-jump': 'What leaves a network is asked by the chains of the bridge it comes from.',
  'entering-jump': 'What enters a network is asked by the chains of the bridge it goes to.',
  'network-jump': 'Packets of {network} have a chain of their own.',
  'port-lookup':
    'Published ports of containers of {network} are found in one lookup, however many there are.',
  'link-lookup': 'What links between containers of {network} open is found in one lookup.',
  'translate-lookup': 'Which container a port of this host stands for is found in one lookup.',
  'link-local-return': 'Clients with a link-local address are served by the userland proxy.',
  'hairpin-lookup':
    'A container of {network} reaches its own published ports, under an address that it can answer.',
  hairpin: '{endpoint} may reach its own published ports.',
} as const;

export type SentenceKey = keyof typeof SENTENCES;

/** What a rule goes back to. Absent parts do not apply. */
export interface Origin {
  readonly key: SentenceKey;
  readonly networkId?: string;
  /** The container's endpoint; for links, the client's. */
  readonly endpointId?: string;
  /** The published (or linked) port or run of ports. */
  readonly port?: OriginPort;
  readonly link?: { readonly serverEndpointId: string; readonly alias: string };
}

/** The port that a rule is about. Host side is absent for links and in `routed` mode. */
export interface OriginPort {
  readonly proto: Protocol;
  readonly containerPort: number;
  readonly containerPortEnd: number;
  readonly hostIp?: string;
  readonly hostPort?: number;
  readonly hostPortEnd?: number;
}
