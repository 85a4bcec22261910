/** A client's query in the form it is sent upstream, and what tells whether two clients ask the same. */

import { EDNS_DO, FLAG, HEADER_LENGTH, HOP_OPTIONS, TYPE, UDP_LENGTH_OURS } from './constants.ts';
import type { Edns, Query } from './query.ts';

export interface UpstreamQuery {
  /** With id 0, to be replaced at each sending. Memory of its own. */
  readonly message: Buffer;
  /** Equal for queries that have the same answer; `undefined`: the answer is for this client alone. */
  readonly key: string | undefined;
}

/** Flags that belong to the question. AD in a query asks for the AD bit in the answer (RFC 6840, 5.7). */
const ASKED = FLAG.RD | FLAG.AD | FLAG.CD;

/**
 * EDNS is kept: version, the DO bit and options that are not for one hop only. The UDP length is ours, since a longer one
 * would be cut on the way. A query with records that we do not understand (a signature over the whole) stays as it is.
 */
export function upstreamQuery(query: Query): UpstreamQuery {
  const { question, edns } = query;
  if (query.hasMore) {
    const message = Buffer.from(query.message);
    message.writeUInt16BE(0, 0);
    return { message, key: undefined };
  }
  const options = edns === undefined ? [] : endToEndOptions(edns);
  const optLength = edns === undefined ? 0 : 11 + options.reduce((sum, option) => sum + option.length, 0);
  const message = Buffer.allocUnsafe(question.end + optLength).fill(0);
  const flags = query.flags & ASKED;
  message.writeUInt16BE(flags, 2);
  message.writeUInt16BE(1, 4);
  message.writeUInt16BE(edns === undefined ? 0 : 1, 10);
  query.message.copy(message, HEADER_LENGTH, HEADER_LENGTH, question.end);
  if (edns !== undefined) {
    let at = question.end + 1; // the root's name
    message.writeUInt16BE(TYPE.OPT, at);
    message.writeUInt16BE(UDP_LENGTH_OURS, at + 2);
    message.writeUInt16BE(edns.dnssecOk ? EDNS_DO : 0, at + 6);
    message.writeUInt16BE(optLength - 11, at + 8);
    at += 10;
    for (const option of options) {
      message.set(option, at);
      at += option.length;
    }
  }
  // Other options (a client's subnet, say) may change the answer in ways we do not know.
  const dnssec = edns === undefined ? '-' : edns.dnssecOk ? 'D' : 'E';
  const key =
    options.length > 0 ? undefined : `${flags}${dnssec}${question.type} ${question.class} ${question.name}`;
  return { message, key };
}

/** The options for the far end. A malformed list is cut at its fault. */
function endToEndOptions({ options }: Edns): Uint8Array[] {
  const kept: Uint8Array[] = [];
  let at = 0;
  while (at + 4 <= options.length) {
    const code = (options[at]! << 8) | options[at + 1]!;
    const end = at + 4 + ((options[at + 2]! << 8) | options[at + 3]!);
    if (end > options.length) break;
    if (!HOP_OPTIONS.includes(code)) kept.push(options.subarray(at, end));
    at = end;
  }
  return kept;
}
