/** Socket addresses in the form bind(2) and connect(2) take them. */
import { Ip } from '../../base/ip.ts';

/** `AF_*` of `<sys/socket.h>`. */
export const AF_UNIX = 1;
export const AF_INET = 2;
export const AF_INET6 = 10;

/** Length of `struct sockaddr_in6`, the longer one. */
export const SOCKADDR_LENGTH = 28;
/** Length of `struct sockaddr_in`. */
const IN_LENGTH = 16;
/** Where the address stands: `sockaddr_in { family, port, addr }`, `sockaddr_in6 { family, port, flowinfo, addr, scope }`. */
const IN_ADDRESS = 4;
const IN6_ADDRESS = 8;

/** An address and port, laid out for the kernel. */
export interface SocketAddress {
  readonly family: typeof AF_INET | typeof AF_INET6;
  /** `struct sockaddr_in` or `sockaddr_in6`. */
  readonly bytes: Buffer;
}

/** `socketAddress('172.17.0.2', 80)`; throws `invalid` when `ip` is no address. */
export function socketAddress(ip: string, port: number): SocketAddress {
  const address = Ip.parse(ip);
  const family = address.family === 4 ? AF_INET : AF_INET6;
  const bytes = Buffer.alloc(address.family === 4 ? IN_LENGTH : SOCKADDR_LENGTH);
  // In the machine's byte order, which is little-endian wherever Node runs on Linux but s390x.
  bytes.writeUInt16LE(family, 0);
  bytes.writeUInt16BE(port, 2);
  bytes.set(address.toBytes(), address.family === 4 ? IN_ADDRESS : IN6_ADDRESS);
  return { family, bytes };
}

/** The port of a `struct sockaddr_in` or `sockaddr_in6`. */
export function portOf(bytes: Buffer): number {
  return bytes.readUInt16BE(2);
}

/** Changes the port in place. */
export function setPort(bytes: Buffer, port: number): void {
  bytes.writeUInt16BE(port, 2);
}
