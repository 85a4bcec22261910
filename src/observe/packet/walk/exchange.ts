/** A question and its answer: the first packet of a connection, and the one that comes back. Pure. */

import type { Ip } from '../../../base/ip.ts';
import type { Ternary } from '../condition.ts';
import type { Packet, PacketProtocol, Side } from '../packet.ts';
import { sameSide } from '../packet.ts';
import type { HostSnapshot } from '../snapshot.ts';
import type { End, Hop } from './hops.ts';
import { Walk } from './walk.ts';

/** Who asks. */
export type Asker =
  | { readonly kind: 'namespace'; readonly id: string; readonly source?: Ip }
  /** A neighbour of a namespace, who sends to the link-layer address of one of its interfaces. */
  | { readonly kind: 'outside'; readonly id: string; readonly link: string; readonly source: Ip };

export interface ExchangeQuestion {
  readonly asker: Asker;
  readonly protocol: PacketProtocol;
  readonly destination: Side;
}

export interface Exchange {
  /** True: asked and answered. Undefined: it cannot be told. */
  readonly works: Ternary;
  readonly there: Leg;
  /** Absent when the question did not arrive. */
  readonly back?: Leg;
  /** The source address that the answering side saw. */
  readonly seenAs?: Ip;
}

export interface Leg {
  readonly hops: readonly Hop[];
  readonly end: End;
  /** A rule on the way could not be decided, and matters. */
  readonly doubtful: boolean;
}

/** A port from the middle of the range that kernels choose from (net.ipv4.ip_local_port_range). */
const CLIENT_PORT = 45678;

export function exchange(snapshot: HostSnapshot, question: ExchangeQuestion): Exchange {
  const walk = new Walk(snapshot);
  const { asker, protocol, destination } = question;
  const port = protocol === 'icmp' ? 0 : CLIENT_PORT;
  const end = ask(walk, asker, { protocol, destination, port });
  const asked = [...walk.hops];
  const there: Leg = { hops: asked, end, doubtful: isDoubtful(asked, end) };
  const sent = walk.hops[0]?.packet;
  if (end.kind === 'stopped' || end.kind === 'unknown' || sent === undefined) {
    return { works: end.kind === 'unknown' || there.doubtful ? undefined : false, there };
  }
  const answered = answer(walk, end);
  const last = checked(answered, asker, { source: sent.source, destination });
  const hops = walk.hops.slice(there.hops.length);
  const back: Leg = { hops, end: last, doubtful: isDoubtful(hops, last) };
  const arrived = last.kind === 'delivered' || last.kind === 'left';
  const doubtful = there.doubtful || back.doubtful || last.kind === 'unknown';
  return { works: doubtful ? undefined : arrived, there, back, seenAs: end.packet.source.ip };
}

function ask(
  walk: Walk,
  asker: Asker,
  { protocol, destination, port }: { protocol: PacketProtocol; destination: Side; port: number },
): End {
  const { family } = destination.ip;
  if (asker.kind === 'namespace') {
    return walk.send(asker.id, { family, protocol, destination, source: { ip: asker.source, port } });
  }
  const source = { ip: asker.source, port };
  return walk.enter(asker.id, asker.link, {
    family,
    protocol,
    direction: 'original',
    source,
    destination,
    mark: 0,
  });
}

function answer(walk: Walk, { kind, namespace, packet, ...rest }: End): End {
  const { family, protocol, source, destination } = packet;
  if (kind === 'left' && 'link' in rest) {
    const reply: Packet = {
      family,
      protocol,
      direction: 'reply',
      source: destination,
      destination: source,
      mark: 0,
    };
    return walk.enter(namespace, rest.link, reply);
  }
  return walk.send(namespace, {
    family,
    protocol,
    direction: 'reply',
    source: destination,
    destination: source,
  });
}

/** An answer counts where it was waited for, from where it was waited for. */
function checked(end: End, asker: Asker, asked: { source: Side; destination: Side }): End {
  if (end.kind !== 'delivered' && end.kind !== 'left') return end;
  const { namespace, packet } = end;
  const stopped = (cause: Extract<End, { kind: 'stopped' }>['cause']): End => ({
    kind: 'stopped',
    namespace,
    packet,
    cause,
  });
  const athome = namespace === asker.id && end.kind === (asker.kind === 'outside' ? 'left' : 'delivered');
  if (!athome || !sameSide(packet.destination, asked.source)) {
    return stopped({ kind: 'answer-to-elsewhere', at: namespace });
  }
  if (!sameSide(packet.source, asked.destination)) {
    return stopped({ kind: 'answer-from-elsewhere', from: packet.source.ip, expected: asked.destination.ip });
  }
  return end;
}

/** Whether it might have ended otherwise, had rules matched that cannot be decided. */
function isDoubtful(hops: readonly Hop[], end: End): boolean {
  return hops.some((hop) => {
    if (hop.kind !== 'asked') return false;
    if (end.kind !== 'stopped') return hop.doubts.some(({ would }) => would !== 'accept');
    const stoppedHere = hop.outcome !== 'accept';
    return hop.doubts.some(({ would }) => would === 'translate' || (stoppedHere && would === 'accept'));
  });
}
