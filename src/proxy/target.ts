/**
 * Outgoing connections to one target, and the local ports they use up.
 *
 * When the client closes first, the end of stream that we pass on makes our socket to the target the first to close, so it
 * is ours that stays in TIME_WAIT, for 60 s, holding a local port: about 28,000 connections later every port towards that
 * target is taken and connect(2) says EADDRNOTAVAIL. The kernel has the cure: a socket that was bound to its port by name
 * and with SO_REUSEADDR takes a 4-tuple in TIME_WAIT over at once, with a later sequence number and timestamps to tell old
 * segments from new ones (`tcp_twsk_unique()`: without `twp`, `tcp_tw_reuse` is not even asked). So every socket gets
 * SO_REUSEADDR, ports we leave in TIME_WAIT are remembered, and once there are many of them the oldest is taken again
 * by name. Neither a sysctl is changed nor are other programs' ports touched.
 */
import { hostPort } from '../base/ip.ts';
import type { ProxyTargetStats } from '../base/proxy-control.ts';
import {
  AF_INET,
  portOf,
  SOCKADDR_LENGTH,
  type SocketAddress,
  setPort,
  socketAddress,
} from '../kernel/epoll/sockaddr.ts';
import {
  IPPROTO_TCP,
  openSocket,
  SO_REUSEADDR,
  SOCK_STREAM,
  SOL_SOCKET,
  setOption,
  TCP_NODELAY,
  TCP_QUICKACK,
} from '../kernel/epoll/socket.ts';
import { errnoError } from '../kernel/ffi/errno.ts';
import { lastErrno, libc } from '../kernel/ffi/libc.ts';

const EINPROGRESS = 115;
const EADDRNOTAVAIL = 99;
/** `TCP_TIMEWAIT_LEN` of `<net/tcp.h>`: 60 s. */
const TIME_WAIT = 60_000;
/** Ports left alone in TIME_WAIT before the oldest is taken again: at ordinary rates none ever is. */
const REUSE_FROM = 2048;
/** Remembered ports tried before the attempt is given up. */
const ATTEMPTS = 8;

/** A socket on its way to a target. */
export interface Outgoing {
  readonly fd: number;
  /** We have sent our FIN before the target's was read: the socket will stay in TIME_WAIT. */
  closedFirst(): void;
  close(): void;
}

interface WaitingPort {
  port: number;
  since: number;
}

export class Target {
  readonly name: string;
  readonly #address: SocketAddress;
  /** `0.0.0.0` or `::` with the port to be taken again. */
  readonly #local: SocketAddress;
  readonly #libc = libc();
  /** Oldest first; `#head` is the first that still counts. */
  #waiting: WaitingPort[] = [];
  #head = 0;
  #active = 0;
  #reused = 0;
  #exhausted = 0;

  constructor(ip: string, port: number) {
    this.name = hostPort(ip, port);
    this.#address = socketAddress(ip, port);
    this.#local = socketAddress(this.#address.family === AF_INET ? '0.0.0.0' : '::', 0);
  }

  /**
   * Begins to connect. Throws errno's error when that is refused at once.
   *
   * @param speaks bytes for the target are at hand: they carry the acknowledgement of its SYN, which goes out alone otherwise.
   *   That segment less is a tenth of what a short connection costs. (One who has nothing to say must not hold it back: the
   *   target may be the first to speak, and would wait 40 ms for it.)
   */
  connect(speaks: boolean): Outgoing {
    this.#expire();
    const remembered = this.#waiting.length - this.#head;
    let errno = EADDRNOTAVAIL;
    if (remembered < REUSE_FROM) {
      const outgoing = this.#attempt(0, speaks);
      if (typeof outgoing !== 'number') return outgoing;
      errno = outgoing;
    }
    for (
      let attempt = 0;
      attempt < ATTEMPTS && errno === EADDRNOTAVAIL && this.#head < this.#waiting.length;
      attempt++
    ) {
      const outgoing = this.#attempt(this.#waiting[this.#head++]!.port, speaks);
      if (typeof outgoing !== 'number') {
        this.#reused++;
        return outgoing;
      }
    }
    if (remembered >= REUSE_FROM) {
      const outgoing = this.#attempt(0, speaks);
      if (typeof outgoing !== 'number') return outgoing;
      errno = outgoing;
    }
    if (errno === EADDRNOTAVAIL) this.#exhausted++;
    throw errnoError(`connect to ${this.name}`, errno);
  }

  /** Nothing is connected to it, and no port is in TIME_WAIT. */
  get isFresh(): boolean {
    this.#expire();
    return this.#active === 0 && this.#head === this.#waiting.length;
  }

  /** Undefined when there is nothing to tell. */
  stats(): ProxyTargetStats | undefined {
    this.#expire();
    const timeWait = this.#waiting.length - this.#head;
    const active = this.#active;
    if (active === 0 && timeWait === 0 && this.#reused === 0 && this.#exhausted === 0) return undefined;
    return { target: this.name, active, timeWait, reused: this.#reused, exhausted: this.#exhausted };
  }

  /** @returns the socket, or the errno when the port (0: any) cannot be used or the target is out of reach */
  #attempt(port: number, speaks: boolean): Outgoing | number {
    const { family, bytes } = this.#address;
    const fd = openSocket(family, SOCK_STREAM);
    setOption(fd, IPPROTO_TCP, TCP_NODELAY, 1);
    setOption(fd, SOL_SOCKET, SO_REUSEADDR, 1);
    if (speaks) setOption(fd, IPPROTO_TCP, TCP_QUICKACK, 0);
    if (port !== 0) {
      setPort(this.#local.bytes, port);
      if (this.#libc.bind(fd, this.#local.bytes, this.#local.bytes.length) < 0) {
        this.#libc.close(fd);
        return EADDRNOTAVAIL;
      }
    }
    if (this.#libc.connect(fd, bytes, bytes.length) < 0) {
      const errno = lastErrno();
      if (errno !== EINPROGRESS) {
        this.#libc.close(fd);
        return errno;
      }
    }
    this.#active++;
    return new OutgoingSocket(fd, port, (left) => {
      this.#active--;
      if (left !== 0) this.#waiting.push({ port: left, since: performance.now() });
    });
  }

  /** Forgets ports whose time has passed: the kernel gives them out again by itself. */
  #expire(): void {
    if (this.#head === this.#waiting.length) return;
    const deadline = performance.now() - TIME_WAIT;
    while (this.#head < this.#waiting.length && this.#waiting[this.#head]!.since < deadline) this.#head++;
    if (this.#head < 1024 || this.#head * 2 < this.#waiting.length) return;
    this.#waiting = this.#waiting.slice(this.#head);
    this.#head = 0;
  }
}

const nameBytes = Buffer.alloc(SOCKADDR_LENGTH);
const nameLength = new Int32Array(1);
const nameLengthBytes = new Uint8Array(nameLength.buffer);

class OutgoingSocket implements Outgoing {
  readonly fd: number;
  readonly #onClose: (left: number) => void;
  #port: number;
  #first = false;

  /** @param onClose is told the local port that stays in TIME_WAIT, or 0 */
  constructor(fd: number, port: number, onClose: (left: number) => void) {
    this.fd = fd;
    this.#port = port;
    this.#onClose = onClose;
  }

  closedFirst(): void {
    this.#first = true;
    if (this.#port !== 0) return;
    nameLength[0] = SOCKADDR_LENGTH;
    if (libc().getsockname(this.fd, nameBytes, nameLengthBytes) === 0) this.#port = portOf(nameBytes);
  }

  close(): void {
    libc().close(this.fd);
    this.#onClose(this.#first ? this.#port : 0);
  }
}

/** The targets that have been connected to, by address and port. */
export class Targets {
  readonly #byName = new Map<string, Target>();

  at(ip: string, port: number): Target {
    const name = hostPort(ip, port);
    let target = this.#byName.get(name);
    if (target === undefined) {
      target = new Target(ip, port);
      this.#byName.set(name, target);
    }
    return target;
  }

  /** Forgets targets that have nothing left to remember; their next connection makes them anew. */
  prune(): void {
    for (const [name, target] of this.#byName) if (target.isFresh) this.#byName.delete(name);
  }

  stats(): ProxyTargetStats[] {
    return [...this.#byName.values()].flatMap((target) => target.stats() ?? []);
  }
}
