/** The real packet of a probe: one connection that is closed at once, or one empty datagram, from a port of its own. */

import { errnoError, errnoName } from '../../kernel/ffi/errno.ts';
import { check, lastErrno, libc } from '../../kernel/ffi/libc.ts';
import { encodeSockaddr } from '../../kernel/ffi/sockaddr.ts';
import { type NetnsHandle, withNetns } from '../../kernel/netns/index.ts';
import { socketAddress } from '../../kernel/sockets.ts';

/** `SOCK_STREAM = 1`, `SOCK_DGRAM = 2`, `SOCK_NONBLOCK = 04000`, `SOCK_CLOEXEC = 02000000` (linux/net.h) */
const TYPES = { tcp: 1, udp: 2 } as const;
const NONBLOCK_CLOEXEC = 0o4000 | 0o2000000;
/** `#define SOL_SOCKET 1`, `#define SO_ERROR 4` (asm-generic/socket.h); `#define POLLOUT 0x0004` (asm-generic/poll.h) */
const SOL_SOCKET = 1;
const SO_ERROR = 4;
const POLLOUT = 4;
/** `#define AF_INET 2`, `#define AF_INET6 10` (linux/socket.h) */
const FAMILIES = { 4: 2, 6: 10 } as const;
/** Milliseconds between two looks. */
const INTERVAL = 20;

export type ProbeOutcome =
  /** TCP: the handshake was done. */
  | 'connected'
  /** Somebody said no: a reset, or an ICMP error. */
  | 'refused'
  /** Nothing came back in time. Of UDP, nothing ever has to. */
  | 'silent';

export class ProbeClient implements Disposable {
  readonly port: number;
  readonly #fd: number;

  private constructor(fd: number, port: number) {
    this.#fd = fd;
    this.port = port;
  }

  /** A socket in a namespace, bound to a port that the kernel chooses. */
  static open(netns: NetnsHandle, protocol: 'tcp' | 'udp', family: 4 | 6): ProbeClient {
    const fd = withNetns(netns, () =>
      check(
        libc().socket(FAMILIES[family], TYPES[protocol] | NONBLOCK_CLOEXEC, 0),
        'open the socket of a probe',
      ),
    );
    try {
      const any = encodeSockaddr({ address: family === 4 ? '0.0.0.0' : '::', port: 0 });
      check(libc().bind(fd, any, any.length), 'bind the socket of a probe');
      return new ProbeClient(fd, socketAddress(fd).port);
    } catch (error) {
      libc().close(fd);
      throw error;
    }
  }

  /** Sends the first packet and waits for what comes of it, at most `patience` milliseconds. */
  async ask(address: string, port: number, protocol: 'tcp' | 'udp', patience: number): Promise<ProbeOutcome> {
    const target = encodeSockaddr({ address, port });
    if (libc().connect(this.#fd, target, target.length) < 0) {
      const name = errnoName(lastErrno());
      if (name !== 'EINPROGRESS') return outcomeOf(name);
    }
    // An empty datagram: nothing that a service could take for a request.
    if (protocol === 'udp' && libc().send(this.#fd, Buffer.alloc(0), 0, 0) < 0) {
      return outcomeOf(errnoName(lastErrno()));
    }
    for (let waited = 0; waited < patience; waited += INTERVAL) {
      await new Promise((resolve) => setTimeout(resolve, INTERVAL));
      const outcome = this.#look(protocol);
      if (outcome !== undefined) return outcome;
    }
    return 'silent';
  }

  #look(protocol: 'tcp' | 'udp'): ProbeOutcome | undefined {
    // struct pollfd { fd s32, events s16, revents s16 }
    const poll = Buffer.alloc(8);
    poll.writeInt32LE(this.#fd, 0);
    poll.writeInt16LE(POLLOUT, 4);
    if (libc().poll(poll, 1, 0) <= 0) return undefined;
    const value = Buffer.alloc(4);
    const length = Buffer.from([4, 0, 0, 0]);
    check(libc().getsockopt(this.#fd, SOL_SOCKET, SO_ERROR, value, length), 'read the error of a probe');
    const errno = value.readInt32LE(0);
    if (errno !== 0) return outcomeOf(errnoName(errno));
    return protocol === 'tcp' ? 'connected' : undefined;
  }

  [Symbol.dispose](): void {
    libc().close(this.#fd);
  }
}

/** What was refused by somebody, and what by this very namespace, which is no better than silence. */
function outcomeOf(errno: string): ProbeOutcome {
  switch (errno) {
    case 'ECONNREFUSED':
    case 'EHOSTUNREACH':
    case 'ENETUNREACH':
    case 'EACCES':
    case 'EPERM':
    case 'EINVAL':
    case 'EADDRNOTAVAIL':
      return 'refused';
    case 'ETIMEDOUT':
      return 'silent';
    default:
      throw errnoError(`send a probe: ${errno}`, 0);
  }
}
