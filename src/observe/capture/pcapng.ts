/**
 * pcapng, the file format of Wireshark (draft-ietf-opsawg-pcapng): blocks of a type, a length, a body and the length again, in the byte
 * order of the writer. Pure.
 */

const BLOCK = { section: 0x0a0d0d0a, interface: 1, names: 4, statistics: 5, packet: 6 } as const;
const BYTE_ORDER_MAGIC = 0x1a2b3c4d;
/** `LINKTYPE_ETHERNET 1` */
const LINKTYPE_ETHERNET = 1;
/** Options, by block; 1 is a comment everywhere. */
const OPTION = {
  comment: 1,
  section: { hardware: 2, os: 3, program: 4 },
  interface: { name: 2, description: 3, timeResolution: 9 },
  packet: { flags: 2 },
  statistics: { dropped: 5 },
} as const;
/** Time in nanoseconds: 10 to the minus ninth. */
const NANOSECONDS = 9;

type Option = readonly [code: number, value: string | Buffer];

/** Begins the file. The length of the section is not known: -1. */
export function sectionBlock(fields: { program: string; os: string; comment?: string }): Buffer {
  const body = Buffer.alloc(16);
  body.writeUInt32LE(BYTE_ORDER_MAGIC, 0);
  body.writeUInt16LE(1, 4);
  body.writeBigInt64LE(-1n, 8);
  return block(BLOCK.section, body, [
    ...(fields.comment === undefined ? [] : [[OPTION.comment, fields.comment] as const]),
    [OPTION.section.os, fields.os],
    [OPTION.section.program, fields.program],
  ]);
}

/** An Ethernet interface; they are numbered in the order of their blocks, from 0. */
export function interfaceBlock(fields: { name: string; description: string; snapLength: number }): Buffer {
  const body = Buffer.alloc(8);
  body.writeUInt16LE(LINKTYPE_ETHERNET, 0);
  body.writeUInt32LE(fields.snapLength, 4);
  return block(BLOCK.interface, body, [
    [OPTION.interface.name, fields.name],
    [OPTION.interface.description, fields.description],
    [OPTION.interface.timeResolution, Buffer.from([NANOSECONDS])],
  ]);
}

/** Names of addresses, which Wireshark shows in their place. */
export function namesBlock(names: ReadonlyArray<{ bytes: Uint8Array; name: string }>): Buffer {
  const records = names.map(({ bytes, name }) => {
    const value = Buffer.concat([bytes, Buffer.from(`${name}\0`)]);
    // nrb_record_ipv4 1, nrb_record_ipv6 2
    return option(bytes.length === 4 ? 1 : 2, value);
  });
  // nrb_record_end
  return block(BLOCK.names, Buffer.concat([...records, Buffer.alloc(4)]), []);
}

export interface PacketFields {
  /** Number of its interface. */
  readonly interface: number;
  /** Nanoseconds since 1970. */
  readonly time: bigint;
  readonly data: Buffer;
  /** Bytes on the wire, of which `data` may be the beginning. */
  readonly length: number;
  /** As the interface sees it. */
  readonly direction: 'in' | 'out';
  readonly comment: string | undefined;
}

/** An enhanced packet block. */
export function packetBlock(fields: PacketFields): Buffer {
  const { data, time } = fields;
  const body = Buffer.alloc(20 + padded(data.length));
  body.writeUInt32LE(fields.interface, 0);
  body.writeUInt32LE(Number((time >> 32n) & 0xffffffffn), 4);
  body.writeUInt32LE(Number(time & 0xffffffffn), 8);
  body.writeUInt32LE(data.length, 12);
  body.writeUInt32LE(fields.length, 16);
  data.copy(body, 20);
  // Bits 0-1: 1 inbound, 2 outbound
  const flags = Buffer.alloc(4);
  flags.writeUInt32LE(fields.direction === 'in' ? 1 : 2);
  return block(BLOCK.packet, body, [
    ...(fields.comment === undefined ? [] : [[OPTION.comment, fields.comment] as const]),
    [OPTION.packet.flags, flags],
  ]);
}

/** At the end: frames of the interface that were lost because they came faster than they were taken. */
export function statisticsBlock(fields: { interface: number; time: bigint; dropped: number }): Buffer {
  const body = Buffer.alloc(12);
  body.writeUInt32LE(fields.interface, 0);
  body.writeUInt32LE(Number((fields.time >> 32n) & 0xffffffffn), 4);
  body.writeUInt32LE(Number(fields.time & 0xffffffffn), 8);
  const dropped = Buffer.alloc(8);
  dropped.writeBigUInt64LE(BigInt(fields.dropped));
  return block(BLOCK.statistics, body, [[OPTION.statistics.dropped, dropped]]);
}

function block(type: number, body: Buffer, options: readonly Option[]): Buffer {
  const written = options.map(([code, value]) => option(code, Buffer.from(value)));
  // opt_endofopt
  if (written.length > 0) written.push(Buffer.alloc(4));
  const length = 12 + body.length + written.reduce((sum, part) => sum + part.length, 0);
  const head = Buffer.alloc(8);
  head.writeUInt32LE(type, 0);
  head.writeUInt32LE(length, 4);
  const tail = Buffer.alloc(4);
  tail.writeUInt32LE(length, 0);
  return Buffer.concat([head, body, ...written, tail], length);
}

/** Code and length (u16 each), the value, and padding to 4 bytes. A value has at most 65,535 bytes. */
function option(code: number, value: Buffer): Buffer {
  const kept = value.subarray(0, 0xffff);
  const buffer = Buffer.alloc(4 + padded(kept.length));
  buffer.writeUInt16LE(code, 0);
  buffer.writeUInt16LE(kept.length, 2);
  kept.copy(buffer, 4);
  return buffer;
}

const padded = (length: number) => (length + 3) & ~3;
