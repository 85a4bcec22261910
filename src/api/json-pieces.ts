/** Answers that hold thousands of members somewhere: their text is made as it is sent, so that nobody else waits for it. */

import type { ServerResponse } from 'node:http';
import { sendJson, startStream, write } from './reply.ts';
import { turn } from './turn.ts';

/** Characters that are sent at once. */
const PORTION = 16 * 1024;
/** Milliseconds of work, about, between two chances for others. */
const TURN = 4;

/** A value inside an answer, as the pieces of its JSON text. */
export class JsonPieces {
  readonly text: Iterable<string>;

  constructor(text: Iterable<string>) {
    this.text = text;
  }
}

/** The text of an object or a list, of the texts of its members: `"name":value` or `value`. */
export function* joinPieces(open: '{' | '[', members: Iterable<string>): Generator<string> {
  let before: string = open;
  for (const member of members) {
    yield before + member;
    before = ',';
  }
  yield before === open ? `${open}${open === '{' ? '}' : ']'}` : open === '{' ? '}' : ']';
}

/** Answers with JSON in which `JsonPieces` may stand for a value. */
export async function sendMany(response: ServerResponse, value: unknown): Promise<void> {
  if (!hasPieces(value)) return sendJson(response, 200, value);
  startStream(response, 'application/json');
  let text = '';
  let since = performance.now();
  for (const piece of pieces(value)) {
    text += piece;
    if (text.length < PORTION) continue;
    await write(response, text);
    text = '';
    if (response.destroyed) return;
    if (performance.now() - since < TURN) continue;
    await turn();
    since = performance.now();
  }
  response.end(`${text}\n`);
}

/** True when `JsonPieces` stand somewhere in it. */
function hasPieces(value: unknown): boolean {
  if (typeof value !== 'object' || value === null) return false;
  return value instanceof JsonPieces || Object.values(value).some(hasPieces);
}

function* pieces(value: unknown): Generator<string> {
  if (value instanceof JsonPieces) yield* value.text;
  else if (!hasPieces(value)) yield JSON.stringify(value);
  else if (Array.isArray(value)) {
    for (const [index, item] of value.entries()) {
      yield index === 0 ? '[' : ',';
      yield* pieces(item);
    }
    yield ']';
  } else {
    let before = '{';
    for (const [name, member] of Object.entries(value as object)) {
      if (member === undefined) continue;
      yield `${before}${JSON.stringify(name)}:`;
      yield* pieces(member);
      before = ',';
    }
    yield '}';
  }
}
