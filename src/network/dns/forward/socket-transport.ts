/** The real transport: sockets opened in the namespace that the server is asked from. */

import { Socket } from 'node:net';
import { networkInterfaces } from 'node:os';
import { internal } from '../../../base/errors.ts';
import { AF_INET, AF_INET6 } from '../../../kernel/address.ts';
import { errnoError, isErrno } from '../../../kernel/ffi/errno.ts';
import { check, lastErrno, libc } from '../../../kernel/ffi/libc.ts';
import { encodeSockaddr } from '../../../kernel/ffi/sockaddr.ts';
import { withNetns } from '../../../kernel/netns/index.ts';
import { MESSAGE_LENGTH_MAX } from '../message/constants.ts';
import type { Readiness } from './readiness.ts';
import { frameMessage, MessageFrames } from './stream.ts';
import type { Exchange, ExchangeEvents, Transport } from './transport.ts';
import { SOCKET_LIFETIME, UdpSockets } from './udp-sockets.ts';
import type { Upstream } from './upstream.ts';

/** `SOCK_STREAM = 1`, `SOCK_DGRAM = 2`, `SOCK_NONBLOCK = 04000`, `SOCK_CLOEXEC = 02000000` (linux/net.h) */
const SOCK_STREAM = 1;
const SOCK_DGRAM = 2;
const SOCK_NONBLOCK_CLOEXEC = 0o4000 | 0o2000000;
/** asm-generic/errno.h, errno-base.h */
const EMFILE = 24;
const EINPROGRESS = 115;

/** What of the container's namespace means: no way to get there from here. */
const NO_ROUTE = ['ENETUNREACH', 'EHOSTUNREACH', 'EADDRNOTAVAIL', 'ENETDOWN', 'EAFNOSUPPORT'] as const;

export interface SocketTransportOptions {
  readonly readiness: Readiness;
  /** Sockets open at once. Default 4,096. Beyond, sending fails with EMFILE. */
  readonly sockets?: number;
}

export class SocketTransport implements Transport, Disposable {
  readonly #readiness: Readiness;
  readonly #limit: number;
  readonly #libc = libc();
  readonly #buffer = Buffer.allocUnsafeSlow(MESSAGE_LENGTH_MAX);
  /** Servers towards which sockets are open. */
  readonly #udp = new Map<Upstream, UdpSockets>();
  #sweeper: NodeJS.Timeout | undefined;
  #open = 0;

  constructor(options: SocketTransportOptions) {
    this.#readiness = options.readiness;
    this.#limit = options.sockets ?? 4096;
  }

  udp(server: Upstream, message: Buffer, events: ExchangeEvents): Exchange {
    let sockets = this.#udp.get(server);
    if (sockets === undefined) {
      sockets = new UdpSockets({
        readiness: this.#readiness,
        // Connected: the kernel takes datagrams from the server's address and port only, and reports ICMP errors.
        open: () => this.#connect(server, SOCK_DGRAM),
        onClose: () => {
          this.#open--;
        },
        action: `ask ${server.address} port ${server.port}`,
        buffer: this.#buffer,
      });
      this.#udp.set(server, sockets);
      this.#sweeper ??= setInterval(() => this.#sweep(), SOCKET_LIFETIME).unref();
    }
    return sockets.send(message, events);
  }

  tcp(server: Upstream, message: Buffer, events: ExchangeEvents): Exchange {
    const fd = this.#connect(server, SOCK_STREAM);
    const socket = new Socket({ fd });
    let isOpen = true;
    const close = () => {
      if (!isOpen) return;
      isOpen = false;
      this.#open--;
      socket.destroy();
    };
    const fail = (error: unknown) => {
      if (!isOpen) return;
      close();
      events.onFailure(error);
    };
    const frames = new MessageFrames((answer) => {
      if (isOpen) events.onMessage(answer);
    });
    socket.on('data', (bytes) => frames.push(bytes));
    socket.on('error', fail);
    socket.on('close', () => fail(internal(`ask ${server.address} over TCP: the connection ended`)));
    socket.write(frameMessage(message));
    socket.unref();
    return { close };
  }

  /** Closes all sockets. Idempotent. */
  [Symbol.dispose](): void {
    clearInterval(this.#sweeper);
    for (const sockets of this.#udp.values()) sockets.close();
    this.#udp.clear();
  }

  #sweep(): void {
    const now = performance.now();
    for (const [server, sockets] of this.#udp) {
      sockets.sweep(now);
      if (sockets.isEmpty) this.#udp.delete(server);
    }
    if (this.#udp.size > 0) return;
    clearInterval(this.#sweeper);
    this.#sweeper = undefined;
  }

  #connect(server: Upstream, type: number): number {
    const action = () => `ask ${server.address} port ${server.port}`;
    if (this.#open >= this.#limit) throw errnoError(action(), EMFILE);
    const sockaddr = sockaddrOf(server);
    const open = () => {
      const family = sockaddr.length === 16 ? AF_INET : AF_INET6;
      const fd = check(this.#libc.socket(family, type | SOCK_NONBLOCK_CLOEXEC, 0), action);
      if (this.#libc.connect(fd, sockaddr, sockaddr.length) === 0) return fd;
      const errno = lastErrno();
      if (errno === EINPROGRESS) return fd;
      this.#libc.close(fd);
      throw errnoError(action(), errno);
    };
    const fd = this.#openFrom(server, open);
    this.#open++;
    return fd;
  }

  #openFrom(server: Upstream, open: () => number): number {
    if (server.netns === undefined) return open();
    try {
      return withNetns(server.netns, open);
    } catch (error) {
      if (server.orFromHost && isErrno(error, ...NO_ROUTE)) return open();
      throw error;
    }
  }
}

/** With the interface's index in it when the address names a zone, which is looked up in the daemon's namespace. */
function sockaddrOf({ address, port }: Upstream): Buffer {
  const [bare = '', zone] = address.split('%');
  const sockaddr = encodeSockaddr({ address: bare, port });
  if (zone !== undefined && sockaddr.length > 16) {
    const index = /^\d+$/.test(zone) ? Number(zone) : indexOfInterface(zone);
    sockaddr.writeUInt32LE(index, 24); // sin6_scope_id
  }
  return sockaddr;
}

function indexOfInterface(name: string): number {
  const address = networkInterfaces()[name]?.find(({ family }) => family === 'IPv6');
  return address?.scopeid ?? 0;
}
