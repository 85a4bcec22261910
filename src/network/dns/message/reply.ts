/** Answers of our own: about the names we know, and errors. */

import { EDNS_DO, FLAG, HEADER_LENGTH, TYPE, UDP_LENGTH_OURS } from './constants.ts';
import type { Query } from './query.ts';

/** A record whose owner is the name that was asked for. */
export interface OwnRecord {
  readonly type: number;
  readonly data: Uint8Array;
}

/** Points to the name in the question. */
const QUESTION_POINTER = 0xc000 | HEADER_LENGTH;

/**
 * An answer in our own name. The client's flags RD and CD are repeated, as is the question in its spelling; who sent an OPT
 * record gets one (RFC 6891, 7).
 *
 * @param ttl seconds
 */
export function ownAnswer(query: Query, rcode: number, records: readonly OwnRecord[], ttl: number): Buffer {
  const { question, edns } = query;
  const length = records.reduce((sum, record) => sum + 12 + record.data.length, question.end);
  // From Node's pool; every byte is written below.
  const message = Buffer.allocUnsafe(length + (edns === undefined ? 0 : 11));
  query.message.copy(message, 0, 0, question.end);
  message.writeUInt16BE(FLAG.QR | FLAG.RA | (query.flags & (FLAG.RD | FLAG.CD)) | (rcode & FLAG.RCODE), 2);
  message.writeUInt16BE(records.length, 6);
  message.writeUInt16BE(0, 8);
  message.writeUInt16BE(edns === undefined ? 0 : 1, 10);
  let at = question.end;
  for (const { type, data } of records) {
    message.writeUInt16BE(QUESTION_POINTER, at);
    message.writeUInt16BE(type, at + 2);
    message.writeUInt16BE(question.class, at + 4);
    message.writeUInt32BE(ttl, at + 6);
    message.writeUInt16BE(data.length, at + 10);
    message.set(data, at + 12);
    at += 12 + data.length;
  }
  if (edns !== undefined) writeOpt(message, at, rcode >> 4, edns.dnssecOk);
  return message;
}

/** NOERROR without records says: the name exists, records of this type do not. */
export function errorAnswer(query: Query, rcode: number): Buffer {
  return ownAnswer(query, rcode, [], 0);
}

/** The answer to a message that could not be read: nothing but a header. */
export function badQueryAnswer(message: Buffer, rcode: number): Buffer {
  const answer = Buffer.alloc(HEADER_LENGTH);
  message.copy(answer, 0, 0, 2);
  const kept = FLAG.OPCODE | FLAG.RD | FLAG.CD;
  answer.writeUInt16BE(FLAG.QR | FLAG.RA | (message.readUInt16BE(2) & kept) | (rcode & FLAG.RCODE), 2);
  return answer;
}

/** @param extendedRcode the upper eight bits of the response code */
export function writeOpt(message: Buffer, at: number, extendedRcode: number, dnssecOk: boolean): void {
  message[at] = 0;
  message.writeUInt16BE(TYPE.OPT, at + 1);
  message.writeUInt16BE(UDP_LENGTH_OURS, at + 3);
  message[at + 5] = extendedRcode;
  message[at + 6] = 0; // version
  message.writeUInt16BE(dnssecOk ? EDNS_DO : 0, at + 7);
  message.writeUInt16BE(0, at + 9); // no options
}
