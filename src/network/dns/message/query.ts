/** What a client asks: the header, the question and the OPT record, read strictly. */

import { EDNS_DO, FLAG, HEADER_LENGTH, RCODE, TYPE, UDP_LENGTH_DEFAULT } from './constants.ts';
import { readName } from './name.ts';
import { readRecord } from './record.ts';

export interface Question {
  /** As `readName()` gives it. */
  readonly name: string;
  readonly type: number;
  readonly class: number;
  /** Offset behind it; it begins behind the header. */
  readonly end: number;
}

/** The OPT record (RFC 6891, 6.1). */
export interface Edns {
  /** Longest answer over UDP, in bytes; at least 512. */
  readonly udpLength: number;
  /** Above 0 is to be answered by BADVERS. */
  readonly version: number;
  readonly dnssecOk: boolean;
  /** The options as they stand in the message. */
  readonly options: Uint8Array;
}

export interface Query {
  /** The message it was read from. */
  readonly message: Buffer;
  readonly id: number;
  readonly flags: number;
  readonly question: Question;
  readonly edns: Edns | undefined;
  /** It holds records that we do not understand (a signature, say): to be passed on unchanged or not at all. */
  readonly hasMore: boolean;
}

/** A message that cannot be read, and what to answer. */
export interface BadQuery {
  readonly rcode: number;
}

/**
 * Reads a query.
 *
 * @returns the query; what to answer instead; or `undefined` when nothing must be answered (too short for a header, or a
 *   response: answering those would let two servers talk for ever)
 */
export function readQuery(message: Buffer): Query | BadQuery | undefined {
  if (message.length < HEADER_LENGTH) return undefined;
  const flags = message.readUInt16BE(2);
  if (flags & FLAG.QR) return undefined;
  if (flags & FLAG.OPCODE) return { rcode: RCODE.NOTIMP };
  if (message.readUInt16BE(4) !== 1) return { rcode: RCODE.FORMERR };
  const question = readQuestion(message);
  if (question === undefined) return { rcode: RCODE.FORMERR };
  let at = question.end;
  let edns: Edns | undefined;
  const [answers, authorities] = [message.readUInt16BE(6), message.readUInt16BE(8)];
  const count = answers + authorities + message.readUInt16BE(10);
  let hasMore = false;
  for (let index = 0; index < count; index++) {
    const record = readRecord(message, at);
    if (record === undefined) return { rcode: RCODE.FORMERR };
    if (record.type !== TYPE.OPT) hasMore = true;
    else {
      // RFC 6891, 6.1.1: one at most, owned by the root, in the additional section.
      if (edns !== undefined || message[at] !== 0 || index < answers + authorities)
        return { rcode: RCODE.FORMERR };
      edns = {
        udpLength: Math.max(UDP_LENGTH_DEFAULT, record.class),
        version: message[record.ttlAt + 1]!,
        dnssecOk: (message.readUInt16BE(record.ttlAt + 2) & EDNS_DO) !== 0,
        options: message.subarray(record.dataAt, record.end),
      };
    }
    at = record.end;
  }
  return { message, id: message.readUInt16BE(0), flags, question, edns, hasMore };
}

/** The question of a message that has one (as its header says). */
export function readQuestion(message: Buffer): Question | undefined {
  const name = readName(message, HEADER_LENGTH);
  if (name === undefined || name.end + 4 > message.length) return undefined;
  return {
    name: name.text,
    type: message.readUInt16BE(name.end),
    class: message.readUInt16BE(name.end + 2),
    end: name.end + 4,
  };
}
