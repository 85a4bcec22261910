/**
 * The sockets of a network namespace that wait for packets, over sock_diag(7): `struct inet_diag_req_v2` and `inet_diag_msg` of
 * linux/inet_diag.h. Cheaper and more exact than /proc/net/tcp, which does not tell whether an IPv6 socket takes IPv4 too.
 */
import { AF_INET, AF_INET6, addressText } from '../../address.ts';
import { isErrno } from '../../ffi/errno.ts';
import type { NetnsHandle } from '../../netns/index.ts';
import { readAttributes } from '../attributes.ts';
import { type NetlinkMessage, netlinkRequest } from '../message.ts';
import { NetlinkSocket } from '../socket.ts';

/** `#define NETLINK_SOCK_DIAG 4` (linux/netlink.h) */
const NETLINK_SOCK_DIAG = 4;
/** `#define SOCK_DIAG_BY_FAMILY 20` (linux/sock_diag.h) */
const SOCK_DIAG_BY_FAMILY = 20;
/** `struct inet_diag_req_v2`: family u8, protocol u8, ext u8, pad u8, states u32, `struct inet_diag_sockid` (48 bytes) */
const REQUEST_LENGTH = 56;
/** `struct inet_diag_msg`: 4 × u8, `inet_diag_sockid`, expires u32, rqueue u32, wqueue u32, uid u32, inode u32 */
const MESSAGE_LENGTH = 72;
/** `INET_DIAG_SKV6ONLY = 11` (linux/inet_diag.h): told of every IPv6 socket in these states, without being asked for */
const INET_DIAG_SKV6ONLY = 11;
/** `TCP_CLOSE = 7`, `TCP_LISTEN = 10` (net/tcp_states.h). A UDP socket that is not connected is in state 7. */
const WAITING = { tcp: 1 << 10, udp: 1 << 7 } as const;
/** `IPPROTO_TCP = 6`, `IPPROTO_UDP = 17` (linux/in.h) */
const PROTOCOLS = { tcp: 6, udp: 17 } as const;

/** A socket that takes packets from anybody: a TCP listener, or a UDP socket that is bound and not connected. */
export interface LocalSocket {
  readonly protocol: 'tcp' | 'udp';
  readonly family: 4 | 6;
  /** `0.0.0.0` and `::` are every address. */
  readonly address: string;
  readonly port: number;
  /** IPv6 only: no IPv4 packets by mapped addresses. */
  readonly ipv6Only: boolean;
  /** Index of the link it is bound to (SO_BINDTODEVICE); 0: any. */
  readonly link: number;
  readonly uid: number;
  /** As `/proc/PID/fd` shows it: `socket:[12345]`. */
  readonly inode: number;
}

/** All of them, of both protocols and families. @param netns the thread's own by default */
export function listLocalSockets(netns?: NetnsHandle | string): LocalSocket[] {
  using socket = NetlinkSocket.open(NETLINK_SOCK_DIAG, { netns });
  const found: LocalSocket[] = [];
  for (const protocol of ['tcp', 'udp'] as const) {
    for (const family of [AF_INET, AF_INET6]) {
      const head = Buffer.alloc(REQUEST_LENGTH);
      head.writeUInt8(family, 0);
      head.writeUInt8(PROTOCOLS[protocol], 1);
      head.writeUInt32LE(WAITING[protocol], 4);
      const request = netlinkRequest(`list ${protocol} sockets`, SOCK_DIAG_BY_FAMILY, 0, head);
      try {
        for (const message of socket.dump(request)) {
          const read = readSocket(message, protocol);
          if (read !== undefined) found.push(read);
        }
      } catch (error) {
        // A kernel without the module udp_diag, or without IPv6.
        if (!isErrno(error, 'ENOENT') && !isErrno(error, 'EINVAL')) throw error;
      }
    }
  }
  return found;
}

function readSocket({ body }: NetlinkMessage, protocol: 'tcp' | 'udp'): LocalSocket | undefined {
  if (body.length < MESSAGE_LENGTH) return undefined;
  const family = body.readUInt8(0) === AF_INET ? 4 : 6;
  const attributes = readAttributes(body, MESSAGE_LENGTH);
  return {
    protocol,
    family,
    port: body.readUInt16BE(4),
    address: addressText(body.subarray(8, family === 4 ? 12 : 24)),
    link: body.readUInt32LE(40),
    uid: body.readUInt32LE(64),
    inode: body.readUInt32LE(68),
    ipv6Only: attributes.u8(INET_DIAG_SKV6ONLY) === 1,
  };
}
