/** A host port for UDP: the bound socket, and the flows of those who send to it. */
import { type DatagramBatch, Destination } from '../kernel/epoll/datagrams.ts';
import { EPOLLERR, EPOLLIN, type EpollLoop, type Watcher } from '../kernel/epoll/loop.ts';
import { answerFrom, localAddressKey } from '../kernel/epoll/packet-info.ts';
import {
  AF_INET,
  AF_INET6,
  portOf,
  SOCKADDR_LENGTH,
  type SocketAddress,
  setPort,
} from '../kernel/epoll/sockaddr.ts';
import {
  IP_PKTINFO,
  IPPROTO_IP,
  IPPROTO_IPV6,
  IPV6_RECVPKTINFO,
  IPV6_V6ONLY,
  openSocket,
  pendingError,
  SOCK_DGRAM,
  setOption,
} from '../kernel/epoll/socket.ts';
import { check, libc } from '../kernel/ffi/libc.ts';
import type { Counters } from './counters.ts';
import type { BoundPort } from './port-table.ts';
import type { Route } from './route.ts';
import { UdpFlow } from './udp-flow.ts';
import type { UdpFlows } from './udp-flows.ts';

export interface UdpPortTools {
  loop: EpollLoop;
  counters: Counters;
  /** Shared by all ports and flows; holds nothing between two calls. */
  batch: DatagramBatch;
  flows: UdpFlows;
}

export class UdpPort implements BoundPort, Watcher {
  readonly port: number;
  readonly fd: number;
  readonly #tools: UdpPortTools;
  /** By client address, client port and the address of ours they spoke to; made with the first: ports are many. */
  #flows: Map<string, UdpFlow> | undefined;
  #route: Route | undefined;

  /** Binds; throws errno's error when the port is taken or the address is not ours. */
  constructor({ family, bytes }: SocketAddress, port: number, tools: UdpPortTools) {
    this.#tools = tools;
    this.fd = openSocket(family, SOCK_DGRAM);
    try {
      // No SO_REUSEADDR: for UDP it would let others share the port.
      if (family === AF_INET6) setOption(this.fd, IPPROTO_IPV6, IPV6_V6ONLY, 1);
      if (family === AF_INET) setOption(this.fd, IPPROTO_IP, IP_PKTINFO, 1);
      else setOption(this.fd, IPPROTO_IPV6, IPV6_RECVPKTINFO, 1);
      setPort(bytes, port);
      check(libc().bind(this.fd, bytes, bytes.length), () => `bind port ${port}`);
      this.port = port === 0 ? this.#chosenPort() : port;
      tools.loop.add(this.fd, 0, this);
    } catch (error) {
      libc().close(this.fd);
      throw error;
    }
  }

  get route(): Route | undefined {
    return this.#route;
  }

  /** A port that only holds is not read: what arrives is dropped by the kernel once its buffer is full. */
  set route(route: Route | undefined) {
    this.#route = route;
    this.#tools.loop.modify(this.fd, route === undefined || route.holds ? 0 : EPOLLIN);
  }

  onReady(_fd: number, events: number): void {
    if ((events & EPOLLERR) !== 0) pendingError(this.fd);
    const { batch, counters } = this.#tools;
    const count = batch.receive(this.fd);
    for (let first = 0, end: number; first < count; first = end) {
      const key = this.#keyOf(first);
      end = first + 1;
      while (end < count && this.#keyOf(end) === key) end++;
      const flow = this.#flows?.get(key) ?? this.#begin(key, first);
      if (flow === undefined) counters.udp.dropped += end - first;
      else flow.toTarget(first, end);
    }
  }

  close(): void {
    for (const flow of [...(this.#flows?.values() ?? [])]) flow.abort();
    this.#tools.loop.forget(this.fd);
    libc().close(this.fd);
  }

  #keyOf(index: number): string {
    const { batch } = this.#tools;
    const name = batch.name(index);
    return name.toString('latin1', 0, name.length) + localAddressKey(batch.control(index));
  }

  /** A new flow for the sender of datagram `index`; undefined when there is none to be had. */
  #begin(key: string, index: number): UdpFlow | undefined {
    const route = this.#route;
    if (route === undefined || route.holds || !this.#tools.flows.makeRoom()) return undefined;
    const { batch } = this.#tools;
    const client = new Destination(Buffer.from(batch.name(index)), answerFrom(batch.control(index)));
    this.#flows ??= new Map();
    const flows = this.#flows;
    const flow = UdpFlow.open(this, client, route, this.#tools, () => flows.delete(key));
    if (flow !== undefined) flows.set(key, flow);
    return flow;
  }

  #chosenPort(): number {
    const name = Buffer.alloc(SOCKADDR_LENGTH);
    const length = new Uint8Array(new Int32Array([SOCKADDR_LENGTH]).buffer);
    check(libc().getsockname(this.fd, name, length), 'read the chosen port');
    return portOf(name);
  }
}
