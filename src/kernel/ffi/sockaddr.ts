/** Socket addresses: `struct sockaddr_in` and `struct sockaddr_in6` (ip(7), ipv6(7)). */

import { internal } from '../../base/errors.ts';
import { AF_INET, AF_INET6, addressBytes, addressText } from '../address.ts';

export interface SocketAddress {
  address: string;
  port: number;
}

/** As long as the longest of them, with room: `struct sockaddr_storage` is 128 bytes, sockaddr_in6 28. */
export const SOCKADDR_LENGTH_MAX = 128;

/** The bytes of an address, for bind(2) and connect(2). */
export function encodeSockaddr({ address, port }: SocketAddress): Buffer {
  if (!Number.isInteger(port) || port < 0 || port > 65535) throw internal(`${port} is not a port`);
  const bytes = addressBytes(address);
  if (bytes.length === 4) {
    const sockaddr = Buffer.alloc(16); // family u16, port u16 (big-endian), address, 8 bytes of nothing
    sockaddr.writeUInt16LE(AF_INET, 0);
    sockaddr.writeUInt16BE(port, 2);
    bytes.copy(sockaddr, 4);
    return sockaddr;
  }
  const sockaddr = Buffer.alloc(28); // family u16, port u16 (big-endian), flow info u32, address, scope id u32
  sockaddr.writeUInt16LE(AF_INET6, 0);
  sockaddr.writeUInt16BE(port, 2);
  bytes.copy(sockaddr, 8);
  return sockaddr;
}

/** Reads what getsockname(2), accept(2) or recvfrom(2) wrote; throws for a family that is neither. */
export function decodeSockaddr(sockaddr: Buffer): SocketAddress {
  const family = sockaddr.readUInt16LE(0);
  const port = sockaddr.readUInt16BE(2);
  if (family === AF_INET) return { address: addressText(sockaddr.subarray(4, 8)), port };
  if (family === AF_INET6) return { address: addressText(sockaddr.subarray(8, 24)), port };
  throw internal(`socket address of family ${family} is neither IPv4 nor IPv6`);
}
