/**
 * The PROXY protocol, version 2: how a proxy tells a server who its client really is.
 * Source: https://www.haproxy.org/download/3.0/doc/proxy-protocol.txt, section 2.2.
 */
import { AF_INET6, SOCKADDR_LENGTH } from '../kernel/epoll/sockaddr.ts';
import { libc } from '../kernel/ffi/libc.ts';

const SIGNATURE = Buffer.from('0d0a0d0a000d0a515549540a', 'hex');
/** Version 2 (upper half), command PROXY (lower half). */
const VERSION_AND_COMMAND = 0x21;
/** Address family (upper half: 1 IPv4, 2 IPv6) and transport (lower half: 1 stream). */
const TCP_OVER_IPV4 = 0x11;
const TCP_OVER_IPV6 = 0x21;

/**
 * The header for an accepted socket.
 *
 * @returns undefined when the client has gone already, so that nobody can tell its address
 */
export function proxyHeader(fd: number): Buffer | undefined {
  const [client, host] = [Buffer.alloc(SOCKADDR_LENGTH), Buffer.alloc(SOCKADDR_LENGTH)];
  const length = new Int32Array([SOCKADDR_LENGTH]);
  if (libc().getpeername(fd, client, new Uint8Array(length.buffer)) < 0) return undefined;
  length[0] = SOCKADDR_LENGTH;
  if (libc().getsockname(fd, host, new Uint8Array(length.buffer)) < 0) return undefined;
  return encodeProxyHeader(client, host);
}

/** From two addresses of one family, as `struct sockaddr_in` or `sockaddr_in6`. */
export function encodeProxyHeader(client: Buffer, host: Buffer): Buffer {
  const isV6 = client.readUInt16LE(0) === AF_INET6;
  const address = (name: Buffer) => (isV6 ? name.subarray(8, 24) : name.subarray(4, 8));
  const port = (name: Buffer) => name.subarray(2, 4);
  const body = Buffer.concat([address(client), address(host), port(client), port(host)]);
  const head = Buffer.alloc(4);
  head[0] = VERSION_AND_COMMAND;
  head[1] = isV6 ? TCP_OVER_IPV6 : TCP_OVER_IPV4;
  head.writeUInt16BE(body.length, 2);
  return Buffer.concat([SIGNATURE, head, body]);
}
