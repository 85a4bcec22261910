/** What the resolver answers of its own knowledge. */

import { CLASS_IN, RCODE, TYPE } from '../message/constants.ts';
import type { Query } from '../message/query.ts';
import { errorAnswer, type OwnRecord, ownAnswer } from '../message/reply.ts';
import { addressOfReverseName } from './reverse.ts';
import type { CompiledView, Zones } from './zone.ts';

export interface LocalOptions {
  /** Seconds that clients may keep our answers. */
  readonly ttl: number;
  /** False: a name without a dot is never asked upstream (the container's resolv.conf sets ndots, so its search list goes first). */
  readonly forwardSingleLabel: boolean;
}

/** The answer to a query about our names, or `undefined`: it is somebody else's to answer. */
export function answerLocally(
  zones: Zones,
  view: CompiledView,
  query: Query,
  options: LocalOptions,
): Buffer | undefined {
  const { question } = query;
  if (question.class !== CLASS_IN) return undefined;
  const entry = zones.find(view, question.name);
  if (entry !== undefined) {
    // Of any other type (MX, HTTPS, TXT …) there is none: NOERROR without records, and the client asks for addresses.
    const records: OwnRecord[] = [];
    const add = (type: number, addresses: readonly Uint8Array[]) => {
      if (question.type !== type && question.type !== TYPE.ANY) return;
      for (const data of shuffled(addresses)) records.push({ type, data });
    };
    add(TYPE.A, entry.v4);
    add(TYPE.AAAA, entry.v6);
    return ownAnswer(query, RCODE.NOERROR, records, options.ttl);
  }
  const address = addressOfReverseName(question.name);
  if (address !== undefined) {
    const reverse = zones.findAddress(view, address);
    if (reverse === undefined) return undefined;
    if (reverse.name === undefined) return errorAnswer(query, RCODE.NXDOMAIN);
    const isAsked = question.type === TYPE.PTR || question.type === TYPE.ANY;
    const records = isAsked ? [{ type: TYPE.PTR, data: reverse.name }] : [];
    return ownAnswer(query, RCODE.NOERROR, records, options.ttl);
  }
  const isSingleLabel = question.name !== '' && !question.name.includes('.');
  if (isSingleLabel && (!options.forwardSingleLabel || zones.isKnown(question.name))) {
    return errorAnswer(query, RCODE.NXDOMAIN);
  }
  return undefined;
}

/** In random order, so that clients who take the first one spread over all (Fisher and Yates). */
function shuffled<T>(items: readonly T[]): readonly T[] {
  if (items.length < 2) return items;
  const copy = [...items];
  for (let index = copy.length - 1; index > 0; index--) {
    const other = Math.floor(Math.random() * (index + 1));
    [copy[index], copy[other]] = [copy[other]!, copy[index]!];
  }
  return copy;
}
