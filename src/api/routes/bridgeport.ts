/** What Docker does not have, and the metrics, which its daemon serves elsewhere. */

import { once } from 'node:events';
import { METRICS_TYPE } from '../metrics-server.ts';
import { send, sendJson, startStream, write } from '../reply.ts';
import { get, post } from '../route.ts';

export const bridgeportRoutes = [
  get('/metrics', async ({ backend, response }) => {
    send(response, { status: 200, contentType: METRICS_TYPE, body: await backend.observe.metrics() });
  }),
  get('/bridgeport/map', async ({ backend, response }) => {
    sendJson(response, 200, await backend.observe.map());
  }),
  get('/bridgeport/exposure', async ({ backend, response }) => {
    sendJson(response, 200, await backend.observe.exposure());
  }),
  get('/bridgeport/traffic', async ({ backend, response }) => {
    sendJson(response, 200, await backend.observe.traffic());
  }),
  post('/bridgeport/ui', async ({ backend, response, signal }) => {
    const page = await backend.page.open();
    try {
      startStream(response, 'application/json');
      await write(response, `${JSON.stringify({ url: page.url })}\n`);
      // The page is there as long as somebody holds this answer open.
      if (!page.stays && !signal.aborted) await once(signal, 'abort');
    } finally {
      await page.release();
    }
    response.end();
  }),
];
