import type { IncomingMessage } from 'node:http';

/**
 * The JSON values of a body that is one after another, with or without line ends between them (events, stats, pull
 * progress). What is cut off at the end of the body is dropped.
 *
 * Daemons end every value with a line end, so lines are what is split at; a value never holds a raw one.
 */
export async function* jsonLines<T>(response: IncomingMessage): AsyncGenerator<T> {
  response.setEncoding('utf8');
  let rest = '';
  for await (const chunk of response) {
    const lines = (rest + chunk).split('\n');
    rest = lines.pop() ?? '';
    for (const line of lines) if (line.trim() !== '') yield JSON.parse(line) as T;
  }
  if (rest.trim() === '') return;
  try {
    yield JSON.parse(rest) as T;
  } catch {
    // The connection was cut in the middle of a value; everything before it has been delivered.
  }
}
