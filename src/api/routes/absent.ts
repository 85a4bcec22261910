/** Endpoints of Docker that Bridgeport has not built. They say so: a client must never take silence for success. */

import { notFound, notImplemented } from '../../base/errors.ts';
import type { PlainCall } from '../call.ts';
import { sendJson } from '../reply.ts';
import { del, get, post } from '../route.ts';
import type { PlainRoute } from '../router.ts';

type Add = (path: string, handle: () => never) => PlainRoute;

const absent = (add: Add, path: string, what: string, instead?: string): PlainRoute =>
  add(path, () => {
    throw notImplemented(what, instead);
  });

const checkpoints = 'checkpointing containers';

function noPlugins(): never {
  throw notImplemented('managing plugins');
}

/** True of every name; `docker inspect` asks here too and takes anything but 404 for the end of its search. */
function unknownPlugin({ params }: PlainCall): never {
  throw notFound(`plugin ${JSON.stringify(params.name)} not found`);
}

export const absentRoutes: PlainRoute[] = [
  absent(post, '/build/cancel', 'cancelling a BuildKit build'),
  // true: the steps of a build are images, so there is no cache beside them; `docker system prune` asks this
  post(
    '/build/prune',
    ({ response }) => sendJson(response, 200, { CachesDeleted: null, SpaceReclaimed: 0 }),
    31,
  ),
  absent(post, '/session', 'the BuildKit session'),
  absent(post, '/grpc', 'the BuildKit connection'),
  absent(get, '/containers/{name}/attach/ws', 'attaching over a WebSocket'),
  absent(get, '/containers/{name}/checkpoints', checkpoints),
  absent(post, '/containers/{name}/checkpoints', checkpoints),
  absent(del, '/containers/{name}/checkpoints/{checkpoint}', checkpoints),
  absent(get, '/distribution/{name}/json', 'asking a registry for an image'),
  // true too: there are none
  get('/plugins', ({ response }) => sendJson(response, 200, [])),
  get('/plugins/privileges', noPlugins),
  post('/plugins/pull', noPlugins),
  post('/plugins/create', noPlugins),
  get('/plugins/{name}/json', unknownPlugin),
  ...['enable', 'disable', 'push', 'upgrade', 'set'].map((verb) =>
    post(`/plugins/{name}/${verb}`, unknownPlugin),
  ),
  del('/plugins/{name}', unknownPlugin),
];
