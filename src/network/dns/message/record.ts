/** Resource records (RFC 1035, 4.1.3), as places in a message: their content is not touched. */

import { skipName } from './name.ts';

export interface RecordPlace {
  readonly start: number;
  readonly type: number;
  /** For OPT records: the sender's UDP length. */
  readonly class: number;
  /** Offset of the TTL. */
  readonly ttlAt: number;
  readonly dataAt: number;
  readonly end: number;
}

/** TYPE, CLASS, TTL, RDLENGTH */
const FIXED_LENGTH = 10;

/** The record at `start`; `undefined` when it is cut off or malformed. */
export function readRecord(message: Buffer, start: number): RecordPlace | undefined {
  const at = skipName(message, start);
  if (at === undefined || at + FIXED_LENGTH > message.length) return undefined;
  const end = at + FIXED_LENGTH + message.readUInt16BE(at + 8);
  if (end > message.length) return undefined;
  return {
    start,
    type: message.readUInt16BE(at),
    class: message.readUInt16BE(at + 2),
    ttlAt: at + 4,
    dataAt: at + FIXED_LENGTH,
    end,
  };
}
