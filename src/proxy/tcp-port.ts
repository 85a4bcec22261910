/** A host port for TCP: the listening socket, and what becomes of those who connect. */
import { EPOLLIN, type Watcher } from '../kernel/epoll/loop.ts';
import { AF_INET6, portOf, SOCKADDR_LENGTH, type SocketAddress, setPort } from '../kernel/epoll/sockaddr.ts';
import {
  hasUnread,
  IPPROTO_IPV6,
  IPPROTO_TCP,
  IPV6_V6ONLY,
  openSocket,
  resetOnClose,
  SO_KEEPALIVE,
  SO_REUSEADDR,
  SOCK_CLOEXEC,
  SOCK_NONBLOCK,
  SOCK_STREAM,
  SOL_SOCKET,
  setOption,
  TCP_KEEPIDLE,
  TCP_KEEPINTVL,
  TCP_NODELAY,
} from '../kernel/epoll/socket.ts';
import { errnoNumber, isErrno } from '../kernel/ffi/errno.ts';
import { check, lastErrno, libc } from '../kernel/ffi/libc.ts';
import type { AcceptGate } from './accept-gate.ts';
import { Connection, type ConnectionTools } from './connection.ts';
import type { BoundPort } from './port-table.ts';
import { proxyHeader } from './proxy-header.ts';
import type { Route } from './route.ts';
import type { Outgoing, Targets } from './target.ts';

/** Connections that may wait to be accepted; the kernel caps it at `net.core.somaxconn`. */
const BACKLOG = 4096;
/** Connections accepted before others get their turn. */
const TURN = 64;
/** Seconds of silence before a client is asked whether it is still there, and between further questions: as Go's. */
const KEEPALIVE_SECONDS = 15;
const EAGAIN = 11;
/** The system has no descriptors, or no memory for them, to give. */
const NO_ROOM_NAMES = ['ENOMEM', 'ENFILE', 'EMFILE', 'ENOBUFS'];
const NO_ROOM = new Set(NO_ROOM_NAMES.map(errnoNumber));

export interface TcpPortTools extends ConnectionTools {
  /** Whether descriptors are left for one more connection. */
  hasRoom(): boolean;
  targets: Targets;
  gate: AcceptGate;
}

export class TcpPort implements BoundPort, Watcher {
  readonly port: number;
  readonly #fd: number;
  readonly #tools: TcpPortTools;
  readonly #libc = libc();
  /**
   * Accepted sockets inherit the listener's options, but a listener gets them only when somebody connects: most ports of a
   * large range are never used, and four calls each would make binding it take half as long again. Those who had connected
   * by then are in the backlog without, and get theirs one by one.
   */
  #options: 'none' | 'since the backlog' | 'inherited' = 'none';
  /** A client that was accepted with the last descriptor: there is none left for its way to the target. */
  #stalled: number | undefined;
  #route: Route | undefined;

  /** Binds and listens; throws errno's error when the port is taken or the address is not ours. */
  constructor({ family, bytes }: SocketAddress, port: number, tools: TcpPortTools) {
    this.#tools = tools;
    setPort(bytes, port);
    this.#fd = openSocket(family, SOCK_STREAM);
    try {
      // Old connections in TIME_WAIT do not keep us from the port; another listener still does.
      setOption(this.#fd, SOL_SOCKET, SO_REUSEADDR, 1);
      if (family === AF_INET6) setOption(this.#fd, IPPROTO_IPV6, IPV6_V6ONLY, 1);
      check(this.#libc.bind(this.#fd, bytes, bytes.length), () => `bind port ${port}`);
      check(this.#libc.listen(this.#fd, BACKLOG), () => `listen on port ${port}`);
      this.port = port === 0 ? this.#chosenPort() : port;
    } catch (error) {
      this.#libc.close(this.#fd);
      throw error;
    }
  }

  get route(): Route | undefined {
    return this.#route;
  }

  /** Those who have connected before the first one wait in the backlog. */
  set route(route: Route | undefined) {
    if (this.#route === undefined) this.#tools.loop.add(this.#fd, EPOLLIN, this);
    this.#route = route;
  }

  onReady(): void {
    if (this.#stalled !== undefined) {
      const fd = this.#stalled;
      this.#stalled = undefined;
      if (!this.#welcome(fd)) return;
    }
    if (this.#options === 'none') {
      setClientOptions(this.#fd);
      this.#options = 'since the backlog';
    }
    for (let turn = 0; turn < TURN; turn++) {
      if (!this.#tools.hasRoom()) {
        this.#tools.gate.pause(this);
        return;
      }
      const fd = this.#libc.accept4(this.#fd, null, null, SOCK_NONBLOCK | SOCK_CLOEXEC);
      if (fd < 0) {
        const errno = lastErrno();
        if (NO_ROOM.has(errno)) this.#tools.gate.pause(this);
        if (errno === EAGAIN) this.#options = 'inherited';
        // Others (ECONNABORTED, errors of the network the connection came over) concern that connection: accept(2).
        if (errno === EAGAIN || NO_ROOM.has(errno)) return;
        continue;
      }
      if (this.#options !== 'inherited') setClientOptions(fd);
      if (!this.#welcome(fd)) return;
    }
  }

  /** Stops or resumes accepting; those who connect meanwhile wait in the backlog. */
  accepting(yes: boolean): void {
    this.#tools.loop.modify(this.#fd, yes ? EPOLLIN : 0);
    if (yes && this.#stalled !== undefined) this.onReady();
  }

  close(): void {
    this.#tools.gate.forget(this);
    if (this.#stalled !== undefined) this.#refuse(this.#stalled);
    this.#tools.loop.forget(this.#fd);
    this.#libc.close(this.#fd);
  }

  /** Connects an accepted client to its target. False when there are no descriptors for that: the client waits. */
  #welcome(fd: number): boolean {
    const { counters, targets, gate } = this.#tools;
    const route = this.#route;
    if (route === undefined || route.holds) {
      this.#refuse(fd);
      return true;
    }
    const speaks = hasUnread(fd);
    let outgoing: Outgoing;
    try {
      outgoing = targets.at(route.mapping.targetIp, this.port + route.offset).connect(speaks);
    } catch (error) {
      if (isErrno(error, ...NO_ROOM_NAMES)) {
        this.#stalled = fd;
        gate.pause(this);
        return false;
      }
      counters.tcp.accepted++;
      counters.tcp.connectFailed++;
      this.#refuse(fd);
      return true;
    }
    counters.tcp.accepted++;
    const preface = route.mapping.proxyProtocol ? proxyHeader(fd) : undefined;
    const connection = new Connection(fd, outgoing, route.passengers(this.port), preface, this.#tools);
    if (speaks) connection.onReady(fd, EPOLLIN);
    return true;
  }

  #refuse(fd: number): void {
    resetOnClose(fd);
    this.#libc.close(fd);
  }

  #chosenPort(): number {
    const name = Buffer.alloc(SOCKADDR_LENGTH);
    const length = new Uint8Array(new Int32Array([SOCKADDR_LENGTH]).buffer);
    check(this.#libc.getsockname(this.#fd, name, length), 'read the chosen port');
    return portOf(name);
  }
}

/** No waiting for more to send, and a question now and then whether the client is still there. */
function setClientOptions(fd: number): void {
  setOption(fd, IPPROTO_TCP, TCP_NODELAY, 1);
  setOption(fd, SOL_SOCKET, SO_KEEPALIVE, 1);
  setOption(fd, IPPROTO_TCP, TCP_KEEPIDLE, KEEPALIVE_SECONDS);
  setOption(fd, IPPROTO_TCP, TCP_KEEPINTVL, KEEPALIVE_SECONDS);
}
