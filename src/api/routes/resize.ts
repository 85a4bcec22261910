/** The size of a terminal, as `resize` requests give it. */

import { invalid } from '../../base/errors.ts';
import type { Query } from '../query.ts';

/** @throws `invalid` unless `h` and `w` are numbers that fit 32 bits */
export function sizeOf(query: Query): { height: number; width: number } {
  return { height: side(query, 'h', 'height'), width: side(query, 'w', 'width') };
}

function side(query: Query, name: string, meaning: string): number {
  const text = query.text(name);
  const number = Number(text);
  if (!/^\d+$/.test(text)) throw invalid(`invalid resize ${meaning} ${JSON.stringify(text)}: invalid syntax`);
  if (number > 0xffff_ffff) throw invalid(`invalid resize ${meaning} "${text}": value out of range`);
  return number;
}
