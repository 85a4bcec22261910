/** `/containers`: what happens to a container as a whole. Its streams are in `output.ts`, its files in `archive.ts`. */

import { invalid } from '../../base/errors.ts';
import type { PlainCall } from '../call.ts';
import { containerInspectFor, containerSummaryFor } from '../compat/container.ts';
import { adaptCreate } from '../compat/create.ts';
import { containerFilters, parseFilters, pruneFilters } from '../filters.ts';
import { sendMany } from '../json-pieces.ts';
import { sendEmpty, sendJson } from '../reply.ts';
import { del, get, post } from '../route.ts';
import { containerCreateBody } from '../schemas/container.ts';
import { containerUpdateBody } from '../schemas/resources.ts';
import { sizeOf } from './resize.ts';

async function list({ backend, query, response, version }: PlainCall): Promise<void> {
  const containers = await backend.containers.list({
    all: query.flag('all'),
    limit: query.integer('limit') ?? 0,
    size: query.flag('size'),
    filters: parseFilters(query.text('filters'), containerFilters),
  });
  await sendMany(
    response,
    containers.map((container) => containerSummaryFor(version, container)),
  );
}

async function create(call: PlainCall): Promise<void> {
  const { backend, query, response, version } = call;
  const body = await call.json(containerCreateBody);
  if (!Object.keys(body).some((name) => name !== 'HostConfig' && name !== 'NetworkingConfig')) {
    throw invalid('config cannot be empty in order to create a container');
  }
  const { body: adapted, warnings } = adaptCreate(version, body);
  const platform = version >= 41 ? query.optional('platform') : undefined;
  const created = await backend.containers.create(query.optional('name'), platform, adapted);
  sendJson(response, 201, { Id: created.Id, Warnings: [...(created.Warnings ?? []), ...warnings] });
}

async function inspect({ backend, params, query, response, version }: PlainCall): Promise<void> {
  const container = await backend.containers.inspect(params.name!, query.flag('size'));
  await sendMany(response, containerInspectFor(version, container));
}

async function start({ backend, headers, params, query, response }: PlainCall): Promise<void> {
  // up to API 1.23 a HostConfig could be given here; an empty JSON object is still fine
  if (headers['transfer-encoding'] !== undefined || Number(headers['content-length'] ?? 0) > 7) {
    throw invalid(
      'starting container with non-empty request body was deprecated since API v1.22 and removed in v1.24',
    );
  }
  if (query.text('checkpoint') !== '') throw invalid('checkpoint is not supported by Bridgeport');
  await backend.containers.start(params.name!);
  sendEmpty(response, 204);
}

function endOptions({ query, version }: PlainCall): {
  signal: string | undefined;
  timeout: number | undefined;
} {
  return { signal: version >= 42 ? query.optional('signal') : undefined, timeout: query.integer('t') };
}

async function stop(call: PlainCall): Promise<void> {
  await call.backend.containers.stop(call.params.name!, endOptions(call));
  sendEmpty(call.response, 204);
}

async function restart(call: PlainCall): Promise<void> {
  await call.backend.containers.restart(call.params.name!, endOptions(call));
  sendEmpty(call.response, 204);
}

async function kill({ backend, params, query, response }: PlainCall): Promise<void> {
  await backend.containers.kill(params.name!, query.optional('signal'));
  sendEmpty(response, 204);
}

async function pause({ backend, params, response }: PlainCall): Promise<void> {
  await backend.containers.pause(params.name!);
  sendEmpty(response, 204);
}

async function unpause({ backend, params, response }: PlainCall): Promise<void> {
  await backend.containers.unpause(params.name!);
  sendEmpty(response, 204);
}

async function rename({ backend, params, query, response }: PlainCall): Promise<void> {
  const name = query.text('name');
  if (name === '') throw invalid('Neither old nor new names may be empty');
  await backend.containers.rename(params.name!, name);
  sendEmpty(response, 204);
}

async function update(call: PlainCall): Promise<void> {
  const body = await call.json(containerUpdateBody);
  if (call.version < 40) delete body.PidsLimit;
  const { Warnings } = await call.backend.containers.update(call.params.name!, body);
  sendJson(call.response, 200, { Warnings: Warnings ?? [] });
}

async function resize({ backend, params, query, response }: PlainCall): Promise<void> {
  const { height, width } = sizeOf(query);
  await backend.containers.resize(params.name!, height, width);
  sendEmpty(response, 200);
}

async function top({ backend, params, query, response }: PlainCall): Promise<void> {
  sendJson(response, 200, await backend.containers.top(params.name!, query.text('ps_args')));
}

async function changes({ backend, params, response }: PlainCall): Promise<void> {
  const list = await backend.containers.changes(params.name!);
  // no change at all is null in Docker, and its clients know
  sendJson(response, 200, list.length === 0 ? null : list);
}

async function remove({ backend, params, query, response }: PlainCall): Promise<void> {
  await backend.containers.remove(params.name!, {
    force: query.flag('force'),
    volumes: query.flag('v'),
    link: query.flag('link'),
  });
  sendEmpty(response, 204);
}

async function prune({ backend, query, response }: PlainCall): Promise<void> {
  sendJson(response, 200, await backend.containers.prune(parseFilters(query.text('filters'), pruneFilters)));
}

export const containerRoutes = [
  get('/containers/json', list),
  post('/containers/create', create),
  post('/containers/prune', prune, 25),
  get('/containers/{name}/json', inspect),
  get('/containers/{name}/top', top),
  get('/containers/{name}/changes', changes),
  post('/containers/{name}/start', start),
  post('/containers/{name}/stop', stop),
  post('/containers/{name}/restart', restart),
  post('/containers/{name}/kill', kill),
  post('/containers/{name}/pause', pause),
  post('/containers/{name}/unpause', unpause),
  post('/containers/{name}/rename', rename),
  post('/containers/{name}/update', update),
  post('/containers/{name}/resize', resize),
  del('/containers/{name}', remove),
];
