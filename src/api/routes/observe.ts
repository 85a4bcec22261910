/** What is watched over the API as it happens: `/bridgeport/flows`. */

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

export const observeRoutes = [lasting(get('/bridgeport/flows', flows))];
