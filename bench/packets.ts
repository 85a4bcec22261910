/**
 * Packets between two namespaces, sent and received in one thread: what is measured is the kernel's way of a packet, without
 * anybody being woken up for it. With veth pairs a packet is at its end before `sendto(2)` returns, unless the machine is busy.
 */

import { check, lastErrno, libc } from '../src/kernel/ffi/libc.ts';
import { encodeSockaddr } from '../src/kernel/ffi/sockaddr.ts';
import { ConntrackClient } from '../src/kernel/netlink/index.ts';
import { type BoundSocket, closeSocket, openUdpSocket } from '../src/kernel/sockets.ts';

/** Attempts to receive before a packet counts as lost; each is a system call. */
const PATIENCE = 200_000;
const LENGTH = 64;

export interface PacketPath {
  /** Paths of namespaces: of who asks, of the host between, of the server. */
  readonly client: string;
  readonly host: string;
  readonly server: string;
  /** Where the client sends to, and the port that the server has. */
  readonly address: string;
  readonly port: number;
  readonly serverPort: number;
}

export class Packets implements Disposable {
  readonly #path: PacketPath;
  readonly #server: BoundSocket;
  readonly #clients: BoundSocket[];
  readonly #target: Uint8Array;
  readonly #data = new Uint8Array(LENGTH);
  /** `struct sockaddr_in` and its length, as recvfrom(2) fills them. */
  readonly #from = new Uint8Array(16);
  readonly #fromLength = new Uint8Array(4);

  /** @param clients how many source ports there are to send from */
  constructor(path: PacketPath, clients: number) {
    this.#path = path;
    this.#server = openUdpSocket({ address: '0.0.0.0', port: path.serverPort, netns: path.server });
    this.#clients = Array.from({ length: clients }, () =>
      openUdpSocket({ address: '0.0.0.0', port: 0, netns: path.client }),
    );
    this.#target = encodeSockaddr({ address: path.address, port: path.port });
  }

  /** Microseconds of a round trip on a flow that is known, over `count` of them. */
  roundTrips(count: number): number {
    const [client] = this.#clients as [BoundSocket];
    this.#ask(client);
    const since = performance.now();
    for (let index = 0; index < count; index++) this.#ask(client);
    return ((performance.now() - since) * 1000) / count;
  }

  /** Microseconds of the first packet of a flow, over one of every client: looked up, translated, tracked, delivered. */
  firstPackets(): number {
    using conntrack = ConntrackClient.open(this.#path.host);
    conntrack.delete({});
    const since = performance.now();
    for (const client of this.#clients) {
      this.#send(client.fd, this.#target);
      this.#receive(this.#server.fd);
    }
    return ((performance.now() - since) * 1000) / this.#clients.length;
  }

  #ask(client: BoundSocket): void {
    this.#send(client.fd, this.#target);
    this.#receive(this.#server.fd);
    this.#send(this.#server.fd, this.#from);
    this.#receive(client.fd);
  }

  #send(fd: number, target: Uint8Array): void {
    check(libc().sendto(fd, this.#data, LENGTH, 0, target, target.length), 'send a packet');
  }

  /** Leaves the sender in `#from`. */
  #receive(fd: number): void {
    for (let attempt = 0; attempt < PATIENCE; attempt++) {
      this.#fromLength[0] = this.#from.length;
      if (libc().recvfrom(fd, this.#data, LENGTH, 0, this.#from, this.#fromLength) >= 0) return;
    }
    throw new Error(
      `a packet to ${this.#path.address} port ${this.#path.port} was lost (errno ${lastErrno()})`,
    );
  }

  [Symbol.dispose](): void {
    for (const socket of [this.#server, ...this.#clients]) closeSocket(socket);
  }
}
