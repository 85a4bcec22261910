/**
 * Headers of tar entries, in GNU's format (tar(5) of libarchive): names and link targets longer than 100 bytes precede their entry as
 * `L` and `K`, numbers too large for octal digits are binary. Unlike pax it keeps names that are no UTF-8, and every reader knows it,
 * busybox's as well. (The package tar-stream, which reads archives here, writes names as UTF-8 text only.) Pure.
 */

export type EntryType = 'file' | 'link' | 'symlink' | 'character' | 'block' | 'directory' | 'fifo';

export interface TarHeader {
  /** As bytes: names of files need not be text. */
  name: Buffer;
  type: EntryType;
  /** Permissions, 12 bits. */
  mode: number;
  uid: number;
  gid: number;
  /** Bytes that follow; 0 for everything but a file. */
  size: number;
  /** Seconds since the epoch. */
  mtime: number;
  /** Of links: what they point to. */
  linkName?: Buffer;
  device?: { major: number; minor: number };
  /** Extended attributes, written as pax records. */
  xattrs?: ReadonlyMap<string, Buffer>;
}

export const TAR_BLOCK = 512;
/** Two empty blocks end an archive. */
export const TAR_END = Buffer.alloc(2 * TAR_BLOCK);

const TYPE_FLAGS: Readonly<Record<EntryType, string>> = {
  file: '0',
  link: '1',
  symlink: '2',
  character: '3',
  block: '4',
  directory: '5',
  fifo: '6',
};

/** What precedes the data of an entry: one header block, or several for what does not fit into one. */
export function encodeHeader(header: TarHeader): Buffer {
  const { name, linkName = Buffer.alloc(0), xattrs } = header;
  const blocks: Buffer[] = [];
  if (xattrs !== undefined && xattrs.size > 0) {
    const records = Buffer.concat([...xattrs].map(([key, value]) => paxRecord(`SCHILY.xattr.${key}`, value)));
    blocks.push(block({ ...bare('PaxHeaders.0/attributes', records.length), flag: 'x' }), padded(records));
  }
  if (linkName.length > 100) blocks.push(...longName('K', linkName));
  if (name.length > 100) blocks.push(...longName('L', name));
  blocks.push(block({ ...header, linkName, flag: TYPE_FLAGS[header.type] }));
  return blocks.length === 1 ? (blocks[0] as Buffer) : Buffer.concat(blocks);
}

/** Zeros that fill the last block of `size` bytes of data. */
export function padding(size: number): number {
  return (TAR_BLOCK - (size % TAR_BLOCK)) % TAR_BLOCK;
}

function longName(flag: 'K' | 'L', value: Buffer): Buffer[] {
  const text = Buffer.concat([value, Buffer.of(0)]);
  return [block({ ...bare('././@LongLink', text.length), flag }), padded(text)];
}

function bare(name: string, size: number): Omit<TarHeader, 'type'> {
  return { name: Buffer.from(name), mode: 0o644, uid: 0, gid: 0, size, mtime: 0 };
}

function block(header: Omit<TarHeader, 'type' | 'xattrs'> & { flag: string }): Buffer {
  const bytes = Buffer.alloc(TAR_BLOCK);
  header.name.copy(bytes, 0, 0, 100);
  writeNumber(bytes, 100, 8, header.mode);
  writeNumber(bytes, 108, 8, header.uid);
  writeNumber(bytes, 116, 8, header.gid);
  writeNumber(bytes, 124, 12, header.size);
  writeNumber(bytes, 136, 12, header.mtime);
  bytes.write(header.flag, 156, 'latin1');
  header.linkName?.copy(bytes, 157, 0, 100);
  bytes.write('ustar  \0', 257, 'latin1');
  if (header.device !== undefined) {
    writeNumber(bytes, 329, 8, header.device.major);
    writeNumber(bytes, 337, 8, header.device.minor);
  }
  // The sum is taken with spaces in its own place.
  bytes.fill(' ', 148, 156);
  const sum = bytes.reduce((total, byte) => total + byte, 0);
  bytes.write(`${sum.toString(8).padStart(6, '0')}\0 `, 148, 'latin1');
  return bytes;
}

/** Octal digits, or, where they are too few, a set first bit and the two's complement. */
function writeNumber(bytes: Buffer, at: number, length: number, value: number): void {
  const digits = value.toString(8);
  if (value >= 0 && digits.length < length) {
    bytes.write(digits.padStart(length - 1, '0'), at, 'latin1');
    return;
  }
  let rest = BigInt(value);
  for (let index = at + length - 1; index >= at; index--) {
    bytes[index] = Number(rest & 0xffn);
    rest >>= 8n;
  }
  bytes[at] = (bytes[at] ?? 0) | 0x80;
}

/** `LENGTH KEY=VALUE\n`, where the length counts its own digits too. */
function paxRecord(key: string, value: Buffer): Buffer {
  const rest = key.length + value.length + 3;
  let length = rest + String(rest).length;
  if (String(length).length !== String(rest).length) length = rest + String(length).length;
  return Buffer.concat([Buffer.from(`${length} ${key}=`), value, Buffer.from('\n')]);
}

function padded(data: Buffer): Buffer {
  return Buffer.concat([data, Buffer.alloc(padding(data.length))]);
}
