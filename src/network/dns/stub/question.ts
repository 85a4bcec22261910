/** A question for the addresses of a name, and the addresses in an answer. Pure. */

import { Ip } from '../../../base/ip.ts';
import { CLASS_IN, FLAG, HEADER_LENGTH, TYPE } from '../message/constants.ts';
import { encodeName } from '../message/name.ts';
import { readQuestion } from '../message/query.ts';
import { readRecord } from '../message/record.ts';

/** Types that hold addresses. */
export const ADDRESS_TYPES = [TYPE.A, TYPE.AAAA] as const;

/**
 * A query as a program's resolver sends it: recursion desired, without EDNS.
 *
 * @param name as `encodeName()` wants it
 * @returns `undefined` for what cannot be a name
 */
export function addressQuestion(
  name: string,
  type: (typeof ADDRESS_TYPES)[number],
  id: number,
): Buffer | undefined {
  const encoded = encodeName(name);
  if (encoded === undefined) return undefined;
  const message = Buffer.alloc(HEADER_LENGTH + encoded.length + 4);
  message.writeUInt16BE(id, 0);
  message.writeUInt16BE(FLAG.RD, 2);
  message.writeUInt16BE(1, 4);
  encoded.copy(message, HEADER_LENGTH);
  message.writeUInt16BE(type, HEADER_LENGTH + encoded.length);
  message.writeUInt16BE(CLASS_IN, HEADER_LENGTH + encoded.length + 2);
  return message;
}

/** Of all A and AAAA records of the answer section, in their order: those of an alias stand behind its CNAME record. */
export function addressesOf(answer: Buffer): string[] {
  const found: string[] = [];
  let at = readQuestion(answer)?.end;
  for (let left = answer.readUInt16BE(6); left > 0 && at !== undefined; left--) {
    const record = readRecord(answer, at);
    if (record !== undefined && isAddress(record.type, record.end - record.dataAt)) {
      found.push(Ip.fromBytes(answer.subarray(record.dataAt, record.end)).toString());
    }
    at = record?.end;
  }
  return found;
}

const isAddress = (type: number, length: number) =>
  (type === TYPE.A && length === 4) || (type === TYPE.AAAA && length === 16);
