/** Who sends a frame to whom, by name: the comment that goes with it. Pure. */

import { addressText } from '../../kernel/address.ts';
import type { AddressOwner } from '../flows/names.ts';

const ETHER = 14;
/** TCP, UDP and SCTP begin with two ports. */
const WITH_PORTS = [6, 17, 132];

/** `cl 172.17.0.3:5000 → web 172.17.0.2:80`; undefined for what is not IP, and when neither end has a name. */
export function describeFrame(
  frame: Buffer,
  ownerOf: (address: string) => AddressOwner | undefined,
): string | undefined {
  const packet = readPacket(frame);
  if (packet === undefined) return undefined;
  const [source, destination] = [ownerOf(packet.source), ownerOf(packet.destination)];
  if (source === undefined && destination === undefined) return undefined;
  const text = (address: string, port: number | undefined, owner: AddressOwner | undefined) => {
    const host = address.includes(':') && port !== undefined ? `[${address}]` : address;
    return `${owner === undefined ? '' : `${owner.name} `}${host}${port === undefined ? '' : `:${port}`}`;
  };
  const { ports } = packet;
  return `${text(packet.source, ports?.[0], source)} → ${text(packet.destination, ports?.[1], destination)}`;
}

interface Packet {
  source: string;
  destination: string;
  ports: readonly [number, number] | undefined;
}

function readPacket(frame: Buffer): Packet | undefined {
  const type = frame.length >= ETHER ? frame.readUInt16BE(12) : 0;
  if (type === 0x0800 && frame.length >= ETHER + 20) {
    const header = (frame.readUInt8(ETHER) & 15) * 4;
    const isFirst = (frame.readUInt16BE(ETHER + 6) & 0x1fff) === 0;
    return {
      source: addressText(frame.subarray(26, 30)),
      destination: addressText(frame.subarray(30, 34)),
      ports: isFirst ? portsAt(frame, frame.readUInt8(23), ETHER + header) : undefined,
    };
  }
  if (type === 0x86dd && frame.length >= ETHER + 40) {
    return {
      source: addressText(frame.subarray(22, 38)),
      destination: addressText(frame.subarray(38, 54)),
      ports: portsAt(frame, frame.readUInt8(20), ETHER + 40),
    };
  }
  return undefined;
}

function portsAt(frame: Buffer, protocol: number, at: number): readonly [number, number] | undefined {
  if (!WITH_PORTS.includes(protocol) || frame.length < at + 4) return undefined;
  return [frame.readUInt16BE(at), frame.readUInt16BE(at + 2)];
}
