/** A blocking TCP connection inside a namespace, for root tests. Not for the product: it stops the event loop meanwhile. */
import { familyOf } from '../address.ts';
import { check, libc } from '../ffi/libc.ts';
import { encodeSockaddr, type SocketAddress } from '../ffi/sockaddr.ts';
import { type NetnsHandle, withNetns } from '../netns/index.ts';

/** `SOCK_STREAM = 1`, `SOCK_CLOEXEC = 02000000`; `#define SO_SNDTIMEO 21` also bounds connect(2) (socket(7)). */
const SOCK_STREAM_CLOEXEC = 1 | 0o2000000;
const SOL_SOCKET = 1;
const SO_SNDTIMEO = 21;

/** Returns the descriptor of a connected socket: wrap it by `new Socket({ fd })`. Gives up after two seconds. */
export function connectTcp(options: SocketAddress & { netns?: NetnsHandle | string }): number {
  const { address, port, netns } = options;
  const action = `connect to ${address} port ${port}`;
  const open = () => check(libc().socket(familyOf(address), SOCK_STREAM_CLOEXEC, 0), action);
  const fd = netns === undefined ? open() : withNetns(netns, open);
  const timeout = Buffer.alloc(16); // struct timeval: seconds, microseconds
  timeout.writeBigInt64LE(2n);
  libc().setsockopt(fd, SOL_SOCKET, SO_SNDTIMEO, timeout, timeout.length);
  const sockaddr = encodeSockaddr({ address, port });
  try {
    check(libc().connect(fd, sockaddr, sockaddr.length), action);
  } catch (error) {
    libc().close(fd);
    throw error;
  }
  return fd;
}
