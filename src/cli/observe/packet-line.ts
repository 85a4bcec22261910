import { hostPort } from '../../base/ip.ts';
import type { CapturedPacket, CaptureEnd, TcpFlag } from '../../base/wire/capture.ts';

/** As tcpdump writes them, in its order; the dot is ACK. */
const TCP_FLAGS: ReadonlyArray<readonly [TcpFlag, string]> = [
  ['SYN', 'S'],
  ['FIN', 'F'],
  ['PSH', 'P'],
  ['RST', 'R'],
  ['URG', 'U'],
  ['ECE', 'E'],
  ['CWR', 'W'],
  ['ACK', '.'],
];

/** One packet on one line: when, where, who to whom (with names, where the daemon knows them), and what. */
export function packetLine(packet: CapturedPacket): string {
  const time = new Date(packet.time).toTimeString().slice(0, 8);
  const fraction = packet.time.slice(20, 26);
  const arrow = packet.direction === 'out' ? '>' : '<';
  const where = `${packet.where}:${packet.link} ${arrow}`;
  return `${time}.${fraction} ${where} ${endsOf(packet)} ${whatOf(packet)}, ${packet.length} bytes`;
}

function endsOf({ source, destination, arp }: CapturedPacket): string {
  if (arp?.operation === 'request') return `who has ${destination.address}? tell ${endText(source)}`;
  if (arp !== undefined) return `${endText(source)} is at ${source.mac}`;
  return `${endText(source)} → ${endText(destination)}`;
}

function endText({ mac = '?', address, port, name }: CaptureEnd): string {
  if (address === undefined) return mac;
  const socket = port === undefined ? address : hostPort(address, port);
  return name === undefined ? socket : `${name} ${socket}`;
}

function whatOf({ proto, ip, tcp, icmp, arp }: CapturedPacket): string {
  if (tcp !== undefined) {
    const letters = TCP_FLAGS.filter(([flag]) => tcp.flags.includes(flag)).map(([, letter]) => letter);
    return `tcp [${letters.join('')}]`;
  }
  if (icmp !== undefined) return `${proto} ${icmp.kind ?? `type ${icmp.type}`}`;
  if (arp !== undefined) return `arp ${arp.operation}`;
  if (ip === undefined) return `ethertype ${proto}`;
  if ((ip.fragment?.offset ?? 0) > 0) return `${proto} fragment`;
  return /^\d+$/.test(proto) ? `protocol ${proto}` : proto;
}
