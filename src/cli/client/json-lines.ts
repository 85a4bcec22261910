import type { Readable } from 'node:stream';

/** The answer to a request, or a stream that is like one; `complete` tells whether all of it has come. */
type Body = Readable & { readonly complete?: boolean };

/**
 * The lines of a body, as they come. What follows the last line end is the last line.
 *
 * Daemons end every JSON value with a line end, and a value never holds a raw one: lines are values.
 */
export async function* textLines(response: Body): AsyncGenerator<string> {
  response.setEncoding('utf8');
  let rest = '';
  for await (const chunk of response) {
    const lines = (rest + chunk).split('\n');
    rest = lines.pop() ?? '';
    for (const line of lines) if (line.trim() !== '') yield line;
  }
  if (rest.trim() !== '') yield rest;
}

/**
 * The JSON values of a body that is one after another (stats, pull progress). A value that the end of the connection
 * cut short is dropped.
 */
export async function* jsonLines<T>(response: Body): AsyncGenerator<T> {
  for await (const line of textLines(response)) {
    try {
      yield JSON.parse(line) as T;
    } catch (error) {
      if (response.complete !== true) return;
      throw error;
    }
  }
}
