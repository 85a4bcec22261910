/** The resolver's sockets in one sandbox: UDP straight on the kernel's socket, TCP by Node's streams (it is rare). */

import { createServer, type Server, type Socket } from 'node:net';
import { messageOf } from '../../../base/errors.ts';
import type { Log } from '../../../base/log.ts';
import { isErrno } from '../../../kernel/ffi/errno.ts';
import { lastErrno, libc } from '../../../kernel/ffi/libc.ts';
import type { NetnsHandle } from '../../../kernel/netns/index.ts';
import { type BoundSocket, closeSocket, openTcpListener, openUdpSocket } from '../../../kernel/sockets.ts';
import type { Readiness } from '../forward/readiness.ts';
import { frameMessage, MessageFrames } from '../forward/stream.ts';
import { MESSAGE_LENGTH_MAX } from '../message/constants.ts';
import { DNS_PORT, RESOLVER_ADDRESS, readRedirect, writeRedirect } from './redirect.ts';

/** asm-generic/errno-base.h */
const EAGAIN = 11;
/** `#define SOL_SOCKET 1`, `#define SO_RCVBUFFORCE 33` (asm-generic/socket.h) */
const SOL_SOCKET = 1;
const SO_RCVBUFFORCE = 33;
/** Bytes; a short datagram takes 768 of them with the kernel's bookkeeping. */
const RECEIVE_BUFFER = 1024 * 1024;
/** Datagrams taken in one turn of the loop: a container that floods must not keep the others waiting. */
const DATAGRAMS_AT_ONCE = 64;
/** `struct sockaddr_in` */
const SOCKADDR_LENGTH = 16;
/** Connections of one container at once, questions of one connection under way, and milliseconds it may be silent. */
const CONNECTIONS_MAX = 64;
const PIPELINE_MAX = 64;
const IDLE_TIMEOUT = 10_000;

/** Where port 53 leads. */
export type ListenMode =
  /** by nftables to ports of ours: the container may have port 53 for itself */
  | 'redirect'
  /** nowhere: we hold port 53 of 127.0.0.11 itself, and a container that binds 0.0.0.0:53 gets EADDRINUSE */
  | 'direct';

export interface ListenerOptions {
  readonly netns: NetnsHandle;
  readonly readiness: Readiness;
  readonly log: Log;
  /** Receives every message; `respond` may be called later, and does nothing once the listener is closed. Must not throw. */
  readonly onMessage: (message: Buffer, protocol: 'udp' | 'tcp', respond: (answer: Buffer) => void) => void;
}

interface Sockets {
  readonly udp: BoundSocket;
  readonly tcp: BoundSocket;
  readonly mode: ListenMode;
}

export class Listener {
  readonly #options: ListenerOptions;
  readonly #udp: number;
  readonly #tcp: Server;
  readonly #connections = new Set<Socket>();
  readonly #libc = libc();
  readonly #sockaddr = Buffer.alloc(SOCKADDR_LENGTH);
  readonly #sockaddrLength = Buffer.alloc(4);
  /** Shared by all listeners would be enough; a query is short, and a longer one is no query. */
  readonly #buffer: Buffer;
  readonly mode: ListenMode;
  #closed = false;

  /**
   * Opens the sockets and leads port 53 to them. They answer from the next turn of the event loop on.
   *
   * @param buffer scratch memory of `MESSAGE_LENGTH_MAX` bytes, used within a turn only: listeners may share it
   * @throws errno EADDRINUSE when neither way is possible
   */
  constructor(options: ListenerOptions, buffer: Buffer = Buffer.allocUnsafeSlow(MESSAGE_LENGTH_MAX)) {
    this.#options = options;
    this.#buffer = buffer;
    const { udp, tcp, mode } = openSockets(options);
    enlargeReceiveBuffer(udp.fd);
    this.mode = mode;
    this.#udp = udp.fd;
    this.#tcp = createServer((socket) => this.#onConnection(socket));
    this.#tcp.maxConnections = CONNECTIONS_MAX;
    this.#tcp.on('error', (error) => options.log.warn({ err: error }, 'resolver: TCP listener failed'));
    this.#tcp.listen({ fd: tcp.fd });
    this.#tcp.unref();
    options.readiness.add(this.#udp, () => this.#onReadable());
  }

  /** Idempotent. */
  close(): void {
    if (this.#closed) return;
    this.#closed = true;
    this.#options.readiness.close(this.#udp);
    this.#tcp.close();
    for (const connection of this.#connections) connection.destroy();
  }

  #onReadable(): void {
    for (let count = 0; !this.#closed && count < DATAGRAMS_AT_ONCE; count++) {
      this.#sockaddrLength.writeUInt32LE(SOCKADDR_LENGTH);
      const length = this.#libc.recvfrom(
        this.#udp,
        this.#buffer,
        this.#buffer.length,
        0,
        this.#sockaddr,
        this.#sockaddrLength,
      );
      if (length < 0) {
        // Whatever else it is (a client's ICMP error) is taken off the socket by being read.
        if (lastErrno() === EAGAIN) return;
        continue;
      }
      const client = Buffer.from(this.#sockaddr);
      const message = Buffer.from(this.#buffer.subarray(0, length));
      this.#options.onMessage(message, 'udp', (answer) => this.#send(client, answer));
    }
  }

  /** A datagram that the kernel does not take is lost, as datagrams are: the client asks again. */
  #send(client: Buffer, answer: Buffer): void {
    if (this.#closed) return;
    this.#libc.sendto(this.#udp, answer, answer.length, 0, client, client.length);
  }

  #onConnection(socket: Socket): void {
    this.#connections.add(socket);
    socket.unref();
    socket.setNoDelay(true);
    socket.setTimeout(IDLE_TIMEOUT, () => socket.destroy());
    let underWay = 0;
    let ended = false;
    const frames = new MessageFrames((message) => {
      if (++underWay >= PIPELINE_MAX) socket.pause();
      this.#options.onMessage(message, 'tcp', (answer) => {
        underWay--;
        if (!socket.writable) return;
        socket.write(frameMessage(answer));
        if (ended && underWay === 0) socket.end();
        else if (underWay < PIPELINE_MAX) socket.resume();
      });
    });
    socket.on('data', (bytes) => frames.push(bytes));
    // A client that has no more questions may still wait for answers.
    socket.on('end', () => {
      ended = true;
      if (underWay === 0) socket.end();
    });
    socket.on('error', () => socket.destroy());
    socket.on('close', () => this.#connections.delete(socket));
  }
}

/** So that a rush of questions waits for a busy daemon instead of being lost. Where it is refused, the default has to do. */
function enlargeReceiveBuffer(fd: number): void {
  const bytes = Buffer.alloc(4);
  bytes.writeInt32LE(RECEIVE_BUFFER);
  libc().setsockopt(fd, SOL_SOCKET, SO_RCVBUFFORCE, bytes, bytes.length);
}

function openSockets(options: ListenerOptions): Sockets {
  const { netns, log } = options;
  try {
    return openRedirected(netns);
  } catch (error) {
    log.warn(
      { err: error },
      `resolver: cannot redirect port 53 (${messageOf(error)}); a container that binds it will fail`,
    );
    return { ...openPair(netns, { udp: DNS_PORT, tcp: DNS_PORT }), mode: 'direct' };
  }
}

function openRedirected(netns: NetnsHandle): Sockets {
  const before = readRedirect(netns);
  if (before !== undefined) {
    // The same ports as before the daemon was restarted: the rules stand, and not one question goes astray.
    try {
      return { ...openPair(netns, before), mode: 'redirect' };
    } catch (error) {
      if (!isErrno(error, 'EADDRINUSE')) throw error;
    }
  }
  const sockets = openPair(netns, { udp: 0, tcp: 0 });
  try {
    writeRedirect(netns, { udp: sockets.udp.port, tcp: sockets.tcp.port });
    return { ...sockets, mode: 'redirect' };
  } catch (error) {
    closeSocket(sockets.udp);
    closeSocket(sockets.tcp);
    throw error;
  }
}

function openPair(netns: NetnsHandle, ports: { udp: number; tcp: number }) {
  const udp = openUdpSocket({ netns, address: RESOLVER_ADDRESS, port: ports.udp });
  try {
    return { udp, tcp: openTcpListener({ netns, address: RESOLVER_ADDRESS, port: ports.tcp }) };
  } catch (error) {
    closeSocket(udp);
    throw error;
  }
}
