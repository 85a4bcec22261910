/** The real transport: a socket for each message, opened in the namespace that the server is asked from. */

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
import type { Upstream } from './upstream.ts';

/** `SOCK_STREAM = 1`, `SOCK_DGRAM = 2`, `SOCK_NONBLOCK = 04000`, `SOCK_CLOEXEC = 02000000` (linux/net.h) */
const SOCK_STREAM = 1;
const SOCK_DGRAM = 2;
const SOCK_NONBLOCK_CLOEXEC = 0o4000 | 0o2000000;
/** asm-generic/errno-base.h, errno.h */
const EAGAIN = 11;
const EINPROGRESS = 115;
/** Datagrams read of one socket in a row: whoever floods it must not keep the loop. */
const DATAGRAMS_AT_ONCE = 8;

/** What of the container's namespace means: no way to get there from here. */
const NO_ROUTE = ['ENETUNREACH', 'EHOSTUNREACH', 'EADDRNOTAVAIL', 'ENETDOWN', 'EAFNOSUPPORT'] as const;

export interface SocketTransportOptions {
  readonly readiness: Readiness;
  /** Sockets open at once. Default 4,096. Beyond, sending fails with EMFILE. */
  readonly sockets?: number;
}

export class SocketTransport implements Transport {
  readonly #readiness: Readiness;
  readonly #limit: number;
  readonly #libc = libc();
  readonly #buffer = Buffer.allocUnsafeSlow(MESSAGE_LENGTH_MAX);
  #open = 0;

  constructor(options: SocketTransportOptions) {
    this.#readiness = options.readiness;
    this.#limit = options.sockets ?? 4096;
  }

  udp(server: Upstream, message: Buffer, events: ExchangeEvents): Exchange {
    // Connected: the kernel takes datagrams from the server's address and port only, and reports ICMP errors.
    const fd = this.#connect(server, SOCK_DGRAM);
    let isOpen = true;
    const close = () => {
      if (!isOpen) return;
      isOpen = false;
      this.#open--;
      this.#readiness.close(fd);
    };
    try {
      this.#readiness.add(fd, () => {
        for (let count = 0; isOpen && count < DATAGRAMS_AT_ONCE; count++) {
          const length = this.#libc.recv(fd, this.#buffer, this.#buffer.length, 0);
          if (length >= 0) {
            events.onMessage(Buffer.from(this.#buffer.subarray(0, length)));
            continue;
          }
          const errno = lastErrno();
          if (errno === EAGAIN) return;
          close();
          events.onFailure(errnoError(`ask ${server.address} port ${server.port}`, errno));
        }
      });
      check(
        this.#libc.send(fd, message, message.length, 0),
        () => `ask ${server.address} port ${server.port}`,
      );
    } catch (error) {
      close();
      throw error;
    }
    return { close };
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

  #connect(server: Upstream, type: number): number {
    const action = () => `ask ${server.address} port ${server.port}`;
    if (this.#open >= this.#limit) throw errnoError(action(), 24);
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
