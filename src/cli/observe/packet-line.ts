import { Ip } from '../../base/ip.ts';
import { formatMac } from '../../base/mac.ts';
import type { PcapPacket } from './pcapng.ts';

const ETHER = 14;
/** tcp(7): the bits of the flags' byte, as tcpdump writes them; the dot is ACK. */
const TCP_FLAGS: ReadonlyArray<readonly [number, string]> = [
  [0x02, 'S'],
  [0x01, 'F'],
  [0x08, 'P'],
  [0x04, 'R'],
  [0x20, 'U'],
  [0x10, '.'],
];
const ICMP_TYPES: Readonly<Record<number, string>> = {
  0: 'echo reply',
  3: 'unreachable',
  8: 'echo request',
  11: 'time exceeded',
};
const ICMP6_TYPES: Readonly<Record<number, string>> = {
  1: 'unreachable',
  2: 'packet too big',
  128: 'echo request',
  129: 'echo reply',
  135: 'neighbour solicitation',
  136: 'neighbour advertisement',
};

/** One packet on one line: when, where, who to whom (with names, where the daemon knows them), and what. */
export function packetLine(packet: PcapPacket): string {
  const seconds = Number(packet.time / 1_000_000_000n);
  const fraction = String(packet.time % 1_000_000_000n)
    .padStart(9, '0')
    .slice(0, 6);
  const time = new Date(seconds * 1000).toTimeString().slice(0, 8);
  const arrow = packet.direction === 'out' ? '>' : packet.direction === 'in' ? '<' : ' ';
  const { what, ends } = summary(packet.data);
  return `${time}.${fraction} ${packet.interface} ${arrow} ${packet.comment ?? ends} ${what}, ${packet.length} bytes`;
}

interface Summary {
  what: string;
  /** Source and destination, for packets that the daemon knows no names for. */
  ends: string;
}

function summary(frame: Buffer): Summary {
  const type = frame.length >= ETHER ? frame.readUInt16BE(12) : 0;
  if (type === 0x0800 && frame.length >= ETHER + 20) {
    const header = (frame.readUInt8(ETHER) & 15) * 4;
    const isFirst = (frame.readUInt16BE(ETHER + 6) & 0x1fff) === 0;
    const protocol = frame.readUInt8(ETHER + 9);
    const ends = [frame.subarray(26, 30), frame.subarray(30, 34)] as const;
    return isFirst
      ? transport(frame, protocol, ETHER + header, ends)
      : { what: 'fragment', ends: arrow(ends, undefined) };
  }
  if (type === 0x86dd && frame.length >= ETHER + 40) {
    return transport(frame, frame.readUInt8(20), ETHER + 40, [
      frame.subarray(22, 38),
      frame.subarray(38, 54),
    ]);
  }
  if (type === 0x0806 && frame.length >= 42) {
    const [sender, target] = [frame.subarray(28, 32), frame.subarray(38, 42)].map((bytes) =>
      Ip.fromBytes(bytes),
    );
    return frame.readUInt16BE(20) === 1
      ? { what: 'arp request', ends: `who has ${target}? tell ${sender}` }
      : { what: 'arp reply', ends: `${sender} is at ${formatMac(frame.subarray(22, 28))}` };
  }
  const macs = [frame.subarray(6, 12), frame.subarray(0, 6)].map((bytes) =>
    bytes.length === 6 ? formatMac(bytes) : '?',
  );
  return { what: `ethertype 0x${type.toString(16).padStart(4, '0')}`, ends: macs.join(' → ') };
}

type Ends = readonly [Buffer, Buffer];

function transport(frame: Buffer, protocol: number, at: number, ends: Ends): Summary {
  const has = (bytes: number) => frame.length >= at + bytes;
  const ports = has(4) ? ([frame.readUInt16BE(at), frame.readUInt16BE(at + 2)] as const) : undefined;
  if (protocol === 6 && has(14)) {
    const bits = frame.readUInt8(at + 13);
    const flags = TCP_FLAGS.filter(([bit]) => (bits & bit) !== 0).map(([, letter]) => letter);
    return { what: `tcp [${flags.join('')}]`, ends: arrow(ends, ports) };
  }
  if (protocol === 17) return { what: 'udp', ends: arrow(ends, ports) };
  if (protocol === 132) return { what: 'sctp', ends: arrow(ends, ports) };
  const kinds = protocol === 1 ? ICMP_TYPES : protocol === 58 ? ICMP6_TYPES : undefined;
  if (kinds !== undefined && has(1)) {
    const kind = frame.readUInt8(at);
    return {
      what: `${protocol === 1 ? 'icmp' : 'icmp6'} ${kinds[kind] ?? `type ${kind}`}`,
      ends: arrow(ends, undefined),
    };
  }
  return { what: `protocol ${protocol}`, ends: arrow(ends, undefined) };
}

function arrow(ends: Ends, ports: readonly [number, number] | undefined): string {
  return ends
    .map((bytes, index) => {
      const address = String(Ip.fromBytes(bytes));
      if (ports === undefined) return address;
      return `${address.includes(':') ? `[${address}]` : address}:${ports[index]}`;
    })
    .join(' → ');
}
