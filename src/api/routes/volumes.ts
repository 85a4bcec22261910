/** `/volumes` */

import { BridgeportError } from '../../base/errors.ts';
import type { PlainCall } from '../call.ts';
import { parseFilters, volumeFilters, volumePruneFilters } from '../filters.ts';
import { sendEmpty, sendJson } from '../reply.ts';
import { del, get, post, put } from '../route.ts';
import { volumeCreateBody } from '../schemas/volume.ts';

async function list({ backend, query, response }: PlainCall): Promise<void> {
  const { Volumes, Warnings } = await backend.volumes.list(
    parseFilters(query.text('filters'), volumeFilters),
  );
  sendJson(response, 200, { Volumes: Volumes ?? [], Warnings: Warnings ?? [] });
}

async function inspect({ backend, params, response }: PlainCall): Promise<void> {
  sendJson(response, 200, await backend.volumes.inspect(params.name!));
}

async function create(call: PlainCall): Promise<void> {
  sendJson(call.response, 201, await call.backend.volumes.create(await call.json(volumeCreateBody)));
}

async function remove({ backend, params, query, response }: PlainCall): Promise<void> {
  await backend.volumes.remove(params.name!, query.flag('force'));
  sendEmpty(response, 204);
}

async function prune({ backend, query, response, version }: PlainCall): Promise<void> {
  const filters = parseFilters(query.text('filters'), volumePruneFilters);
  // before 1.42 named volumes went too, and there was no way to say it
  if (version < 42) filters.all = ['true'];
  sendJson(response, 200, await backend.volumes.prune(filters));
}

function update(): never {
  throw new BridgeportError(
    'unavailable',
    'volume update only valid for cluster volumes, but swarm is unavailable',
  );
}

export const volumeRoutes = [
  get('/volumes', list),
  get('/volumes/{name}', inspect),
  post('/volumes/create', create),
  post('/volumes/prune', prune, 25),
  put('/volumes/{name}', update, 42),
  del('/volumes/{name}', remove),
];
