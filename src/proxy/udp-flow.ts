/**
 * A UDP flow: one client at one address of ours, and a connected socket of its own to the target, whose local port is how
 * the target's answers find their way back to this client and no other.
 */
import type { Destination } from '../kernel/epoll/datagrams.ts';
import { EPOLLERR, EPOLLIN, type Watcher } from '../kernel/epoll/loop.ts';
import { socketAddress } from '../kernel/epoll/sockaddr.ts';
import { openSocket, pendingError, SOCK_DGRAM } from '../kernel/epoll/socket.ts';
import { libc } from '../kernel/ffi/libc.ts';
import type { Passenger, Passengers } from './passengers.ts';
import type { Route } from './route.ts';
import type { UdpPort, UdpPortTools } from './udp-port.ts';

const ECONNREFUSED = 111;

export class UdpFlow implements Watcher, Passenger {
  seat = -1;
  /** `performance.now()` of the last datagram either way. */
  lastActive = performance.now();
  readonly #fd: number;
  readonly #port: UdpPort;
  readonly #client: Destination;
  readonly #passengers: Passengers;
  readonly #tools: UdpPortTools;
  readonly #onClose: () => void;

  private constructor(
    fd: number,
    port: UdpPort,
    client: Destination,
    passengers: Passengers,
    tools: UdpPortTools,
    onClose: () => void,
  ) {
    this.#fd = fd;
    this.#port = port;
    this.#client = client;
    this.#passengers = passengers;
    this.#tools = tools;
    this.#onClose = onClose;
    tools.loop.add(fd, EPOLLIN, this);
    tools.counters.udp.created++;
    tools.counters.udp.active++;
    tools.flows.enter(this);
    passengers.add(this);
  }

  /** Connects to the target; undefined when the system has no descriptor or local port for it. */
  static open(
    port: UdpPort,
    client: Destination,
    route: Route,
    tools: UdpPortTools,
    onClose: () => void,
  ): UdpFlow | undefined {
    const { family, bytes } = socketAddress(route.mapping.targetIp, port.port + route.offset);
    let fd: number;
    try {
      fd = openSocket(family, SOCK_DGRAM);
    } catch {
      return undefined;
    }
    if (libc().connect(fd, bytes, bytes.length) < 0) {
      libc().close(fd);
      return undefined;
    }
    return new UdpFlow(fd, port, client, route.passengers(port.port), tools, onClose);
  }

  /** Passes datagrams `first` … `end`-1 of the batch on to the target. */
  toTarget(first: number, end: number): void {
    this.lastActive = performance.now();
    const { batch, counters } = this.#tools;
    let sent = batch.send(this.#fd, first, end, null);
    // The error is that of an earlier datagram, an ICMP answer; telling it has cleared it.
    if (sent === -ECONNREFUSED) sent = batch.send(this.#fd, first, end, null);
    counters.udp.datagramsToTarget += Math.max(sent, 0);
    counters.udp.dropped += end - first - Math.max(sent, 0);
  }

  /** Answers of the target. A target that is not there (yet) may be there for the next datagram: the flow stays. */
  onReady(_fd: number, events: number): void {
    if ((events & EPOLLERR) !== 0) pendingError(this.#fd);
    const { batch, counters } = this.#tools;
    const count = batch.receive(this.#fd);
    if (count <= 0) return;
    this.lastActive = performance.now();
    const sent = Math.max(batch.send(this.#port.fd, 0, count, this.#client), 0);
    counters.udp.datagramsToClient += sent;
    counters.udp.dropped += count - sent;
  }

  abort(): void {
    if (!this.#passengers.delete(this)) return;
    this.#tools.loop.forget(this.#fd);
    libc().close(this.#fd);
    this.#tools.counters.udp.active--;
    this.#tools.flows.leave(this);
    this.#onClose();
  }
}
