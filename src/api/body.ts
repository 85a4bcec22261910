/** JSON request bodies: size, content type and syntax, with Docker's words for what is wrong. */

import type { IncomingHttpHeaders } from 'node:http';
import type { Readable } from 'node:stream';
import { invalid } from '../base/errors.ts';
import type { Decoder } from './decode.ts';

/** Bytes; the largest `containers/create` seen in the wild is some 100 kB. */
export const JSON_LIMIT = 8 * 1024 * 1024;

/** Milliseconds in which a JSON body has to be complete; streams have no such limit. */
export const JSON_TIMEOUT = 60_000;

/** @throws `invalid` unless the Content-Type is JSON; without a body it may be missing */
export function requireJson(headers: IncomingHttpHeaders, empty: boolean): void {
  const type = headers['content-type'] ?? '';
  if (type === '' && empty) return;
  const media = type.split(';', 1)[0]!.trim().toLowerCase();
  if (media === 'application/json') return;
  if (!/^[^\s/;]+(\/[^\s/;]+)?$/.test(media)) throw invalid(`malformed Content-Type header (${type})`);
  throw invalid(`unsupported Content-Type header (${type}): must be 'application/json'`);
}

/**
 * Reads at most `JSON_LIMIT` bytes.
 *
 * @throws `invalid` when there are more, when they take too long, or when the client goes before the end
 */
export function collect(
  stream: Readable,
  limit: number = JSON_LIMIT,
  timeout: number = JSON_TIMEOUT,
): Promise<Buffer> {
  return new Promise((resolve, reject) => {
    const chunks: Buffer[] = [];
    let size = 0;
    const finish = (outcome: () => void) => {
      clearTimeout(timer);
      stream.off('data', onData).off('end', onEnd).off('error', onError).off('close', onClose);
      outcome();
    };
    const onData = (chunk: Buffer) => {
      size += chunk.length;
      chunks.push(chunk);
      if (size > limit)
        finish(() => reject(invalid(`request body too large: more than ${limit} bytes of JSON`)));
    };
    const onEnd = () => finish(() => resolve(Buffer.concat(chunks, size)));
    const onError = (error: Error) =>
      finish(() => reject(invalid(`read the request body: ${error.message}`)));
    const onClose = () => finish(() => reject(invalid('read the request body: unexpected EOF')));
    const timer = setTimeout(
      () => finish(() => reject(invalid(`read the request body: not complete after ${timeout / 1000} s`))),
      timeout,
    );
    stream.on('data', onData).on('end', onEnd).on('error', onError).on('close', onClose);
  });
}

/** Go's words for what `JSON.parse` says. */
function syntaxError(error: unknown, text: string): Error {
  const message = error instanceof Error ? error.message : String(error);
  if (text.trim() === '') return invalid('invalid JSON: got EOF while reading request body');
  if (message.includes('Unexpected non-whitespace character after JSON')) {
    return invalid('unexpected content after JSON');
  }
  const position = /at position (\d+)/.exec(message)?.[1];
  const cutOff = position !== undefined && Number(position) >= text.trimEnd().length;
  if (cutOff || /Unexpected end of JSON|Unterminated/.test(message))
    return invalid('invalid JSON: unexpected EOF');
  const character = /Unexpected token '(.+?)',/su.exec(message)?.[1] ?? (position && text[Number(position)]);
  return invalid(`invalid JSON: ${character === undefined ? message : `invalid character '${character}'`}`);
}

/** What a body says; an empty one is null: HTTP cannot tell it from none. Throws `invalid` when it is not JSON. */
export function parseJson(body: Buffer): unknown {
  if (body.length === 0) return null;
  const text = body.toString('utf8');
  try {
    return JSON.parse(text);
  } catch (error) {
    throw syntaxError(error, text);
  }
}

/** Null is the decoder's zero value. Throws `invalid` for what does not fit the decoder. */
export function decodeJson<T>(value: unknown, decoder: Decoder<T>): T {
  return value === null ? decoder.zero() : decoder.decode(value, '');
}
