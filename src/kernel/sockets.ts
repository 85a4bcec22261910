/**
 * Sockets as descriptors, opened and bound synchronously: in a namespace of one's choice, and held before anybody reads
 * from them. Hand one to Node by `server.listen({ fd })`, `dgram.bind({ fd })` or to another process by inheritance.
 */
import { conflict } from '../base/errors.ts';
import { AF_INET, familyOf } from './address.ts';
import { errnoError, errnoName } from './ffi/errno.ts';
import { check, lastErrno, libc } from './ffi/libc.ts';
import { decodeSockaddr, encodeSockaddr, SOCKADDR_LENGTH_MAX, type SocketAddress } from './ffi/sockaddr.ts';
import { type NetnsHandle, withNetns } from './netns/index.ts';

/** `SOCK_STREAM = 1`, `SOCK_DGRAM = 2`, `SOCK_NONBLOCK = 04000`, `SOCK_CLOEXEC = 02000000` (linux/net.h) */
const SOCK_STREAM = 1;
const SOCK_DGRAM = 2;
const SOCK_NONBLOCK_CLOEXEC = 0o4000 | 0o2000000;
/** `#define SOL_SOCKET 1`, `#define SO_REUSEADDR 2`, `#define SO_REUSEPORT 15` (asm-generic/socket.h) */
const SOL_SOCKET = 1;
const SO_REUSEADDR = 2;
const SO_REUSEPORT = 15;
/** `#define IPPROTO_IPV6 41` (linux/in.h), `#define IPV6_V6ONLY 26` (linux/in6.h) */
const IPPROTO_IPV6 = 41;
const IPV6_V6ONLY = 26;
/** `#define IPPROTO_IP 0`, `#define IP_FREEBIND 15` (linux/in.h): covers IPv6 sockets as well */
const IPPROTO_IP = 0;
const IP_FREEBIND = 15;
/** `#define IPPROTO_SCTP 132` (linux/in.h) */
const IPPROTO_SCTP = 132;

export interface BindOptions extends SocketAddress {
  /** `0.0.0.0`, `::` or an address of the namespace. */
  address: string;
  /** 0: the kernel chooses one; the result tells which. */
  port: number;
  /** Default: the thread's own. */
  netns?: NetnsHandle | string | undefined;
  /**
   * SO_REUSEADDR. Default: on for TCP, so that a port with connections in TIME_WAIT is bound again at once; off for UDP,
   * where it would let two sockets have the same port.
   */
  reuseAddress?: boolean | undefined;
  /** SO_REUSEPORT: several sockets share the port on purpose. Default: off. */
  reusePort?: boolean | undefined;
  /** IPV6_V6ONLY for IPv6 addresses. Default: on, so that `[::]:80` and `0.0.0.0:80` are two sockets. */
  ipv6Only?: boolean | undefined;
  /** IP_FREEBIND: an address that no interface has (yet). Default: off. */
  freeBind?: boolean | undefined;
}

/** A bound socket. The caller owns `fd`, and closes it by `closeSocket()` or by what it hands it to. */
export interface BoundSocket {
  readonly fd: number;
  /** The port it is bound to. */
  readonly port: number;
}

/**
 * A listening TCP socket, non-blocking.
 *
 * @param backlog connections that wait to be accepted; default 4096, the kernel's own limit (net.core.somaxconn)
 * @throws kind `conflict`, errno EADDRINUSE when the port is taken; errno EADDRNOTAVAIL when the address is not local
 */
export function openTcpListener(options: BindOptions & { backlog?: number }): BoundSocket {
  return openListener('tcp', 0, options);
}

/** Like `openTcpListener()` for SCTP; errno EPROTONOSUPPORT when the kernel lacks it. */
export function openSctpListener(options: BindOptions & { backlog?: number }): BoundSocket {
  return openListener('sctp', IPPROTO_SCTP, options);
}

/** A bound UDP socket, non-blocking. Errors as for `openTcpListener()`. */
export function openUdpSocket(options: BindOptions): BoundSocket {
  return openBound('udp', SOCK_DGRAM, 0, { reuseAddress: false, ...options });
}

/** Closes a socket that was handed to nobody. */
export function closeSocket(socket: BoundSocket): void {
  check(libc().close(socket.fd), () => `close socket ${socket.fd} of port ${socket.port}`);
}

/** The address a socket is bound to. */
export function socketAddress(fd: number): SocketAddress {
  const sockaddr = Buffer.alloc(SOCKADDR_LENGTH_MAX);
  const length = Buffer.alloc(4);
  length.writeUInt32LE(sockaddr.length);
  check(libc().getsockname(fd, sockaddr, length), `get address of socket ${fd}`);
  return decodeSockaddr(sockaddr);
}

function openListener(
  protocol: string,
  number: number,
  options: BindOptions & { backlog?: number },
): BoundSocket {
  const socket = openBound(protocol, SOCK_STREAM, number, { reuseAddress: true, ...options });
  if (libc().listen(socket.fd, options.backlog ?? 4096) === 0) return socket;
  // With SO_REUSEADDR two sockets may be bound to one port as long as neither listens: the conflict shows here.
  const error = bindError('listen', protocol, options, lastErrno());
  libc().close(socket.fd);
  throw error;
}

function openBound(protocol: string, type: number, number: number, options: BindOptions): BoundSocket {
  const { address, port, netns } = options;
  const sockaddr = encodeSockaddr({ address, port });
  const family = familyOf(address);
  const action = () => `open ${protocol} socket for ${text(options)}`;
  const open = () => check(libc().socket(family, type | SOCK_NONBLOCK_CLOEXEC, number), action);
  const fd = netns === undefined ? open() : withNetns(netns, open);
  try {
    const set = (level: number, option: number, value: boolean | undefined) => {
      if (value === undefined) return;
      const bytes = Buffer.alloc(4);
      bytes.writeInt32LE(value ? 1 : 0);
      check(libc().setsockopt(fd, level, option, bytes, 4), action);
    };
    set(SOL_SOCKET, SO_REUSEADDR, options.reuseAddress);
    set(SOL_SOCKET, SO_REUSEPORT, options.reusePort);
    set(IPPROTO_IP, IP_FREEBIND, options.freeBind);
    if (family !== AF_INET) set(IPPROTO_IPV6, IPV6_V6ONLY, options.ipv6Only ?? true);
    if (libc().bind(fd, sockaddr, sockaddr.length) < 0) {
      throw bindError('bind', protocol, options, lastErrno());
    }
    return { fd, port: port === 0 ? socketAddress(fd).port : port };
  } catch (error) {
    libc().close(fd);
    throw error;
  }
}

function bindError(verb: string, protocol: string, options: SocketAddress, errno: number) {
  const error = errnoError(`${verb} ${protocol} ${text(options)}`, errno);
  return errnoName(errno) === 'EADDRINUSE' ? conflict(error.message, { errno: error.errno }) : error;
}

/** `0.0.0.0:80`, `[::]:80`. */
function text({ address, port }: SocketAddress): string {
  return address.includes(':') ? `[${address}]:${port}` : `${address}:${port}`;
}
