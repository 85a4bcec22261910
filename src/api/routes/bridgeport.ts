/** What Docker does not have, and the metrics, which its daemon serves elsewhere. */

import { METRICS_TYPE } from '../metrics-server.ts';
import { send, sendJson } from '../reply.ts';
import { get } from '../route.ts';

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
];
