/** What is watched over the API as it happens: `/bridgeport/flows` and `/bridgeport/capture`. */

import { invalid } from '../../base/errors.ts';
import type { PlainCall } from '../call.ts';
import { startStream, write } from '../reply.ts';
import { get, lasting } from '../route.ts';

async function flows({ backend, query, response, signal }: PlainCall): Promise<void> {
  const batches = backend.observe.flows({
    follow: query.flag('follow'),
    drops: query.flag('drops', true),
    container: query.optional('container'),
    signal,
  });
  startStream(response, 'application/json');
  for await (const lines of batches) {
    await write(response, lines.map((line) => `${JSON.stringify(line)}\n`).join(''));
    if (signal.aborted) break;
  }
  response.end();
}

async function capture({ backend, query, response, signal }: PlainCall): Promise<void> {
  const target = query.text('target');
  if (target === '')
    throw invalid("invalid value for 'target': want a container, a network or a published port");
  const format = query.optional('format') ?? 'pcapng';
  if (format !== 'pcapng' && format !== 'json')
    throw invalid(`invalid value for 'format': ${JSON.stringify(format)} is neither "pcapng" nor "json"`);
  const parts = backend.observe.capture({
    target,
    filter: query.text('filter'),
    count: query.integer('count'),
    snapLength: query.integer('snaplen'),
    format,
    signal,
  });
  startStream(response, format === 'json' ? 'application/json' : 'application/octet-stream');
  for await (const part of parts) {
    await write(response, part);
    if (signal.aborted) break;
  }
  response.end();
}

export const observeRoutes = [
  lasting(get('/bridgeport/flows', flows)),
  lasting(get('/bridgeport/capture', capture)),
];
