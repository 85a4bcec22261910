/**
 * A batch of datagrams: received in one call and sent on in another from the same memory.
 *
 * The kernel's structures are laid out once; between two calls only lengths and a few pointers change.
 */

import { datagramCalls } from '../ffi/datagram.ts';
import { addressOf, lastErrno } from '../ffi/libc.ts';
import { IOVEC, MMSGHDR } from '../ffi/mmsghdr.ts';
import { SOCKADDR_LENGTH } from './sockaddr.ts';

/** Largest UDP payload, over IPv6: 65,535 less the UDP header. */
const PAYLOAD = 65_536;
/** `MSG_DONTWAIT` and `MSG_NOSIGNAL` of `<sys/socket.h>`. */
const MSG_DONTWAIT = 0x40;
const MSG_NOSIGNAL = 0x4000;

/** Room for one `IPV6_PKTINFO` (40 bytes) or `IP_PKTINFO` (32). */
export const CONTROL_LENGTH = 40;
/** A name's place, aligned. */
const NAME_STRIDE = 32;

/** Where datagrams go, and from which of our addresses. */
export class Destination {
  readonly name: Buffer;
  readonly control: Buffer | null;
  readonly nameAddress: bigint;
  readonly controlAddress: bigint;

  /**
   * @param name `struct sockaddr_in` or `sockaddr_in6`
   * @param control control messages (`answerFrom()`), or null
   */
  constructor(name: Buffer, control: Buffer | null) {
    this.name = name;
    this.control = control;
    this.nameAddress = addressOf(name);
    this.controlAddress = control === null ? 0n : addressOf(control);
  }
}

export class DatagramBatch {
  readonly capacity: number;
  readonly #calls = datagramCalls();
  readonly #payloads: Buffer;
  readonly #names: Buffer;
  readonly #controls: Buffer;
  readonly #iovecs: Buffer;
  /** As recvmmsg fills them: a name and a control message each. */
  readonly #incoming: Buffer;
  /** As sendmmsg reads them: the same payloads. */
  readonly #outgoing: Buffer;

  /** @param capacity datagrams at once; each takes 64 KiB of address space, and of memory what it ever held */
  constructor(capacity: number) {
    this.capacity = capacity;
    this.#payloads = Buffer.allocUnsafeSlow(capacity * PAYLOAD);
    this.#names = Buffer.alloc(capacity * NAME_STRIDE);
    this.#controls = Buffer.alloc(capacity * CONTROL_LENGTH);
    this.#iovecs = Buffer.alloc(capacity * IOVEC.size);
    this.#incoming = Buffer.alloc(capacity * MMSGHDR.size);
    this.#outgoing = Buffer.alloc(capacity * MMSGHDR.size);
    const [payloads, names, controls, iovecs] = [
      this.#payloads,
      this.#names,
      this.#controls,
      this.#iovecs,
    ].map(addressOf);
    for (let index = 0; index < capacity; index++) {
      const at = BigInt(index);
      this.#iovecs.writeBigUInt64LE(payloads! + at * BigInt(PAYLOAD), index * IOVEC.size + IOVEC.base);
      for (const headers of [this.#incoming, this.#outgoing]) {
        headers.writeBigUInt64LE(iovecs! + at * BigInt(IOVEC.size), index * MMSGHDR.size + MMSGHDR.iov);
        headers.writeBigUInt64LE(1n, index * MMSGHDR.size + MMSGHDR.iovLength);
      }
      this.#incoming.writeBigUInt64LE(names! + at * BigInt(NAME_STRIDE), index * MMSGHDR.size + MMSGHDR.name);
      this.#incoming.writeBigUInt64LE(
        controls! + at * BigInt(CONTROL_LENGTH),
        index * MMSGHDR.size + MMSGHDR.control,
      );
    }
  }

  /** Takes what waits, at most `capacity`. @returns how many, or -errno */
  receive(fd: number): number {
    for (let index = 0; index < this.capacity; index++) {
      this.#iovecs.writeUInt32LE(PAYLOAD, index * IOVEC.size + IOVEC.length);
      this.#incoming.writeUInt32LE(SOCKADDR_LENGTH, index * MMSGHDR.size + MMSGHDR.nameLength);
      this.#incoming.writeUInt32LE(CONTROL_LENGTH, index * MMSGHDR.size + MMSGHDR.controlLength);
    }
    const count = this.#calls.recvmmsg(fd, this.#incoming, this.capacity, MSG_DONTWAIT, null);
    if (count < 0) return -lastErrno();
    for (let index = 0; index < count; index++) {
      const length = this.#incoming.readUInt32LE(index * MMSGHDR.size + MMSGHDR.length);
      this.#iovecs.writeUInt32LE(length, index * IOVEC.size + IOVEC.length);
    }
    return count;
  }

  /** The sender's address of datagram `index`, as `struct sockaddr_in` or `sockaddr_in6`; valid until the next receive. */
  name(index: number): Buffer {
    const start = index * NAME_STRIDE;
    const length = this.#incoming.readUInt32LE(index * MMSGHDR.size + MMSGHDR.nameLength);
    return this.#names.subarray(start, start + length);
  }

  /** The control messages of datagram `index`; valid until the next receive. */
  control(index: number): Buffer {
    const start = index * CONTROL_LENGTH;
    const length = this.#incoming.readUInt32LE(index * MMSGHDR.size + MMSGHDR.controlLength);
    return this.#controls.subarray(start, start + length);
  }

  /**
   * Sends datagrams `first` … `end`-1 as they were received.
   *
   * @param to null on a connected socket
   * @returns how many the kernel took, or -errno when it did not even take the first
   */
  send(fd: number, first: number, end: number, to: Destination | null): number {
    for (let index = first; index < end; index++) {
      const header = index * MMSGHDR.size;
      this.#outgoing.writeBigUInt64LE(to?.nameAddress ?? 0n, header + MMSGHDR.name);
      this.#outgoing.writeUInt32LE(to?.name.length ?? 0, header + MMSGHDR.nameLength);
      this.#outgoing.writeBigUInt64LE(to?.controlAddress ?? 0n, header + MMSGHDR.control);
      this.#outgoing.writeUInt32LE(to?.control?.length ?? 0, header + MMSGHDR.controlLength);
    }
    const messages = first === 0 ? this.#outgoing : this.#outgoing.subarray(first * MMSGHDR.size);
    const sent = this.#calls.sendmmsg(fd, messages, end - first, MSG_DONTWAIT | MSG_NOSIGNAL);
    return sent < 0 ? -lastErrno() : sent;
  }
}
