/** What an upstream answers: checked, measured for the cache, and made fit for one client. The records stay as they came. */

import { FLAG, HEADER_LENGTH, RCODE, TYPE } from './constants.ts';
import { skipName } from './name.ts';
import type { Query } from './query.ts';
import { readQuestion } from './query.ts';
import { type RecordPlace, readRecord } from './record.ts';

/** An answer that can be given to clients, now or later. */
export interface Answer {
  /** Without anything behind the last record. */
  readonly message: Buffer;
  /** With the upper bits of the OPT record. */
  readonly rcode: number;
  readonly truncated: boolean;
  /** Seconds it may be kept: the least TTL, or what the SOA record says of a negative answer (RFC 2308); 0: not at all. */
  readonly lifetime: number;
  /** Offsets of the TTLs, which count down while the answer is kept. */
  readonly ttlsAt: readonly number[];
}

/** The place of all records, or `undefined` when the message is malformed. */
function readRecords(message: Buffer, start: number): RecordPlace[] | undefined {
  const count = message.readUInt16BE(6) + message.readUInt16BE(8) + message.readUInt16BE(10);
  const records: RecordPlace[] = [];
  let at = start;
  for (let index = 0; index < count; index++) {
    const record = readRecord(message, at);
    if (record === undefined) return undefined;
    records.push(record);
    at = record.end;
  }
  return records;
}

/**
 * Reads an answer to the question that `query`, in the form it was sent upstream, holds. The id is the caller's to check.
 *
 * @returns `undefined` when it is no answer to this question, or malformed
 */
export function readAnswer(message: Buffer, query: Buffer): Answer | undefined {
  if (message.length < HEADER_LENGTH) return undefined;
  const flags = message.readUInt16BE(2);
  if ((flags & FLAG.QR) === 0 || (flags & FLAG.OPCODE) !== 0) return undefined;
  const questions = message.readUInt16BE(4);
  // Some servers leave out everything but the header when they refuse.
  if (questions === 0 && isFailure(flags & FLAG.RCODE)) return refusal(message, query);
  if (questions !== 1) return undefined;
  const end = endOfSameQuestion(message, query);
  if (end === undefined) return undefined;
  const records = readRecords(message, end);
  const truncated = (flags & FLAG.TC) !== 0;
  // A server that cuts in the midst of a record still says that there is more.
  if (records === undefined) return truncated ? emptied(message.subarray(0, end), flags) : undefined;
  const opt = records.find((record) => record.type === TYPE.OPT);
  const rcode = (flags & FLAG.RCODE) | (opt === undefined ? 0 : message[opt.ttlAt]! << 4);
  return {
    message: message.subarray(0, records.at(-1)?.end ?? end),
    rcode,
    truncated,
    lifetime: truncated ? 0 : lifetimeOf(message, records, rcode, message.readUInt16BE(end - 4)),
    ttlsAt: records.filter((record) => record.type !== TYPE.OPT).map((record) => record.ttlAt),
  };
}

/** Codes that tell about the server rather than about the name: another server may know better. */
export function isFailure(rcode: number): boolean {
  return rcode !== RCODE.NOERROR && rcode !== RCODE.NXDOMAIN;
}

function refusal(message: Buffer, query: Buffer): Answer | undefined {
  const question = readQuestion(query);
  if (question === undefined) return undefined;
  const whole = Buffer.from(query.subarray(0, question.end));
  message.copy(whole, 0, 0, 4);
  return emptied(whole, message.readUInt16BE(2));
}

/** `message` holds header and question only; the header's counts are brought into line. */
function emptied(message: Buffer, flags: number): Answer {
  const copy = Buffer.from(message);
  copy.writeUInt16BE(1, 4);
  copy.fill(0, 6, HEADER_LENGTH);
  return {
    message: copy,
    rcode: flags & FLAG.RCODE,
    truncated: (flags & FLAG.TC) !== 0,
    lifetime: 0,
    ttlsAt: [],
  };
}

function lifetimeOf(message: Buffer, records: readonly RecordPlace[], rcode: number, type: number): number {
  if (isFailure(rcode)) return 0;
  const answers = message.readUInt16BE(6);
  const authorities = message.readUInt16BE(8);
  let least = Number.POSITIVE_INFINITY;
  for (const record of records) {
    if (record.type !== TYPE.OPT) least = Math.min(least, ttlOf(message, record));
  }
  if (rcode === RCODE.NOERROR && isPositive(records.slice(0, answers), type)) return least;
  // RFC 2308, 5: the SOA record's own TTL or its MINIMUM, whichever is less; without one it is not to be kept.
  const soa = records.slice(answers, answers + authorities).find((record) => record.type === TYPE.SOA);
  if (soa === undefined || soa.end - soa.dataAt < 22) return 0;
  return Math.min(least, message.readUInt32BE(soa.end - 4));
}

/** A chain of CNAMEs alone is no positive answer, unless it was asked for. */
function isPositive(answers: readonly RecordPlace[], type: number): boolean {
  return answers.some((record) => record.type === type || type === TYPE.ANY || record.type !== TYPE.CNAME);
}

/** The offset behind the question when it is the same in both, letters' case aside. */
function endOfSameQuestion(message: Buffer, query: Buffer): number | undefined {
  const nameEnd = skipName(query, HEADER_LENGTH);
  if (nameEnd === undefined || message.length < nameEnd + 4) return undefined;
  for (let at = HEADER_LENGTH; at < nameEnd; at++) {
    // Lengths of labels are below 64, and so below the letters.
    if (lowerCase(message[at]!) !== lowerCase(query[at]!)) return undefined;
  }
  return message.compare(query, nameEnd, nameEnd + 4, nameEnd, nameEnd + 4) === 0 ? nameEnd + 4 : undefined;
}

const lowerCase = (byte: number) => (byte >= 0x41 && byte <= 0x5a ? byte | 0x20 : byte);

/** RFC 2181, 8: a TTL with the highest bit set is to be read as 0. */
function ttlOf(message: Buffer, record: RecordPlace): number {
  const ttl = message.readUInt32BE(record.ttlAt);
  return ttl > 0x7fffffff ? 0 : ttl;
}

/**
 * The answer for one client: its id, its spelling of the name, TTLs less `age`, and no longer than it takes.
 *
 * @param age seconds since it came
 * @param limit bytes; what does not fit is left out by whole records, with the TC bit set
 */
export function renderAnswer(answer: Answer, query: Query, age: number, limit: number): Buffer {
  const message = Buffer.from(answer.message);
  message.writeUInt16BE(query.id, 0);
  // Same name, so same length: bit 0x20 of letters is all that may differ (and the client may insist on it).
  query.message.copy(message, HEADER_LENGTH, HEADER_LENGTH, query.question.end);
  if (age > 0) {
    for (const at of answer.ttlsAt) {
      const ttl = message.readUInt32BE(at);
      message.writeUInt32BE(ttl > 0x7fffffff ? 0 : Math.max(0, ttl - age), at);
    }
  }
  return message.length <= limit ? message : truncate(message, limit);
}

/**
 * Leaves out records from the end until the message fits; the OPT record stays. Sets TC when answers or authorities are
 * missing (additional records may be left out silently: RFC 2181, 9).
 */
export function truncate(message: Buffer, limit: number): Buffer {
  const question = readQuestion(message);
  const records = question === undefined ? undefined : readRecords(message, question.end);
  if (question === undefined || records === undefined) return message.subarray(0, limit);
  const counts = [message.readUInt16BE(6), message.readUInt16BE(8), message.readUInt16BE(10)] as const;
  const optIndex = records.findIndex((record) => record.type === TYPE.OPT);
  const opt = records[optIndex];
  const optBytes = opt === undefined ? Buffer.alloc(0) : message.subarray(opt.start, opt.end);
  // What stands behind the OPT record is a signature, which no longer fits anyway.
  const others = opt === undefined ? records : records.slice(0, optIndex);
  let kept = others.length;
  const endOf = (count: number) => others[count - 1]?.end ?? question.end;
  while (kept > 0 && endOf(kept) + optBytes.length > limit) kept--;
  const whole = Buffer.concat([message.subarray(0, endOf(kept)), optBytes]);
  const answers = Math.min(kept, counts[0]);
  const authorities = Math.min(kept - answers, counts[1]);
  whole.writeUInt16BE(answers, 6);
  whole.writeUInt16BE(authorities, 8);
  whole.writeUInt16BE(kept - answers - authorities + (opt === undefined ? 0 : 1), 10);
  if (answers < counts[0] || authorities < counts[1]) {
    whole.writeUInt16BE(whole.readUInt16BE(2) | FLAG.TC, 2);
  }
  return whole;
}
