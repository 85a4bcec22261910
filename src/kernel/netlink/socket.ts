/**
 * A netlink socket: requests and their answers. It stays in the network namespace it was opened in, wherever the thread
 * goes afterwards, and that is how Bridgeport speaks to a container's network: no section is needed per request.
 *
 * The kernel handles a route or netfilter request inside send(2) itself, and the answer lies in our queue when send
 * returns. So a request is one send and one or two recv, some tens of microseconds in all, and it is synchronous: as cheap
 * as a turn of the event loop, and the order is plain. The few slow ones (deleting a link waits for an RCU grace period) have an
 * asynchronous form that runs the send on a pool thread.
 */
import { type BridgeportError, internal } from '../../base/errors.ts';
import { errnoError, errnoName } from '../ffi/errno.ts';
import { callAsync, check, lastErrno, libc } from '../ffi/libc.ts';
import { type NetnsHandle, withNetns } from '../netns/index.ts';
import {
  AF_NETLINK,
  NETLINK_ADD_MEMBERSHIP,
  NETLINK_CAP_ACK,
  NETLINK_EXT_ACK,
  NETLINK_GET_STRICT_CHK,
  NLM_F_ACK,
  NLM_F_DUMP,
  NLM_F_DUMP_INTR,
  NLM_F_REQUEST,
  NLMSG_DONE,
  NLMSG_ERROR,
  NLMSG_NOOP,
  NLMSG_OVERRUN,
  SOL_NETLINK,
} from './constants.ts';
import { eachMessage, encodeRequests, errorOf, type NetlinkMessage, type NetlinkRequest } from './message.ts';

/** `SOCK_RAW = 3`, `SOCK_CLOEXEC = 02000000` (linux/net.h) */
const SOCK_RAW_CLOEXEC = 3 | 0o2000000;
/** `MSG_TRUNC = 0x20`: return the true length of the datagram; `MSG_DONTWAIT = 0x40` (linux/socket.h) */
const MSG_TRUNC = 0x20;
const MSG_DONTWAIT = 0x40;
/** `#define SIOCGSKNS 0x894C`: get the network namespace of a socket (linux/sockios.h) */
const SIOCGSKNS = 0x894c;

/**
 * Larger than any datagram the kernel makes: dumps come in at most 32 KiB (`netlink_dump()`), single objects in less.
 */
const RECEIVE_LENGTH = 64 * 1024;
/**
 * How much goes into one send of a batch: the whole must fit into the send queue (212,992 bytes by default), and all ACKs,
 * a good KiB each, into the receive queue.
 */
const BATCH_MESSAGES = 128;
const BATCH_BYTES = 64 * 1024;
/** `#define SOL_SOCKET 1`, `#define SO_RCVBUFFORCE 33` (asm-generic/socket.h): beyond net.core.rmem_max, with CAP_NET_ADMIN */
const SOL_SOCKET = 1;
const SO_RCVBUFFORCE = 33;
/**
 * The limit of the receive queue: room for the ACKs of a batch whatever net.core.rmem_default says, and for about a thousand
 * events of a monitor while JavaScript is busy (50 containers at once).
 */
const RECEIVE_QUEUE = 1024 * 1024;
/** A dump that others keep changing under our hands is repeated this often before it is given up. */
const DUMP_ATTEMPTS = 16;

export interface NetlinkSocketOptions {
  /** The namespace to open it in; the thread's own by default. */
  netns?: NetnsHandle | string | undefined;
  /** Multicast groups to join, by number (RTNLGRP_LINK …): for monitors. */
  groups?: readonly number[];
}

/** What came back for one request of a batch: the error, or the messages that preceded its ACK (mostly none). */
export interface BatchResult {
  readonly error: BridgeportError | undefined;
  readonly replies: readonly NetlinkMessage[];
}

export class NetlinkSocket implements Disposable {
  readonly fd: number;
  readonly #protocol: number;
  readonly #buffer = Buffer.allocUnsafeSlow(RECEIVE_LENGTH);
  #sequence = 0;
  #closed = false;
  /** The socket of the asynchronous form, opened when first used: answers must not mix with those of synchronous calls. */
  #background: NetlinkSocket | undefined;
  #queue: Promise<unknown> = Promise.resolve();
  #pending = 0;

  private constructor(fd: number, protocol: number) {
    this.fd = fd;
    this.#protocol = protocol;
  }

  /** @param protocol NETLINK_ROUTE or NETLINK_NETFILTER */
  static open(protocol: number, options: NetlinkSocketOptions = {}): NetlinkSocket {
    const action = `open netlink socket of protocol ${protocol}`;
    const make = () => check(libc().socket(AF_NETLINK, SOCK_RAW_CLOEXEC, protocol), action);
    const fd = options.netns === undefined ? make() : withNetns(options.netns, make);
    try {
      const set = (option: number, value: number) =>
        libc().setsockopt(fd, SOL_NETLINK, option, int(value), 4);
      check(set(NETLINK_EXT_ACK, 1), `${action}: NETLINK_EXT_ACK`);
      check(set(NETLINK_CAP_ACK, 1), `${action}: NETLINK_CAP_ACK`);
      // Without the privilege the queue stays as it is, and ENOBUFS comes sooner.
      libc().setsockopt(fd, SOL_SOCKET, SO_RCVBUFFORCE, int(RECEIVE_QUEUE), 4);
      // Linux before 4.20 has no strict checking; dumps then come unfiltered, and our readers filter again anyway.
      if (set(NETLINK_GET_STRICT_CHK, 1) < 0 && errnoName(lastErrno()) !== 'ENOPROTOOPT') {
        check(-1, `${action}: NETLINK_GET_STRICT_CHK`);
      }
      // struct sockaddr_nl { family u16, pad u16, pid u32, groups u32 }: pid 0 lets the kernel choose.
      const address = Buffer.alloc(12);
      address.writeUInt16LE(AF_NETLINK, 0);
      check(libc().bind(fd, address, address.length), `${action}: bind`);
      // After bind(2), whose address overwrites the memberships (netlink_bind() in the kernel).
      for (const group of options.groups ?? []) {
        check(set(NETLINK_ADD_MEMBERSHIP, group), `${action}: join multicast group ${group}`);
      }
      return new NetlinkSocket(fd, protocol);
    } catch (error) {
      libc().close(fd);
      throw error;
    }
  }

  get closed(): boolean {
    return this.#closed;
  }

  /** Closes the socket; one with asynchronous requests under way closes when they are done. Idempotent. */
  close(): void {
    if (this.#closed) return;
    this.#closed = true;
    libc().close(this.fd);
    if (this.#pending === 0) this.#background?.close();
  }

  [Symbol.dispose](): void {
    this.close();
  }

  /** One request, acknowledged. Returns what came before the ACK: the object of a GET, otherwise nothing. */
  request(request: NetlinkRequest): NetlinkMessage[] {
    const [result] = this.tryBatch([request]);
    if (result?.error) throw result.error;
    return [...(result?.replies ?? [])];
  }

  /** Like `request()`, with the kernel's work done on a pool thread. Requests of one socket run one after the other. */
  async requestAsync(request: NetlinkRequest): Promise<NetlinkMessage[]> {
    const [result] = await this.tryBatchAsync([request]);
    if (result?.error) throw result.error;
    return [...(result?.replies ?? [])];
  }

  /**
   * Several requests, in order, in one send. The kernel carries out every one of them even when an earlier one fails, so
   * this is not a transaction. Throws the error when one failed, an `AggregateError` of them when several did.
   */
  batch(requests: readonly NetlinkRequest[]): void {
    throwErrors(this.tryBatch(requests));
  }

  async batchAsync(requests: readonly NetlinkRequest[]): Promise<void> {
    throwErrors(await this.tryBatchAsync(requests));
  }

  /** Like `batch()`, but hands back each request's own result, in the order of `requests`. */
  tryBatch(requests: readonly NetlinkRequest[]): BatchResult[] {
    const results: BatchResult[] = [];
    for (const chunk of chunks(requests)) {
      const first = this.#take(chunk.length);
      const bytes = encodeRequests(chunk, NLM_F_REQUEST | NLM_F_ACK, first);
      this.#sent(libc().send(this.#open(chunk[0]), bytes, bytes.length, 0), lastErrno, chunk);
      results.push(...this.#collect(chunk, first));
    }
    return results;
  }

  async tryBatchAsync(requests: readonly NetlinkRequest[]): Promise<BatchResult[]> {
    this.#open(requests[0]);
    this.#background ??= this.sibling();
    const background = this.#background;
    this.#pending++;
    const turn = this.#queue.then(() => background.#sendInBackground(requests));
    this.#queue = turn.catch(() => {});
    try {
      return await turn;
    } finally {
      this.#pending--;
      if (this.#closed && this.#pending === 0) this.#background?.close();
    }
  }

  /**
   * Requests that the kernel carries out all or none of: those of nfnetlink subsystems that work in batches. `begin` and `end` are the
   * subsystem's marks. Throws the first error; nothing was changed then.
   */
  transaction(begin: NetlinkRequest, requests: readonly NetlinkRequest[], end: NetlinkRequest): void {
    const last = requests.length - 1;
    const first = this.#take(requests.length + 2);
    const bytes = Buffer.concat([
      encodeRequests([begin, ...requests.slice(0, last)], NLM_F_REQUEST, first),
      // Errors come in any case. Marks are not acknowledged by every kernel, and one answer says enough.
      encodeRequests(requests.slice(last), NLM_F_REQUEST | NLM_F_ACK, first + last + 1),
      encodeRequests([end], NLM_F_REQUEST, first + last + 2),
    ]);
    this.#sent(libc().send(this.#open(begin), bytes, bytes.length, 0), lastErrno, requests);
    const all = [begin, ...requests, end];
    let error: BridgeportError | undefined;
    let isAcknowledged = false;
    for (let datagram = this.#receive(begin.action); datagram; datagram = this.#receive(begin.action)) {
      for (const message of eachMessage(datagram)) {
        const index = (message.sequence - first) >>> 0;
        if (message.type !== NLMSG_ERROR || index >= all.length) continue;
        error ??= errorOf(message, all[index]?.action ?? begin.action);
        isAcknowledged ||= index === last + 1;
      }
    }
    if (error !== undefined) throw error;
    if (!isAcknowledged) throw internal(`${begin.action}: the kernel sent no answer`, { errno: 'EAGAIN' });
  }

  /**
   * Asks for all objects of a kind. A dump that the kernel marks as interrupted (something changed between two parts, so
   * an object may be missing or doubled) is taken again.
   */
  dump(request: NetlinkRequest): NetlinkMessage[] {
    for (let attempt = 1; attempt <= DUMP_ATTEMPTS; attempt++) {
      const messages = this.#dumpOnce(request);
      if (messages) return messages;
    }
    throw internal(`${request.action}: changed during each of ${DUMP_ATTEMPTS} readings`, { errno: 'EINTR' });
  }

  /**
   * Receives one datagram that nobody asked for (multicast); `undefined` when there is none now.
   *
   * @throws errno ENOBUFS when events were lost, since they came faster than they were read
   */
  receive(action: string): NetlinkMessage[] | undefined {
    const datagram = this.#receive(action);
    return datagram && [...eachMessage(datagram)];
  }

  #dumpOnce(request: NetlinkRequest): NetlinkMessage[] | undefined {
    const sequence = this.#take(1);
    const bytes = encodeRequests([request], NLM_F_REQUEST | NLM_F_DUMP, sequence);
    this.#sent(libc().send(this.#open(request), bytes, bytes.length, 0), lastErrno, [request]);
    const messages: NetlinkMessage[] = [];
    let interrupted = false;
    for (;;) {
      for (const message of eachMessage(this.#mustReceive(request.action))) {
        if (message.sequence !== sequence || message.type === NLMSG_NOOP) continue;
        if (message.flags & NLM_F_DUMP_INTR) interrupted = true;
        if (message.type === NLMSG_ERROR || message.type === NLMSG_DONE) {
          const error = errorOf(message, request.action);
          // A dump may also end by an error that says no more than that it was interrupted.
          if (error && error.errno !== 'EINTR') throw error;
          return interrupted || error ? undefined : messages;
        }
        messages.push(message);
      }
    }
  }

  async #sendInBackground(requests: readonly NetlinkRequest[]): Promise<BatchResult[]> {
    const results: BatchResult[] = [];
    for (const chunk of chunks(requests)) {
      const first = this.#take(chunk.length);
      const bytes = encodeRequests(chunk, NLM_F_REQUEST | NLM_F_ACK, first);
      const { result, errno } = await callAsync(libc().send, this.#open(chunk[0]), bytes, bytes.length, 0);
      this.#sent(result, () => errno, chunk);
      results.push(...this.#collect(chunk, first));
    }
    return results;
  }

  /** Another socket of the same protocol in the same namespace, which the socket itself can name. */
  sibling(options: Pick<NetlinkSocketOptions, 'groups'> = {}): NetlinkSocket {
    const action = 'open a second netlink socket in the namespace of the first';
    const fd = check(libc().ioctl(this.#open(undefined), SIOCGSKNS, null), action);
    try {
      const netns = { fd, inode: 0, path: 'of the socket', close() {}, [Symbol.dispose]() {} };
      return NetlinkSocket.open(this.#protocol, { ...options, netns });
    } finally {
      libc().close(fd);
    }
  }

  #collect(requests: readonly NetlinkRequest[], first: number): BatchResult[] {
    const results = requests.map((): { error: BridgeportError | undefined; replies: NetlinkMessage[] } => ({
      error: undefined,
      replies: [],
    }));
    let missing = requests.length;
    while (missing > 0) {
      for (const message of eachMessage(this.#mustReceive(requests[0]?.action ?? 'netlink'))) {
        const index = (message.sequence - first) >>> 0;
        const request = requests[index];
        const result = results[index];
        // An answer to an older request, whose reading was given up half-way, or a notification.
        if (!request || !result || message.type === NLMSG_NOOP) continue;
        if (message.type === NLMSG_OVERRUN)
          throw internal(`${request.action}: the kernel reports lost netlink data`);
        if (message.type === NLMSG_ERROR) {
          result.error = errorOf(message, request.action);
          missing--;
        } else if (message.type !== NLMSG_DONE) {
          result.replies.push(message);
        }
      }
    }
    return results;
  }

  #mustReceive(action: string): Buffer {
    const datagram = this.#receive(action);
    if (datagram) return datagram;
    throw internal(`${action}: the kernel sent no answer`, { errno: 'EAGAIN' });
  }

  /** One datagram, copied out of the scratch buffer; `undefined` when the queue is empty. */
  #receive(action: string): Buffer | undefined {
    for (;;) {
      const length = libc().recv(
        this.#open(undefined),
        this.#buffer,
        RECEIVE_LENGTH,
        MSG_DONTWAIT | MSG_TRUNC,
      );
      if (length > RECEIVE_LENGTH) throw internal(`${action}: the answer of ${length} bytes is too long`);
      if (length >= 0) return Buffer.from(this.#buffer.subarray(0, length));
      const errno = lastErrno();
      const name = errnoName(errno);
      if (name === 'EINTR') continue;
      if (name === 'EAGAIN') return undefined;
      throw errnoError(`${action}: receive from netlink`, errno);
    }
  }

  #sent(result: number, errno: () => number, requests: readonly NetlinkRequest[]): void {
    if (result >= 0) return;
    throw errnoError(`${requests[0]?.action ?? 'netlink'}: send to netlink`, errno());
  }

  #open(request: NetlinkRequest | undefined): number {
    // A closed descriptor's number soon belongs to something else: never touch it again.
    if (this.#closed) throw internal(`${request?.action ?? 'use netlink'}: the netlink socket is closed`);
    return this.fd;
  }

  /** Reserves sequence numbers; 0 is what the kernel's own notifications carry. */
  #take(count: number): number {
    if (this.#sequence + count >= 0xffffffff) this.#sequence = 0;
    const first = this.#sequence + 1;
    this.#sequence += count;
    return first;
  }
}

function* chunks(requests: readonly NetlinkRequest[]): Generator<NetlinkRequest[]> {
  let chunk: NetlinkRequest[] = [];
  let bytes = 0;
  for (const request of requests) {
    if (chunk.length > 0 && (chunk.length >= BATCH_MESSAGES || bytes + request.body.length > BATCH_BYTES)) {
      yield chunk;
      chunk = [];
      bytes = 0;
    }
    chunk.push(request);
    bytes += request.body.length;
  }
  if (chunk.length > 0) yield chunk;
}

function throwErrors(results: readonly BatchResult[]): void {
  const errors = results.flatMap((result) => (result.error ? [result.error] : []));
  if (errors.length === 1) throw errors[0];
  if (errors.length > 1) throw new AggregateError(errors, summary(errors));
}

/** The first few in words; all of them are in the error's `errors`. */
function summary(errors: readonly BridgeportError[]): string {
  const shown = errors.slice(0, 3).map((error) => error.message);
  return shown.join('; ') + (errors.length > 3 ? `; and ${errors.length - 3} more` : '');
}

function int(value: number): Buffer {
  const buffer = Buffer.alloc(4);
  buffer.writeInt32LE(value);
  return buffer;
}
