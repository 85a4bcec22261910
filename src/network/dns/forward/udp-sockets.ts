/**
 * The UDP sockets towards one server, all connected to it, each on a random port.
 *
 * A question gets a socket of its own as long as there are few; in a rush it takes one of those that are open, at random, which
 * saves most of its cost. Whoever wants to forge an answer has to guess the port and the id either way: a socket is used for
 * a fraction of a second.
 */

import { randomInt } from 'node:crypto';
import { errnoError } from '../../../kernel/ffi/errno.ts';
import { lastErrno, libc } from '../../../kernel/ffi/libc.ts';
import type { Readiness } from './readiness.ts';
import type { Exchange, ExchangeEvents } from './transport.ts';

/** Sockets before one is used by several questions. */
const SHARE_FROM = 32;
/** Questions that one socket serves at most. */
const USES_MAX = 64;
/** Milliseconds after which a socket takes no more questions. */
export const SOCKET_LIFETIME = 250;
/** Datagrams read of one socket in a row: whoever floods it must not keep the loop. */
const DATAGRAMS_AT_ONCE = 16;
const EAGAIN = 11;

interface OpenSocket {
  readonly fd: number;
  readonly openedAt: number;
  /** By id. */
  readonly waiting: Map<number, ExchangeEvents>;
  uses: number;
  closed: boolean;
}

export interface UdpSocketsOptions {
  readonly readiness: Readiness;
  /** A new socket, connected to the server. Throws errno errors. */
  readonly open: () => number;
  /** Called for every socket that was closed. */
  readonly onClose: () => void;
  /** What was tried, for messages. */
  readonly action: string;
  /** Scratch memory, used within a turn only. */
  readonly buffer: Buffer;
}

export class UdpSockets {
  readonly #options: UdpSocketsOptions;
  readonly #libc = libc();
  /** Those that take questions. */
  #fresh: OpenSocket[] = [];
  /** Those that only wait for answers. */
  readonly #retired = new Set<OpenSocket>();

  constructor(options: UdpSocketsOptions) {
    this.#options = options;
  }

  /** No socket is open. */
  get isEmpty(): boolean {
    return this.#fresh.length === 0 && this.#retired.size === 0;
  }

  /** Sends a message, whose id is its own. Throws errno errors. */
  send(message: Buffer, events: ExchangeEvents): Exchange {
    const id = message.readUInt16BE(0);
    const socket = this.#take(id);
    socket.waiting.set(id, events);
    if (++socket.uses >= USES_MAX) this.#retire(socket);
    let isOpen = true;
    const close = () => {
      if (!isOpen) return;
      isOpen = false;
      if (socket.waiting.get(id) !== events) return;
      socket.waiting.delete(id);
      if (this.#retired.has(socket) && socket.waiting.size === 0) this.#close(socket);
    };
    if (this.#libc.send(socket.fd, message, message.length, 0) < 0) {
      const errno = lastErrno();
      close();
      // It may be an earlier question's: "nobody listens" is told at the next call, and is true for all.
      queueMicrotask(() => this.#fail(socket, errno));
      throw errnoError(this.#options.action, errno);
    }
    return { close };
  }

  /** Takes sockets that are old enough out of use, and closes those that wait for nothing. To be called now and then. */
  sweep(now: number): void {
    for (const socket of [...this.#fresh]) {
      if (now - socket.openedAt >= SOCKET_LIFETIME) this.#retire(socket);
    }
  }

  /** Closes all; nobody is told. */
  close(): void {
    for (const socket of [...this.#fresh, ...this.#retired]) this.#close(socket);
  }

  #take(id: number): OpenSocket {
    if (this.#fresh.length >= SHARE_FROM) {
      const socket = this.#fresh[randomInt(this.#fresh.length)]!;
      if (!socket.waiting.has(id)) return socket;
    }
    const socket: OpenSocket = {
      fd: this.#options.open(),
      openedAt: performance.now(),
      waiting: new Map(),
      uses: 0,
      closed: false,
    };
    try {
      this.#options.readiness.add(socket.fd, () => this.#read(socket));
    } catch (error) {
      this.#close(socket);
      throw error;
    }
    this.#fresh.push(socket);
    return socket;
  }

  #read(socket: OpenSocket): void {
    const { buffer } = this.#options;
    for (let count = 0; !socket.closed && count < DATAGRAMS_AT_ONCE; count++) {
      const length = this.#libc.recv(socket.fd, buffer, buffer.length, 0);
      if (length >= 2) {
        socket.waiting.get(buffer.readUInt16BE(0))?.onMessage(Buffer.from(buffer.subarray(0, length)));
      } else if (length < 0) {
        const errno = lastErrno();
        if (errno !== EAGAIN) this.#fail(socket, errno);
        return;
      }
    }
  }

  #fail(socket: OpenSocket, errno: number): void {
    const waiting = [...socket.waiting.values()];
    socket.waiting.clear();
    this.#close(socket);
    for (const events of waiting) events.onFailure(errnoError(this.#options.action, errno));
  }

  #retire(socket: OpenSocket): void {
    this.#fresh = this.#fresh.filter((other) => other !== socket);
    if (socket.waiting.size === 0) this.#close(socket);
    else this.#retired.add(socket);
  }

  #close(socket: OpenSocket): void {
    if (socket.closed) return;
    socket.closed = true;
    this.#fresh = this.#fresh.filter((other) => other !== socket);
    this.#retired.delete(socket);
    this.#options.readiness.close(socket.fd);
    this.#options.onClose();
  }
}
