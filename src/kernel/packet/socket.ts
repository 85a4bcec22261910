/**
 * Packet sockets (packet(7)): whole frames of an interface, or of all of a namespace, with the time the kernel saw them; several in one
 * call. Nothing is put into promiscuous mode: veths and bridges hand over what passes them anyway.
 */

import { datagramCalls } from '../ffi/datagram.ts';
import { errnoError, errnoName } from '../ffi/errno.ts';
import { addressOf, callAsync, check, lastErrno, libc } from '../ffi/libc.ts';
import { IOVEC, MMSGHDR } from '../ffi/mmsghdr.ts';
import { watchReadable } from '../ffi/poll.ts';
import { type NetnsHandle, withNetns } from '../netns/index.ts';
import type { BpfInstruction } from './bpf.ts';

/** `#define AF_PACKET 17`; `SOCK_RAW = 3`, `SOCK_NONBLOCK = 04000`, `SOCK_CLOEXEC = 02000000` (linux/net.h) */
const AF_PACKET = 17;
const SOCK_RAW_NONBLOCK_CLOEXEC = 3 | 0o4000 | 0o2000000;
/** linux/if_ether.h: every protocol; ARP alone. */
export const ETH_P_ALL = 0x0003;
export const ETH_P_ARP = 0x0806;
/** asm-generic/socket.h: `SO_ATTACH_FILTER 26`, `SO_RCVBUFFORCE 33`, `SO_TIMESTAMPNS_OLD 35` */
const SOL_SOCKET = 1;
const SO_ATTACH_FILTER = 26;
const SO_RCVBUFFORCE = 33;
const SO_TIMESTAMPNS = 35;
/** linux/if_packet.h: `SOL_PACKET 263`, `PACKET_STATISTICS 6`, `PACKET_AUXDATA 8` */
const SOL_PACKET = 263;
const PACKET_STATISTICS = 6;
const PACKET_AUXDATA = 8;
/** `MSG_TRUNC = 0x20`: the true length of a frame that is longer than the room; `MSG_DONTWAIT = 0x40` */
const MSG_TRUNC = 0x20;
const MSG_DONTWAIT = 0x40;

/** Bytes of frames that wait while JavaScript is busy. */
const RECEIVE_QUEUE = 16 * 1024 * 1024;
/** Frames in one call. */
const BATCH = 64;
/** `struct sockaddr_ll { u16 family; be16 protocol; s32 ifindex; u16 hatype; u8 pkttype; u8 halen; u8 addr[8] }` */
const SOCKADDR_LL = 20;
const NAME_STRIDE = 32;
/** Two control messages, each behind a `struct cmsghdr` of 16 bytes: a `struct timespec` (16), a `struct tpacket_auxdata` (20, padded to 24) */
const TIME_LENGTH = 32;
const CONTROL_LENGTH = TIME_LENGTH + 40;
/** In the second: `tp_len`, behind `tp_status` (linux/if_packet.h) */
const ORIGINAL_LENGTH = TIME_LENGTH + 20;

/** `PACKET_HOST 0 … PACKET_OUTGOING 4`: whom the frame was for, as its interface sees it. */
export type FrameDirection = 'host' | 'broadcast' | 'multicast' | 'other' | 'outgoing';
const DIRECTIONS: readonly FrameDirection[] = ['host', 'broadcast', 'multicast', 'other', 'outgoing'];

export interface Frame {
  /** Nanoseconds since 1970, as the kernel stamped it. */
  readonly time: bigint;
  /** Index of the interface. */
  readonly link: number;
  readonly direction: FrameDirection;
  /** Bytes on the wire. */
  readonly length: number;
  /** What of them was kept. A view that is valid until the next `receive()`. */
  readonly data: Buffer;
}

export interface PacketSocketOptions {
  /** Default: the thread's own. */
  netns?: NetnsHandle | string | undefined;
  /** Index of the interface; default: all of the namespace. */
  link?: number | undefined;
  /** ETH_P_*; default: all. */
  protocol?: number | undefined;
  /** Bytes that are kept of each frame; default and most 262,144, which holds what segmentation offload makes. */
  snapLength?: number | undefined;
  /** Frames that it refuses never leave the kernel. */
  filter?: readonly BpfInstruction[] | undefined;
}

const SNAP_LENGTH_MAX = 262_144;

export class PacketSocket implements Disposable {
  readonly #fd: number;
  readonly #snapLength: number;
  readonly #frames: Buffer;
  readonly #names = Buffer.alloc(BATCH * NAME_STRIDE);
  readonly #controls = Buffer.alloc(BATCH * CONTROL_LENGTH);
  readonly #iovecs = Buffer.alloc(BATCH * IOVEC.size);
  readonly #headers = Buffer.alloc(BATCH * MMSGHDR.size);
  readonly #closers: Array<() => void> = [];
  #closed = false;

  private constructor(fd: number, snapLength: number) {
    this.#fd = fd;
    this.#snapLength = snapLength;
    // Address space; of memory only what frames ever fill.
    this.#frames = Buffer.allocUnsafeSlow(BATCH * snapLength);
    const [frames, names, controls, iovecs] = [this.#frames, this.#names, this.#controls, this.#iovecs].map(
      addressOf,
    );
    for (let index = 0; index < BATCH; index++) {
      const at = BigInt(index);
      const header = index * MMSGHDR.size;
      this.#iovecs.writeBigUInt64LE(frames! + at * BigInt(snapLength), index * IOVEC.size + IOVEC.base);
      this.#iovecs.writeBigUInt64LE(BigInt(snapLength), index * IOVEC.size + IOVEC.length);
      this.#headers.writeBigUInt64LE(names! + at * BigInt(NAME_STRIDE), header + MMSGHDR.name);
      this.#headers.writeBigUInt64LE(iovecs! + at * BigInt(IOVEC.size), header + MMSGHDR.iov);
      this.#headers.writeBigUInt64LE(1n, header + MMSGHDR.iovLength);
      this.#headers.writeBigUInt64LE(controls! + at * BigInt(CONTROL_LENGTH), header + MMSGHDR.control);
    }
  }

  /** @throws errno EPERM without CAP_NET_RAW, ENODEV when there is no such interface */
  static open(options: PacketSocketOptions = {}): PacketSocket {
    const { netns, link = 0, protocol = ETH_P_ALL, filter } = options;
    const snapLength = Math.min(Math.max(options.snapLength ?? SNAP_LENGTH_MAX, 64), SNAP_LENGTH_MAX);
    const action = 'open a packet socket';
    // Of no protocol: nothing is queued before the filter stands and the socket is bound.
    const make = () => check(libc().socket(AF_PACKET, SOCK_RAW_NONBLOCK_CLOEXEC, 0), action);
    const fd = netns === undefined ? make() : withNetns(netns, make);
    try {
      if (filter !== undefined) attach(fd, filter);
      setInt(fd, SOL_SOCKET, SO_RCVBUFFORCE, RECEIVE_QUEUE);
      setInt(fd, SOL_SOCKET, SO_TIMESTAMPNS, 1);
      setInt(fd, SOL_PACKET, PACKET_AUXDATA, 1);
      const name = sockaddrLl(protocol, link);
      check(libc().bind(fd, name, name.length), () => `${action}: bind to interface ${link}`);
      return new PacketSocket(fd, snapLength);
    } catch (error) {
      libc().close(fd);
      throw error;
    }
  }

  /** Takes the frames that wait, at most 64. Empty when there are none. */
  receive(): Frame[] {
    for (let index = 0; index < BATCH; index++) {
      this.#headers.writeUInt32LE(SOCKADDR_LL, index * MMSGHDR.size + MMSGHDR.nameLength);
      this.#headers.writeUInt32LE(CONTROL_LENGTH, index * MMSGHDR.size + MMSGHDR.controlLength);
    }
    const flags = MSG_DONTWAIT | MSG_TRUNC;
    const count = datagramCalls().recvmmsg(this.#fd, this.#headers, BATCH, flags, null);
    if (count >= 0) return Array.from({ length: count }, (_, index) => this.#frame(index));
    const errno = lastErrno();
    // ENETDOWN: the interface went down or away; there is nothing more to read, and that is no fault.
    if (['EAGAIN', 'EINTR', 'ENETDOWN', 'ENXIO', 'ENODEV'].includes(errnoName(errno))) return [];
    throw errnoError('receive frames', errno);
  }

  /** Calls back whenever frames wait, until the socket is closed. */
  watch(onReadable: () => void): void {
    const watch = watchReadable(this.#fd, onReadable);
    this.#closers.push(() => watch.close());
  }

  /** Sends a whole frame out of an interface. */
  send(link: number, frame: Buffer): void {
    const name = sockaddrLl(frame.readUInt16BE(12), link);
    check(
      libc().sendto(this.#fd, frame, frame.length, MSG_DONTWAIT, name, name.length),
      () => `send a frame out of interface ${link}`,
    );
  }

  /** Frames that were lost since the last call, because they came faster than they were taken. */
  lost(): number {
    const statistics = Buffer.alloc(8); // struct tpacket_stats { unsigned int tp_packets, tp_drops }
    const length = Buffer.alloc(4);
    length.writeUInt32LE(statistics.length);
    const result = libc().getsockopt(this.#fd, SOL_PACKET, PACKET_STATISTICS, statistics, length);
    return result < 0 ? 0 : statistics.readUInt32LE(4);
  }

  /** Idempotent. On a thread of the pool: close(2) waits for an RCU grace period here, 5 to 50 ms. */
  close(): void {
    if (this.#closed) return;
    this.#closed = true;
    for (const close of this.#closers) close();
    void callAsync(libc().close, this.#fd);
  }

  [Symbol.dispose](): void {
    this.close();
  }

  #frame(index: number): Frame {
    const header = index * MMSGHDR.size;
    const kept = this.#headers.readUInt32LE(header + MMSGHDR.length);
    const name = index * NAME_STRIDE;
    const start = index * this.#snapLength;
    return {
      time: this.#time(index),
      link: this.#names.readInt32LE(name + 4),
      direction: DIRECTIONS[this.#names.readUInt8(name + 10)] ?? 'other',
      length: this.#originalLength(index) ?? kept,
      data: this.#frames.subarray(start, start + Math.min(kept, this.#snapLength)),
    };
  }

  /** Before the filter cut it, which even MSG_TRUNC does not tell. */
  #originalLength(index: number): number | undefined {
    if (this.#controlLength(index) < CONTROL_LENGTH) return undefined;
    return this.#controls.readUInt32LE(index * CONTROL_LENGTH + ORIGINAL_LENGTH);
  }

  #controlLength(index: number): number {
    return this.#headers.readUInt32LE(index * MMSGHDR.size + MMSGHDR.controlLength);
  }

  /** From SCM_TIMESTAMPNS; the present when the kernel gave none. */
  #time(index: number): bigint {
    if (this.#controlLength(index) < TIME_LENGTH) return BigInt(Date.now()) * 1_000_000n;
    const at = index * CONTROL_LENGTH + 16;
    return this.#controls.readBigInt64LE(at) * 1_000_000_000n + this.#controls.readBigInt64LE(at + 8);
  }
}

function sockaddrLl(protocol: number, link: number): Buffer {
  const name = Buffer.alloc(SOCKADDR_LL);
  name.writeUInt16LE(AF_PACKET, 0);
  name.writeUInt16BE(protocol, 2);
  name.writeInt32LE(link, 4);
  return name;
}

/** `struct sock_fprog { unsigned short len; struct sock_filter *filter; }`, `sock_filter { u16 code; u8 jt; u8 jf; u32 k }` */
function attach(fd: number, program: readonly BpfInstruction[]): void {
  const code = Buffer.alloc(program.length * 8);
  for (const [index, { code: operation, jt, jf, k }] of program.entries()) {
    code.writeUInt16LE(operation, index * 8);
    code.writeUInt8(jt, index * 8 + 2);
    code.writeUInt8(jf, index * 8 + 3);
    code.writeUInt32LE(k >>> 0, index * 8 + 4);
  }
  const fprog = Buffer.alloc(16);
  fprog.writeUInt16LE(program.length, 0);
  fprog.writeBigUInt64LE(addressOf(code), 8);
  check(
    libc().setsockopt(fd, SOL_SOCKET, SO_ATTACH_FILTER, fprog, fprog.length),
    () => `attach a filter of ${program.length} instructions`,
  );
}

function setInt(fd: number, level: number, option: number, value: number): void {
  const bytes = Buffer.alloc(4);
  bytes.writeInt32LE(value);
  check(
    libc().setsockopt(fd, level, option, bytes, 4),
    () => `set socket option ${level}/${option} to ${value}`,
  );
}
