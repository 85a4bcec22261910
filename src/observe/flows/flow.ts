/** A tracked connection with its translation undone, and names at its ends. Pure. */

import type { Flow, FlowEnd } from '../../base/wire/index.ts';
import type { ConntrackEntry } from '../../kernel/netlink/index.ts';
import { protocolName } from '../protocols.ts';
import { type ConntrackTimeouts, lastSeen, type Span } from './age.ts';
import type { AddressOwner } from './names.ts';

/** `IPS_SEEN_REPLY = 2` (nf_conntrack_common.h) */
const IPS_SEEN_REPLY = 2;

/**
 * The original direction is what the client sent, before any translation; the reply direction says where the packets really go (its
 * source) and whom they seem to come from (its destination).
 */
export function flowOf(
  event: Flow['event'],
  entry: ConntrackEntry,
  time: string,
  ownerOf: (address: string, then: Span | undefined) => AddressOwner | undefined,
  timeouts: ConntrackTimeouts,
): Flow {
  const { original, reply, counters } = entry;
  // Whose the addresses were when it began, or else when it was last alive: they may have passed to others since.
  const then = event === 'new' ? undefined : (began(entry) ?? lastSeen(entry, timeouts, Date.parse(time)));
  const end = (address: string, port: number | undefined): FlowEnd => ({
    address,
    ...(port === undefined ? {} : { port }),
    ...ownerOf(address, then),
  });
  const isSame = (a: string, aPort: number | undefined, b: string, bPort: number | undefined) =>
    a === b && aPort === bPort;
  const toServer = isSame(original.destination, original.destinationPort, reply.source, reply.sourcePort);
  const asClient = isSame(original.source, original.sourcePort, reply.destination, reply.destinationPort);
  return {
    event,
    time,
    proto: protocolName(entry.protocol),
    client: end(original.source, original.sourcePort),
    dialled: end(original.destination, original.destinationPort),
    ...(toServer ? {} : { server: end(reply.source, reply.sourcePort) }),
    ...(asClient ? {} : { seenAs: end(reply.destination, reply.destinationPort) }),
    ...(event === 'end' ? {} : { unanswered: (entry.status & IPS_SEEN_REPLY) === 0 }),
    ...(counters === undefined ? {} : { sent: counters.original, answered: counters.reply }),
  };
}

const began = ({ startedAt }: ConntrackEntry): Span | undefined =>
  startedAt === undefined ? undefined : { from: startedAt, to: startedAt };

/** Whether the container of that name takes part. */
export function concerns(flow: Flow, container: string): boolean {
  return [flow.client, flow.dialled, flow.server].some((end) => end?.name === container);
}
