/** Which socket a packet would be handed to. Pure. */

import { Ip } from '../../../base/ip.ts';
import type { LocalSocket } from '../../../kernel/netlink/index.ts';
import type { Packet } from '../packet.ts';
import { linkByIndex, type Namespace } from '../snapshot.ts';
import type { Cause } from './hops.ts';

export type SocketAnswer =
  | { readonly kind: 'found'; readonly socket: LocalSocket }
  | { readonly kind: 'none'; readonly cause: Cause }
  /** The kernel itself answers, or the model does not know such sockets. */
  | { readonly kind: 'kernel' }
  | { readonly kind: 'unknown' };

export function findSocket(namespace: Namespace, packet: Packet): SocketAnswer {
  const { protocol, destination } = packet;
  if (protocol === 'icmp') return { kind: 'kernel' };
  if (protocol === 'sctp') return { kind: 'unknown' };
  const onPort = namespace.sockets.filter(
    (socket) => socket.protocol === protocol && socket.port === destination.port,
  );
  const usable = onPort
    .filter(({ link }) => link === 0 || linkByIndex(namespace, link)?.name === packet.input)
    .map((socket) => ({ socket, fit: fitOf(socket, destination.ip) }))
    .filter(({ fit }) => fit > 0)
    .sort((a, b) => b.fit - a.fit);
  const best = usable[0];
  if (best !== undefined) return { kind: 'found', socket: best.socket };
  // A listener of the other family on this port says nothing about this one.
  const near = onPort.filter((socket) => socket.family === packet.family || packet.family === 4);
  const port = destination.port;
  if (near.length > 0) return { kind: 'none', cause: { kind: 'other-address', port, sockets: near } };
  return { kind: 'none', cause: { kind: 'no-socket', port } };
}

/** 0: not for it. As the kernel scores: an address goes before all addresses, the own family before mapped ones. */
function fitOf(socket: LocalSocket, address: Ip): number {
  const bound = Ip.parse(socket.address);
  if (bound.unmap().equals(address)) return 4;
  if (!bound.isUnspecified) return 0;
  if (socket.family === address.family) return 3;
  return socket.family === 6 && !socket.ipv6Only ? 2 : 0;
}
