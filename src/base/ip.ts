/**
 * IPv4 and IPv6 addresses as values. The number is a BigInt for both families, so that allocation arithmetic (next
 * address, distance, range) is written once; the text is canonical, so that two spellings of one address are equal
 * once parsed.
 */

import { invalid } from './errors.ts';

export type IpFamily = 4 | 6;

/** Width of an address in bits. */
export const ADDRESS_BITS: Readonly<Record<IpFamily, number>> = { 4: 32, 6: 128 };

/** An immutable address. Compare with `equals` or `compareIp`, never with `===`. */
export class Ip {
  readonly family: IpFamily;
  /** The address as a number in network order: 0 … 2^32-1 or 0 … 2^128-1. */
  readonly value: bigint;

  constructor(family: IpFamily, value: bigint) {
    if (value < 0n || value >> BigInt(ADDRESS_BITS[family]) !== 0n) {
      throw invalid(`make IPv${family} address: ${value} does not fit in ${ADDRESS_BITS[family]} bits`);
    }
    this.family = family;
    this.value = value;
  }

  /**
   * Reads dotted-quad IPv4 (four decimal parts, no leading zeros: `010` is octal to some and decimal to others) or any
   * RFC 4291 spelling of IPv6. No zone (`%eth0`), no brackets, no prefix length.
   * Throws `invalid` with Docker's words: `invalid IP address: …`.
   */
  static parse(text: string): Ip {
    const ip = Ip.tryParse(text);
    if (ip === undefined) throw invalid(`invalid IP address: ${JSON.stringify(text)}`);
    return ip;
  }

  /** Like `parse`, but gives `undefined` for anything that is not an address. */
  static tryParse(text: string): Ip | undefined {
    if (text.includes(':')) {
      const value = readV6(text);
      return value === undefined ? undefined : new Ip(6, value);
    }
    const value = readV4(text);
    return value === undefined ? undefined : new Ip(4, value);
  }

  /** From 4 or 16 bytes in network order. */
  static fromBytes(bytes: Uint8Array): Ip {
    if (bytes.length !== 4 && bytes.length !== 16) {
      throw invalid(`read IP address: ${bytes.length} bytes, want 4 or 16`);
    }
    let value = 0n;
    for (const byte of bytes) value = (value << 8n) | BigInt(byte);
    return new Ip(bytes.length === 4 ? 4 : 6, value);
  }

  /** 4 or 16 bytes in network order. */
  toBytes(): Uint8Array {
    const bytes = new Uint8Array(ADDRESS_BITS[this.family] / 8);
    let rest = this.value;
    for (let index = bytes.length - 1; index >= 0; index--) {
      bytes[index] = Number(rest & 0xffn);
      rest >>= 8n;
    }
    return bytes;
  }

  equals(other: Ip): boolean {
    return this.family === other.family && this.value === other.value;
  }

  /** The address `offset` further on (or back, when negative). Throws `invalid` when that leaves the family's range. */
  add(offset: number | bigint): Ip {
    return new Ip(this.family, this.value + BigInt(offset));
  }

  /** 0.0.0.0 or ::, which Docker reads as "all addresses of the host". */
  get isUnspecified(): boolean {
    return this.value === 0n;
  }

  /** 127.0.0.0/8 or ::1. */
  get isLoopback(): boolean {
    return this.family === 4 ? this.value >> 24n === 127n : this.value === 1n;
  }

  /** 169.254.0.0/16 or fe80::/10. */
  get isLinkLocal(): boolean {
    return this.family === 4 ? this.value >> 16n === 0xa9fen : this.value >> 118n === 0x3fan;
  }

  /** 224.0.0.0/4 or ff00::/8. */
  get isMulticast(): boolean {
    return this.family === 4 ? this.value >> 28n === 0xen : this.value >> 120n === 0xffn;
  }

  /** The IPv4 address inside an IPv4-mapped IPv6 one (`::ffff:192.0.2.1`); every other address as it is. */
  unmap(): Ip {
    return this.family === 6 && this.value >> 32n === 0xffffn ? new Ip(4, this.value & 0xffffffffn) : this;
  }

  /** Canonical text: dotted quad, or RFC 5952 (lower case, longest run of zero groups as `::`). */
  toString(): string {
    return this.family === 4 ? writeV4(this.value) : writeV6(this.value);
  }

  toJSON(): string {
    return this.toString();
  }
}

/** Sorts IPv4 before IPv6, then by number. */
export function compareIp(a: Ip, b: Ip): number {
  if (a.family !== b.family) return a.family - b.family;
  return a.value < b.value ? -1 : a.value > b.value ? 1 : 0;
}

/** True when `text` is an address of `family` (of any family when none is given). */
export function isIp(text: string, family?: IpFamily): boolean {
  const ip = Ip.tryParse(text);
  return ip !== undefined && (family === undefined || ip.family === family);
}

/** `192.0.2.1:80`, `[2001:db8::1]:80`: an address and a port in one text. */
export function hostPort(ip: Ip | string, port: number | string): string {
  const text = ip.toString();
  return text.includes(':') ? `[${text}]:${port}` : `${text}:${port}`;
}

const DECIMAL_OCTET = /^(?:0|[1-9][0-9]{0,2})$/;
const HEX_GROUP = /^[0-9a-fA-F]{1,4}$/;

function readV4(text: string): bigint | undefined {
  const parts = text.split('.');
  if (parts.length !== 4) return undefined;
  let value = 0;
  for (const part of parts) {
    if (!DECIMAL_OCTET.test(part) || Number(part) > 255) return undefined;
    value = value * 256 + Number(part);
  }
  return BigInt(value);
}

function readV6(text: string): bigint | undefined {
  const halves = text.split('::');
  if (halves.length > 2) return undefined;
  const head = readGroups(halves[0] ?? '', halves.length === 1);
  const tail = halves.length === 2 ? readGroups(halves[1] ?? '', true) : [];
  if (head === undefined || tail === undefined) return undefined;
  const given = head.length + tail.length;
  // "::" stands for at least one group (RFC 4291, 2.2), so eight groups and a "::" are one too many.
  if (halves.length === 1 ? given !== 8 : given > 7) return undefined;
  const groups = [...head, ...Array<number>(8 - given).fill(0), ...tail];
  return groups.reduce((value, group) => (value << 16n) | BigInt(group), 0n);
}

/** Reads `a:b:c`, whose last part may be a dotted quad when these groups end the address. */
function readGroups(text: string, endsAddress: boolean): number[] | undefined {
  if (text === '') return [];
  const groups: number[] = [];
  const parts = text.split(':');
  for (const [index, part] of parts.entries()) {
    if (endsAddress && index === parts.length - 1 && part.includes('.')) {
      const quad = readV4(part);
      if (quad === undefined) return undefined;
      groups.push(Number(quad >> 16n), Number(quad & 0xffffn));
    } else {
      if (!HEX_GROUP.test(part)) return undefined;
      groups.push(Number.parseInt(part, 16));
    }
  }
  return groups;
}

function writeV4(value: bigint): string {
  const number = Number(value);
  return [number >>> 24, (number >>> 16) & 255, (number >>> 8) & 255, number & 255].join('.');
}

function writeV6(value: bigint): string {
  // RFC 5952, 5: the mixed notation where the prefix says that IPv4 is inside.
  if (value >> 32n === 0xffffn) return `::ffff:${writeV4(value & 0xffffffffn)}`;
  const groups = Array.from({ length: 8 }, (_, index) =>
    Number((value >> BigInt(112 - 16 * index)) & 0xffffn),
  );
  const { start, length } = longestZeroRun(groups);
  const hex = (from: number, to?: number) =>
    groups
      .slice(from, to)
      .map((group) => group.toString(16))
      .join(':');
  return length < 2 ? hex(0) : `${hex(0, start)}::${hex(start + length)}`;
}

/** RFC 5952, 4.2: the longest run wins, the first of equals; a single zero group is not shortened. */
function longestZeroRun(groups: number[]): { start: number; length: number } {
  let best = { start: 0, length: 0 };
  let start = 0;
  for (const [index, group] of groups.entries()) {
    if (group !== 0) start = index + 1;
    else if (index + 1 - start > best.length) best = { start, length: index + 1 - start };
  }
  return best;
}
