/** What Docker does not have. */

import { sendJson } from '../reply.ts';
import { get } from '../route.ts';

export const bridgeportRoutes = [
  get('/bridgeport/map', async ({ backend, response }) => {
    sendJson(response, 200, await backend.observe.map());
  }),
];
