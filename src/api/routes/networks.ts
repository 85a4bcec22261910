/** `/networks` */

import { invalid } from '../../base/errors.ts';
import type { PlainCall } from '../call.ts';
import { networkFilters, parseFilters, pruneFilters } from '../filters.ts';
import { sendEmpty, sendJson } from '../reply.ts';
import { del, get, post } from '../route.ts';
import { networkConnectBody, networkCreateBody, networkDisconnectBody } from '../schemas/network.ts';

async function list({ backend, query, response, version }: PlainCall): Promise<void> {
  const networks = await backend.networks.list(parseFilters(query.text('filters'), networkFilters));
  // since 1.28 a list does not say who is attached
  sendJson(
    response,
    200,
    version < 28 ? networks : networks.map((network) => ({ ...network, Containers: {} })),
  );
}

async function inspect({ backend, params, query, response }: PlainCall): Promise<void> {
  const verbose = query.text('verbose');
  if (!/^(|0|1|t|f|true|false)$/i.test(verbose)) {
    throw invalid(`invalid value for verbose: ${JSON.stringify(verbose)}`);
  }
  sendJson(
    response,
    200,
    await backend.networks.inspect(params.id!, {
      verbose: /^(1|t|true)$/i.test(verbose),
      scope: query.optional('scope'),
    }),
  );
}

async function create(call: PlainCall): Promise<void> {
  const body = await call.json(networkCreateBody);
  // before 1.48 IPv4 could not be turned off
  if (call.version < 48) delete body.EnableIPv4;
  if (body.Name === '') throw invalid('invalid network name: name is empty');
  sendJson(call.response, 201, await call.backend.networks.create(body));
}

async function remove({ backend, params, response }: PlainCall): Promise<void> {
  await backend.networks.remove(params.id!);
  sendEmpty(response, 204);
}

async function connect(call: PlainCall): Promise<void> {
  const body = await call.json(networkConnectBody);
  if (body.EndpointConfig && call.version < 44) delete body.EndpointConfig.MacAddress;
  if (body.EndpointConfig && call.version < 48) delete body.EndpointConfig.GwPriority;
  await call.backend.networks.connect(call.params.id!, body);
  sendEmpty(call.response, 200);
}

async function disconnect(call: PlainCall): Promise<void> {
  await call.backend.networks.disconnect(call.params.id!, await call.json(networkDisconnectBody));
  sendEmpty(call.response, 200);
}

async function prune({ backend, query, response }: PlainCall): Promise<void> {
  sendJson(response, 200, await backend.networks.prune(parseFilters(query.text('filters'), pruneFilters)));
}

export const networkRoutes = [
  get('/networks', list),
  get('/networks/', list),
  get('/networks/{id}', inspect),
  post('/networks/create', create),
  post('/networks/prune', prune, 25),
  post('/networks/{id}/connect', connect),
  post('/networks/{id}/disconnect', disconnect),
  del('/networks/{id}', remove),
];
