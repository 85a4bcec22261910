/** A whole codec for tests: makes queries and answers, and reads every record. Independent of the product's reader of records. */

import { TYPE } from '../message/constants.ts';
import { encodeName, readName } from '../message/name.ts';

export interface TestRecord {
  name: string;
  type: number;
  ttl: number;
  /** An address as text (A, AAAA), a name (PTR, CNAME), or bytes. */
  data: string | Buffer;
}

export interface TestMessage {
  id: number;
  flags: number;
  rcode: number;
  questions: Array<{ name: string; type: number; class: number }>;
  answers: TestRecord[];
  authorities: TestRecord[];
  additionals: TestRecord[];
}

export interface QueryOptions {
  id?: number;
  type?: number;
  flags?: number;
  edns?: { udpLength?: number; dnssecOk?: boolean; version?: number; options?: Buffer };
  /** As it is to stand in the message. Default: `name` encoded. */
  rawName?: Buffer;
}

/** `query('db')` asks for A, with RD. The spelling of the name is kept. */
export function query(name: string, options: QueryOptions = {}): Buffer {
  const { id = 0x1234, type = TYPE.A, flags = 0x0100, edns } = options;
  const header = Buffer.alloc(12);
  header.writeUInt16BE(id, 0);
  header.writeUInt16BE(flags, 2);
  header.writeUInt16BE(1, 4);
  header.writeUInt16BE(edns === undefined ? 0 : 1, 10);
  const question = Buffer.concat([
    options.rawName ?? spelled(name),
    Buffer.from([type >> 8, type & 255, 0, 1]),
  ]);
  if (edns === undefined) return Buffer.concat([header, question]);
  return Buffer.concat([header, question, opt(edns)]);
}

/** An OPT record. */
export function opt({
  udpLength = 1232,
  dnssecOk = false,
  version = 0,
  options = Buffer.alloc(0),
}: NonNullable<QueryOptions['edns']>): Buffer {
  const record = Buffer.alloc(11);
  record.writeUInt16BE(TYPE.OPT, 1);
  record.writeUInt16BE(udpLength, 3);
  record[6] = version;
  record[7] = dnssecOk ? 0x80 : 0;
  record.writeUInt16BE(options.length, 9);
  return Buffer.concat([record, options]);
}

export interface AnswerOptions {
  rcode?: number;
  /** Further bits: `FLAG.TC`, `FLAG.AA`. */
  flags?: number;
  answers?: TestRecord[];
  authorities?: TestRecord[];
  edns?: NonNullable<QueryOptions['edns']>;
}

/** The answer of a server to `asked`. */
export function answer(asked: Buffer, options: AnswerOptions = {}): Buffer {
  const name = readName(asked, 12);
  if (name === undefined) throw new Error('no question');
  const head = Buffer.from(asked.subarray(0, name.end + 4));
  const { rcode = 0, flags = 0, answers = [], authorities = [], edns } = options;
  head.writeUInt16BE(0x8180 | flags | rcode, 2);
  head.writeUInt16BE(answers.length, 6);
  head.writeUInt16BE(authorities.length, 8);
  head.writeUInt16BE(edns === undefined ? 0 : 1, 10);
  const records = [...answers, ...authorities].map(record);
  return Buffer.concat([head, ...records, ...(edns === undefined ? [] : [opt(edns)])]);
}

export const a = (name: string, address: string, ttl = 60): TestRecord => ({
  name,
  type: TYPE.A,
  ttl,
  data: address,
});

/** `minimum` is how long a negative answer may be kept, in seconds. */
export function soa(name: string, minimum: number, ttl = 3600): TestRecord {
  const numbers = Buffer.alloc(20);
  numbers.writeUInt32BE(minimum, 16);
  return {
    name,
    type: TYPE.SOA,
    ttl,
    data: Buffer.concat([encodeName('ns')!, encodeName('admin')!, numbers]),
  };
}

function record({ name, type, ttl, data }: TestRecord): Buffer {
  const bytes = typeof data !== 'string' ? data : isAddress(type) ? addressBytes(data) : encodeName(data)!;
  const fixed = Buffer.alloc(10);
  fixed.writeUInt16BE(type, 0);
  fixed.writeUInt16BE(1, 2);
  fixed.writeUInt32BE(ttl, 4);
  fixed.writeUInt16BE(bytes.length, 8);
  return Buffer.concat([encodeName(name)!, fixed, bytes]);
}

/** Reads everything; throws for what is malformed. */
export function decode(message: Buffer): TestMessage {
  let at = 12;
  const name = () => {
    const read = readName(message, at);
    if (read === undefined) throw new Error(`no name at ${at}`);
    at = read.end;
    return read.text;
  };
  const u16 = () => {
    at += 2;
    return message.readUInt16BE(at - 2);
  };
  const section = (count: number): TestRecord[] =>
    Array.from({ length: count }, () => {
      const owner = name();
      const type = u16();
      at += 2;
      const ttl = message.readUInt32BE(at);
      at += 4;
      const length = u16();
      const bytes = message.subarray(at, at + length);
      if (bytes.length < length) throw new Error('record is cut off');
      let data: string | Buffer = Buffer.from(bytes);
      if (isAddress(type)) data = addressOf(bytes);
      else if (type === TYPE.PTR || type === TYPE.CNAME) data = readName(message, at)?.text ?? data;
      at += length;
      return { name: owner, type, ttl, data };
    });
  const flags = message.readUInt16BE(2);
  return {
    id: message.readUInt16BE(0),
    flags,
    rcode: flags & 15,
    questions: Array.from({ length: message.readUInt16BE(4) }, () => ({
      name: name(),
      type: u16(),
      class: u16(),
    })),
    answers: section(message.readUInt16BE(6)),
    authorities: section(message.readUInt16BE(8)),
    additionals: section(message.readUInt16BE(10)),
  };
}

/** The data of the answers, sorted. */
export function dataOf(message: Buffer): string[] {
  return decode(message)
    .answers.map(({ data }) => String(data))
    .sort();
}

const isAddress = (type: number) => type === TYPE.A || type === TYPE.AAAA;

function addressBytes(text: string): Buffer {
  if (!text.includes(':')) return Buffer.from(text.split('.').map(Number));
  const [head = '', tail = ''] = text.split('::');
  const groups = (part: string) =>
    part === '' ? [] : part.split(':').map((group) => Number.parseInt(group, 16));
  const middle = new Array<number>(8 - groups(head).length - groups(tail).length).fill(0);
  return Buffer.from(
    [...groups(head), ...middle, ...groups(tail)].flatMap((group) => [group >> 8, group & 255]),
  );
}

function addressOf(bytes: Buffer): string {
  if (bytes.length === 4) return bytes.join('.');
  return Array.from({ length: 8 }, (_, index) => bytes.readUInt16BE(index * 2).toString(16)).join(':');
}

/** Keeps capitals, which `encodeName()` does not. */
function spelled(name: string): Buffer {
  const labels = name.replace(/\.$/, '').split('.').filter(Boolean);
  return Buffer.concat([
    ...labels.map((label) => Buffer.from(`${String.fromCharCode(label.length)}${label}`, 'latin1')),
    Buffer.of(0),
  ]);
}
