/**
 * A TCP connection through the keeper: a client's socket, a socket to the target, and a relay each way.
 *
 * There is no "connecting" phase. Both sockets are watched as soon as connect(2) has begun: to a container on the same
 * host it has succeeded before anyone could ask, and where it has not, a write just says EAGAIN and waits for room, as it
 * would on a full socket; a refused connection shows as EPOLLERR.
 */
import {
  EPOLLERR,
  EPOLLET,
  EPOLLHUP,
  EPOLLIN,
  EPOLLOUT,
  type EpollLoop,
  type Watcher,
} from '../kernel/epoll/loop.ts';
import { pendingError, resetOnClose, SHUT_WR } from '../kernel/epoll/socket.ts';
import { libc } from '../kernel/ffi/libc.ts';
import type { Counters } from './counters.ts';
import type { Passenger, Passengers } from './passengers.ts';
import { Relay, type RelayTools } from './relay.ts';
import type { Outgoing } from './target.ts';

/** What connections share. */
export interface ConnectionTools extends RelayTools {
  loop: EpollLoop;
  counters: Counters;
  /** Called after descriptors were closed: whoever waits for some may try again. */
  onRoom(): void;
}

/** A socket of the connection, the relay that reads it and the one that writes it. */
interface Side {
  readonly fd: number;
  readonly reads: Relay;
  readonly writes: Relay;
  /** Events asked for; -1 once the socket is closed. */
  interest: number;
  /** Its FIN is out. */
  shut: boolean;
}

const CLOSED = -1;

export class Connection implements Watcher, Passenger {
  seat = -1;
  readonly #tools: ConnectionTools;
  readonly #passengers: Passengers;
  readonly #outgoing: Outgoing;
  readonly #client: Side;
  readonly #target: Side;
  #established = false;

  /**
   * @param passengers where it is found while it lives
   * @param preface what the target is told before the client's first byte
   */
  constructor(
    clientFd: number,
    outgoing: Outgoing,
    passengers: Passengers,
    preface: Buffer | undefined,
    tools: ConnectionTools,
  ) {
    this.#tools = tools;
    this.#passengers = passengers;
    this.#outgoing = outgoing;
    const toTarget = new Relay(clientFd, outgoing.fd, tools);
    const toClient = new Relay(outgoing.fd, clientFd, tools);
    if (preface !== undefined) toTarget.begin(preface);
    this.#client = { fd: clientFd, reads: toTarget, writes: toClient, interest: 0, shut: false };
    this.#target = { fd: outgoing.fd, reads: toClient, writes: toTarget, interest: 0, shut: false };
    passengers.add(this);
    tools.counters.tcp.active++;
    try {
      for (const side of [this.#client, this.#target]) {
        side.interest = interestOf(side);
        tools.loop.add(side.fd, side.interest, this);
      }
    } catch (error) {
      this.abort();
      throw error;
    }
  }

  onReady(fd: number, events: number): void {
    const side = fd === this.#client.fd ? this.#client : this.#target;
    if ((events & EPOLLERR) !== 0) {
      this.#fail(pendingError(fd));
      return;
    }
    if (side === this.#target) this.#established = true;
    // EPOLLHUP without an error: both ways are shut, and a read says the rest.
    if ((events & (EPOLLIN | EPOLLHUP)) !== 0 && !side.reads.blocked) side.reads.pump();
    if ((events & EPOLLOUT) !== 0 && side.writes.blocked) side.writes.pump();
    const failure = side.reads.failure || side.writes.failure;
    if (failure === 0) this.#advance();
    else this.#fail(failure);
  }

  /** Ends both sides with a reset. */
  abort(): void {
    for (const side of [this.#client, this.#target]) {
      if (side.interest === CLOSED) continue;
      resetOnClose(side.fd);
      this.#close(side);
    }
    this.#leave();
  }

  /** After bytes have moved: passes on ends of stream, and asks for the events that matter now. */
  #advance(): void {
    this.#settle(this.#client, this.#target);
    this.#settle(this.#target, this.#client);
    if (this.#client.interest === CLOSED && this.#target.interest === CLOSED) {
      this.#leave();
      return;
    }
    this.#listen(this.#client);
    this.#listen(this.#target);
  }

  /** Passes on an end of stream that `from` has read, and closes `to` when it has nothing left to do. */
  #settle(from: Side, to: Side): void {
    if (!from.reads.drained || to.interest === CLOSED) return;
    if (!to.shut) {
      if (to === this.#target && !this.#connected()) return;
      to.shut = true;
      // With nothing left to read, close(2) below sends the FIN.
      if (!to.reads.ended) {
        libc().shutdown(to.fd, SHUT_WR);
        if (to === this.#target) this.#outgoing.closedFirst();
      }
    }
    if (to.reads.ended) this.#close(to);
  }

  /**
   * Whether the target has answered. shutdown(2) on a socket that is still connecting would break the attempt off
   * (`inet_shutdown()`, TCP_SYN_SENT), so a client's early FIN has to wait for it.
   */
  #connected(): boolean {
    if (this.#answered) return true;
    this.#target.writes.blocked = true;
    return false;
  }

  get #answered(): boolean {
    return this.#established || this.#target.writes.moved > 0;
  }

  #listen(side: Side): void {
    if (side.interest === CLOSED) return;
    const interest = interestOf(side);
    if (interest === side.interest) return;
    side.interest = interest;
    this.#tools.loop.modify(side.fd, interest);
  }

  #fail(errno: number): void {
    const { tcp } = this.#tools.counters;
    if (this.#answered || errno === 0) tcp.reset++;
    else tcp.connectFailed++;
    this.abort();
  }

  #close(side: Side): void {
    side.interest = CLOSED;
    this.#tools.loop.forget(side.fd);
    if (side === this.#target) this.#outgoing.close();
    else libc().close(side.fd);
  }

  #leave(): void {
    const { counters, onRoom } = this.#tools;
    if (!this.#passengers.delete(this)) return;
    for (const relay of [this.#client.reads, this.#client.writes]) relay.release();
    counters.tcp.active--;
    counters.tcp.bytesToTarget += this.#client.reads.moved;
    counters.tcp.bytesToClient += this.#client.writes.moved;
    onRoom();
  }
}

/** What a socket is to be watched for. */
function interestOf({ reads, writes }: Side): number {
  const reading = !reads.ended && !reads.blocked ? EPOLLIN : 0;
  const writing = writes.blocked ? EPOLLOUT : 0;
  // A socket that is shut both ways reports EPOLLHUP whether asked or not. While we cannot read what comes before its
  // end, edge-triggering says so once instead of for ever.
  return reading | writing | (reading === 0 ? EPOLLET : 0);
}
