/** `_ping`, `version`, `info`, `auth`, `events` and `system/df`. */

import { invalid } from '../../base/errors.ts';
import type { EventMessage } from '../../base/wire/index.ts';
import type { PlainCall } from '../call.ts';
import { containerSummaryFor } from '../compat/container.ts';
import { infoFor } from '../compat/system.ts';
import { parseFilters } from '../filters.ts';
import { sendMany } from '../json-pieces.ts';
import { sendJson, startStream, write } from '../reply.ts';
import { get, head, lasting, post } from '../route.ts';
import { authConfig } from '../schemas/system.ts';

function ping({ request, response }: PlainCall): void {
  response.setHeader('Cache-Control', 'no-cache, no-store, must-revalidate');
  response.setHeader('Pragma', 'no-cache');
  // "1" sends the docker command line to its classic builder, which asks `POST /build` and shows our answer
  response.setHeader('Builder-Version', '1');
  response.setHeader('Swarm', 'inactive');
  response.setHeader('Content-Type', 'text/plain; charset=utf-8');
  response.setHeader('Content-Length', request.method === 'HEAD' ? 0 : 2);
  response.end(request.method === 'HEAD' ? undefined : 'OK');
}

async function version({ backend, response }: PlainCall): Promise<void> {
  sendJson(response, 200, await backend.system.version());
}

async function info({ backend, response, version }: PlainCall): Promise<void> {
  sendJson(response, 200, infoFor(version, await backend.system.info()));
}

async function auth(call: PlainCall): Promise<void> {
  sendJson(call.response, 200, await call.backend.system.auth(await call.json(authConfig)));
}

const USAGE_TYPES = ['container', 'image', 'volume', 'build-cache'];

async function diskUsage({ backend, query, response, version }: PlainCall): Promise<void> {
  const asked = version < 42 ? [] : query.all('type');
  const unknown = asked.find((type) => !USAGE_TYPES.includes(type));
  if (unknown !== undefined) throw invalid(`unknown object type: ${unknown}`);
  const usage = await backend.system.diskUsage(asked.length > 0 ? asked : USAGE_TYPES);
  const containers = usage.Containers?.map((container) => containerSummaryFor(version, container));
  await sendMany(response, { ...usage, Containers: containers ?? null });
}

async function events({ backend, query, response, signal, version }: PlainCall): Promise<void> {
  const since = query.timestamp('since');
  const until = query.timestamp('until');
  if (since !== undefined && until !== undefined && until < since) {
    throw invalid(
      `\`since\` time (${query.text('since')}) cannot be after \`until\` time (${query.text('until')})`,
    );
  }
  const filters = parseFilters(query.text('filters'));
  const source = backend.system.events({ since, until, filters, signal })[Symbol.asyncIterator]();
  // subscribe before the headers go out: who has read them expects to miss nothing from then on
  let next = source.next();
  next.catch(() => {});
  await Promise.race([next, new Promise(setImmediate)]);
  startStream(response, 'application/json');
  for (let result = await next; !result.done; result = await next) {
    if (!hidden(version, result.value)) await write(response, `${eventLine(result.value)}\n`);
    next = source.next();
  }
  response.end();
}

/** Clients before 1.46 do not expect an event when an image is made. */
function hidden(version: number, event: EventMessage): boolean {
  return version < 46 && event.Type === 'image' && event.Action === 'create';
}

/** `timeNano` has more digits than a double holds, so it is written as text. */
export function eventLine(event: EventMessage): string {
  return JSON.stringify({ ...legacyNames(event), ...event, timeNano: rawJson(String(event.timeNano)) });
}

/** Names from before API 1.22 that the docker command line still reads. */
function legacyNames(event: EventMessage): Partial<EventMessage> {
  if (event.Type !== 'container' && event.Type !== 'image') return {};
  const names: Partial<EventMessage> = { status: event.Action, id: event.Actor.ID };
  if (event.Type === 'container' && event.Actor.Attributes.image !== undefined)
    names.from = event.Actor.Attributes.image;
  return names;
}

/** TypeScript's library does not know it yet; V8 has had it since 11.4. */
const rawJson = (JSON as unknown as { rawJSON(text: string): unknown }).rawJSON;

export const systemRoutes = [
  get('/_ping', ping),
  head('/_ping', ping),
  get('/version', version),
  get('/info', info),
  lasting(get('/events', events)),
  get('/system/df', diskUsage),
  post('/auth', auth),
];
