/** The frames by which a new interface tells its neighbours which addresses are its own now, so that nobody keeps an old one. Pure. */

import { Ip } from '../../base/ip.ts';
import { macBytes } from '../../base/mac.ts';

const ETHERTYPE_ARP = 0x0806;
const ETHERTYPE_IPV6 = 0x86dd;
const BROADCAST = 'ff:ff:ff:ff:ff:ff';
/** RFC 2464, 7: ff02::1 as an Ethernet address. */
const ALL_NODES_MAC = '33:33:00:00:00:01';
const ALL_NODES = Ip.parse('ff02::1').toBytes();
const NEXT_HEADER_ICMPV6 = 58;

/** The frame for one address of either family. */
export function announcement(mac: string, address: string): Buffer {
  const ip = Ip.parse(address);
  return ip.family === 4 ? gratuitousArp(mac, ip) : unsolicitedAdvertisement(mac, ip);
}

/** An ARP request of an address for itself (RFC 5227, 3): what the kernel sends too (arp_notify). */
function gratuitousArp(mac: string, ip: Ip): Buffer {
  const packet = Buffer.alloc(28);
  packet.writeUInt16BE(1, 0); // hardware: Ethernet
  packet.writeUInt16BE(0x0800, 2); // protocol: IPv4
  packet.writeUInt8(6, 4);
  packet.writeUInt8(4, 5);
  packet.writeUInt16BE(1, 6); // request
  packet.set(macBytes(mac), 8);
  packet.set(ip.toBytes(), 14);
  packet.set(ip.toBytes(), 24);
  return frame(BROADCAST, mac, ETHERTYPE_ARP, packet);
}

/** A neighbour advertisement that nobody asked for, with the override flag (RFC 4861, 4.4 and 7.2.6). */
function unsolicitedAdvertisement(mac: string, ip: Ip): Buffer {
  const message = Buffer.alloc(32);
  message.writeUInt8(136, 0); // neighbour advertisement
  message.writeUInt32BE(0x20000000, 4); // override
  message.set(ip.toBytes(), 8);
  message.writeUInt8(2, 24); // option: target link-layer address …
  message.writeUInt8(1, 25); // … of eight bytes
  message.set(macBytes(mac), 26);
  const header = Buffer.alloc(40);
  header.writeUInt32BE(6 << 28, 0);
  header.writeUInt16BE(message.length, 4);
  header.writeUInt8(NEXT_HEADER_ICMPV6, 6);
  header.writeUInt8(255, 7); // hop limit: whoever receives less has not received it from a neighbour
  header.set(ip.toBytes(), 8);
  header.set(ALL_NODES, 24);
  const pseudoHeader = Buffer.concat([
    header.subarray(8, 40),
    Buffer.of(0, 0, 0, message.length, 0, 0, 0, 58),
  ]);
  message.writeUInt16BE(internetChecksum(Buffer.concat([pseudoHeader, message])), 2);
  return frame(ALL_NODES_MAC, mac, ETHERTYPE_IPV6, Buffer.concat([header, message]));
}

function frame(to: string, from: string, type: number, payload: Buffer): Buffer {
  const header = Buffer.alloc(14);
  header.set(macBytes(to), 0);
  header.set(macBytes(from), 6);
  header.writeUInt16BE(type, 12);
  return Buffer.concat([header, payload]);
}

/** RFC 1071, over an even number of bytes. */
function internetChecksum(bytes: Buffer): number {
  let sum = 0;
  for (let at = 0; at < bytes.length; at += 2) sum += bytes.readUInt16BE(at);
  while (sum > 0xffff) sum = (sum & 0xffff) + (sum >>> 16);
  return ~sum & 0xffff;
}
