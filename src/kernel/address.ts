/** Addresses between text and the bytes the kernel uses, and its numbers for their families. */
import { Ip } from '../base/ip.ts';
import { macBytes as bytesOfMac } from '../base/mac.ts';

/** `#define AF_UNSPEC 0`, `#define AF_INET 2`, `#define AF_BRIDGE 7`, `#define AF_INET6 10` (linux/socket.h) */
export const AF_UNSPEC = 0;
export const AF_INET = 2;
export const AF_BRIDGE = 7;
export const AF_INET6 = 10;

/** AF_INET or AF_INET6; throws `invalid` when `address` is neither. */
export function familyOf(address: string): number {
  return Ip.parse(address).family === 4 ? AF_INET : AF_INET6;
}

/** 4 or 16 bytes in network order. A zone (`%eth0`) is refused: netlink carries the interface elsewhere. */
export function addressBytes(address: string): Buffer {
  return Buffer.from(Ip.parse(address).toBytes());
}

/** The canonical text of 4 or 16 bytes (IPv6 as in RFC 5952). */
export function addressText(bytes: Uint8Array): string {
  return Ip.fromBytes(bytes).toString();
}

/** 6 bytes of `02:42:ac:11:00:02`. */
export function macBytes(mac: string): Buffer {
  return Buffer.from(bytesOfMac(mac));
}

/** Lower case with colons, whatever the length of the link-layer address (a tunnel's is its IP address). */
export function macText(bytes: Uint8Array): string {
  return Array.from(bytes, (byte) => byte.toString(16).padStart(2, '0')).join(':');
}
