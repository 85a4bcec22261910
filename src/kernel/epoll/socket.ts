/** Non-blocking sockets: making them, and the options the proxy sets. */
import { check, lastErrno, libc } from '../ffi/libc.ts';

/** `SOCK_*` of `<sys/socket.h>`. */
export const SOCK_STREAM = 1;
export const SOCK_DGRAM = 2;
export const SOCK_CLOEXEC = 0o2000000;
export const SOCK_NONBLOCK = 0o4000;

/** `SOL_SOCKET` and its options, `<asm-generic/socket.h>`. */
export const SOL_SOCKET = 1;
export const SO_REUSEADDR = 2;
export const SO_ERROR = 4;
export const SO_SNDBUF = 7;
export const SO_RCVBUF = 8;
export const SO_KEEPALIVE = 9;
export const SO_LINGER = 13;

/** `IPPROTO_*` of `<netinet/in.h>` and their options. */
export const IPPROTO_IP = 0;
export const IPPROTO_TCP = 6;
export const IPPROTO_IPV6 = 41;
export const IP_PKTINFO = 8;
export const IPV6_V6ONLY = 26;
export const IPV6_RECVPKTINFO = 49;
export const IPV6_PKTINFO = 50;
/** `<linux/tcp.h>` */
export const TCP_NODELAY = 1;
export const TCP_KEEPIDLE = 4;
export const TCP_KEEPINTVL = 5;
export const TCP_QUICKACK = 12;

/** `SHUT_WR` of `<sys/socket.h>`. */
export const SHUT_WR = 1;
/** `FIONREAD` of `<asm-generic/ioctls.h>`. */
const FIONREAD = 0x541b;

const word = new Int32Array(1);
const wordBytes = new Uint8Array(word.buffer);
const wordLength = new Int32Array([4]);
const wordLengthBytes = new Uint8Array(wordLength.buffer);
/** `struct linger { int l_onoff; int l_linger; }` that makes close(2) send a reset instead of a FIN. */
const abortingLinger = new Uint8Array(new Int32Array([1, 0]).buffer);

/** Opens a non-blocking, close-on-exec socket. */
export function openSocket(family: number, type: number): number {
  return check(libc().socket(family, type | SOCK_NONBLOCK | SOCK_CLOEXEC, 0), 'open a socket');
}

/** Sets an option whose value is an int. */
export function setOption(fd: number, level: number, option: number, value: number): void {
  word[0] = value;
  check(
    libc().setsockopt(fd, level, option, wordBytes, 4),
    () => `set socket option ${level}/${option} to ${value}`,
  );
}

/** Reads and clears the error a socket has pending (`SO_ERROR`); 0 when there is none. */
export function pendingError(fd: number): number {
  wordLength[0] = 4;
  if (libc().getsockopt(fd, SOL_SOCKET, SO_ERROR, wordBytes, wordLengthBytes) < 0) return lastErrno();
  return word[0]!;
}

/** Whether bytes wait to be read (tcp(7), SIOCINQ). */
export function hasUnread(fd: number): boolean {
  return libc().ioctl(fd, FIONREAD, wordBytes) === 0 && word[0]! > 0;
}

/** From now on close(2) discards what is unsent and sends a reset. Sockets accepted from a listener inherit it. */
export function resetOnClose(fd: number): void {
  libc().setsockopt(fd, SOL_SOCKET, SO_LINGER, abortingLinger, 8);
}
